"""Tags that are written in another order and case than Zendesk keeps them are the same tags."""

from __future__ import annotations

from activation.contract.model import Contract
from activation.reconciliation.parity import Discrepancy
from activation_tests.sync.company import ACCOUNTS, SHIPPED, Company


def tagged() -> Contract:
    """Return the contract of organizations, with the words of the account's name as tags."""
    contract = next(c for c in SHIPPED if c.sync == "zendesk_organization")
    tags = contract.fields[0].model_copy(update={"to": "tags"})
    return contract.model_copy(update={"fields": (*contract.fields, tags)})


def test_tags_agree_and_are_not_sent_again(company: Company) -> None:
    """`Account 7` is kept as the tags `7` and `account`; that is no difference."""
    company.move_on()

    first = company.run(tagged())
    company.project.sql(
        "UPDATE main_marts.account_health SET measured_at = measured_at + INTERVAL 1 MINUTE"
    )
    again = company.run(tagged())

    assert first.delivered.parity is not None
    assert first.delivered.parity.classes[Discrepancy.MATCHED] == ACCOUNTS
    (one,) = (
        o
        for o in company.project.sandbox.records("organizations", system="zendesk")
        if str(o["external_id"]).upper() == "A-00007"
    )
    assert {"7", "account"} <= set(one["tags"])
    assert again.delivered.requests == 0
