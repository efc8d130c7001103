"""A record that names another one which is not there yet waits for it, and nothing is lost."""

from __future__ import annotations

from datetime import timedelta

from activation.reconciliation.parity import Discrepancy
from activation_tests.sync.company import ACCOUNTS, CUSTOMERS, SHIPPED, Company

USER = next(c for c in SHIPPED if c.sync == "zendesk_user")
ORGANIZATION = next(c for c in SHIPPED if c.sync == "zendesk_organization")


def test_users_wait_for_their_organizations(company: Company) -> None:
    """Sent too early, each user is refused once; after the organizations all go, and agree."""
    company.move_on()

    early = company.run(USER)
    organizations = company.run(ORGANIZATION)
    company.project.clock.leap(company.project.clock.now() + timedelta(minutes=5))
    then = company.run(USER)

    assert early.delivered.totals["rejected"] == CUSTOMERS
    assert early.delivered.requests == -(-CUSTOMERS // 100)
    assert organizations.delivered.totals["delivered"] == ACCOUNTS
    assert then.delivered.totals["delivered"] == CUSTOMERS
    assert then.delivered.parity is not None
    assert then.delivered.parity.classes[Discrepancy.MATCHED] == CUSTOMERS


def test_who_moves_is_seen_in_the_new_organization(company: Company) -> None:
    """The reference is a field like any other: changed in the source, written, read back."""
    company.move_on()
    company.run(ORGANIZATION)
    company.run(USER)
    company.project.sql(
        "UPDATE main_marts.customer_health SET measured_at = measured_at + INTERVAL 1 MINUTE, "
        "account_id = CASE WHEN customer_id = 'C-00007' THEN 'A-00089' ELSE account_id END"
    )

    moved = company.run(USER)

    assert moved.delivered.totals["delivered"] == 1
    assert moved.delivered.parity is not None
    assert moved.delivered.parity.classes[Discrepancy.MATCHED] == CUSTOMERS
    desk = company.project.sandbox
    theirs = {o["id"]: o["external_id"] for o in desk.records("organizations", system="zendesk")}
    (user,) = (u for u in desk.records("users", system="zendesk") if _is(u, "C-00007"))
    assert theirs[user["organization_id"]] == "A-00089"


def _is(user: dict[str, object], key: str) -> bool:
    return str(user.get("external_id")).upper() == key
