"""
Where messages go: whatever apprise speaks (Slack, PagerDuty, Teams, mail, webhooks).

A contract names a channel; the environment says what it is: channel `customer-success` is the
apprise address in ACTIVATION_CHANNEL_CUSTOMER_SUCCESS, several with spaces between.
Every message is written to `alerts.jsonl` in ACTIVATION_HOME as well, also without a channel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import orjson

from activation.alerting.catalogue import Severity
from activation.alerting.messages import Message
from activation.errors import ConfigurationError, Unavailable

Notify = Callable[[list[str], Message], bool]
"""Sends a message to apprise addresses; False if one of them did not take it."""
LOG = "alerts.jsonl"


def variable_of(channel: str) -> str:
    """Return the environment variable that says where a channel leads."""
    return f"ACTIVATION_CHANNEL_{re.sub(r'[^A-Z0-9]+', '_', channel.upper()).strip('_')}"


def send(
    message: Message,
    *,
    home: Path,
    env: Mapping[str, str],
    now: datetime,
    notify: Notify | None = None,
) -> None:
    """
    Write a message down, and send it to its channel if the environment names one.

    Raises:
        ConfigurationError: what the variable holds is no address that apprise knows.
        Unavailable: the channel did not take it.
    """
    variable = variable_of(message.channel)
    addresses = env.get(variable, "").split()
    if addresses and not (notify or by_apprise)(addresses, message):
        raise Unavailable(
            f"Channel {message.channel} did not take a message.",
            hint=f"Look at what {variable} names; the message is sent again at the next look.",
        )
    _log(message, home / LOG, now, sent=bool(addresses))


def by_apprise(addresses: list[str], message: Message) -> bool:
    """
    Send a message to each address.

    Raises:
        ConfigurationError: an address is none; it may hold a secret and is not shown.
    """
    import apprise

    sender = apprise.Apprise()
    for number, address in enumerate(addresses, start=1):
        if not sender.add(address):
            raise ConfigurationError(
                f"Address {number} of {variable_of(message.channel)} is none that apprise knows.",
                hint="Write it as apprise's documentation shows, such as json://host/path.",
            )
    kind = apprise.NotifyType.SUCCESS if message.recovery else _TYPES[message.severity]
    return bool(sender.notify(title=message.title, body=message.body, notify_type=kind))


_TYPES = {Severity.LOW: "info", Severity.HIGH: "warning", Severity.PAGE: "failure"}


def _log(message: Message, path: Path, now: datetime, *, sent: bool) -> None:
    line = {
        "at": now.isoformat(),
        "channel": message.channel,
        "severity": message.severity,
        "title": message.title,
        "body": message.body,
        "recovery": message.recovery,
        "sent": sent,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lines:
        lines.write(orjson.dumps(line) + b"\n")
