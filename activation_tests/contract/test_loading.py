from datetime import timedelta

import pytest

from activation.contract.consent import Consent
from activation.contract.examples import EXAMPLES
from activation.contract.loading import load_contract
from activation.contract.model import Contract, DataClass, NullPolicy
from activation_tests.contract.conftest import DEMO, Write, line_of, refusal


def test_the_demo_contract_loads(demo: Contract) -> None:
    """The committed contract says what the demo promises."""
    assert demo.sync == "salesforce_contact"
    assert demo.source.grain == ("customer_id",)
    assert isinstance(demo.consent, Consent)
    assert [source.max_lag for source in demo.consent.sources] == [timedelta(hours=36)]
    assert demo.guards.changed == 0.3
    assert [phase.name for phase in demo.rollout.phases] == ["canary", "early", "half", "full"]
    by_target = {mapping.to: mapping for mapping in demo.fields}
    assert by_target["LastName"].nulls is NullPolicy.HOLD
    assert by_target["Email"].data_class is DataClass.PERSONAL
    assert str(by_target["Churn_Score__c"].type) == "decimal(5,2)"


def test_the_demo_s_runbook_is_there(demo: Contract) -> None:
    """The runbook that the contract names is committed."""
    assert (DEMO.parents[3] / demo.alerting.runbook).is_file()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "freshness:",
            "frshness:",
            "`frshness` is not a key of a contract; did you mean `freshness`?",
        ),
        (
            "version: scored_at",
            "versoin: scored_at",
            "`versoin` is not a key of `source`; did you mean `version`?",
        ),
        (
            "max_lag: 36h",
            "maxlag: 36h",
            "`maxlag` is not a key of `consent.sources[0]`; did you mean `max_lag`?",
        ),
        (
            "{name: early, share",
            "{name: early, shares",
            "`shares` is not a key of `rollout.phases[1]`; did you mean `share`?",
        ),
        (
            "column: email",
            "colum: email",
            "`colum` is not a key of `fields[2]`; did you mean `column`?",
        ),
        (
            "attributes:",
            "atributes:",
            "`atributes` is not a key of a component's file; did you mean `attributes`?",
        ),
        (
            "subject: person",
            "subject: people",
            (
                "`consent.subject` is 'people'; write `subject: "
                "person` if the object is about people, `subject: none` if it is about none"
            ),
        ),
        (
            "nulls: hold",
            "nulls: hodl",
            (
                "`fields[1].nulls` is 'hodl'; it must be one of `clear`, "
                "`keep`, `hold`; did you mean `hold`?"
            ),
        ),
        (
            "severity: high",
            "severity: loud",
            "`alerting.severity` is 'loud'; it must be one of `low`, `high`, `page`",
        ),
        ("changed: 30%", "changed: 130%", "`guards.changed` is '130%'; it must be at most 100%"),
        (
            "changed: 30%",
            "changed: 0.3",
            "`guards.changed`: 0.3 is not a share; write it in percent: 5%",
        ),
        ("lost: 2%", "lost: no", "`guards.lost`: False is not a share; write it in percent: 5%"),
        (
            "max_age: 30h",
            "max_age: 30",
            (
                "`freshness.max_age`: 30 is not a duration; write a "
                "number and one of ms, s, m, h, d: 30h"
            ),
        ),
        (
            "grain: [customer_id]",
            "grain: customer_id",
            "`source.grain` must be a list, such as [customer_id], but it is text",
        ),
        ("grain: [customer_id]", "grain: []", "`source.grain` is empty; it needs at least one"),
        (
            "purpose: customer_success",
            "purpose: on",
            (
                "`consent.purpose` must be text (put it in "
                "quotes), but it is true or false (yes, no, on and off count as such)"
            ),
        ),
        (
            "attempts: 5",
            "attempts: often",
            "`replay.attempts` must be a whole number, but it is text",
        ),
        ("concurrency: 4", "concurrency: 40", "`quota.concurrency` is 40; it must be at most 25"),
        ("concurrency: 4", "concurrency: 0", "`quota.concurrency` is 0; it must be more than 0"),
        (
            "owner: team:customer-success",
            "owner: somebody",
            "`owner` is 'somebody'; it must be `team:` and a name, or an e-mail address",
        ),
        (
            'schedule: "0 6 * * *"',
            "schedule: daily",
            "`schedule` is 'daily'; it must be the five fields of cron, such as `0 6 * * *`",
        ),
        (
            "connection: salesforce",
            "connection: Sales Force",
            (
                "`destination.connection` is 'Sales "
                "Force'; it must be small letters, digits and _, beginning with a letter"
            ),
        ),
        (
            "object: Contact",
            'object: ""',
            "`destination.object` is empty",
        ),
        (
            "type: text(40)",
            "type: string",
            (
                "`fields[0].type`: 'string' is not a type; write "
                "text(80), decimal(5,2), integer, boolean, date or timestamp"
            ),
        ),
        ("to: Email", "to: firstname", "field firstname is mapped twice"),
        (
            "to: Email",
            "to: customer_key__C",
            "field customer_key__C is the key; it is written from the grain",
        ),
        (
            "join: {customer_id: ",
            "join: {email: ",
            "consent joins by email, which is not in source.grain",
        ),
        (
            "mode: upsert",
            "mode: mirrored",
            (
                "`destination.mode` is 'mirrored'; it must be one of `upsert`, `update_only`, "
                "`create_only`, `mirror`, `audience`; did you mean `mirror`?"
            ),
        ),
        (
            "do: clear",
            "do: empty",
            (
                "`consent.on_revoke.do` is 'empty'; it must be one of `stop`, `clear`, "
                "`opt_out`, `leave`, `archive`, `delete`"
            ),
        ),
        (
            "{do: clear}",
            "{do: clear, fields: [Phone]}",
            "consent.on_revoke clears Phone, which is not mapped",
        ),
        (
            "{do: clear}",
            "{do: clear, fields: [LastName]}",
            "consent.on_revoke clears LastName, which may not be empty (nulls: hold)",
        ),
        (
            "{do: clear}",
            "{do: opt_out, set: {Churn_Score__c: true}}",
            "consent.on_revoke sets Churn_Score__c, which is decimal(5,2), to True",
        ),
        (
            "{do: clear}",
            "{do: opt_out}",
            "consent.on_revoke: `opt_out` needs `set`, the fields and what says no there",
        ),
        (
            "{do: clear}",
            "{do: archive, fields: [Email]}",
            "consent.on_revoke: `archive` takes no `fields`",
        ),
        (
            "{do: clear}",
            "{do: leave}",
            "an audience is left (`do: leave`); other objects are cleared, or removed",
        ),
        ("first_wait: 1s", "first_wait: 1m", "`replay`: first_wait is longer than longest_wait"),
        (
            "{name: early, share: 5%}",
            "{name: canary, share: 5%}",
            "`rollout`: two phases have the same name",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_right(
    write: Write, old: str, new: str, said: str
) -> None:
    """A wrong key or value is named with file and line, and with what to write."""
    path = write((old, new))

    message = refusal(path)

    _, line, text = message.removeprefix(str(path)).split(":", 2)
    assert text.strip() == said
    # A value of a part as a whole is told where the part begins.
    part = "  replay:" if "`replay`:" in said else "  rollout:" if "`rollout`:" in said else new
    assert int(line) == line_of(path, part)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("identity: [Phone]", "identity names Phone, which is not mapped"),
        ("identity: [Email, Email]", "identity names Email twice"),
        (
            "identity: [Churn_Score__c]",
            "identity names Churn_Score__c, which is decimal(5,2); only text is found",
        ),
        (
            "conflicts: {fields: {Phone: three_way}}",
            "conflicts names Phone, which is not mapped",
        ),
        (
            "conflicts: {policy: newest_wins}",
            "newest_wins needs `modified`, the destination's field with the last change",
        ),
        (
            "conflicts: {modified: SystemModstamp}",
            "`modified` is only asked for by newest_wins",
        ),
        (
            "conflicts: {policy: threeway}",
            (
                "`conflicts.policy` is 'threeway'; it must be one of `source_wins`, "
                "`destination_wins`, `newest_wins`, `fill_empty`, `three_way`; did you mean "
                "`three_way`?"
            ),
        ),
    ],
)
def test_a_part_that_may_be_left_out_must_fit_the_fields(
    write: Write, line: str, said: str
) -> None:
    """What identity and conflicts name must be mapped, and be enough to go by."""
    path = write(("  schedule:", f"  {line}\n  schedule:"))

    assert refusal(path) == f"{path}:{line_of(path, line)}: {said}"


