"""The alerts that there are, as data: `catalogue.yaml`, filled in from a contract."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from activation.contract.consent import Consent
from activation.contract.model import Contract
from activation.contract.values import format_duration, format_share

_FILE = Path(__file__).with_name("catalogue.yaml")


class Severity(StrEnum):
    """How loud an alert is."""

    LOW = "low"
    HIGH = "high"
    PAGE = "page"


class AlertKind(BaseModel):
    """One entry; texts may hold words in braces, which `filled` replaces."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    severity: Literal["contract", "low", "high", "page"]
    harm: bool
    """Whether something wrong may have reached the destination when it fires."""
    means: str
    stop: str
    """What stops the harm: one command, or why nothing is to be stopped."""
    first: str
    """The first command to type."""
    look: tuple[str, str, str]
    fix: str
    undo: str
    cannot_undo: str

    def loudness(self, contract: Contract) -> Severity:
        """Return how loud it is for this contract."""
        said = contract.alerting.severity if self.severity == "contract" else self.severity
        return Severity(said)

    def filled(self, contract: Contract) -> AlertKind:
        """Return the entry with the words of a contract in place."""
        words = words_of(contract)
        texts = self.model_dump(exclude={"severity", "harm", "look"})
        return self.model_copy(
            update={name: text.format_map(words) for name, text in texts.items()}
            | {"look": tuple(text.format_map(words) for text in self.look)}
        )


@cache
def catalogue() -> Mapping[str, AlertKind]:
    """Return every alert by its name; the gates' and checks' own names are among them."""
    entries = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {name: AlertKind.model_validate(entry) for name, entry in entries.items()}


def relevant(contract: Contract) -> Mapping[str, AlertKind]:
    """Return the alerts that can fire for a contract, in the catalogue's order."""
    never = {
        "consent": not isinstance(contract.consent, Consent),
        "run_missed": contract.schedule is None,
        "promotion_stopped": contract.rollout.promotion is None and contract.rollback is None,
        "rollback": contract.rollback is None,
    }
    return {name: entry for name, entry in catalogue().items() if not never.get(name)}


def words_of(contract: Contract) -> Mapping[str, str]:
    """Return what the words in braces stand for."""
    consent = contract.consent
    asked = consent.sources if isinstance(consent, Consent) else ()
    return {
        "sync": contract.sync,
        "connection": contract.destination.connection,
        "object": contract.destination.object,
        "key": contract.destination.key,
        "model": contract.source.model,
        "grain": ", ".join(contract.source.grain),
        "version": contract.source.version,
        "consent_model": "` or `".join(s.model for s in asked) or "the consent model",
        "consent_build": " ".join(f"+{s.model}" for s in asked) or "+the_consent_model",
        "max_lag": format_duration(min(s.max_lag for s in asked))
        if asked
        else "the contract allows",
        "max_age": format_duration(contract.freshness.max_age),
        "guard_grain": format_share(contract.guards.grain),
        "dead_letters": format_share(contract.alerting.dead_letters),
        "owner": contract.owner,
        "channel": contract.alerting.channel,
        "schedule": contract.schedule or "none",
        "phase": contract.rollout.phases[0].name,
    }
