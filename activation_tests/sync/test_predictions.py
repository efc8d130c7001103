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
