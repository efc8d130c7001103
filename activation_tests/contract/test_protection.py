"""Field controls: a sensitive field says why it leaves and who answers for it."""

from __future__ import annotations

import pytest

from activation.contract.edits import Weight, edits
from activation.contract.exports import odcs, of_odcs
from activation.contract.loading import load_contract
from activation_tests.contract.conftest import Write, refusal

FIRST = "{to: FirstName, column: first_name, type: text(40), nulls: clear, data_class: personal}"
LAST = "{to: LastName, column: last_name, type: text(80), nulls: hold, data_class: personal}"
SENSITIVE = LAST.replace("personal}", "sensitive, purpose: to greet, approver: team:privacy}")


def test_a_sensitive_field_needs_purpose_and_approver(write: Write) -> None:
    """Without them the contract does not load, and one sentence says what is lacking."""
    bare = LAST.replace("personal}", "sensitive}")
    half = LAST.replace("personal}", "sensitive, purpose: to greet}")

    assert (
        "LastName is sensitive; say why it leaves and who answers for it: it lacks `purpose` "
        "and `approver`" in refusal(write((LAST, bare)))
    )
    assert "it lacks `approver`" in refusal(write((LAST, half)))
    field = load_contract(write((LAST, SENSITIVE))).fields[1]
    assert (field.purpose, field.approver) == ("to greet", "team:privacy")


@pytest.mark.parametrize(
    ("protect", "sentence"),
    [
        ("{do: hash}", "field FirstName is text(40); a hash needs text(64)"),
        ("{do: hash, keep: last_4}", "`hash` keeps nothing"),
        ("{do: mask}", "`mask` needs `keep`, what it leaves: nothing, first_letter, last_4"),
        ("{do: mask, keep: domain, tidy: [trim]}", "`tidy` is only for `hash`"),
        ("{do: shred}", "it must be one of"),
    ],
)
def test_a_protection_that_does_not_fit_is_refused(
    write: Write, protect: str, sentence: str
) -> None:
    """What a hash or a mask cannot be is told with its place."""
    field = FIRST.replace("personal}", f"personal, protect: {protect}}}")

    assert sentence in refusal(write((FIRST, field)))


def test_only_text_is_protected_and_a_mask_finds_nobody(write: Write) -> None:
    """A number is not hashed, and a record is not looked up by stars."""
    number = 'type: "decimal(5,2)", nulls: clear, data_class: none}'
    hashed = number.replace("none}", "none, protect: {do: hash}}")
    masked = FIRST.replace("personal}", "personal, protect: {do: mask, keep: nothing}}")

    assert "only text is hashed or masked" in refusal(write((number, hashed)))
    told = refusal(write((FIRST, masked), ("  # identity: [Email]", "  identity: [FirstName]")))
    assert "a mask finds nobody" in told


def test_controls_are_breaking_edits_and_are_exported(write: Write) -> None:
    """Taking a protection away is breaking; the standard's document has class, purpose and mask."""
    plain = load_contract(write())
    masked = FIRST.replace("personal}", "personal, protect: {do: mask, keep: first_letter}}")
    guarded = load_contract(write((FIRST, masked), (LAST, SENSITIVE)))

    assert plain.mapping_digest != guarded.mapping_digest
    found = {edit.at: edit.weight for edit in edits(guarded, plain)}
    assert found["fields.FirstName.protect"] is Weight.BREAKING
    document = odcs(guarded)
    first, last = document["schema"][0]["properties"][1:3]
    assert first["transformDescription"].startswith("masked but for the first letter; ")
    assert last["classification"] == "sensitive"
    assert last["customProperties"] == [
        {"property": "purpose", "value": "to greet"},
        {"property": "approver", "value": "team:privacy"},
    ]
    assert of_odcs(document) == guarded
