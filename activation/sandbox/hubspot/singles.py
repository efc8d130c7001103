"""Single records: read, list, create, update, archive, merge, erase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.sandbox.hubspot.batches import Batches, Call
from activation.sandbox.hubspot.catalogue import CrmObject
from activation.sandbox.hubspot.errors import invalid, lacking, missing_record, not_unique
from activation.sandbox.hubspot.lists import Lists
from activation.sandbox.hubspot.records import Record, Records, claims_of, history_line
from activation.sandbox.hubspot.shapes import as_read, as_written
from activation.sandbox.hubspot.writes import Writes
from activation.sandbox.quirks import Quirks

MOST_LISTED = 100


class Singles:
    """The calls about one record of any object, and the list of all."""

    def __init__(
        self,
        records: Records,
        *,
        writes: Writes,
        batches: Batches,
        lists: Lists,
        quirks: Quirks,
    ) -> None:
        self._records = records
        self._lists = lists
        self._writes = writes
        self._batches = batches
        self._quirks = quirks

    def get(self, of: CrmObject, identity: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return one record, by its id or by a unique property."""
        archived = _flag(query, "archived")
        record = self.find(of, identity, query.get("idProperty"), archived=archived)
        return as_read(of, record, _listed(query, "properties"), history=_history(query))

    def page(self, of: CrmObject, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of all records, by id."""
        limit, after = _whole(query, "limit", 10), _whole(query, "after", 0)
        if not 0 < limit <= MOST_LISTED:
            raise invalid(f"limit must be between 1 and {MOST_LISTED}: got {limit}")
        names, history = _listed(query, "properties"), _history(query)
        found = self._records.page(of, after, limit + 1, archived=_flag(query, "archived"))
        answer: dict[str, Any] = {
            "results": [as_read(of, r, names, history=history) for r in found[:limit]]
        }
        if len(found) > limit:
            answer["paging"] = {"next": {"after": str(found[limit - 1].id)}}
        return answer

    def create(self, call: Call) -> dict[str, Any]:
        """Make one record."""
        answer = self._batches.create(_of_one(call, {"properties": call.body.get("properties")}))
        return _only(answer.body)

    def update(self, call: Call, identity: str, id_property: str | None) -> dict[str, Any]:
        """Change one record."""
        given = call.body.get("properties")
        if not isinstance(given, dict) or not given:
            raise invalid("No properties found to update, please provide at least one.")
        record = self.find(call.of, identity, id_property, archived=False)
        call.note.rows, call.note.keys[:] = 1, [identity]
        draft = self._writes.draft(call.of, given, call.faults)
        draft.record = record
        self._writes.settle(call.of, [draft])
        if draft.error is not None:
            raise draft.error.as_call()
        self._writes.store(call.of, [draft])
        return as_written(call.of, record, draft.values, created=False)

    def archive(self, of: CrmObject, identity: str) -> None:
        """Hide one record; one that is not there is none the less gone."""
        if identity.isdigit():
            self._records.archive(of, [int(identity)], self._writes.now())
        elif not self._quirks.on("archives_what_is_not_there"):
            raise missing_record(identity, numeric=False)

    def merge(self, of: CrmObject, body: Mapping[str, Any]) -> dict[str, Any]:
        """Let one record go up in another; the one that remains may get a new id."""
        primary, other = (
            self.find(of, str(body.get(name, "")), None, archived=False)
            for name in ("primaryObjectId", "objectIdToMerge")
        )
        if primary.id == other.id:
            raise invalid("Can't merge an object with itself")
        now = self._writes.now()
        values = {**other.properties, **primary.properties}
        if (second := other.properties.get("email")) and second != values.get("email"):
            more = [*values.get("hs_additional_emails", "").split(";"), second]
            values["hs_additional_emails"] = ";".join(e for e in dict.fromkeys(more) if e)
        gone = [primary.id, other.id]
        values["hs_merged_object_ids"] = ";".join(map(str, gone))
        fresh = self._quirks.on("merges_into_a_new_id")
        identity = self._records.next_id(of) if fresh else primary.id
        survivor = Record(identity, primary.created, now, None, None, values, primary.history)
        line = history_line(now, "MERGE_OBJECTS", values)
        if fresh:
            self._records.merge_away(of, gone, identity, now)
            survivor.history += line
            self._records.insert(of, [survivor])
        else:
            self._records.merge_away(of, [other.id], identity, now)
            self._records.update(of, [(survivor, line)])
        self._records.claim(of, claims_of(of, survivor))
        self._lists.follow(of, [one for one in gone if one != identity], identity)
        return as_read(of, survivor, None)

    def erase(self, of: CrmObject, body: Mapping[str, Any]) -> None:
        """Remove a record for good, archived or not; one that is not there is gone already."""
        identity, name = body.get("objectId"), body.get("idProperty")
        if not isinstance(identity, str):
            raise lacking("objectId")
        if name not in (None, "email"):
            raise not_unique(of.type.type_id, str(name))
        if name:
            holders = self._records.holders(of, name, [identity.strip().lower()])
            ids = list(holders.values())
        else:
            ids = [int(identity)] if identity.isdigit() else []
        self._records.erase(of, ids)
        self._lists.follow(of, ids, None)

    def find(
        self, of: CrmObject, identity: str, id_property: str | None, *, archived: bool
    ) -> Record:
        """
        Return one record, by its id or by a unique property.

        Raises:
            CallRefused: there is none, or the property is not unique.
        """
        found = self._batches.find(of, [identity], id_property, archived=archived)
        if identity not in found:
            raise missing_record(identity, numeric=identity.isdigit() or bool(id_property))
        return found[identity]


def _of_one(call: Call, given: Mapping[str, Any]) -> Call:
    return Call(call.of, {"inputs": [given]}, call.faults, call.note)


def _only(body: dict[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = (body or {})["results"][0]
    return found


def _listed(query: Mapping[str, str], name: str) -> list[str] | None:
    """Return names that come in one parameter or in several."""
    several = getattr(query, "getlist", None)
    found = several(name) if several else [query[name]] if name in query else []
    return [part for one in found for part in one.split(",") if part] or None


def _history(query: Mapping[str, str]) -> list[str]:
    return _listed(query, "propertiesWithHistory") or []


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "false").lower() == "true"


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit():
        raise invalid(f"Unable to parse value for query parameter: {name}")
    return int(text)
