from __future__ import annotations

from typing import Any

import pytest

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.zendesk.desk import Desk, refusal

UPSERT = "users/create_or_update_many"


def users(*keys: str, **fields: Any) -> dict[str, Any]:
    """Return a body with users."""
    return {"users": [{"external_id": key, "name": f"Name {key}", **fields} for key in keys]}


def test_a_job_is_queued_works_and_ends(desk: Desk) -> None:
    """Results come only with the end, and nothing is written before."""
    job = desk.start(UPSERT, users("a", "b"))

    assert desk.status(job)["status"] == "queued"
    desk.clock.turn(0.3)
    told = desk.status(job)
    assert (told["status"], told["results"], told["progress"]) == ("working", None, 0)
    assert desk.call("GET", "users/search?external_id=a").json()["count"] == 0
    desk.clock.turn(0.3)

    told = desk.status(job)
    assert (told["status"], told["progress"], told["total"]) == ("completed", 2, 2)
    assert told["message"] == "Completed at 2026-09-01 10:00:00 +0000"
    assert [r["index"] for r in told["results"]] == [0, 1]
    assert desk.found("a")["id"] == told["results"][0]["id"]


def test_a_completed_job_may_have_refused_rows(desk: Desk) -> None:
    """A row's refusal is told beside the others' success, in the reference's three shapes."""
    desk.user(name="B", external_id="b")
    body = users("a", "b", "c")
    body["users"][2]["email"] = "bad"

    created, updated, failed = desk.results(UPSERT, body)

    assert created == {"id": desk.found("a")["id"], "index": 0}
    assert updated == {
        "action": "update",
        "id": desk.found("b")["id"],
        "status": "Updated",
        "success": True,
    }
    assert failed == {
        "id": 2,
        "action": "update",
        "success": False,
        "error": "UserUpdateError",
        "details": "Email: bad is not properly formatted",
    }


def test_results_can_look_as_they_were_observed(desk: Desk, sandbox: Sandbox) -> None:
    """Shapes that others have seen can be switched on."""
    sandbox.set_quirk("zendesk", "results", "observed")
    body = users("a", "b")
    body["users"][1]["email"] = "bad"

    made, failed = desk.results(UPSERT, body)

    assert made == {"id": desk.found("a")["id"], "status": "Created", "email": None}
    assert (failed["id"], failed["status"]) == (1, "Failed")
    sandbox.set_quirk("zendesk", "results", "indexed")
    assert [r["index"] for r in desk.results(UPSERT, body)] == [0, 1]


def test_the_last_row_of_a_key_wins(desk: Desk) -> None:
    """Two rows of one key are two writes of one user."""
    body = users("a", "A")
    body["users"][1]["name"] = "Last"

    created, updated = desk.results(UPSERT, body)

    assert created["id"] == updated["id"]
    assert desk.found("a")["name"] == "Last"


def test_verbs_keep_to_what_they_say(desk: Desk) -> None:
    """Creation refuses who is there, an update refuses who is not."""
    desk.user(name="A", external_id="a")

    taken, made = desk.results("users/create_many", users("a", "b"))
    changed, missing = desk.results("users/update_many", users("a", "z"), "PUT")

    assert "has already been taken" in taken["details"]
    assert made["id"] == desk.found("b")["id"]
    assert (changed["success"], missing["success"]) == (True, False)


def test_one_change_for_many(desk: Desk) -> None:
    """The same change is made to all that the address names."""
    desk.results(UPSERT, users("a", "b"))

    desk.results("users/update_many?external_ids=a,b", {"user": {"notes": "x"}}, "PUT")

    assert [desk.found(key)["notes"] for key in "ab"] == ["x", "x"]


def test_many_are_deleted_by_key_or_id(desk: Desk) -> None:
    """Keys that nobody has are left out; a deletion tells of each id."""
    desk.results(UPSERT, users("a", "b"))
    number = desk.found("b")["id"]

    gone = desk.results("users/destroy_many?external_ids=a,nobody", method="DELETE")
    more = desk.results(f"users/destroy_many?ids={number},7", {"ids": "x"}, "DELETE")

    assert [r["status"] for r in gone] == ["Deleted"]
    assert [r["success"] for r in more] == [True, False]
    assert desk.call("GET", "users/count").json()["count"]["value"] == 1


def test_organizations_are_written_by_id(desk: Desk) -> None:
    """Many are created or updated, never upserted; a name belongs to one."""
    made = desk.results(
        "organizations/create_many",
        {"organizations": [{"name": " Acme ", "external_id": "o-1"}, {"name": "Acme"}]},
    )
    assert [("error" in r) for r in made] == [False, True]

    desk.results(
        "organizations/update_many",
        {"organizations": [{"id": made[0]["id"], "notes": "x"}]},
        "PUT",
    )

    found = desk.call("GET", "organizations/show_many?external_ids=O-1").json()["organizations"]
    assert [(o["name"], o["notes"]) for o in found] == [("Acme", "x")]
    assert desk.call("POST", "organizations/create_or_update_many", {}).status_code == 404


