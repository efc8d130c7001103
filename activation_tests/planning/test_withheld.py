"""People who were erased or suppressed, in a plan: blocked, counted, and not asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from activation.planning.model import PlanInputs
from activation_tests.planning.shop import NOW, Shop, field, open_shop


def barred(**reasons: str) -> PlanInputs:
    """Return inputs under which these keys may not leave."""
    return PlanInputs(withheld=lambda key: reasons.get(key.lower()))


def filled(tmp_path: Path, **changes: Any) -> Shop:
    """Return a shop with four leads, one of whom says no."""
    shop = open_shop(tmp_path, **changes)
    for key in "abc":
        shop.add(key)
    shop.add("d", consent=["denied"])
    return shop


def test_they_are_blocked_and_counted(tmp_path: Path) -> None:
    """Their rows are blocked under the reason, before consent; the others are planned."""
    shop = filled(tmp_path)

    plan = shop.plan(inputs=barred(a="erased", b="suppressed", d="erased"))

    assert shop.counted(plan) == {
        "create send": 1,
        "create blocked erased": 2,
        "create blocked suppressed": 1,
    }
    assert [row["sync_key"] for row in shop.actions(plan)] == ["c"]


def test_their_payload_is_not_kept(tmp_path: Path) -> None:
    """No value of a person who may not leave stands in the plan's table."""
    shop = filled(tmp_path)
    shop.sql("UPDATE marts.lead_scores SET city = 'Secretville' WHERE lead_id = 'a'")

    plan = shop.plan(inputs=barred(a="erased"))

    (held,) = shop.sql(
        f"SELECT count(*) FROM activation.{plan.table} AS t WHERE t::VARCHAR "  # noqa: S608
        "LIKE '%Secretville%'"
    )
    assert held == (0,)


def test_the_vendor_is_not_asked_about_them(tmp_path: Path) -> None:
    """A look-up would tell the vendor of the person, so none is made."""
    shop = filled(
        tmp_path,
        identity=["Email"],
        fields=[field("Email", "email", "text(80)", data_class="personal")],
    )

    shop.plan_against([], inputs=barred(a="erased", b="suppressed"), now=NOW)

    assert set(shop.asked.keys) == {"c"}
