"""Reads contracts from `defs/<sync>/defs.yaml`, the files that Dagster loads as components."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from activation.contract.document import Document, DocumentError, document, read_documents, shown
from activation.contract.examples import EXAMPLES
from activation.contract.model import Contract, FieldKind, FieldMapping
from activation.contract.problem import At, Problem, listed, nearest, report, suggestion
from activation.contract.references import ring
from activation.contract.validation import Form, check
from activation.errors import ContractError

COMPONENT = "activation.defs.components.SyncComponent"
FILE_KEYS = ("type", "attributes", "requirements", "post_processing", "template_vars_module")
"""The keys that Dagster knows in a component's file."""

_FORM = Form("contract", EXAMPLES)
_KEY: At = ("destination", "key")
_CLASS = COMPONENT.rpartition(".")[2]
_PACKAGE = COMPONENT.partition(".")[0]


@dataclass(frozen=True, slots=True)
class _Loaded:
    contract: Contract
    document: Document


@dataclass(frozen=True, slots=True)
class _Slot:
    """A field that a sync writes, and where its contract says so."""

    label: str
    at: At


def load_contract(path: Path) -> Contract:
    """
    Return the contract in that file.

    Raises:
        ContractError: everything that is wrong with it, a line each, or it holds none.
    """
    loaded, problems = _load_file(path)
    problems += _twice(loaded)
    if problems:
        raise ContractError(report(problems, shown(path)))
    if not loaded:
        raise ContractError(
            f"{shown(path)} holds no contract.", hint=f"A contract begins with `type: {COMPONENT}`."
        )
    return loaded[0].contract


def load_draft(path: Path) -> Contract:
    """
    Return the contract in a file that stands wherever it likes, such as an earlier state of one.

    Raises:
        ContractError: everything that is wrong with it, a line each, or it holds none.
    """
    loaded, problems = _load_file(path, anywhere=True)
    if problems:
        raise ContractError(report(problems, shown(path)))
    if not loaded:
        raise ContractError(
            f"{shown(path)} holds no contract.", hint=f"A contract begins with `type: {COMPONENT}`."
        )
    return loaded[0].contract


def load_contracts(folder: Path) -> dict[str, Contract]:
    """
    Return every contract below the folder, by the name of its sync.

    Files of other components are passed over.

    Raises:
        ContractError: everything that is wrong in any of the files, a line each.
    """
    if not folder.is_dir():
        raise ContractError(
            f"there is no folder {shown(folder)}.",
            hint="Contracts stand in activation/defs/<sync>/defs.yaml of the project.",
        )
    loaded: list[_Loaded] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*/defs.yaml")):
        found, wrong = _load_file(path)
        loaded += found
        problems += wrong
    problems += _twice(loaded)
    problems += _conflicts(loaded)
    problems += _references(loaded)
    if problems:
        raise ContractError(report(problems, "the contracts"))
    return {one.contract.sync: one.contract for one in loaded}


def place(problems: Iterable[Problem], path: Path) -> tuple[Problem, ...]:
    """
    Return problems of a contract that loads, each with the file and line that it speaks of.

    Args:
        problems: found by comparing the contract with the warehouse or the destination.
        path: the contract's file.
    """
    where = next(document(path, root) for root in _syncs(path))
    return tuple(where.problem(p.text, ("attributes", *p.at)) for p in problems)


def _load_file(path: Path, *, anywhere: bool = False) -> tuple[list[_Loaded], list[Problem]]:
    loaded: list[_Loaded] = []
    problems: list[Problem] = []
    try:
        documents = [document(path, root) for root in _syncs(path)]
    except DocumentError as unreadable:
        return [], [*unreadable.problems]
    for where in documents:
        problems += _outside(where)
        if "attributes" in where.value:
            contract, wrong = check(Contract, where, ("attributes",), _FORM)
            problems += wrong
            if contract is not None:
                problems += () if anywhere else _misplaced(contract, where, path)
                loaded.append(_Loaded(contract, where))
    return loaded, problems


def _syncs(path: Path) -> Iterator[yaml.Node]:
    """
    Yield the root nodes of the documents that are contracts.

    Raises:
        DocumentError: no YAML, or a type that is a misspelt contract's.
    """
    for root in read_documents(path):
        kind = _type(root)
        named = kind.rpartition(".")[2]
        if named == _CLASS:
            yield root
        elif kind.partition(".")[0] == _PACKAGE and nearest(named, [_CLASS]):
            text = f"there is no component `{kind}`; did you mean `{COMPONENT}`?"
            raise DocumentError(Problem(text, (), shown(path), root.start_mark.line + 1))


