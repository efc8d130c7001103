from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation.planning.model import Disposition
from activation_tests.planning.shop import NOW, open_shop

LEAD = st.fixed_dictionaries(
    {
        "key": st.sampled_from(["a", "b", "c", "d", " d", "", None]),
        "score": st.sampled_from(["1", "2.5", "x", "", None]),
        "city": st.sampled_from(["Ulm", " ", "", None]),
        "day": st.integers(1, 4),
        "consent": st.sampled_from([("granted",), ("denied",), ("granted", "denied"), ()]),
    }
)


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(LEAD, max_size=5), min_size=2, max_size=2))
def test_nothing_is_lost_and_nothing_goes_back(days: list[list[dict[str, object]]]) -> None:
    """Over any days: every key has one place, versions only grow, and delivered means done."""
    with tempfile.TemporaryDirectory() as folder:
        shop = open_shop(Path(folder))
        versions: dict[str, object] = {}
        for leads in days:
            shop.sql("DELETE FROM marts.lead_scores; DELETE FROM marts.consents")
            for lead in leads:
                shop.add(**lead)  # type: ignore[arg-type]
            plan = shop.plan()
            source = plan.source
            assert source.rows == source.keys + source.null_keys + source.repeated_keys
            assert plan.rows() == sum(plan.rows(d) for d in Disposition)
            assert plan.rows() <= source.keys
            shop.deliver(plan, at=NOW)
            again = shop.plan(now=NOW)
            assert again.rows(Disposition.SEND) == 0
            assert again.rows() == plan.rows() - plan.rows(Disposition.SEND)
            found = dict(shop.sql("SELECT sync_key, version FROM activation.delivered_lead_scores"))
            assert (
                len(found)
                == shop.sql("SELECT count(*) FROM activation.delivered_lead_scores")[0][0]
            )
            assert all(found[key] >= version for key, version in versions.items())
            versions = found
