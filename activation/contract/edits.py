"""
What an edit of a contract means for those who rely on it.

An edit is breaking if records could be written to another place, under another key, with other
values, about more people or with a guard loosened.
An edit that no rule knows counts as breaking: nobody has thought about it yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from activation.contract.model import Contract, FieldType
from activation.contract.problem import At, Problem
from activation.contract.values import parse_duration, parse_share


class Weight(IntEnum):
    """How much an edit asks of the next version number."""

    PATCH = 1  # words, links, who is told
    MINOR = 2  # more fields, stricter guards, other times
    BREAKING = 3  # needs a new major version, and an approver in the file


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that differs; `old` or `new` is None where it was added or taken away."""

    at: str
    """The way to it, with fields and phases by their names: `fields.Email.type`."""
    old: Any
    new: Any
    weight: Weight
    because: str


_ASIDE = frozenset({"version", "approval", "tests"})
"""What says nothing of what is sent."""
_WHOLE = frozenset({"consent", "source", "destination"})
"""Parts of which every key is judged alike, unless it has a rule of its own before."""

Rule: TypeAlias = Callable[[Any, Any], tuple[Weight, str]]


def _always(weight: Weight, because: str) -> Rule:
    return lambda _old, _new: (weight, because)


def _limit(read: Callable[[Any], Any], what: str) -> Rule:
    """Return the rule of a limit: more is looser, less is stricter."""

    def rule(old: Any, new: Any) -> tuple[Weight, str]:
        if read(new) > read(old):
            return Weight.BREAKING, f"{what} is loosened"
        return Weight.MINOR, f"{what} is tightened"

    return rule


def _least(read: Callable[[Any], Any], what: str) -> Rule:
    """Return the rule of a least: less is looser, more is stricter."""
    inverse = _limit(read, what)
    return lambda old, new: inverse(new, old)


def _type(old: Any, new: Any) -> tuple[Weight, str]:
    before, after = FieldType.parse(old), FieldType.parse(new)
    sizes = ((before.length, after.length), (before.precision, after.precision))
    same = before.kind == after.kind and before.scale == after.scale
    if same and all(b == a or (b and a and b < a) for b, a in sizes):
        return Weight.MINOR, "the type is widened"
    return Weight.BREAKING, "the field has another type"


def _field(old: Any, new: Any) -> tuple[Weight, str]:
    if new is None:
        return Weight.BREAKING, "the field is no longer kept up to date"
    if old is None and new["data_class"] != "none":
        return Weight.BREAKING, f"{new['data_class']} data leaves that did not before"
    return Weight.MINOR, "a field is added"


def _nulls(_old: Any, new: Any) -> tuple[Weight, str]:
    if new == "clear":
        return Weight.BREAKING, "empty values now empty the field"
    return Weight.MINOR, "empty values no longer empty the field"


def _mode(old: Any, new: Any) -> tuple[Weight, str]:
    if old == "upsert" and new in {"update_only", "create_only"}:
        return Weight.MINOR, "the sync may do less"
    return Weight.BREAKING, "the sync may do other things to records"


def _phase(old: Any, new: Any) -> tuple[Weight, str]:
    if old is None:
        return Weight.MINOR, "a phase is added"
    if new is None:
        return Weight.MINOR, "a phase is taken away"
    return _limit(parse_share, "whom a phase reaches")(old["share"], new["share"])


def _consent(old: Any, _new: Any) -> tuple[Weight, str]:
    if old is None:
        return Weight.MINOR, "one more model must say granted"
    return Weight.BREAKING, "one model less is asked for consent"


def _reference(old: Any, new: Any) -> tuple[Weight, str]:
    if old is None:
        return Weight.MINOR, "one more model must be young enough"
    if new is None:
        return Weight.BREAKING, "one model less must be young enough"
    return Weight.BREAKING, "its age is told otherwise"


def _strict(_old: Any, new: Any) -> tuple[Weight, str]:
    if new:
        return Weight.MINOR, "no approval lets older data pass"
    return Weight.BREAKING, "an approval lets older data pass"


def _accepted(old: Any, _new: Any) -> tuple[Weight, str]:
    if old is None:
        return Weight.MINOR, "more is asked of values"
    return Weight.BREAKING, "other values are accepted"


def _holdout(old: Any, new: Any) -> tuple[Weight, str]:
    return _least(parse_share, "the holdout")(old, new)


def _rollback(old: Any, _new: Any) -> tuple[Weight, str]:
    if old is None:
        return Weight.MINOR, "deliveries can be taken back, and what was delivered is kept for it"
    return Weight.BREAKING, "deliveries can no longer be taken back"


def _parity_mode(_old: Any, new: Any) -> tuple[Weight, str]:
    if new == "sample":
        return Weight.BREAKING, "not every row is compared any more"
    return Weight.MINOR, "every row is compared"


_PATCH = _always(Weight.PATCH, "nothing that is sent changes")
_TIMES = _always(Weight.MINOR, "when and how often, not what")
_share = _limit(parse_share, "the guard")

