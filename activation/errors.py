"""
Every error that `activation` raises on purpose.

    ActivationError
    ├── UsageError                 exit 2: nothing was done
    │   ├── ContractError          a contract is wrong: file, line, key
    │   └── ConfigurationError     a connection, variable or setting is wrong or missing
    ├── Refused                    exit 1: a gate or a check said no
    ├── Stopped                    exit 3: part-way, safe to repeat
    │   ├── Paused                 the kill switch
    │   ├── QuotaExhausted         the day's share of an account is used up
    │   ├── Unavailable            warehouse, ledger or vendor cannot be reached now
    │   └── Busy                   another run of the same sync is under way
    └── DestinationError           a vendor's answer, typed at the destination's edge
        ├── Transient              the same bytes may be sent again
        │   └── Throttled          the vendor wants to be asked less often
        ├── BatchRefused           the whole request was refused; no row was written
        ├── QuotaRefused           the vendor's own daily limit
        └── AccessRefused          credentials or permission; a human must act

A message says what happened, to what, and what to do next.
It never holds a secret or a personal value.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Self


class ExitCode(IntEnum):
    """What the command line returns."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    STOPPED = 3


class ActivationError(Exception):
    """Base of all errors that a user can do something about."""

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str | None = None, **subject: str | int) -> None:
        """
        Keep the sentence, what to do next, and what it happened to.

        Args:
            message: what happened, to what.
            hint: what to do next.
            subject: the things concerned, such as `sync=`, `batch=`, `phase=`.
        """
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.subject: Mapping[str, str | int] = subject

    def __str__(self) -> str:
        """Return the sentence and, behind it, what to do next."""
        return f"{self.message} {self.hint}" if self.hint else self.message


class UsageError(ActivationError):
    """The request cannot be carried out as asked; nothing was done."""

    exit_code = ExitCode.USAGE


class ContractError(UsageError):
    """A contract is wrong; names the file, the line and the key."""


class ConfigurationError(UsageError):
    """A connection, an environment variable or a setting is wrong or missing."""


class Refused(ActivationError):
    """A gate or a check said no; nothing was sent."""

    exit_code = ExitCode.REFUSED


class Stopped(ActivationError):
    """The work ended part-way; it is safe to repeat."""

    exit_code = ExitCode.STOPPED


class Paused(Stopped):
    """The kill switch is on, or could not be read."""


class QuotaExhausted(Stopped):
    """The share of the account's quota that this sync may use is used up."""


class Unavailable(Stopped):
    """The warehouse, the ledger or the vendor cannot be reached now."""


class Busy(Stopped):
    """Another run of the same sync holds the lease."""


class Applied(StrEnum):
    """Whether a request that failed may have taken effect all the same."""

    NO = "no"
    UNKNOWN = "unknown"


class DestinationError(ActivationError):
    """A vendor refused, or could not be heard; the fate is decided at the destination's edge."""

    exit_code = ExitCode.STOPPED

    def __init__(self, message: str, *, code: str, hint: str | None = None) -> None:
        """Keep the vendor's error code beside the scrubbed sentence."""
        super().__init__(message, hint=hint, code=code)
        self.code = code


class Transient(DestinationError):
    """Passing trouble: the same bytes may be sent again, after `retry_after` seconds if given."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        applied: Applied = Applied.NO,
        retry_after: float | None = None,
    ) -> None:
        """Keep whether the request may have been applied, and when to come back."""
        super().__init__(message, code=code)
        self.applied = applied
        self.retry_after = retry_after

    def with_applied(self, applied: Applied) -> Self:
        """Return the same trouble, of a call that was one step of several or wrote nothing."""
        return type(self)(
            self.message, code=self.code, applied=applied, retry_after=self.retry_after
        )


class Throttled(Transient):
    """The vendor's limit was met: this request was not looked at, and the whole bucket slows."""


class BatchRefused(DestinationError):
    """The vendor refused the request as a whole; no row of it was written."""


class QuotaRefused(DestinationError):
    """The vendor says that the day's requests are used up."""


class AccessRefused(DestinationError):
    """The vendor does not accept the credentials, or they lack a permission."""
