"""`python -m activation_tests.ordinary_days`: ninety days of every contract, without one stop."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from activation_tests.ordinary_days.days import Company, Day
from activation_tests.sync.project import ROOT

_RESULTS = ROOT / "docs" / "benchmarks" / "ordinary_days.json"


def main() -> int:
    """Play the days, write what they came to, and fail if a gate has stopped one of them."""
    parser = argparse.ArgumentParser(prog="python -m activation_tests.ordinary_days")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rows", type=int, default=3_000, help="customers on the first day")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--into", type=Path, default=_RESULTS)
    asked = parser.parse_args()
    started = time.monotonic()
    plans: list[Day] = []
    with tempfile.TemporaryDirectory() as folder:
        for plan in Company(Path(folder), asked.rows, asked.seed).live(asked.days):
            plans.append(plan)
            for gate, said in plan.stopped_by.items():
                sys.stderr.write(f"day {plan.day}, {plan.sync}, {gate}: {said}\n")
    report = told(plans, asked.rows, asked.days, asked.seed)
    report["seconds"] = round(time.monotonic() - started)
    asked.into.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    stops = len(report["false_stops"])
    sys.stdout.write(f"{report['plans']} plans of {asked.days} days: {stops} false stops\n")
    return 1 if stops else 0


def told(plans: list[Day], rows: int, days: int, seed: int) -> dict[str, Any]:
    """Return what the days came to: stops, and how near the plans came to each limit."""
    nearest: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for plan in plans:
        of_sync = nearest[plan.sync]
        for measure, share in plan.nearness.items():
            of_sync[measure] = max(of_sync.get(measure, 0.0), round(share, 3))
    return {
        "what": "ordinary days of the demo company, with weekends and growth; every contract's "
        "plan is judged by all gates, and what passes arrives",
        "command": f"python -m activation_tests.ordinary_days --days {days} --rows {rows} "
        f"--seed {seed}",
        "days": days,
        "customers_on_the_first_day": rows,
        "seed": seed,
        "plans": len(plans),
        "rows_sent": sum(plan.to_send for plan in plans),
        "false_stops": [
            {"day": plan.day, "sync": plan.sync, "gate": gate, "said": said}
            for plan in plans
            for gate, said in plan.stopped_by.items()
        ],
        "share_of_each_limit_used_at_most": {
            sync: dict(sorted(found.items())) for sync, found in sorted(nearest.items())
        },
    }


if __name__ == "__main__":
    sys.exit(main())