RULES: tuple[tuple[str, Rule], ...] = (
    ("objective", _PATCH),
    ("owner", _PATCH),
    ("alerting.channel", _PATCH),
    ("alerting.runbook", _PATCH),
    ("alerting.severity", _always(Weight.MINOR, "how loud, not what")),
    ("alerting.dead_letters", _share),
    ("sync", _always(Weight.BREAKING, "it is another sync, with a state of its own")),
    ("source.accepted", _accepted),
    ("source", _always(Weight.BREAKING, "rows come from elsewhere or have other keys")),
    ("destination.mode", _mode),
    ("destination", _always(Weight.BREAKING, "records are written elsewhere, or by another key")),
    ("fields.*.type", _type),
    ("fields.*.nulls", _nulls),
    ("fields.*.column", _always(Weight.BREAKING, "the field says something else")),
    ("fields.*.data_class", _always(Weight.BREAKING, "how personal the field is, is judged anew")),
    ("fields.*.references", _always(Weight.MINOR, "which sync goes first, not what is sent")),
    ("fields.*.accepted", _accepted),
    ("fields.*.*", _always(Weight.BREAKING, "what protects the field is another")),
    ("fields.*", _field),
    ("consent.sources.*", _consent),
    ("consent.sources.*.max_lag", _limit(parse_duration, "the guard")),
    ("consent", _always(Weight.BREAKING, "consent is asked for differently")),
    ("freshness.max_age", _limit(parse_duration, "the guard")),
    ("freshness.strict", _strict),
    ("freshness.references.*.max_age", _limit(parse_duration, "the guard")),
    ("freshness.references.*", _reference),
    ("guards.usual.runs", _always(Weight.MINOR, "how far is looked back")),
    ("guards.usual.fewest", _limit(int, "the guard")),
    ("guards.usual.times", _limit(float, "the guard")),
    ("guards.usual.least", _share),
    ("guards.distribution.shift", _limit(float, "the guard")),
    ("guards.distribution.filled", _share),
    ("guards.distribution.outside", _share),
    ("guards.*", _share),
    ("quota.*", _TIMES),
    ("rollout.salt", _always(Weight.BREAKING, "every cohort is drawn anew")),
    ("rollout.phases.*", _phase),
    ("rollout.holdout", _holdout),
    ("rollout.promotion", _always(Weight.BREAKING, "phases open by themselves, or no longer do")),
    ("rollout.promotion.soak", _least(parse_duration, "the condition")),
    ("rollout.promotion.outcomes", _least(int, "the condition")),
    ("rollout.promotion.*", _limit(parse_share, "the condition")),
    ("replay.*", _TIMES),
    ("rollback", _rollback),
    ("rollback.keep", _TIMES),
    ("rollback.created", _always(Weight.BREAKING, "a rollback does other things to records")),
    ("parity.mode", _parity_mode),
    ("parity.sample_rows", _least(int, "the comparison")),
    ("parity.unexplained", _share),
    ("schedule", _TIMES),
)
"""The first rule whose pattern fits the way to the edit judges it."""


def edits(old: Contract, new: Contract) -> tuple[Edit, ...]:
    """Return what differs between two states of a contract, heaviest first."""
    found = [
        _judged(at, before, after)
        for at, before, after in _differences(_plain(old), _plain(new), ())
        if at[0] not in _ASIDE
    ]
    return tuple(sorted(found, key=lambda edit: (-edit.weight, edit.at)))


def weight(found: tuple[Edit, ...]) -> Weight | None:
    """Return the weight of the heaviest edit, or None if there is none."""
    return max((edit.weight for edit in found), default=None)


def version_problems(old: Contract, new: Contract) -> tuple[Problem, ...]:
    """Return what the new contract's version and approval lack for the edits made."""
    heaviest = weight(edits(old, new))
    if heaviest is None:
        return ()
    problems: list[Problem] = []
    needed = _next(old.version, heaviest)
    at: At = ("version",)
    if _numbers(new.version) < _numbers(needed):
        text = (
            f"version is {new.version} after an edit that is {heaviest.name.lower()}; "
            f"it was {old.version}, so it must be {needed} or later"
        )
        problems.append(Problem(text, at))
    if heaviest is Weight.BREAKING and (new.approval is None or new.approval == old.approval):
        text = "a breaking edit needs who answers for it: `approval: {by: ..., reason: ...}`"
        problems.append(Problem(text, ("approval",)))
    return tuple(problems)


def _next(version: str, heaviest: Weight) -> str:
    major, minor, patch = _numbers(version)
    match heaviest:
        case Weight.BREAKING:
            return f"{major + 1}.0.0"
        case Weight.MINOR:
            return f"{major}.{minor + 1}.0"
        case Weight.PATCH:
            return f"{major}.{minor}.{patch + 1}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _judged(at: tuple[str, ...], old: Any, new: Any) -> Edit:
    rule = next((rule for pattern, rule in RULES if _fits(at, pattern)), None)
    told = ".".join(at)
    if rule is None:
        return Edit(told, old, new, Weight.BREAKING, "no rule knows what it means")
    heavy, because = rule(old, new)
    return Edit(told, old, new, heavy, because)


def _fits(at: tuple[str, ...], pattern: str) -> bool:
    """Tell whether a pattern fits: a star stands for one name, some parts for all in them."""
    parts = pattern.split(".")
    if pattern in _WHOLE:
        at = at[: len(parts)]
    return len(at) == len(parts) and all(map(_same, at, parts))


def _same(name: str, part: str) -> bool:
    return part in {"*", name}


def _plain(contract: Contract) -> dict[str, Any]:
    """Return the contract as plain data, lists of named things by their names."""
    plain: dict[str, Any] = contract.model_dump(mode="json")
    plain["fields"] = {one["to"]: one for one in plain["fields"]}
    if "sources" in plain["consent"]:
        plain["consent"]["sources"] = {one["model"]: one for one in plain["consent"]["sources"]}
    references = plain["freshness"]["references"]
    plain["freshness"]["references"] = {one["model"]: one for one in references}
    plain["rollout"]["phases"] = {one["name"]: one for one in plain["rollout"]["phases"]}
    return plain


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], within: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        at = (*within, key)
        if before == after:
            continue
        whole = within == ("rollout", "phases")
        if isinstance(before, dict) and isinstance(after, dict) and not whole:
            yield from _differences(before, after, at)
        else:
            yield at, before, after