def test_more_than_a_hundred_are_refused(desk: Desk, sandbox: Sandbox) -> None:
    """A job takes a hundred; the status of the refusal is not known: a quirk."""
    body = users(*(f"k{i}" for i in range(101)))

    answer = desk.call("POST", UPSERT, body)
    assert refusal(answer) == (413, "TooManyValues")
    assert answer.json()["max_count"] == 100

    sandbox.set_quirk("zendesk", "too_many_values_status", 400)
    assert refusal(desk.call("POST", UPSERT, body)) == (400, "TooManyValues")


def test_thirty_jobs_at_once(desk: Desk) -> None:
    """The thirty-first is refused with the ids of the others; headers count down to it."""
    answers = [desk.call("POST", UPSERT, users(f"k{i}")) for i in range(31)]

    assert [a.status_code for a in answers] == [200] * 30 + [429]
    told = answers[0].headers["zendesk-ratelimit-inflight-jobs"]
    assert told == "total=30; remaining=29; resets=60"
    assert answers[-1].json()["error"] == "TooManyJobs"
    assert len(answers[-1].json()["current_job_ids"]) == 30
    desk.clock.turn(1)
    assert desk.call("POST", UPSERT, users("more")).status_code == 200


def test_a_status_vanishes_after_a_day_or_an_hour(desk: Desk, sandbox: Sandbox) -> None:
    """A job is told of for one day; an older note says one hour."""
    job = desk.start(UPSERT, users("a"))
    desk.clock.turn(3 * 3600)
    desk.login()
    assert desk.status(job)["status"] == "completed"

    sandbox.set_quirk("zendesk", "job_kept_hours", 1)
    assert desk.call("GET", f"job_statuses/{job}").status_code == 404
    sandbox.set_quirk("zendesk", "job_kept_hours", None)
    desk.clock.turn(22 * 3600)
    desk.login()
    assert desk.call("GET", f"job_statuses/{job}").status_code == 404


def test_statuses_of_many(desk: Desk) -> None:
    """Several jobs are asked for at once, and all are listed, the newest first."""
    first, second = desk.start(UPSERT, users("a")), desk.start(UPSERT, users("b"))

    asked = desk.call("GET", f"job_statuses/show_many?ids={first},nothing,{second}").json()
    listed = desk.call("GET", "job_statuses").json()

    assert [j["id"] for j in asked["job_statuses"]] == [first, second]
    assert [j["id"] for j in listed["job_statuses"]] == [second, first]


@pytest.mark.parametrize(
    ("fault", "options", "status"),
    [
        ("job_stalled", {}, 200),
        ("job_vanished", {}, 404),
        ("job_expired", {}, 404),
    ],
)
def test_jobs_can_be_made_to_go_wrong(
    desk: Desk, sandbox: Sandbox, fault: str, options: dict[str, Any], status: int
) -> None:
    """A job can stall for ever, or not be known any more."""
    sandbox.faults.add(fault, system="zendesk", times=1, **options)
    job = desk.start(UPSERT, users("a"))
    desk.clock.turn(600)

    answer = desk.call("GET", f"job_statuses/{job}")

    assert answer.status_code == status
    if status == 200:
        assert answer.json()["job_status"]["status"] == "queued"


def test_a_job_can_fail_half_way(desk: Desk, sandbox: Sandbox) -> None:
    """A job that failed has written some rows, and tells of those."""
    sandbox.faults.add("job_failed", system="zendesk", times=1, after=1)
    job = desk.start(UPSERT, users("a", "b"))
    desk.clock.turn(1)

    told = desk.status(job)

    assert (told["status"], told["progress"], len(told["results"])) == ("failed", 1, 1)
    assert desk.call("GET", "users/search?external_id=b").json()["count"] == 0


def test_rows_can_be_made_to_go_wrong(desk: Desk, sandbox: Sandbox) -> None:
    """A value can be refused, and rows can be locked for a while."""
    sandbox.faults.add("refuse_value", field="name", value="Name b", message="Name: is invalid")
    ok, refused = desk.results(UPSERT, users("a", "b"))
    sandbox.faults.clear()
    sandbox.faults.add("row_locked", times=1)
    (locked,) = desk.results(UPSERT, users("c"))

    assert "error" not in ok
    assert refused["details"] == "Name: is invalid"
    assert locked["details"] == "Database collision"


@pytest.mark.parametrize("body", [{}, {"users": {}}, {"users": ["a"]}])
def test_a_body_without_users_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    """What is no list of users makes no job."""
    assert desk.call("POST", UPSERT, body).status_code == 400
    assert desk.call("GET", "job_statuses").json() == {"job_statuses": []}
