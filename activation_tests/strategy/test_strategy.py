"""Strategy documents: six parts, nothing left open without saying so, the same bytes each time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from activation.planning.model import Models
from activation.strategy.document import PARTS, strategy
from activation.strategy.facts import Facts
from activation.strategy.page import bars, page, plots_of
from activation.sync import Sync, open_services
from activation.sync.facts import gather
from activation.warehouse.port import Relation
from activation_tests.strategy.test_runbook import CONTRACTS, ROOT
from activation_tests.sync.project import Project


def facts(project: Project, *, measure: bool = False) -> Facts:
    """Return the facts of the project's sync."""
    with project.open() as sync:
        return gather(sync.parts, measure=measure)


@pytest.mark.parametrize("sync", CONTRACTS)
def test_the_strategy_that_ships_is_the_one_that_is_made(
    sync: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is what `activation strategy SYNC --write` writes, in its six parts."""
    monkeypatch.setattr("activation.sync.parts.Parts.models", built_models(sync))
    with open_services(project.settings, environment={}) as services:
        made = strategy(gather(Sync(CONTRACTS[sync], services).parts, measure=False))

    written = (ROOT / "docs" / "strategies" / f"{sync}.md").read_text()
    assert written == made, "make documents writes them anew"
    assert re.findall(r"^## \d\. (.+)$", made, re.MULTILINE) == list(PARTS)
    assert not re.search(r"\bNone\b|\{\{|\}\}", made)


def built_models(sync: str) -> object:
    """Return where dbt builds a sync's models, which only a parsed project would know."""
    models = Models(Relation("marts", CONTRACTS[sync].source.model))
    return property(lambda _self: models)


def test_what_is_missing_is_named(project: Project) -> None:
    """Without measurements the capacity is missing, and says how to get it."""
    made = strategy(facts(project))

    assert "Missing: no volume was measured." in made
    assert "missing: the vendor has not been asked" in made


def test_measurements_become_costs(project: Project) -> None:
    """With volumes each load has requests, days and a share of the quota; a large one advice."""
    project.fill(600)
    project.open_phase()
    project.run()
    project.edit_contract(lambda contract: contract["quota"].update(requests_per_day=2))

    found = facts(project, measure=True)
    made = strategy(found)

    assert [(load.name, load.rows, load.requests, load.days) for load in found.loads] == [
        ("first load", 600, 3, 2)
    ]
    assert found.measured.limit is not None
    assert "| first load | 600 | collections | 3 |" in made
    assert "the day's requests are used up on the first of 2 days" in made


def test_the_parity_query_runs(project: Project) -> None:
    """The query that stands in the document counts keys as they stand."""
    project.fill(50)
    project.open_phase()
    project.run()
    project.sql("DELETE FROM main_marts.customer_churn WHERE customer_id = 'C-00001'")
    project.sql(
        "UPDATE main_marts.customer_churn SET scored_at = scored_at + INTERVAL 1 HOUR "
        "WHERE customer_id = 'C-00002'"
    )

    counted = dict(project.sql(facts(project).parity_sql))

    assert counted == {"newer in the model": 1, "no longer in the model": 1, "same version": 48}


def test_the_page_needs_nothing_else(project: Project, tmp_path: Path) -> None:
    """The HTML page holds its style and its plots, and loads nothing."""
    found = facts(project)
    path = tmp_path / "strategy.html"
    path.write_text(page(strategy(found), "Strategy", plots_of(found)))
    text = path.read_text()

    assert "<svg" in text
    assert "<table>" in text
    assert not re.search(r"""(src|href)=["']https?:|<script|@import""", text)


def test_bars_are_in_proportion() -> None:
    """The longest bar has the full width, and others their share of it."""
    drawn = bars("Shares", [("canary", 0.25), ("<full>", 0.5)], unit="share")
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', drawn)]

    assert widths[0] * 2 == pytest.approx(widths[1])
    assert "&lt;full&gt;" in drawn
