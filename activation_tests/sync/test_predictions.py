"""What `plan` says that each shipped contract takes is what the vendor counts, on both days."""

from __future__ import annotations

from activation_tests.sync.company import SHIPPED, Company

NEAR = 0.05


def test_two_days_of_all_contracts(company: Company) -> None:
    """Each sync's requests are foreseen within five in a hundred, the first day and the next."""
    told = {}
    for _ in (1, 2):
        company.move_on()
        for contract in SHIPPED:
            lived = company.run(contract)
            told[company.day, contract.sync] = (lived.predicted, lived.counted)
            assert lived.delivered.totals["rejected"] == 0
            assert lived.delivered.parity is not None
            assert lived.delivered.parity.unexplained == 0

    off = {name: (p, c) for name, (p, c) in told.items() if abs(p - c) > NEAR * c}
    assert not off


def test_a_job_takes_what_was_foreseen(company: Company) -> None:
    """Above 2,000 rows Salesforce gets a job, and no more looks at it than were foreseen."""
    company.customers = 2_100
    company.move_on()
    contract = next(c for c in SHIPPED if c.sync == "salesforce_contact")

    lived = company.run(contract)

    assert lived.planned.cost.jobs == 1
    assert lived.delivered.totals["delivered"] == company.customers
    # How often a job is looked at depends on how long it takes.
    assert 0 <= lived.predicted - lived.counted <= 2
