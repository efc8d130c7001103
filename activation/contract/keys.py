"""What a sync key is made of, and how it is taken apart."""

from __future__ import annotations

from collections.abc import Iterable


def parts_of(key: str) -> tuple[str, ...]:
    r"""Return the grain values of a key of several columns: joined by `|`, escaped by `\`."""
    parts = [""]
    characters = iter(key)
    for character in characters:
        if character == "|":
            parts.append("")
        else:
            # A lone escape at the end stands for itself.
            parts[-1] += next(characters, character) if character == "\\" else character
    return tuple(parts)


def compose_key(parts: Iterable[object]) -> str | None:
    """Return the key of these grain values, as the warehouse makes it."""
    found = ["" if part is None else str(part).strip(" ") for part in parts]
    if not all(found):
        return None
    if len(found) == 1:
        return found[0]
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in found)
