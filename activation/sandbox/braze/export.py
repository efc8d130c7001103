"""/users/export/ids: profiles by external id, alias, address, number, device or Braze's own id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from activation.sandbox.braze.errors import bad_request, json_answer, too_many_to_export
from activation.sandbox.braze.objects import is_alias
from activation.sandbox.braze.profiles import Profile, Profiles, told
from activation.sandbox.braze.quirks import FIELDS_TO_EXPORT
from activation.sandbox.quirks import Quirks

MOST = 50
_SINGLE = ("device_id", "email_address", "phone")


class Export:
    """The export of profiles."""

    def __init__(self, profiles: Profiles, quirks: Quirks) -> None:
        self._profiles = profiles
        self._quirks = quirks

    def export(self, body: Mapping[str, Any]) -> Response:
        """Return the profiles that are found, and the external ids that find nobody."""
        fields = body.get("fields_to_export")
        if fields is None and self._quirks.value(FIELDS_TO_EXPORT) == "required":
            # Words not sourced.
            raise bad_request("'fields_to_export' is required")
        if fields is not None and not _texts(fields):
            raise bad_request("'fields_to_export' must be an array of strings")
        found, unknown = self._find(body)
        users = [profile_document(profile, fields) for profile in found]
        content: dict[str, Any] = {"users": users}
        if unknown:
            content["invalid_user_ids"] = unknown
        return json_answer({**content, "message": "success"})

    def _find(self, body: Mapping[str, Any]) -> tuple[list[Profile], list[str]]:
        ids, aliases = body.get("external_ids") or [], body.get("user_aliases") or []
        if not _texts(ids) or not isinstance(aliases, list) or not all(map(is_alias, aliases)):
            raise bad_request("'external_ids' must be strings and 'user_aliases' aliases")
        if len(ids) + len(aliases) > MOST:
            raise too_many_to_export()
        single = [name for name in _SINGLE if body.get(name)]
        if len(single) > 1:
            # Words not sourced.
            raise bad_request(f"Only one of {', '.join(_SINGLE)} can be provided")
        if not (ids or aliases or single or body.get("braze_id")):
            raise bad_request("No users to export")
        known = self._profiles.by_external_ids(ids)
        found: list[Profile | None] = [known.get(i) for i in ids]
        found += [self._profiles.by_alias(a["alias_label"], a["alias_name"]) for a in aliases]
        if braze_id := body.get("braze_id"):
            found.append(self._profiles.by_braze_id(str(braze_id)))
        for name, column in (("email_address", "email"), ("phone", "phone")):
            if value := body.get(name):
                found += self._profiles.by_contact(column, str(value))
        once = {p.braze_id: p for p in found if p is not None}
        return list(once.values()), [i for i in dict.fromkeys(ids) if i not in known]


def profile_document(profile: Profile, fields: list[str] | None) -> dict[str, Any]:
    """Return a profile as an export tells it: what is empty is left out."""
    told_fields = {
        name: value
        for name, value in profile.fields.items()
        if name not in ("email_subscribe", "push_subscribe")
    }
    whole: dict[str, Any] = {
        "created_at": told(profile.created),
        "external_id": profile.external_id,
        "user_aliases": profile.aliases,
        "appboy_id": profile.braze_id,
        "braze_id": profile.braze_id,
        **told_fields,
        "random_bucket": profile.random_bucket,
        "custom_attributes": profile.custom or None,
        "custom_events": list(profile.events.values()) or None,
        "purchases": list(profile.purchases.values()) or None,
        "total_revenue": profile.revenue,
        "push_subscribe": profile.fields.get("push_subscribe", "subscribed"),
        "email_subscribe": profile.fields.get("email_subscribe", "subscribed"),
    }
    wanted = whole if fields is None else fields
    return {n: whole[n] for n in wanted if whole.get(n) is not None}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)
