"""What pydantic finds wrong, in the words and on the lines of whoever wrote the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from inspect import isclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from activation.contract.document import Document
from activation.contract.part import INCONSISTENT
from activation.contract.problem import At, Problem, nearest, suggestion
from activation.contract.sentences import dotted, sentence

Checked = TypeVar("Checked", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Form:
    """What a file is called in messages, and what helps whoever writes one."""

    noun: str
    examples: Mapping[str, str] = field(default_factory=dict)
    """Key: the lines to write for a part that is missing."""
    secret: str | None = None
    """The key below which no value may be shown."""


def check(
    model: type[Checked], document: Document, at: At, form: Form
) -> tuple[Checked | None, tuple[Problem, ...]]:
    """Return the value at `at` as a model, or None and all that is wrong with it."""
    value = _value(document.value, at)
    try:
        return model.model_validate(value), ()
    except ValidationError as cause:
        errors = cause.errors(include_url=False)
    problems = tuple(
        document.problem(text, (*at, *place))
        for place, text in _Reader(model, value, form).read(errors)
    )
    return None, problems


class _Reader:
    """Reads the errors of one value."""

    def __init__(self, model: type[BaseModel], value: Any, form: Form) -> None:
        self._model = model
        self._value = value
        self._form = form

    def read(self, errors: list[ErrorDetails]) -> Iterator[tuple[At, str]]:
        meant: set[At] = set()
        for error in errors:
            if error["type"] == "extra_forbidden":
                at = self._at(error)
                near, text = self._unknown(at)
                meant |= {(*at[:-1], near)} if near else set()
                yield at, text
        for error in errors:
            at = self._at(error)
            if error["type"] == INCONSISTENT:
                yield from error["ctx"]["problems"]
            elif error["type"] == "missing":
                # A misspelt key has been told already; it is not missing as well.
                if at not in meant:
                    yield at, self._missing(at)
            elif error["type"] != "extra_forbidden":
                raw = _value(self._value, at)
                # pydantic counts only good items; a bad one has its own error.
                if error["type"] != "too_short" or not raw:
                    secret = self._form.secret is not None and self._form.secret in at
                    yield at, sentence(error, at, raw, secret=secret)

    def _at(self, error: ErrorDetails) -> At:
        """Return the way to the value, without the names of union members that pydantic adds."""
        at: At = ()
        value = self._value
        for index, part in enumerate(error["loc"]):
            last = index == len(error["loc"]) - 1
            inside = part in value if isinstance(value, Mapping) else isinstance(value, list)
            if inside:
                at, value = (*at, part), value[part]
            elif last and error["type"] == "missing":
                at = (*at, part)
        return (*at, "subject") if error["type"] == "union_tag_invalid" else at

    def _unknown(self, at: At) -> tuple[str | None, str]:
        key, around = str(at[-1]), at[:-1]
        known = set(self._fields(around))
        absent = known - set(_value(self._value, around))
        near = nearest(key, absent)
        hint = f"; did you mean `{near}`?" if near else suggestion(key, known)
        owner = f"`{dotted(around)}`" if around else f"a {self._form.noun}"
        return near, f"`{key}` is not a key of {owner}{hint}"

    def _missing(self, at: At) -> str:
        key, around = str(at[-1]), at[:-1]
        owner = f"`{dotted(around)}`" if around else f"the {self._form.noun}"
        if not around and key in self._form.examples:
            example = "\n".join(f"    {line}" for line in self._form.examples[key].splitlines())
            return f"{owner} lacks `{key}`; write, for example:\n{example}"
        described = self._fields(around)[key].description
        return f"{owner} lacks `{key}`" + (f" ({described.rstrip('.')})" if described else "")

    def _fields(self, at: At) -> Mapping[str, Any]:
        """Return the fields that the part there may have."""
        models: list[type[BaseModel]] = [self._model]
        for index, part in enumerate(at):
            if isinstance(part, str) and any(part in model.model_fields for model in models):
                models = [
                    found
                    for model in models
                    if part in model.model_fields
                    for found in _models(model.model_fields[part].annotation)
                ]
                models = _chosen(models, _value(self._value, at[: index + 1]))
        return models[0].model_fields


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models inside an annotation such as `tuple[FieldMapping, ...]`."""
    if isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _chosen(models: list[type[BaseModel]], value: Any) -> list[type[BaseModel]]:
    """Return the member of a union that the value's `subject` names."""
    subject = value.get("subject") if isinstance(value, Mapping) else None
    named = [
        model
        for model in models
        if "subject" in model.model_fields
        and subject in get_args(model.model_fields["subject"].annotation)
    ]
    return named or models


def _value(value: Any, at: At) -> Any:
    for part in at:
        value = value[part]
    return value
