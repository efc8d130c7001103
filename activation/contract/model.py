"""
The contract: what one sync promises.

A contract is read from `defs/<sync>/defs.yaml` and never changes while a run uses it.
Shares are written `5%` and held as fractions; durations are written `30h` and held as timedeltas.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from activation.contract.accepted import Accepted, accepted_problems
from activation.contract.conflicts import Conflict, Conflicts
from activation.contract.consent import Consent, NoConsent, OnRevoke, Revoked
from activation.contract.destination import Destination, Mode
from activation.contract.guards import Freshness, Guards
from activation.contract.part import INCONSISTENT, Located, Name, Part, Text
from activation.contract.protection import Protecting, Protection, field_problems
from activation.contract.rollback import Rollback
from activation.contract.rollout import Rollout
from activation.contract.values import Duration, Share


class NullPolicy(StrEnum):
    """What an empty source value does to the destination's field."""

    CLEAR = "clear"  # the field is emptied
    KEEP = "keep"  # the field is left as it is
    HOLD = "hold"  # the row stays here until it has a value


class DataClass(StrEnum):
    """How personal a field is."""

    NONE = "none"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class FieldKind(StrEnum):
    """The type of a value on its way, before a vendor's own spelling of it."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


_MAX_DIGITS = 38
_TYPE = re.compile(r"^(text|integer|decimal|boolean|date|timestamp)(?:\((\d+)(?:,\s*(\d+))?\))?$")


class FieldType(BaseModel):
    """`text(80)`, `decimal(5,2)`, `integer`, `boolean`, `date` or `timestamp`."""

    model_config = ConfigDict(frozen=True)

    kind: FieldKind
    length: int | None = None
    precision: int | None = None
    scale: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a type as a contract spells it; raise ValueError if it is none."""
        match = _TYPE.match(text.strip())
        if match is None:
            message = (
                f"{text!r} is not a type; write text(80), decimal(5,2), integer, boolean, "
                "date or timestamp"
            )
            raise ValueError(message)
        kind = FieldKind(match[1])
        first = int(match[2]) if match[2] else None
        second = int(match[3]) if match[3] else None
        if kind is FieldKind.TEXT:
            if not first or second is not None:
                message = f"{text!r}: text needs one length: text(80)"
                raise ValueError(message)
            return cls(kind=kind, length=first)
        if kind is FieldKind.DECIMAL:
            if first is None or second is None or not 0 <= second <= first <= _MAX_DIGITS:
                message = f"{text!r}: decimal needs digits and decimals: decimal(5,2)"
                raise ValueError(message)
            return cls(kind=kind, precision=first, scale=second)
        if first is not None:
            message = f"{text!r}: {kind} takes no size"
            raise ValueError(message)
        return cls(kind=kind)

    def __str__(self) -> str:
        """Return the type as a contract spells it."""
        if self.kind is FieldKind.TEXT:
            return f"text({self.length})"
        if self.kind is FieldKind.DECIMAL:
            return f"decimal({self.precision},{self.scale})"
        return self.kind.value


def _parse_type(value: object) -> object:
    return FieldType.parse(value) if isinstance(value, str) else value


class Source(Part):
    """The warehouse model that is sent, one row per `grain`."""

    model: Name = Field(description="The dbt model.")
    grain: tuple[Text, ...] = Field(min_length=1, description="The columns that identify one row.")
    version: Text = Field(description="The column that orders states of the same key.")
    accepted: Accepted | None = Field(default=None, description="What keys look like.")


class FieldMapping(Part):
    """One source column into one destination field."""

    to: Text = Field(description="The destination's field.")
    column: Text = Field(description="The source column.")
    type: Annotated[
        FieldType,
        BeforeValidator(_parse_type, json_schema_input_type=str),
        PlainSerializer(str, return_type=str),
    ]
    nulls: NullPolicy = Field(description="What an empty value does: clear, keep or hold.")
    data_class: DataClass = Field(description="none, personal or sensitive.")
    references: Name | None = Field(
        default=None,
        description="The sync whose records the field names by their key; that sync goes first.",
    )
    purpose: Text | None = Field(
        default=None, description="Why it leaves; a sensitive field does not leave without."
    )
    approver: str | None = Field(
        default=None,
        pattern=r"^(team:[A-Za-z0-9_. -]+|[^@\s]+@[^@\s]+\.[^@\s]+)$",
        description="Who answers for it; a sensitive field does not leave without.",
    )
    protect: Protection | None = Field(
        default=None, description="What is done to the value before it leaves."
    )
    accepted: Accepted | None = Field(default=None, description="What its values look like.")


