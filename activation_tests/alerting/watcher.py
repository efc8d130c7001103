"""A look at a project's alerts, and what was told."""

from __future__ import annotations

from dataclasses import dataclass, field

from activation.alerting.messages import Message
from activation.alerting.watching import watch
from activation_tests.sync.project import Project

CHANNEL = {"ACTIVATION_CHANNEL_CUSTOMER_SUCCESS": "json://127.0.0.1/unused"}


@dataclass
class Watcher:
    """Looks at one project and keeps what it tells."""

    project: Project
    messages: list[Message] = field(default_factory=list)
    reachable: bool = True

    def notify(self, addresses: list[str], message: Message) -> bool:
        """Stand in for the channel."""
        assert addresses == ["json://127.0.0.1/unused"]
        if self.reachable:
            self.messages.append(message)
        return self.reachable

    def look(self) -> list[str]:
        """Look once; return what was told now: the kind, with `over` before it on recovery."""
        with self.project.services() as services:
            found = watch(
                [self.project.contract],
                services.ledger,
                home=self.project.settings.home,
                env=CHANNEL,
                notify=self.notify,
            )
        return [record.kind if record.firing else f"over {record.kind}" for record in found.told]
