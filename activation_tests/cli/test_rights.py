"""`suppress`, `erase`, `recipients`, `erasures`: keys from files and models, and never printed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from activation_tests.cli.conftest import Command
from activation_tests.sync.project import SYNC, Project

GONE, QUIET = "C-00007", "C-00008"


@pytest.fixture
def ran(project: Project) -> Project:
    """Return a project whose rows were delivered."""
    project.edit_contract(lambda c: c["guards"].update(dict.fromkeys(c["guards"], "100%")))
    project.open_phase()
    project.run()
    return project


@pytest.mark.usefixtures("definitions")
def test_erasing_tells_before_it_does(
    ran: Project, activation: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preview does nothing; then the person is removed, in a run, and it can be looked up."""
    keys = tmp_path / "keys.txt"
    keys.write_text(f"\n {GONE} \n\n")

    told = activation("erase", "--from", str(keys), "--preview", "--json").report
    assert told["destinations"][0]["people"] == 1
    assert told["destinations"][0]["effect"].startswith("recycled")
    assert activation("recipients", GONE, "--json").report["recipients"][0]["standing"] == "there"

    said = activation("erase", "--from", str(keys), "--reason", "request 17", "--json")
    (done,) = said.report["erasures"]
    assert (said.code, said.report["new"], done["state"]) == (0, 1, "confirmed")
    assert len(ran.sandbox.records("Contact")) == 199
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{GONE}\n"))
    again = activation("recipients", "--from", "-", "--json")
    assert again.report["recipients"][0]["standing"] == "erasure confirmed"
    listed = activation("erasures", "list", "--all", "--json").report["erasures"]
    assert [e["person"] for e in listed] == [done["person"]]
    assert "0 erasures due." in activation("erasures", "list").out
    assert activation("status", SYNC, "--json").report["syncs"][0]["erasures"] == []
    for text in (said, again, activation("erase", GONE, "--reason", "again")):
        assert GONE not in text.out + text.err
    assert GONE.lower() not in activation("audit", "list", "--json").out


@pytest.mark.usefixtures("ran")
def test_suppressing_from_a_model(activation: Command) -> None:
    """The keys may stand in a model; who was never received is told of, without the key."""
    said = activation("suppress", QUIET, "nobody-1", "--sync", SYNC, "--reason", "asked", "--json")
    assert said.report == {
        "scope": f"sync:{SYNC}",
        "keys": 2,
        "new": 2,
        "lifted": False,
        "reason": "asked",
    }
    assert "1 key of 2: no destination received such a person" in said.err
    lifted = activation("suppress", QUIET, "--sync", SYNC, "--lift", "--reason", "agreed", "--json")
    assert lifted.report["new"] == 1
    of_model = activation(
        "suppress", "--model", "customer_churn", "--column", "customer_id", "--reason", "test"
    )
    assert "all: 200 keys suppressed, 200 of them new." in of_model.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("erase", "--reason", "r"), "no key of a person is given"),
        (("erase", GONE), "The reason is missing"),
        (("erase", GONE, "--reason", f"for {GONE}"), "the reason names the person"),
        (("recipients", "--from", "/nowhere"), "/nowhere cannot be read"),
        (
            ("suppress", "--model", "nothing", "--column", "c", "--reason", "r"),
            "no model `nothing`",
        ),
        (("suppress", "--model", "customer_churn", "--reason", "r"), "needs the column"),
        (
            ("suppress", "--model", "customer_churn", "--column", "c", "--reason", "r"),
            "has no column `c`",
        ),
        (("suppress", GONE, "--sync", "nothing", "--reason", "r"), "there is no sync"),
        (("erasures", "settle", SYNC, "abc", "--reason", "r"), "too short"),
        (("erasures", "settle", SYNC, "a" * 12, "--reason", "r"), "no erasure of"),
    ],
)
def test_what_cannot_be_done_is_told(
    project: Project, activation: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    """Each wrong use is one sentence, exit code 2, and nothing was done."""
    said = activation(*arguments)

    assert (said.code, sentence in said.sentence) == (2, True)
    assert project.sandbox.records("Contact") == []