def test_a_consent_without_subject_says_which_there_are(write: Write) -> None:
    """`consent` must say whether the object is about people."""
    message = refusal(write(("subject: person", "# nothing")))

    assert "`consent` lacks `subject`; write `subject: person` if" in message


def test_consent_of_nobody_allows_no_personal_field(write: Write) -> None:
    """Every personal field is named when the contract says that the object is about nobody."""
    path = write()
    head, rest = path.read_text().split("  consent:\n")
    path.write_text(f"{head}  consent: {{subject: none}}\n{rest[rest.index('  freshness') :]}")

    message = refusal(path)

    personal = [line for line in message.splitlines() if "is personal" in line]
    assert len(personal) == 3
    assert (
        f":{line_of(path, 'to: LastName')}: consent.subject is none, but field LastName"
        in (personal[1])
    )


def test_all_mistakes_are_told_together_in_order_of_lines(write: Write) -> None:
    """One attempt shows everything that is wrong, from top to bottom."""
    path = write(
        ("36h", "36"),
        ("owner: team:", "owner: "),
        ("guards:", "gards:"),
    )

    first, *lines = refusal(path).splitlines()

    assert first == f"3 problems in {path}:"
    assert [int(line.removeprefix(str(path)).split(":")[1]) for line in lines] == [
        line_of(path, "owner:"),
        line_of(path, "max_lag:"),
        line_of(path, "gards:"),
    ]


@pytest.mark.parametrize("key", EXAMPLES)
def test_a_missing_part_is_told_with_what_to_write(write: Write, key: str) -> None:
    """What the message says to write, written as it stands, makes the contract valid."""
    path = write()
    lines = path.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"  {key}:"))
    end = next(
        i
        for i, line in enumerate(lines)
        if i > start and line.startswith("  ") and line[2] not in " #"
    )
    path.write_text("\n".join(lines[:start] + lines[end:]) + "\n")

    message = refusal(path)

    told, *example = message.splitlines()
    assert told == (
        f"{path}:{line_of(path, 'attributes:')}: the contract lacks `{key}`; write, for example:"
    )
    assert example
    path.write_text(path.read_text() + "\n".join(line[2:] for line in example) + "\n")
    assert load_contract(path).sync == "salesforce_contact"


def test_a_missing_key_of_a_part_says_what_it_is(write: Write) -> None:
    """A key that a part lacks is told with its meaning, on the line of the part."""
    path = write(("    lost: 2%\n", ""))

    assert refusal(path) == (
        f"{path}:{line_of(path, 'guards:')}: `guards` lacks `lost` "
        "(Delivered rows that the model may no longer have)"
    )
