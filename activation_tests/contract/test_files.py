from pathlib import Path

import pytest

from activation.contract.loading import load_contract, load_contracts, place
from activation.contract.problem import Problem
from activation.errors import ContractError
from activation_tests.contract.conftest import Write, line_of, refusal


def test_a_folder_of_contracts_loads_by_name(write: Write) -> None:
    """Each contract below the folder is found by the name of its sync."""
    folder = write().parents[1]
    write(("object: Contact", "object: Lead"), sync="salesforce_lead")

    assert set(load_contracts(folder)) == {"salesforce_contact", "salesforce_lead"}


def test_other_components_are_passed_over(write: Write) -> None:
    """Files and documents of other components are not read as contracts."""
    path = write()
    path.write_text("type: other.Thing\nattributes: &a {x: 1, y: *a}\n---\n" + path.read_text())
    other = path.parents[1] / "dbt" / "defs.yaml"
    other.parent.mkdir()
    other.write_text("type: dagster_dbt.DbtProjectComponent\nattributes: {project: '{{ x }}'}\n")

    assert list(load_contracts(path.parents[1])) == ["salesforce_contact"]


def test_the_component_is_known_by_its_class(write: Write) -> None:
    """The module before the class's name does not matter."""
    path = write(
        ("activation.defs.components.SyncComponent", "activation.defs.components.x.SyncComponent")
    )

    assert load_contract(path).sync == "salesforce_contact"