class Quota(Part):
    """What this sync may take of the account's quota."""

    requests_per_day: int = Field(gt=0)
    concurrency: int = Field(default=4, gt=0, le=25)
    weight: int = Field(
        default=1,
        gt=0,
        le=100,
        description="Its share where the syncs of an account want more than there is.",
    )


class Replay(Part):
    """How failed requests are repeated, and how long dead letters are kept."""

    attempts: int = Field(gt=0, le=20, description="Times one batch may be sent.")
    within: Duration = Field(description="The time in which those attempts must fit.")
    first_wait: Duration
    longest_wait: Duration
    keep_dead_letters: Duration

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.first_wait > self.longest_wait:
            message = "first_wait is longer than longest_wait"
            raise ValueError(message)
        return self


class Parity(Part):
    """How source and destination are compared after a run."""

    mode: Literal["full", "sample"] = "full"
    sample_rows: int = Field(default=2000, gt=0)
    unexplained: Share = Field(description="Rows that may differ without a reason we know.")


class Alerting(Part):
    """Who hears of trouble, and where the way out is written down."""

    channel: Text
    severity: Literal["low", "high", "page"]
    dead_letters: Share = Field(description="Share of rejected rows from which on it is told.")
    runbook: Text


class Approval(Part):
    """Who answers for a breaking edit."""

    by: str = Field(pattern=r"^(team:[A-Za-z0-9_. -]+|[^@\s]+@[^@\s]+\.[^@\s]+)$")
    reason: Text


Scalar: TypeAlias = str | bool | int | float | None


class MappingTest(Part):
    """What one row of the model becomes; `activation validate` carries it out offline."""

    name: Text
    given: dict[Text, Scalar] = Field(description="Source column: value; others are empty.")
    expect: dict[Text, Scalar] | Literal["held"] = Field(
        description="Field: value as it leaves, or `held` for a row that stays here."
    )


