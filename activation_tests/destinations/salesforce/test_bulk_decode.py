from __future__ import annotations

import orjson
import pytest

from activation.destinations.base import Answer, Fate
from activation.destinations.salesforce.bulk.decode import Results, decode

KEY = "Crm_Key__c"
GOOD = f'"sf__Id","sf__Created",{KEY},Title\n'
BAD = f'"sf__Id","sf__Error",{KEY},Title\n'
LEFT = f"{KEY},Title\n"
LOCKED = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--"


def answer(good: str = "", bad: str = "", left: str = "") -> Answer:
    """Return an answer with these rows in the three files."""
    return Answer(200, Results(KEY, [GOOD + good], [BAD + bad], [LEFT + left]).body())


def codes(told: Answer, *keys: str) -> list[str | None]:
    """Return the code of each row's error, or None where it was delivered."""
    return [result.error.code if result.error else None for result in decode(told, keys)]


def test_each_row_is_found_by_its_key() -> None:
    """The order of the files is not that of the rows."""
    told = answer(
        good='"003B","false",k-2,x\n"003A","true",k-1,x\n',
        bad=f'"","{LOCKED}",k-3,x\n',
        left="k-4,x\n",
    )

    one, two, three, four, five = decode(told, ["k-1", "k-2", "k-3", "k-4", "k-5"])

    assert (one.destination_id, one.created) == ("003A", True)
    assert (two.destination_id, two.created) == ("003B", False)
    assert three.error is not None
    assert (three.error.code, three.error.fate) == ("UNABLE_TO_LOCK_ROW", Fate.RETRYABLE)
    assert four.error is not None
    assert (four.error.code, four.error.fate) == ("NOT_PROCESSED", Fate.RETRYABLE)
    assert five.error is not None
    assert (five.error.code, five.error.fate) == ("NO_RESULT", Fate.RETRYABLE)


@pytest.mark.parametrize(
    ("text", "code", "said", "fields"),
    [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName]",
            ("LastName",),
        ),
        ("DUPLICATES_DETECTED:Use one of these records?:--", "DUPLICATES_DETECTED", None, ()),
        ("A_CODE:Two fields:One__c Two__c --", "A_CODE", "Two fields", ("One__c", "Two__c")),
        ("no code at all", "UNKNOWN", "", ()),
        ("", "UNKNOWN", "", ()),
    ],
)
def test_row_errors_are_taken_apart(
    text: str, code: str, said: str | None, fields: tuple[str, ...]
) -> None:
    """A cell holds code, text and fields; colons within the text are its own."""
    (result,) = decode(answer(bad=f'"","{text}",k-1,x\n'), ["k-1"])

    assert result.error is not None
    assert (result.error.code, result.error.fields) == (code, fields)
    assert said is None or result.error.text == said


def test_a_success_needs_a_record() -> None:
    """A row in the right file without an id was not delivered."""
    assert codes(answer(good='"","true",k-1,x\n'), "k-1") == ["GARBLED_ANSWER"]


def test_a_row_told_twice_was_not_delivered() -> None:
    """Of a row that both succeeded and failed nothing is believed; two failures are one."""
    twice = answer(
        good='"003A","true",k-1,x\n"003B","true",k-2,x\n"003C","true",k-2,x\n',
        bad=f'"","{LOCKED}",k-1,x\n"","{LOCKED}",k-3,x\n"","{LOCKED}",k-3,x\n',
    )

    told = codes(twice, "k-1", "k-2", "k-3")

    assert told == ["GARBLED_ANSWER", "GARBLED_ANSWER", "UNABLE_TO_LOCK_ROW"]


def test_a_row_that_was_not_sent_spoils_the_answer() -> None:
    """Results of another job vouch for nothing."""
    told = answer(good='"003A","true",k-1,x\n"003B","true",k-9,x\n')

    assert codes(told, "k-1") == ["GARBLED_ANSWER"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"key":"K"}',
        Results(KEY, ["<html>down</html>"], [BAD], [LEFT]).body(),
        Results(KEY, [GOOD + '"003A","true",k-1'], [BAD], [LEFT]).body(),
        Results(KEY, [GOOD + '"003A","true","k-1'], [BAD], [LEFT]).body(),
        Results(KEY, [GOOD + '"003A","true",k-1,x,y\n'], [BAD], [LEFT]).body(),
        Results("Other__c", [GOOD], [BAD], [LEFT]).body(),
        Results(KEY, [f"sf__Id,sf__Created,{KEY},{KEY}\n"], [BAD], [LEFT]).body(),
        orjson.dumps({"key": KEY, "successful": [7], "failed": [], "unprocessed": []}),
    ],
)
def test_what_cannot_be_read_vouches_for_nothing(body: bytes) -> None:
    """Each row may pass later."""
    (result,) = decode(Answer(200, body), ["k-1"])

    assert result.error is not None
    assert (result.error.code, result.error.fate) == ("GARBLED_ANSWER", Fate.RETRYABLE)


def test_pages_are_put_together() -> None:
    """A file may come in several pages, each with its header."""
    pages = [GOOD + f'"003{n}","true",k-{n},x\n' for n in range(3)]
    told = Answer(200, Results(KEY, pages, [], []).body())

    assert codes(told, "k-0", "k-1", "k-2", "k-3") == [None, None, None, "NO_RESULT"]