def test_what_dagster_knows_of_a_component_file_is_allowed(write: Write) -> None:
    """The other keys of a component's file are passed over."""
    path = write()
    path.write_text(path.read_text() + "requirements: {env: [X]}\npost_processing: {}\n")

    assert load_contract(path).sync == "salesforce_contact"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("owner: team", "owner: [team", "this is not YAML"),
        ("max_age: 30h", "max_age: 30h\n    max_age: 40h", "`max_age` stands here a second time"),
        (
            "max_age: 30h",
            "max_age: !!python/name:os.system x",
            ("this is not YAML: could not determine a constructor"),
        ),
        ("max_age: 30h", "max_age: '{{ env.AGE }}'", "a template ({{ }}) is not allowed"),
        ("purpose: customer_success", "purpose: 2026-02-30", "put it in quotes if it is text"),
        ("    lost: 2%", "    1: 2%", "a key here is not text; put it in quotes"),
        ("max_age: 30h", "max_age: \x07", "YAML does not allow this character"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(
    write: Write, old: str, new: str, said: str
) -> None:
    """Broken YAML, repeated keys, tags and templates are refused where they stand."""
    path = write((old, new))

    message = refusal(path)

    assert said in message
    assert message.startswith(f"{path}:")


def test_a_repeated_key_names_both_lines(write: Write) -> None:
    """A key that stands twice is told with both of its lines."""
    path = write(("max_age: 30h", "max_age: 30h\n    max_age: 40h"))

    assert refusal(path) == (
        f"{path}:{line_of(path, 'max_age: 40h')}: `max_age` stands here a second time; "
        f"it is already on line {line_of(path, 'max_age: 30h')}"
    )


def test_an_alias_is_refused(write: Write) -> None:
    """An alias is refused, so that no value can hold itself or grow without end."""
    path = write(("sync: sales", "x: &x [*x]\n  sync: sales"))

    assert "an alias (*) is not allowed" in refusal(path)


def test_a_broken_file_does_not_hide_the_others(write: Write) -> None:
    """One file that is no YAML and one with a mistake are told together."""
    folder = write(("nulls: hold", "nulls: hodl")).parents[1]
    write(("owner: team", "owner: [team"), sync="salesforce_lead")

    message = refusal(folder)

    assert message.startswith("2 problems in the contracts:\n")
    assert "this is not YAML" in message
    assert "did you mean `hold`?" in message


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A path without a file is told as such."""
    assert refusal(tmp_path / "defs.yaml") == f"{tmp_path}/defs.yaml: there is no such file"


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """A project without contracts' folder is told as such."""
    with pytest.raises(ContractError, match="there is no folder"):
        load_contracts(tmp_path / "defs")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are told, not shown."""
    path = tmp_path / "defs.yaml"
    path.write_bytes(b"type: \xff\xfe")

    assert "cannot be read as UTF-8 text" in refusal(path)


def test_a_file_without_a_contract_is_told(tmp_path: Path) -> None:
    """A file of other components holds no contract."""
    path = tmp_path / "defs.yaml"
    path.write_text("type: other.Thing\n")

    assert "holds no contract. A contract begins with `type: activation." in refusal(path)


def test_a_misspelt_component_is_not_passed_over(write: Write) -> None:
    """A contract whose type has a typo is refused, for a silent sync would not be noticed."""
    path = write(("components.SyncComponent", "components.SyncComponnent"))

    assert "did you mean `activation.defs.components.SyncComponent`?" in refusal(path)


def test_the_folder_has_the_sync_s_name(write: Write) -> None:
    """A contract in a folder of another name is refused."""
    path = write(("sync: salesforce_contact", "sync: contacts"))

    assert refusal(path) == (
        f"{path}:{line_of(path, 'sync: contacts')}: sync `contacts` stands in the folder "
        "`salesforce_contact`; give both the same name"
    )


def test_a_sync_is_declared_once(write: Write) -> None:
    """The second file that declares a sync names the first."""
    first = write()
    second = write(("sync: salesforce_lead", "sync: salesforce_contact"), sync="salesforce_lead")

    message = refusal(first.parents[1])

    assert f"sync `salesforce_contact` is declared twice; also in {first}:" in message
    assert f"{second}:" in message


def test_a_file_declares_a_sync_once(write: Write) -> None:
    """Two documents of one file cannot be the same sync."""
    path = write()
    path.write_text(path.read_text() + "---\n" + path.read_text())

    assert "is declared twice" in refusal(path)
    assert "is declared twice" in refusal(path.parents[1])


def test_two_syncs_cannot_write_one_field(write: Write) -> None:
    """A field that another sync writes is refused, however its letters are written."""
    first = write()
    second = write(
        *((f"to: {name}", f"to: Other_{name}") for name in (
            "FirstName", "LastName", "Churn_Score__c", "Churn_Band__c", "Churn_Reason__c",
            "Monthly_Value__c",
        )),
        ("to: Email", "to: EMAIL"),
        sync="salesforce_second",
    )  # fmt: skip

    assert refusal(first.parents[1]) == (
        f"{second}:{line_of(second, 'to: EMAIL')}: field `EMAIL` of Contact (salesforce) is also "
        f"written by sync `salesforce_contact`, {first}:{line_of(first, 'to: Email')}"
    )


def test_two_syncs_may_share_key_and_object(write: Write) -> None:
    """Two syncs may fill different fields of the same records."""
    folder = write().parents[1]
    names = ("FirstName", "LastName", "Email", "Churn_Score__c", "Churn_Band__c",
             "Churn_Reason__c", "Monthly_Value__c")  # fmt: skip
    write(*((f"to: {name}", f"to: Other_{name}") for name in names), sync="salesforce_second")

    assert len(load_contracts(folder)) == 2


def test_the_same_field_of_another_object_or_connection_is_free(write: Write) -> None:
    """Only the same field of the same object of the same connection is a conflict."""
    folder = write().parents[1]
    write(("object: Contact", "object: Lead"), sync="salesforce_lead")
    write(("connection: salesforce", "connection: other"), sync="other_contact")

    assert len(load_contracts(folder)) == 3


def test_a_problem_gets_the_line_it_speaks_of(write: Write) -> None:
    """A problem found later, against dbt or the destination, is told with file and line."""
    path = write()

    placed = place([Problem("it does not fit", ("fields", 2, "to"))], path)

    assert str(placed[0]) == f"{path}:{line_of(path, 'to: Email')}: it does not fit"
