"""What is done to a value before it leaves, so that less of the person leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from activation.contract.part import Located, Part

if TYPE_CHECKING:
    from activation.contract.model import FieldMapping

HASH_LENGTH = 64
"""Characters of a SHA-256 in hex."""


class Protecting(StrEnum):
    """How a value is protected."""

    HASH = "hash"  # the SHA-256 of the tidied value, in small hex
    MASK = "mask"  # a part of it, the rest as stars


class Tidying(StrEnum):
    """What is done to a value before it is hashed, so that equal people have equal hashes."""

    TRIM = "trim"  # white space at both ends is dropped
    LOWER = "lower"
    DIGITS = "digits"  # nothing but digits stays, as of a telephone number


class Keeping(StrEnum):
    """What a mask leaves; the length of the value shows in none."""

    NOTHING = "nothing"
    FIRST_LETTER = "first_letter"
    LAST_4 = "last_4"  # of eight characters or more
    DOMAIN = "domain"  # the first letter, and the domain of an address


class Protection(Part):
    """How a field is protected; of two values that are alike, both become the same."""

    do: Protecting = Field(description="hash or mask.")
    tidy: tuple[Tidying, ...] = Field(
        default=(), description="For hash: trim, lower, digits, in this order, before it."
    )
    keep: Keeping | None = Field(
        default=None, description="For mask: nothing, first_letter, last_4 or domain."
    )

    @property
    def sentence(self) -> str:
        """Return what is done, for people."""
        if self.do is Protecting.HASH:
            tidied = f" of the value after {', '.join(self.tidy)}" if self.tidy else ""
            return f"SHA-256{tidied}"
        words = {
            Keeping.FIRST_LETTER: "the first letter",
            Keeping.LAST_4: "the last four characters",
            Keeping.DOMAIN: "the first letter and the domain",
        }
        return f"masked but for {words[self.keep]}" if self.keep in words else "masked"

    def problems(self, field: str) -> Iterator[str]:
        """Yield what does not fit together."""
        if self.do is Protecting.HASH and self.keep is not None:
            yield f"field {field}: `hash` keeps nothing; take `keep` out, or write `do: mask`"
        if self.do is Protecting.MASK and self.keep is None:
            choices = ", ".join(Keeping)
            yield f"field {field}: `mask` needs `keep`, what it leaves: {choices}"
        if self.do is Protecting.MASK and self.tidy:
            yield f"field {field}: `tidy` is only for `hash`"


def field_problems(fields: Iterable[FieldMapping]) -> Iterator[Located]:
    """Yield what sensitive fields lack, and what cannot be protected as the contract says."""
    for index, mapping in enumerate(fields):
        at, protect = ("fields", index), mapping.protect
        lacking = [name for name in ("purpose", "approver") if getattr(mapping, name) is None]
        if mapping.data_class == "sensitive" and lacking:
            text = (
                f"field {mapping.to} is sensitive; say why it leaves and who answers for it: "
                f"it lacks {' and '.join(f'`{name}`' for name in lacking)}"
            )
            yield (*at, "data_class"), text
        if protect is not None:
            yield from (((*at, "protect"), text) for text in protect.problems(mapping.to))
            yield from (((*at, "protect"), text) for text in _unfit(mapping, protect))


def _unfit(mapping: FieldMapping, protect: Protection) -> Iterator[str]:
    if mapping.references is not None:
        yield f"field {mapping.to} names a record, which no hash or mask finds"
    if mapping.type.kind != "text":
        yield f"field {mapping.to} is {mapping.type}; only text is hashed or masked"
    elif protect.do is Protecting.HASH and (mapping.type.length or 0) < HASH_LENGTH:
        yield f"field {mapping.to} is {mapping.type}; a hash needs text({HASH_LENGTH})"
