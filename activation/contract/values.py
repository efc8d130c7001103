"""Shares and durations, as a contract spells them."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$", re.ASCII)
_SHARE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*%\s*$", re.ASCII)
_UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(value: object) -> timedelta:
    """Return the duration that a contract spells 30h; raise ValueError if it spells none."""
    if isinstance(value, timedelta):
        return value
    # A bare number has no unit: nobody can tell 30 seconds from 30 hours.
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        message = f"{value!r} is not a duration; write a number and one of ms, s, m, h, d: 30h"
        raise ValueError(message)
    return timedelta(seconds=float(match[1]) * _UNIT_SECONDS[match[2]])


def format_duration(value: timedelta) -> str:
    """Return a duration as a contract spells it: 30h."""
    seconds = value.total_seconds()
    for unit in ("d", "h", "m", "s"):
        if seconds >= _UNIT_SECONDS[unit] and seconds % _UNIT_SECONDS[unit] == 0:
            return f"{int(seconds / _UNIT_SECONDS[unit])}{unit}"
    return f"{round(seconds * 1000)}ms"


def parse_share(value: object) -> float:
    """Return the share that a contract spells 5%; raise ValueError if it spells none."""
    if isinstance(value, str) and (match := _SHARE.match(value)):
        # By way of Decimal, the fraction is the nearest to what is written: 14.3 / 100 is not.
        return float(Decimal(match[1]) / 100)
    if value == 0 and not isinstance(value, bool):
        return 0.0
    message = f"{value!r} is not a share; write it in percent: 5%"
    raise ValueError(message)


def format_share(share: float) -> str:
    """Return a share as a contract spells it: 5%."""
    return f"{(Decimal(repr(share)) * 100).normalize():f}%"


Duration = Annotated[
    timedelta,
    BeforeValidator(
        parse_duration, json_schema_input_type=Annotated[str, Field(pattern=_DURATION.pattern)]
    ),
    PlainSerializer(format_duration, return_type=str),
]
Share = Annotated[
    float,
    Field(ge=0, le=1),
    BeforeValidator(
        parse_share,
        json_schema_input_type=Annotated[str, Field(pattern=_SHARE.pattern)] | Literal[0],
    ),
    PlainSerializer(format_share, return_type=str),
]