def _type(root: yaml.Node | None) -> str:
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if key.value == "type" and isinstance(value, yaml.ScalarNode):
                return str(value.value)
    return ""


def _outside(where: Document) -> Iterator[Problem]:
    """Yield what is wrong around the contract."""
    unknown = [key for key in where.value if key not in FILE_KEYS]
    for key in unknown:
        text = f"`{key}` is not a key of a component's file{suggestion(key, FILE_KEYS)}"
        yield where.problem(text, (key,))
    if "attributes" not in where.value and not any(nearest(k, ["attributes"]) for k in unknown):
        yield where.problem("the file lacks `attributes`, the contract itself", ())


def _misplaced(contract: Contract, where: Document, path: Path) -> Iterator[Problem]:
    if contract.sync != path.parent.name:
        text = (
            f"sync `{contract.sync}` stands in the folder `{path.parent.name}`; "
            "give both the same name"
        )
        yield where.problem(text, ("attributes", "sync"))


def _twice(loaded: Iterable[_Loaded]) -> Iterator[Problem]:
    first: dict[str, Document] = {}
    for one in loaded:
        other = first.setdefault(one.contract.sync, one.document)
        if other is not one.document:
            line = other.line(("attributes", "sync"))
            text = f"sync `{one.contract.sync}` is declared twice; also in {other.file}:{line}"
            yield one.document.problem(text, ("attributes", "sync"))


def _conflicts(loaded: Iterable[_Loaded]) -> Iterator[Problem]:
    """Yield a problem for each field that two syncs write: they would undo each other for ever."""
    writers: dict[tuple[str, str, str], tuple[_Loaded, _Slot]] = {}
    for one in loaded:
        target = one.contract.destination
        for field, slot in _written(one.contract).items():
            # Vendors do not tell Email from email.
            name = (target.connection, target.object.casefold(), field)
            other, theirs = writers.setdefault(name, (one, slot))
            same_sync = other.contract.sync == one.contract.sync
            # Two syncs may fill different fields of the records that one key finds.
            both_keys = slot.at == theirs.at == _KEY
            if not same_sync and not both_keys:
                line = other.document.line(("attributes", *theirs.at))
                text = (
                    f"{slot.label} of {target.object} ({target.connection}) is also written by "
                    f"sync `{other.contract.sync}`, {other.document.file}:{line}"
                )
                yield one.document.problem(text, ("attributes", *slot.at))


def _references(loaded: Iterable[_Loaded]) -> Iterator[Problem]:
    """Yield a problem for each reference that leads nowhere, and one for a ring of them."""
    by_name = {one.contract.sync: one for one in loaded}
    sound = True
    for one in loaded:
        for index, mapping in enumerate(one.contract.fields):
            for text in _misreferences(one.contract, mapping, by_name):
                sound = False
                yield one.document.problem(text, ("attributes", "fields", index, "references"))
    names = ring({sync: one.contract for sync, one in by_name.items()}) if sound else ()
    if names:
        first = by_name[names[0]]
        index = next(i for i, m in enumerate(first.contract.fields) if m.references in names)
        text = f"{listed(names)} wait for each other's records, so none of them can go first"
        yield first.document.problem(text, ("attributes", "fields", index, "references"))


def _misreferences(
    contract: Contract, mapping: FieldMapping, known: Mapping[str, _Loaded]
) -> Iterator[str]:
    """Yield why a field cannot name the records of the sync that it references."""
    name = mapping.references
    if name is None:
        return
    if name == contract.sync:
        yield f"`{name}` names records of its own, which may be in the same plan"
        return
    if name not in known:
        yield f"there is no sync `{name}`{suggestion(name, known.keys() - {contract.sync})}"
        return
    theirs, ours = known[name].contract.destination, contract.destination
    if theirs.connection != ours.connection:
        yield f"sync `{name}` writes to {theirs.connection}, and this one to {ours.connection}"
    if not mapping.to.casefold().endswith(f".{theirs.key.casefold()}"):
        yield (
            f"field `{mapping.to}` does not name records by `{theirs.key}`, the key of sync "
            f"`{name}`"
        )
    if mapping.type.kind is not FieldKind.TEXT:
        yield f"field `{mapping.to}` is {mapping.type}; a reference is text, as keys are"


def _written(contract: Contract) -> dict[str, _Slot]:
    """Return what a sync writes, by the field's name in small letters."""
    slots = {
        mapping.to.casefold(): _Slot(f"field `{mapping.to}`", ("fields", index, "to"))
        for index, mapping in enumerate(contract.fields)
    }
    key = contract.destination.key
    return slots | {key.casefold(): _Slot(f"key `{key}`", _KEY)}
