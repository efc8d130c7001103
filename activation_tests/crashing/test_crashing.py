from pathlib import Path

from activation_tests.crashing.track import laid

_KILLS = 6


def test_killed_processes_lose_and_double_nothing(tmp_path: Path) -> None:
    """Whatever a run is killed at, the next ones bring every row to where it belongs, once."""
    with laid(tmp_path, "tests") as track:
        track.kill(_KILLS, lambda: None)

    found = track.findings
    assert found.violations == []
    assert found.kills.total() == _KILLS
    assert found.settled.total() == len(found.met)
