"""The sandbox's own addresses, under `/_sandbox`: they cost no quota and suffer no faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from activation.errors import UsageError
from activation.sandbox.acts import Act, endpoint_of
from activation.sandbox.application import Application
from activation.sandbox.system import System
from activation.sandbox.windows import Window

_FIRST = "salesforce"
"""The vendor that is meant where none is named."""
_MAX_ENTRIES = 10_000


def admin_routes(application: Application) -> list[BaseRoute]:
    """Return the routes that hold for all vendors."""
    admin = _Admin(application)
    acts: list[tuple[str, str, Act]] = [
        ("/_sandbox/health", "GET", admin.health),
        ("/_sandbox/faults", "GET", admin.faults),
        ("/_sandbox/faults", "POST", admin.add_fault),
        ("/_sandbox/faults", "DELETE", admin.clear_faults),
        ("/_sandbox/requests", "GET", admin.requests),
        ("/_sandbox/records/{system}/{object:path}", "GET", admin.records),
        ("/_sandbox/quota", "GET", admin.quota),
        ("/_sandbox/quota", "POST", admin.set_quota),
        ("/_sandbox/quotas", "GET", admin.quotas),
        ("/_sandbox/quirks", "GET", admin.quirks),
        ("/_sandbox/quirks", "POST", admin.set_quirk),
        ("/_sandbox/reset", "POST", admin.reset),
    ]
    return [Route(path, endpoint_of(act), methods=[method]) for path, method, act in acts]


class _Admin:
    def __init__(self, application: Application) -> None:
        self._application = application

    def health(self, _request: Request, _body: dict[str, Any]) -> Any:
        now = self._application.clock.now().isoformat()
        return {"sandbox": True, "systems": list(self._application.systems), "time": now}

    def faults(self, _request: Request, _body: dict[str, Any]) -> Any:
        return {"faults": [fault.document() for fault in self._application.faults.all()]}

    def add_fault(self, _request: Request, body: dict[str, Any]) -> Any:
        return self._application.faults.add(body, tuple(self._application.systems)).document()

    def clear_faults(self, _request: Request, _body: dict[str, Any]) -> Any:
        self._application.faults.clear()
        return {"faults": []}

    def requests(self, request: Request, _body: dict[str, Any]) -> Any:
        since = _whole(request.query_params.get("since", "0"), "since")
        limit = _whole(request.query_params.get("limit", str(_MAX_ENTRIES)), "limit")
        return {"requests": self._application.log.since(since, min(limit, _MAX_ENTRIES))}

    def records(self, request: Request, _body: dict[str, Any]) -> Any:
        system = self._system(request.path_params["system"])
        limit = _whole(request.query_params.get("limit", "100"), "limit")
        rows, total = system.records(request.path_params["object"], limit)
        return {"records": rows, "total": total}

    def quota(self, request: Request, _body: dict[str, Any]) -> Any:
        return _told(self._quota(request.query_params))

    def quotas(self, request: Request, _body: dict[str, Any]) -> Any:
        system = self._system(request.query_params.get("system", _FIRST))
        return {"quotas": {name: _told(quota) for name, quota in system.quotas.items()}}

    def set_quota(self, _request: Request, body: dict[str, Any]) -> Any:
        quota = self._quota(body)
        limit, used = body.get("limit"), body.get("used")
        for name, value in (("limit", limit), ("used", used)):
            if value is not None and (type(value) is not int or value < 0):
                raise UsageError(f"{name} is {value!r}.", hint="Give a whole number.")
        quota.set(limit=limit, used=used)
        return _told(quota)

    def quirks(self, request: Request, _body: dict[str, Any]) -> Any:
        system = self._system(request.query_params.get("system", _FIRST))
        return {"quirks": system.quirks.documents()}

    def set_quirk(self, _request: Request, body: dict[str, Any]) -> Any:
        quirks = self._system(str(body.get("system", _FIRST))).quirks
        quirks.set(str(body.get("name")), body.get("value"))
        return {"quirks": quirks.documents()}

    def reset(self, _request: Request, _body: dict[str, Any]) -> Any:
        self._application.reset()
        return {"reset": True}

    def _quota(self, asked: Mapping[str, Any]) -> Window:
        """Return the quota that is asked for, by default its vendor's main one."""
        quotas = self._system(str(asked.get("system", _FIRST))).quotas
        name = str(asked.get("name") or next(iter(quotas)))
        if name not in quotas:
            raise UsageError(f"There is no quota {name!r}.", hint=f"Quotas: {', '.join(quotas)}.")
        return quotas[name]

    def _system(self, name: str) -> System:
        system = self._application.systems.get(name)
        if system is None:
            known = ", ".join(self._application.systems)
            raise UsageError(f"The sandbox has no system {name!r}.", hint=f"Systems: {known}.")
        return system


def _told(quota: Window) -> dict[str, Any]:
    return {"limit": quota.limit, "used": quota.used}


def _whole(text: str, name: str) -> int:
    if not text.isdigit():
        raise UsageError(f"{name} is {text!r}.", hint="Give a whole number.")
    return int(text)
