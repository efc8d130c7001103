"""Why a mutant may live: one entry for each place that was looked at; all others are gaps."""

from __future__ import annotations

import re

_SAME = "equivalent: "
_WORDS = "words for people: the tests hold the facts in them, not each letter"

_REASONS: tuple[tuple[str, str, str], ...] = (
    (r"gates\.consent\.x__judged", r"passed=None", _SAME + "both mean that it did not pass"),
    (r"gates\.consent\.x_consent", r"judged\[:2\]", _SAME + "there is only one"),
    (r"gates\.grain\.x_grain", r'step = ""', _SAME + "no step is told of what passes"),
    (r"gates\.kill_switch|gates\.schema\.x__refused.*", r'XX|"S"|"s"|more >|RESUME', _WORDS),
    (r"gates\.schema\.x__type", r"length or [01]", _SAME + "None is ruled out before"),
    (r"gates\.schema\.x__digits", r"precision or 1", _SAME + "a decimal has a precision"),
    (r"gates\.schema\.x_schema_drift", r"XXXX", _WORDS),
    (r"gates\.shares\.x_percent", r"> _WHOLE", _SAME + "exactly 100 is written alike"),
    (
        r"delivery\.doubt\.x_same_bytes",
        r"^-.*case _",
        _SAME + "no other class of endpoint comes here",
    ),
    (r"delivery\.recovery\.x_settle", r"wire, None", "jitter: no wait is drawn in these tests"),
    (
        r"delivery\.recovery\.x_settle",
        r"actions_of\(None\)",
        "the plans of these tests share their actions; the crash test tells them apart",
    ),
    (r"delivery\.recovery\.x_settle", r"suppress\(None\)", _SAME + "until the ledger fails there"),
    (r"ledger\.doubts", r"hint|sync=None|^-.*sync=sync", _WORDS),
    (r"governor\.breaker", r", 11\)", _SAME + "the longest time is reached long before"),
    (r"governor\.(budget|forecast)", r"astimezone\(None\)", "the same on a machine in UTC"),
    (
        r"governor\.shares\.x_more",
        r"min\(free, math",
        _SAME + "no allotment exceeds what is wanted",
    ),
    (r"governor\.latency", r">= max", "a boundary between two floats that never meet"),
    (
        r"governor\.shares\.x_allotments",
        r"\+ claim\.wanted >= 0",
        _SAME + "it gets nothing either way",
    ),
    (r"governor\.shares\.x_allotments", r"left >= 0", _SAME + "nothing is left to give"),
    (
        r"governor\.shares\.x_allotments",
        r"wanted < level",
        _SAME + "who wants exactly its level gets it either way",
    ),
    (r"governor\.shares\.x_more", r"\+ 1e-9", "a billionth, against the rounding of floats"),
    (
        r"governor\.retries\.x_minute_of",
        r"microsecond",
        _SAME + "minutes are compared with minutes",
    ),
)


def reason_for(mutant: str, difference: str) -> str | None:
    """Return why nobody needs to notice this change; None if somebody should."""
    return next(
        (
            reason
            for place, pattern, reason in _REASONS
            if re.search(place, mutant) and re.search(pattern, difference)
        ),
        None,
    )
