"""Accounts as a company has them that is about to run the shipped contracts."""

from __future__ import annotations

from activation.sandbox.client import Sandbox


def make_ready(sandbox: Sandbox) -> None:
    """
    Switch on what a new account does not have and the shipped contracts need.

    Raises:
        Unavailable: no sandbox answers.
    """
    # Zendesk Support enables data imports for an account on request.
    sandbox.call("POST", "zendesk/account", {"imports": True})
