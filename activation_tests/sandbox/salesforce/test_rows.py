"""Single records over real HTTP."""

from __future__ import annotations

from activation_tests.sandbox.org import KEY, Org, contact, refusal
from activation_tests.sandbox.turning_clock import TurningClock


def test_single_upsert_tells_created_by_status(org: Org) -> None:
    """201 for a new record, 200 for a known one."""
    path = f"sobjects/Contact/{KEY}/c-1"
    first = org.call("PATCH", path, json={"LastName": "Test"})
    second = org.call("PATCH", path, json={"LastName": "Tested"})

    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"]) == (200, False)
    assert org.stored("c-1")["LastName"] == "Tested"


def test_single_upsert_refuses_the_key_in_the_body(org: Org) -> None:
    """The body holds neither Id nor the field of the path."""
    path = f"sobjects/Contact/{KEY}/c-1"

    assert refusal(org.call("PATCH", path, json={KEY: "c-1"})) == (400, "INVALID_FIELD")
    assert refusal(org.call("PATCH", path, json={"Id": "x"})) == (400, "INVALID_FIELD")


def test_update_only_creates_nothing(org: Org) -> None:
    """With updateOnly an unknown key is not found."""
    answer = org.call("PATCH", f"sobjects/Contact/{KEY}/c-1?updateOnly=true", json={"Title": "x"})

    assert refusal(answer) == (404, "NOT_FOUND")


def test_a_row_error_of_a_single_call_is_its_answer(org: Org) -> None:
    """A single call that fails answers 400 with errorCode and fields."""
    answer = org.call("POST", "sobjects/Contact", json={"FirstName": "Ann"})

    assert refusal(answer) == (400, "REQUIRED_FIELD_MISSING")
    assert answer.json()[0]["fields"] == ["LastName"]


def test_create_read_update_delete_by_id(org: Org) -> None:
    """A record lives from POST to DELETE; afterwards it is gone."""
    made = org.call("POST", "sobjects/Contact", json={"LastName": "Test", "FirstName": "Ann"})
    path = f"sobjects/Contact/{made.json()['id']}"
    assert (made.status_code, made.json()["success"]) == (201, True)
    assert made.headers["Location"].endswith(path)

    assert org.call("PATCH", path, json={"Title": "Head"}).status_code == 204
    read = org.call("GET", f"{path}?fields=Name,Title").json()
    assert (read["Name"], read["Title"]) == ("Ann Test", "Head")
    assert read["attributes"]["type"] == "Contact"
    assert "LastName" not in read

    assert org.call("DELETE", path).status_code == 204
    assert refusal(org.call("DELETE", path)) == (404, "ENTITY_IS_DELETED")
    assert refusal(org.call("PATCH", path, json={"Title": "x"})) == (404, "ENTITY_IS_DELETED")


def test_unknown_records_are_not_found(org: Org) -> None:
    """Unknown ids, keys and key fields answer 404."""
    for path in ("003000000000001AAA", f"{KEY}/nobody", "Nothing__c/x"):
        assert refusal(org.call("GET", f"sobjects/Contact/{path}")) == (404, "NOT_FOUND")


def test_a_stale_conditional_write_is_refused(org: Org, clock: TurningClock) -> None:
    """If-Unmodified-Since before the last change gives 412, at or after it passes."""
    org.upsert(contact("c-1"))
    path = f"sobjects/Contact/{KEY}/c-1"

    def write(since: str) -> int:
        header = {"If-Unmodified-Since": since}
        return org.call("PATCH", path, json={"Title": "x"}, headers=header).status_code

    assert write("Tue, 01 Sep 2026 09:59:59 GMT") == 412
    assert write("nonsense") == 400
    assert org.stored("c-1")["Title"] is None
    clock.turn(5)
    assert write("Tue, 01 Sep 2026 10:00:00 GMT") == 200


def test_a_wrong_method_answers_405(org: Org) -> None:
    """A verb that a resource does not have answers 405 in an array."""
    assert refusal(org.call("PUT", "sobjects/Contact")) == (405, "METHOD_NOT_ALLOWED")


def test_keys_with_slashes_and_spaces_are_found(org: Org) -> None:
    """A key that needs quoting in the path names its record."""
    org.upsert(contact("a/b c"))

    assert org.call("GET", f"sobjects/Contact/{KEY}/a%2Fb%20c").json()[KEY] == "a/b c"
