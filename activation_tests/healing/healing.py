"""
Dead letters of mixed causes, healed: what passed, what was mended, what was overtaken, what waits.

A run is refused row by row, for six causes in equal shares.  Then causes pass one after the other,
days go by on a clock that leaps, and the replay sensor's decision is asked for as the daemon
would ask for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from activation.delivery.replay import SHARE
from activation.errors import QuotaExhausted
from activation.ledger.dead_letters import DeadLetter, LetterState
from activation.ledger.needs import Need, diagnose
from activation.ledger.selection import Selection
from activation.sync.replaying import replay_due
from activation_tests.sync.project import Project, unguarded

LOCKED, RULED, WRONG = "UNABLE_TO_LOCK_ROW", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "STRING_TOO_LONG"
TWIN = "DUPLICATES_DETECTED"
CAUSES = ("locked", "ruled", "wrong", "withdrawn", "overtaken", "twin")
"""`withdrawn` were locked too, `overtaken` ruled out, when their person or their model moved on."""
_CODES = {
    "locked": LOCKED,
    "ruled": RULED,
    "wrong": WRONG,
    "withdrawn": LOCKED,
    "overtaken": RULED,
    "twin": TWIN,
}
_MOST_DAYS = 60


@dataclass(slots=True)
class Healed:
    """What became of the letters."""

    letters: int
    needs: dict[str, int]
    """What the letters needed at first."""
    days: dict[int, int] = field(default_factory=dict)
    """Write requests of replays, by day."""
    allowed: int = 0
    """The most that replays may take of a day."""
    delivered: Counter[str] = field(default_factory=Counter)
    """Records in the destination, by cause."""
    open: Counter[str] = field(default_factory=Counter)
    """Letters that wait still, by class and need."""
    stale: int = 0
    """Records that hold something older than what was delivered."""
    unconsented: int = 0
    """Records of people who do not agree."""
    unexplained: int = 0
    """Rows that are neither delivered nor in a letter that says what they wait for."""


def heal(project: Project, rows: int, *, requests_per_day: int) -> Healed:
    """Let so many rows be refused, and heal them; `requests_per_day` is what the sync then has."""
    _refuse_all(project, rows)
    with project.services() as services:
        first = services.ledger.dead_letters.list(project.sync)
    healed = Healed(len(first), dict(Counter(diagnose(one).need.value for one in first)))
    healed.allowed = int(SHARE * requests_per_day)

    _turn_the_day(project)
    _pass_causes(project)
    came = project.run()
    assert came.stopped is None, came.stopped
    _turn_the_day(project)
    _edit_quota(project, requests_per_day)
    with project.services() as services:
        chosen = Selection(code=RULED).letters(services.ledger, project.sync)
        services.ledger.dead_letters.replay(
            project.sync, [one.id for one in chosen], reason="the rule is gone", author="operator"
        )
    project.requests()
    _replay(project, healed)
    _judge(project, healed, rows)
    return healed


def cause_of(number: int) -> str:
    """Return why the row of that number was refused."""
    return CAUSES[number % len(CAUSES)]


def _refuse_all(project: Project, rows: int) -> None:
    _edit_quota(project, 1_000_000)
    project.edit_contract(_wide)
    project.fill(rows)
    cases = " ".join(f"WHEN {i} THEN 'cause {cause}'" for i, cause in enumerate(CAUSES))
    project.sql(
        "UPDATE main_marts.customer_churn SET churn_reason = "  # noqa: S608
        f"CASE substr(customer_id, 3)::int % {len(CAUSES)} {cases} END"
    )
    for cause, code in _CODES.items():
        project.sandbox.faults.add(
            "refuse_value", field="Churn_Reason__c", value=f"cause {cause}", code=code
        )
    project.open_phase()
    assert project.run().totals["rejected"] == rows


def _wide(contract: dict[str, Any]) -> None:
    unguarded(contract)
    # Refused at once: how a passing error is tried within a delivery is shown elsewhere.  It waits
    # for so long that no ordinary run takes it along.
    contract["replay"] |= {"attempts": 1, "first_wait": "1m", "longest_wait": "30h"}


def _edit_quota(project: Project, requests_per_day: int) -> None:
    def change(contract: dict[str, Any]) -> None:
        contract["quota"]["requests_per_day"] = requests_per_day

    project.edit_contract(change)


def _pass_causes(project: Project) -> None:
    """Unlock, mend the rule; mend wrong rows in the model; let people and models move on."""
    project.sandbox.faults.clear()
    project.sandbox.faults.add(
        "refuse_value", field="Churn_Reason__c", value="cause twin", code=TWIN
    )
    for cause, reason in (("wrong", "mended"), ("overtaken", "moved on")):
        project.sql(
            "UPDATE main_marts.customer_churn SET churn_reason = $reason, "
            "scored_at = scored_at + INTERVAL 1 MINUTE "
            "WHERE substr(customer_id, 3)::int % $causes = $cause",
            {"reason": reason, "causes": len(CAUSES), "cause": CAUSES.index(cause)},
        )
    project.sql(
        "UPDATE main_marts.customer_consent SET status = 'denied' "
        "WHERE substr(customer_id, 3)::int % $causes = $cause",
        {"causes": len(CAUSES), "cause": CAUSES.index("withdrawn")},
    )


def _replay(project: Project, healed: Healed) -> None:
    """Ask as the sensor asks, day by day, until nothing is due any more."""
    begun = project.clock.now().date()
    for _ in range(_MOST_DAYS):
        day = (project.clock.now().date() - begun).days
        while _replay_once(project):
            pass
        healed.days[day] = len(project.writes())
        with project.services() as services:
            upcoming = services.ledger.dead_letters.next_due(project.sync)
            due = services.ledger.dead_letters.due(project.sync)
        if upcoming is None and not due:
            return
        _turn_the_day(project)


def _turn_the_day(project: Project) -> None:
    """Let the night go by, in which all models are built anew."""
    tomorrow = project.clock.now().replace(hour=1, minute=0) + timedelta(days=1)
    leap = (tomorrow - project.clock.now()).total_seconds()
    project.clock.waited += leap
    for model, moment in (("customer_churn", "scored_at"), ("customer_consent", "loaded_at")):
        project.sql(
            f"UPDATE main_marts.{model} SET {moment} = {moment} + $leap",  # noqa: S608
            {"leap": timedelta(seconds=leap)},
        )


def _replay_once(project: Project) -> bool:
    with project.open() as sync:
        phase = replay_due(sync.contract, sync.parts.ledger).phase
        if phase is None:
            return False
        project._runs += 1
        run_id = f"run-{project._runs}"
        planned = sync.plan_replay(phase, run_id=run_id)
        assert planned.passed, [v.summary for v in planned.verdicts if not v.passed]
        came = sync.deliver(phase, run_id=run_id)
        assert came.stopped is None or isinstance(came.stopped, QuotaExhausted)
        project.clock.waited += 300
        return True


def _judge(project: Project, healed: Healed, rows: int) -> None:
    records = {
        record["Customer_Key__c"]: record["Churn_Reason__c"]
        for record in project.sandbox.records("Contact", limit=rows + 1)
    }
    wanted = dict(project.sql("SELECT customer_id, churn_reason FROM main_marts.customer_churn"))
    with project.services() as services:
        waiting = services.ledger.dead_letters.list(project.sync, state=LetterState.OPEN)
        naming = services.ledger.people.keys.current
    names = {naming.row(project.sync, key): key for key in wanted}
    healed.open.update(f"{one.code}: {diagnose(one).need.value}" for one in waiting)
    explained = {names[letter.key_hash] for letter in waiting if _says(letter)}
    for number in range(rows):
        key, cause = f"C-{number:05d}", cause_of(number)
        if key in records:
            healed.delivered[cause] += 1
            healed.stale += records[key] != wanted[key]
            healed.unconsented += cause == "withdrawn"
        else:
            healed.unexplained += key not in explained


def _says(letter: DeadLetter) -> bool:
    return diagnose(letter).need in set(Need) and bool(diagnose(letter).says)