class Contract(Part):
    """All that one sync promises."""

    sync: Name
    version: str = Field(
        default="1.0.0",
        pattern=r"^\d+\.\d+\.\d+$",
        description="Of the contract, by semantic versioning; see `activation diff`.",
    )
    approval: Approval | None = Field(
        default=None, description="Who answers for the last breaking edit, and why it was made."
    )
    objective: str = Field(min_length=10)
    owner: str = Field(pattern=r"^(team:[A-Za-z0-9_. -]+|[^@\s]+@[^@\s]+\.[^@\s]+)$")
    source: Source
    destination: Destination
    fields: tuple[FieldMapping, ...] = Field(description="May be empty for an audience.")
    identity: tuple[Text, ...] = Field(
        default=(),
        description="Mapped fields, in order, by which a record without our key is found.",
    )
    conflicts: Conflicts = Field(default=Conflicts(), description="Who wins over a changed value.")
    consent: Annotated[Consent | NoConsent, Field(discriminator="subject")]
    freshness: Freshness
    guards: Guards
    quota: Quota
    rollout: Rollout
    replay: Replay
    rollback: Rollback | None = Field(
        default=None, description="How deliveries are taken back; none means that they cannot be."
    )
    parity: Parity
    alerting: Alerting
    tests: tuple[MappingTest, ...] = Field(
        default=(), description="Rows and what they become; values must be invented."
    )
    schedule: str | None = Field(
        default=None,
        pattern=r"^(@(hourly|daily|weekly|monthly)|\S+(\s+\S+){4})$",
        description="Cron, UTC; none means by hand.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [
            *self._fieldless(),
            *self._repeated(),
            *self._unconsented(),
            *field_problems(self.fields),
            *self._identified(),
            *self._conflicting(),
            *self.freshness.problems(),
            *accepted_problems(self.source.accepted, self.fields),
        ]
        if problems:
            raise PydanticCustomError(
                INCONSISTENT,
                "{sentence}",
                {"sentence": "; ".join(text for _, text in problems), "problems": problems},
            )
        return self

    def _fieldless(self) -> Iterator[Located]:
        if not self.fields and self.destination.mode is not Mode.AUDIENCE:
            yield ("fields",), "`fields` is empty; it needs at least one, but for an audience"

    def _repeated(self) -> Iterator[Located]:
        if len(set(self.source.grain)) != len(self.source.grain):
            yield ("source", "grain"), "source.grain names a column twice"
        # Vendors do not tell Email from email.
        key = self.destination.key.casefold()
        seen: set[str] = set()
        for index, mapping in enumerate(self.fields):
            at, target = ("fields", index, "to"), mapping.to.casefold()
            if target in seen:
                yield at, f"field {mapping.to} is mapped twice"
            if target == key:
                yield at, f"field {mapping.to} is the key; it is written from the grain"
            seen.add(target)

    def _identified(self) -> Iterator[Located]:
        mapped = {mapping.to: mapping for mapping in self.fields}
        for index, name in enumerate(self.identity):
            at = ("identity", index)
            if name not in mapped:
                yield at, f"identity names {name}, which is not mapped"
            elif mapped[name].type.kind is not FieldKind.TEXT:
                yield at, f"identity names {name}, which is {mapped[name].type}; only text is found"
            elif (protect := mapped[name].protect) and protect.do is Protecting.MASK:
                yield at, f"identity names {name}, which is masked; a mask finds nobody"
            elif name in self.identity[:index]:
                yield at, f"identity names {name} twice"
        if self.identity and self.destination.mode is Mode.AUDIENCE:
            yield ("identity",), "an audience has members, not records that could be adopted"

    def _conflicting(self) -> Iterator[Located]:
        conflicts = self.conflicts
        mapped = {mapping.to for mapping in self.fields}
        for name in conflicts.fields:
            if name not in mapped:
                yield ("conflicts", "fields", name), f"conflicts names {name}, which is not mapped"
        newest = Conflict.NEWEST_WINS in (conflicts.policy, *conflicts.fields.values())
        if newest and conflicts.modified is None:
            text = "newest_wins needs `modified`, the destination's field with the last change"
            yield ("conflicts",), text
        if not newest and conflicts.modified is not None:
            yield ("conflicts", "modified"), "`modified` is only asked for by newest_wins"

    def _unconsented(self) -> Iterator[Located]:
        if isinstance(self.consent, NoConsent):
            for index, mapping in enumerate(self.fields):
                if mapping.data_class is not DataClass.NONE:
                    at = ("fields", index, "data_class")
                    yield at, f"consent.subject is none, but field {mapping.to} is personal"
            return
        yield from self.consent.on_revoke.problems()
        seen: set[str] = set()
        for place, source in enumerate(self.consent.sources):
            where = ("consent", "sources", place)
            if source.model in seen:
                yield (*where, "model"), f"consent.sources names {source.model} twice"
            seen.add(source.model)
            for column in source.join:
                # The join must follow from the grain, or one row could have two persons.
                if column not in self.source.grain:
                    text = f"consent joins by {column}, which is not in source.grain"
                    yield (*where, "join", column), text
        yield from self._revoked(self.consent.on_revoke)

    def _revoked(self, on_revoke: OnRevoke) -> Iterator[Located]:
        mapped = {mapping.to: mapping for mapping in self.fields}
        at = ("consent", "on_revoke")
        for index, name in enumerate(on_revoke.fields):
            if name not in mapped:
                text = f"consent.on_revoke clears {name}, which is not mapped"
                yield (*at, "fields", index), text
            elif mapped[name].nulls is NullPolicy.HOLD:
                text = f"consent.on_revoke clears {name}, which may not be empty (nulls: hold)"
                yield (*at, "fields", index), text
        for name, value in on_revoke.set.items():
            if name not in mapped:
                yield (*at, "set", name), f"consent.on_revoke sets {name}, which is not mapped"
            elif mapped[name].type.kind not in _KINDS[type(value)]:
                text = f"consent.on_revoke sets {name}, which is {mapped[name].type}, to {value!r}"
                yield (*at, "set", name), text
        is_audience = self.destination.mode is Mode.AUDIENCE
        if is_audience is not (on_revoke.do is Revoked.LEAVE) and on_revoke.do is not Revoked.STOP:
            text = "an audience is left (`do: leave`); other objects are cleared, or removed"
            yield (*at, "do"), text

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of the contract in canonical JSON, in hex."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def mapping_digest(self) -> str:
        """Return the SHA-256 of what decides a row's payload: fields, types, null policies."""
        fields = "\n".join(
            f"{f.to}\t{f.column}\t{f.type}\t{f.nulls}"
            + (f"\t{f.protect.model_dump_json()}" if f.protect else "")
            for f in sorted(self.fields, key=_target)
        )
        return hashlib.sha256(fields.encode()).hexdigest()


_KINDS: dict[type, tuple[FieldKind, ...]] = {
    bool: (FieldKind.BOOLEAN,),
    int: (FieldKind.INTEGER, FieldKind.DECIMAL),
    str: (FieldKind.TEXT,),
}
"""The kinds of field that a value in a contract can be written to."""


def _target(mapping: FieldMapping) -> str:
    return mapping.to
