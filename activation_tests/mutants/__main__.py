"""Changes the code in one place at a time, and sees whether the tests notice."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from activation_tests.mutants.areas import AREAS, Area
from activation_tests.mutants.reasons import reason_for
from benchmarks.keeping import keep

_ROOT = Path(__file__).parents[2]
_MUTMUT = Path(sys.executable).with_name("mutmut")
_NO_MUTANT = "no.mutant.has.this.name"
_SURVIVED, _UNTESTED = 0, 33
_SHOW = """
import json, sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
json.dump([get_diff_for_mutant(name) for name in sys.argv[1:]], sys.stdout)
"""
_LEAST = 0.85
"""The share of mutants that the tests must notice."""


def main() -> int:
    """Try the mutants of one area; return 1 if too many live."""
    parser = argparse.ArgumentParser(prog="python -m activation_tests.mutants", description=__doc__)
    parser.add_argument("area", choices=sorted(AREAS))
    parser.add_argument(
        "--sample", type=int, help="try so many, drawn by the seed; all if not said"
    )
    parser.add_argument("--seed", default="0", help="decides which ones are drawn")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    folder = _laid(options.area, AREAS[options.area])
    _mutmut(folder, options.jobs, [_NO_MUTANT])
    names = sorted(_codes(folder))
    sampled = options.sample is not None and options.sample < len(names)
    if sampled:
        names = sorted(random.Random(options.seed).sample(names, options.sample))  # noqa: S311
    _mutmut(folder, options.jobs, names)
    return _tell(options.area, folder, names, seed=options.seed if sampled else None)


def _laid(name: str, area: Area) -> Path:
    """Lay a copy of the project in which one area is mutated."""
    folder = _ROOT / ".mutants" / name
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("activation", "activation_tests", "benchmarks"):
        shutil.copytree(_ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    arguments = ["-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore", "-k", "not postgres"]
    settings = {
        "source_paths": ["activation"],
        "only_mutate": list(area.modules),
        "also_copy": ["activation_tests", "benchmarks"],
        "pytest_add_cli_args": arguments,
        "pytest_add_cli_args_test_selection": list(area.tests),
    }
    # Lists of strings are written in TOML as in JSON.
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    lines += ["use_git_change_detection = false", "track_dependencies = false"]
    (folder / "pyproject.toml").write_text("[tool.mutmut]\n" + "\n".join(lines) + "\n")
    return folder


def _mutmut(folder: Path, jobs: int, names: Sequence[str]) -> None:
    command = [str(_MUTMUT), "run", "--max-children", str(jobs), *names]
    subprocess.run(command, cwd=folder, check=False, stdout=sys.stderr)


def _codes(folder: Path) -> dict[str, int | None]:
    """Return how the tests of each mutant ended."""
    found: dict[str, int | None] = {}
    for path in folder.glob("mutants/activation/**/*.meta"):
        found |= json.loads(path.read_text())["exit_code_by_key"]
    return found


def _tell(area: str, folder: Path, names: Sequence[str], *, seed: str | None) -> int:
    codes = _codes(folder)
    ended = Counter(
        {_SURVIVED: "survived", _UNTESTED: "untested"}.get(codes[name] or 0, "killed")
        for name in names
    )
    living = [name for name in names if (codes[name] or 0) in {_SURVIVED, _UNTESTED}]
    rows = [
        _row(name, change, untested=codes[name] == _UNTESTED)
        for name, change in zip(living, _changes(folder, living), strict=True)
    ]
    share = ended["killed"] / len(names)
    keep(
        f"mutants-{area}",
        rows,
        mutmut=version("mutmut"),
        of_all=len(codes),
        sample_drawn_by=seed,
        tried=len(names),
        killed=ended["killed"],
        share=round(share, 4),
    )
    gaps = sum(str(row["reason"]).startswith("gap") for row in rows)
    sys.stdout.write(
        f"{area}: {ended['killed']} of {len(names)} mutants killed ({share:.1%});"
        f" {len(rows)} live, {gaps} of them where a test is missing\n"
    )
    return 0 if share >= _LEAST else 1


def _changes(folder: Path, names: Sequence[str]) -> list[list[str]]:
    """Return the lines that each mutant changes."""
    if not names:
        return []
    shown = subprocess.run(
        [sys.executable, "-c", _SHOW, *names], cwd=folder, check=True, capture_output=True
    )
    differences: list[str] = json.loads(shown.stdout)
    return [
        [
            line
            for line in difference.splitlines()
            if line[:1] in "+-" and not line.startswith(("---", "+++"))
        ]
        for difference in differences
    ]


def _row(name: str, change: Sequence[str], *, untested: bool) -> dict[str, object]:
    added = "\n".join(line for line in change if line.startswith("+"))
    reason = reason_for(name, added or "\n".join(change))
    if reason is None:
        reason = "gap: no test of this selection comes here" if untested else "gap"
    return {"mutant": name.removeprefix("activation."), "change": change, "reason": reason}


if __name__ == "__main__":
    sys.exit(main())
