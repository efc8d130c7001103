"""A small warehouse for planning tests: leads, consents, and the contract that sends them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from activation.contract.model import Contract, FieldKind
from activation.destinations.traits import Normaliser, ObjectTraits
from activation.planning.actions import read_actions
from activation.planning.fold import fold
from activation.planning.model import DestinationFacts, Disposition, Models, Plan, PlanInputs
from activation.planning.planner import draft_plan, finish_plan, make_plan
from activation.planning.questions import Answers, Found, Questions, matched, settled
from activation.warehouse.duckdb_file import DuckDbFile
from activation.warehouse.port import Relation, Session

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
LEADS = Relation("marts", "lead_scores")
NOTHING_ASKED = Questions()
MODELS = Models(LEADS, (Relation("marts", "consents"),))


def contract(**changes: Any) -> Contract:
    """Return the contract of the tests, with top-level parts replaced."""
    parts: dict[str, Any] = {
        "sync": "lead_scores",
        "objective": "Sales sees the score of each lead",
        "owner": "team:growth",
        "source": {"model": "lead_scores", "grain": ["lead_id"], "version": "updated_at"},
        "destination": {"connection": "crm", "object": "Lead", "key": "Lead_Key__c"},
        "fields": [
            field("Email", "email", "text(80)", nulls="keep", data_class="personal"),
            field("Score__c", "score", "decimal(5,2)"),
            field("City", "city", "text(40)"),
        ],
        "consent": {
            "subject": "person",
            "purpose": "sales",
            "channel": "email",
            "sources": [{"model": "consents", "join": {"lead_id": "lead_id"}, "max_lag": "2d"}],
            "on_revoke": {"do": "stop"},
        },
        "freshness": {"max_age": "30h"},
        "guards": dict.fromkeys(
            ("changed", "created", "cleared", "deleted", "lost", "grain"), "100%"
        ),
        "quota": {"requests_per_day": 1000},
        "rollout": {"salt": "s1", "phases": [{"name": "full", "share": "100%"}]},
        "replay": {
            "attempts": 3,
            "within": "10m",
            "first_wait": "1s",
            "longest_wait": "1m",
            "keep_dead_letters": "30d",
        },
        "parity": {"unexplained": "1%"},
        "alerting": {
            "channel": "#sync",
            "severity": "low",
            "dead_letters": "1%",
            "runbook": "docs/runbook.md",
        },
    }
    return Contract.model_validate(parts | changes)


def field(
    to: str, column: str, kind: str, *, nulls: str = "clear", data_class: str = "none"
) -> dict[str, str]:
    """Return one mapped field as a contract spells it."""
    return {"to": to, "column": column, "type": kind, "nulls": nulls, "data_class": data_class}


def facts(*, key_is_case_sensitive: bool = True, changes_only: bool = False) -> DestinationFacts:
    """Return a vendor that trims texts, empties to null, and lower-cases e-mail."""
    traits = ObjectTraits(
        key_is_case_sensitive=key_is_case_sensitive,
        values={FieldKind.TEXT: (Normaliser.TRIM, Normaliser.EMPTY_IS_NULL)},
        email_values=(Normaliser.LOWER,),
        read_back_keys=200,
        read_back_page=2000,
        minimal_permissions=(),
    )
    return DestinationFacts(traits, emails=frozenset({"Email"}), changes_only=changes_only)


@dataclass
class Shop:
    """The warehouse, and the few things that tests do to it."""

    path: Path
    contract: Contract
    facts: DestinationFacts
    held_open: duckdb.DuckDBPyConnection
    """As long as this process has the file open, opening it again costs next to nothing."""
    models: Models = MODELS
    asked: Questions = NOTHING_ASKED
    """What the last plan asked the destination."""

    def session(self) -> AbstractContextManager[Session]:
        """Open a session of the warehouse."""
        return DuckDbFile(self.path, lock_wait=0).session()

    def sql(self, statement: str, params: Mapping[str, Any] | None = None) -> list[Any]:
        """Run a statement as dbt would."""
        return self.held_open.execute(statement, params).fetchall()

    def add(  # noqa: PLR0913 - a lead's columns
        self,
        key: object,
        *,
        email: str | None = "a@example.com",
        score: float | str | None = 1,
        city: str | None = "Ulm",
        day: int = 1,
        consent: Iterable[str] = ("granted",),
    ) -> None:
        """Add a lead, and what is known of its consent."""
        version = datetime(2026, 1, day)  # noqa: DTZ001 - dbt's timestamps have no zone
        self.sql(
            "INSERT INTO marts.lead_scores VALUES ($k, $e, $s, $c, $v)",
            {"k": key, "e": email, "s": score, "c": city, "v": version},
        )
        for status in consent:
            self.sql(
                "INSERT INTO marts.consents VALUES ($k, 'sales', 'email', $s, '2026-01-10')",
                {"k": key, "s": status},
            )

    def plan(
        self,
        *,
        share: str = "full",
        inputs: PlanInputs | None = None,
        freeze: bool = True,
        now: datetime = NOW,
    ) -> Plan:
        """Make a plan of the phase of that name."""
        phase = self.contract.rollout.phase(share)
        assert phase is not None
        with self.session() as session:
            return make_plan(
                session,
                self.contract,
                self.models,
                self.facts,
                phase=phase,
                inputs=inputs or PlanInputs(),
                now=now,
                freeze=freeze,
            )

    def plan_against(
        self,
        records: Iterable[Mapping[str, Any]],
        *,
        inputs: PlanInputs | None = None,
        freeze: bool = True,
        now: datetime = NOW,
        most: int = 1_000,
    ) -> Plan:
        """
        Make a plan of the full phase that asks a destination which holds these records.

        A record has `sync_key` (null if it has none of ours), `destination_id` and its fields.
        """
        phase = self.contract.rollout.phases[-1]
        inputs = inputs or PlanInputs()
        held = list(records)
        with self.session() as session:
            draft = draft_plan(
                session,
                self.contract,
                self.models,
                self.facts,
                phase=phase,
                inputs=inputs,
                now=now,
                suffix="test",
                most=most,
            )
        self.asked = draft.questions
        with self.session() as session:
            return finish_plan(
                session,
                draft,
                answers(self.contract, self.asked, held),
                self.models,
                self.facts,
                phase=phase,
                inputs=inputs,
                now=now,
                freeze=freeze,
            )

    def actions(self, plan: Plan) -> list[dict[str, Any]]:
        """Return the actions to send."""
        with self.session() as session:
            last = plan.rows(Disposition.SEND) - 1
            rows: list[dict[str, Any]] = read_actions(session, plan.table, 0, last).to_pylist()
            return rows

    def deliver(
        self, plan: Plan, *, but: Iterable[int] = (), at: datetime = NOW, created: bool = False
    ) -> None:
        """Fold all actions of the plan as delivered, but those numbers."""
        left_out = set(but)
        numbers = [n for n in range(plan.rows(Disposition.SEND)) if n not in left_out]
        receipts = pa.table(
            {
                "action_no": pa.array(numbers, pa.int64()),
                "destination_id": pa.array([f"00Q{n}" for n in numbers], pa.string()),
                "created": pa.array([created] * len(numbers), pa.bool_()),
                "delivered_at": pa.array([at] * len(numbers), pa.timestamp("us", tz="UTC")),
            }
        )
        with self.session() as session:
            fold(
                session,
                plan.sync,
                plan.table,
                receipts,
                plan_digest=plan.digest,
                images=self.contract.rollback is not None,
            )

    def counted(self, plan: Plan) -> dict[str, int]:
        """Return the rows by disposition and reason, as `held null`."""
        found: dict[str, int] = {}
        for count in plan.counts:
            label = " ".join(filter(None, (count.operation, count.disposition, count.reason)))
            found[label] = count.rows
        return found


def open_shop(folder: Path, *, key_type: str = "VARCHAR", **changes: Any) -> Shop:
    """Return an empty shop in a new file."""
    path = folder / "warehouse.duckdb"
    shop = Shop(path, contract(**changes), facts(), duckdb.connect(str(path)))
    shop.sql(
        "CREATE SCHEMA marts; "
        f"CREATE TABLE marts.lead_scores (lead_id {key_type}, email VARCHAR, score VARCHAR, "
        "city VARCHAR, updated_at TIMESTAMP); "
        f"CREATE TABLE marts.consents (lead_id {key_type}, purpose VARCHAR, channel VARCHAR, "
        "status VARCHAR, loaded_at TIMESTAMP)"
    )
    return shop


def answers(contract: Contract, asked: Questions, records: Sequence[Mapping[str, Any]]) -> Answers:
    """Return what a destination that holds these records says to the questions."""
    mine = [r for r in records if r["sync_key"] in set(asked.keys)]
    kinds = {"sync_key": pa.string(), "destination_id": pa.string()}
    for f in contract.fields:
        kinds[f.to] = pa.string()
    if contract.conflicts.modified:
        kinds[contract.conflicts.modified] = pa.timestamp("us", tz="UTC")
    candidates: dict[str, list[str]] = {}
    known = {r["sync_key"] for r in mine}
    rows = [] if asked.new is None else asked.new.to_pylist()
    for by in contract.identity:
        open_rows = [
            (row["sync_key"], row[by])
            for row in rows
            if row[by] and row["sync_key"] not in known | candidates.keys()
        ]
        found = [Found(r[by], r["destination_id"], r["sync_key"]) for r in records if r.get(by)]
        candidates |= matched(open_rows, found)
    theirs = pa.Table.from_pylist(mine, pa.schema(kinds))
    return Answers(asked.keys, (theirs,), settled(candidates))


PHASES = {
    "salt": "s1",
    "phases": [
        {"name": "canary", "share": "10%"},
        {"name": "half", "share": "50%"},
        {"name": "full", "share": "100%"},
    ],
}


def update(shop: Shop, key: str, **columns: object) -> None:
    """Change a lead as dbt would."""
    sets = ", ".join(f"{name} = ${name}" for name in columns)
    shop.sql(
        f"UPDATE marts.lead_scores SET {sets} WHERE lead_id = $key",  # noqa: S608
        {"key": key, **columns},
    )
