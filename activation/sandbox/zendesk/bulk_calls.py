"""Calls that start jobs, and those that tell of them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from activation.sandbox.zendesk.account import Account
from activation.sandbox.zendesk.call import Call, Table
from activation.sandbox.zendesk.errors import (
    imports_disabled,
    invalid_attribute,
    json_answer,
    too_many_values,
)
from activation.sandbox.zendesk.jobs import Job, Jobs
from activation.sandbox.zendesk.limits import Limits
from activation.sandbox.zendesk.parts import Parts
from activation.sandbox.zendesk.quirks import TOO_MANY_VALUES_STATUS
from activation.sandbox.zendesk.records import Records
from activation.sandbox.zendesk.work import TITLES

MOST_VALUES = 100
_IMPORTS = ("users/create_many", "users/create_or_update_many")


class BulkCalls:
    """The calls ending in `_many`."""

    def __init__(self, parts: Parts, limits: Limits, account: Account, jobs: Jobs) -> None:
        self._parts = parts
        self._limits = limits
        self._account = account
        self._jobs = jobs

    def table(self) -> Table:
        """Return the calls."""
        return {
            ("POST", "users/create_many"): self._write,
            ("POST", "users/create_or_update_many"): self._write,
            ("PUT", "users/update_many"): self._update,
            ("DELETE", "users/destroy_many"): self._delete,
            ("POST", "organizations/create_many"): self._write,
            ("PUT", "organizations/update_many"): self._update,
            ("DELETE", "organizations/destroy_many"): self._delete,
            ("POST", "organization_memberships/create_many"): self._write,
            ("DELETE", "organization_memberships/destroy_many"): self._delete,
            ("GET", "job_statuses"): self._list,
            ("GET", "job_statuses/show_many"): self._show_many,
        }

    @property
    def address(self) -> str:
        """Return the account's address."""
        return self._parts.address

    def show(self, job_id: str) -> Job | None:
        """Return a job."""
        return self._jobs.find(job_id)

    def _write(self, call: Call) -> Response:
        if call.path in _IMPORTS and not self._account.imports:
            raise imports_disabled()
        name = call.path.partition("/")[0]
        return self._start(call, self._records(call, name))

    def _records(self, call: Call, name: str) -> list[Any]:
        records = call.document().get(name)
        if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
            raise invalid_attribute(name, f"Invalid parameter: {name} must be an array")
        self._check_size(name, len(records))
        call.note.keys[:] = [str(r["external_id"]) for r in records if r.get("external_id")]
        return records

    def _check_size(self, name: str, count: int) -> None:
        if count > MOST_VALUES:
            status = int(self._parts.quirks.number(TOO_MANY_VALUES_STATUS))
            raise too_many_values(name, MOST_VALUES, status)

    def _update(self, call: Call) -> Response:
        many = call.path.partition("/")[0]
        one = many[:-1]
        change = call.document().get(one)
        if not isinstance(change, dict):
            return self._start(call, self._records(call, many))
        ids, keys = call.listed("ids"), call.listed("external_ids")
        self._check_size("ids", len(ids) + len(keys))
        named: list[Any] = [{"id": int(i)} for i in ids if i.isdecimal()]
        named += [{"external_id": key} for key in keys]
        if not named:
            raise invalid_attribute("ids", "Invalid parameter: ids are required")
        return self._start(call, [{**change, **who} for who in named])

    def _delete(self, call: Call) -> Response:
        ids = [int(i) for i in call.listed("ids") if i.isdecimal()]
        keys = call.listed("external_ids")
        self._check_size("ids", len(ids) + len(keys))
        if keys and call.path != "organization_memberships/destroy_many":
            store = self._store(call.path)
            found = store.by_keys(keys)
            ids += [found[key.casefold()].id for key in keys if key.casefold() in found]
        elif not ids:
            raise invalid_attribute("ids", "Invalid parameter: ids are required")
        return self._start(call, ids)

    def _store(self, path: str) -> Records:
        return self._parts.users if path.startswith("users/") else self._parts.organizations

    def _start(self, call: Call, tasks: list[Any]) -> Response:
        call.note.rows = len(tasks)
        call.limit = "jobs"
        job = self._jobs.start(call.path, TITLES[call.path], tasks)
        if job is None:
            raise self._limits.refusal("jobs", jobs=self._jobs.under_way())
        return json_answer({"job_status": job.document(self._parts.address)})

    def _list(self, _call: Call) -> Response:
        jobs = [job.document(self._parts.address) for job in self._jobs.all()[:MOST_VALUES]]
        return json_answer({"job_statuses": jobs})

    def _show_many(self, call: Call) -> Response:
        found = [job for i in call.listed("ids") if (job := self._jobs.find(i)) is not None]
        documents = [job.document(self._parts.address) for job in found]
        return json_answer({"job_statuses": documents})
