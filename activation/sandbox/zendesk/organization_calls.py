"""Calls about organizations, custom fields, and the token that makes them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from activation.errors import UsageError
from activation.sandbox.zendesk.auth import token_document
from activation.sandbox.zendesk.bulk_calls import MOST_VALUES
from activation.sandbox.zendesk.call import Call, Table
from activation.sandbox.zendesk.errors import error, invalid_attribute, json_answer, not_found
from activation.sandbox.zendesk.fields import ORGANIZATION_FIELDS, USER_FIELDS
from activation.sandbox.zendesk.limits import Limits
from activation.sandbox.zendesk.organizations import Organizations
from activation.sandbox.zendesk.pages import listing
from activation.sandbox.zendesk.parts import Parts
from activation.sandbox.zendesk.records import Record
from activation.sandbox.zendesk.user_calls import counted
from activation.sandbox.zendesk.user_rows import Way
from activation.sandbox.zendesk.users import OWNER_ID


class OrganizationCalls:
    """The calls below `organizations`, `user_fields`, `organization_fields` and `oauth`."""

    def __init__(self, parts: Parts, limits: Limits, organizations: Organizations) -> None:
        self._parts = parts
        self._limits = limits
        self._organizations = organizations

    def table(self) -> Table:
        """Return the calls."""
        return {
            ("GET", "organizations"): self._list,
            ("POST", "organizations"): self._create,
            ("GET", "organizations/{}"): self._show,
            ("PUT", "organizations/{}"): self._update,
            ("DELETE", "organizations/{}"): self._delete,
            ("GET", "organizations/count"): self._count,
            ("GET", "organizations/show_many"): self._show_many,
            ("GET", "organizations/search"): self._search,
            ("POST", "organizations/create_or_update"): self._create_or_update,
            ("GET", USER_FIELDS): self._fields,
            ("POST", USER_FIELDS): self._add_field,
            ("GET", ORGANIZATION_FIELDS): self._fields,
            ("POST", ORGANIZATION_FIELDS): self._add_field,
            ("GET", "oauth/tokens/current"): self._token,
        }

    def _told(self, record: Record, status: int = 200) -> Response:
        told = self._organizations.shown(record)
        answer = json_answer({"organization": told}, status)
        if status == 201:  # noqa: PLR2004
            answer.headers["Location"] = told["url"]
        return answer

    def _write(self, row: dict[str, Any], way: Way, call: Call) -> tuple[Record, bool]:
        if row.get("external_id"):
            call.note.keys[:] = [str(row["external_id"])]
        (done,) = self._organizations.write([row], way)
        if done.error is not None:
            raise done.error.as_call()
        if done.record is None:
            raise not_found()
        return done.record, done.created

    def _list(self, call: Call) -> Response:
        records = self._parts.organizations
        return json_answer(
            listing(
                call,
                "organizations",
                fetch=records.select,
                count=records.count,
                shown=self._organizations.shown,
                address=self._parts.address,
            )
        )

    def _create(self, call: Call) -> Response:
        record, _ = self._write(call.one("organization"), Way.CREATE, call)
        return self._told(record, 201)

    def _create_or_update(self, call: Call) -> Response:
        record, created = self._write(call.one("organization"), Way.UPSERT, call)
        return self._told(record, 201 if created else 200)

    def _show(self, call: Call) -> Response:
        return self._told(self._organizations.found(call.ids[0]))

    def _update(self, call: Call) -> Response:
        row = call.one("organization")
        record = self._organizations.found(call.ids[0])
        self._limits.touch_organization(record.id)
        return self._told(self._write({**row, "id": record.id}, Way.UPDATE, call)[0])

    def _delete(self, call: Call) -> Response:
        self._organizations.delete([self._organizations.found(call.ids[0])])
        return Response(status_code=204)

    def _count(self, _call: Call) -> Response:
        return json_answer(counted(self._parts.organizations.count(), self._parts.now()))

    def _show_many(self, call: Call) -> Response:
        ids, keys = call.listed("ids"), call.listed("external_ids")
        if len(ids) + len(keys) > MOST_VALUES:
            text = f"Parameter ids cannot specify more than {MOST_VALUES} values"
            raise error(400, "TooManyValues", text, max_count=MOST_VALUES)
        if not ids and not keys:
            raise invalid_attribute("ids", "Invalid parameter: ids are required")
        records = self._parts.organizations
        found = list(records.by_ids(int(i) for i in ids if i.isdecimal()).values())
        return self._several(call, [*found, *records.by_keys(keys).values()])

    def _search(self, call: Call) -> Response:
        records = self._parts.organizations
        if key := call.query.get("external_id"):
            return self._several(call, list(records.by_keys([key]).values()))
        name = call.query.get("name")
        if not name:
            raise invalid_attribute("external_id", "Invalid parameter: external_id or name")
        return self._several(call, list(records.by_names([name]).values()))

    def _several(self, call: Call, found: list[Record]) -> Response:
        call.note.rows = len(found)
        told = [self._organizations.shown(record) for record in found]
        pages = {"next_page": None, "previous_page": None, "count": len(told)}
        return json_answer({"organizations": told, **pages})

    def _fields(self, call: Call) -> Response:
        fields = list(self._parts.fields.of(call.path).values())
        told: dict[str, Any] = {call.path: fields}
        if any(key.startswith("page[") for key in call.query):
            told["meta"] = {"has_more": False, "after_cursor": None, "before_cursor": None}
            told["links"] = {"prev": None, "next": None}
        else:
            told |= {"next_page": None, "previous_page": None, "count": len(fields)}
        return json_answer(told)

    def _add_field(self, call: Call) -> Response:
        given = call.one(call.path[:-1])
        options = given.pop("custom_field_options", None)
        if isinstance(options, list):
            given["options"] = [o.get("value") for o in options if isinstance(o, dict)]
        try:
            made = self._parts.fields.add(call.path, given)
        except UsageError as wrong:
            raise error(422, "RecordInvalid", str(wrong)) from None
        return json_answer({call.path[:-1]: made}, 201)

    def _token(self, call: Call) -> Response:
        if call.caller.scopes is None:
            raise not_found()
        return json_answer({"token": token_document(call.caller, self._parts.address, OWNER_ID)})
