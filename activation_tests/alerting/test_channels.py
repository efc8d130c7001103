"""Where messages go: a real webhook, and addresses that are none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from activation.alerting.catalogue import Severity
from activation.alerting.channels import LOG, send, variable_of
from activation.alerting.messages import Message
from activation.errors import ConfigurationError, Unavailable

NOW = datetime(2026, 1, 10, tzinfo=UTC)
TOLD = Message(
    "customer-success", Severity.HIGH, "[high] s: it broke", "first: look", recovery=False
)


class Webhook(ThreadingHTTPServer):
    """Keeps what is posted to it, and answers with `status`."""

    daemon_threads = True
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[dict[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Webhook)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """Run a webhook on loopback."""
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def _env(webhook: Webhook) -> dict[str, str]:
    return {
        "ACTIVATION_CHANNEL_CUSTOMER_SUCCESS": f"json://127.0.0.1:{webhook.server_address[1]}/hook"
    }


def test_a_message_reaches_its_channel_and_the_log(webhook: Webhook, tmp_path: Path) -> None:
    """Title and body arrive as they are, and stand in the log as sent."""
    send(TOLD, home=tmp_path, env=_env(webhook), now=NOW)

    assert [(r["title"], r["message"]) for r in webhook.received] == [(TOLD.title, TOLD.body)]
    assert json.loads((tmp_path / LOG).read_text())["sent"] is True


def test_without_a_channel_the_log_has_it(tmp_path: Path) -> None:
    """A channel that the environment does not name is written down only."""
    send(TOLD, home=tmp_path, env={}, now=NOW)

    assert json.loads((tmp_path / LOG).read_text())["sent"] is False


def test_a_channel_that_refuses_is_told(webhook: Webhook, tmp_path: Path) -> None:
    """A message that was not taken is an error, and not written down as sent."""
    webhook.status = 500

    with pytest.raises(Unavailable, match="customer-success did not take"):
        send(TOLD, home=tmp_path, env=_env(webhook), now=NOW)

    assert not (tmp_path / LOG).exists()


def test_an_address_that_is_none_is_not_shown(tmp_path: Path) -> None:
    """The variable is named; what it holds may be a secret."""
    env = {"ACTIVATION_CHANNEL_CUSTOMER_SUCCESS": "nonsense-with-a-token"}

    with pytest.raises(ConfigurationError, match="Address 1 of ACTIVATION_CHANNEL") as caught:
        send(TOLD, home=tmp_path, env=env, now=NOW)

    assert "token" not in str(caught.value)


@pytest.mark.parametrize(
    ("channel", "variable"),
    [
        ("customer-success", "ACTIVATION_CHANNEL_CUSTOMER_SUCCESS"),
        ("#crm alerts", "ACTIVATION_CHANNEL_CRM_ALERTS"),
    ],
)
def test_a_channel_has_a_variable(channel: str, variable: str) -> None:
    """The variable's name follows from the channel's."""
    assert variable_of(channel) == variable
