"""What the sandbox saw: every state that a record was ever in, kept by its own database."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from pathlib import Path

from activation.sandbox.state import FILE_NAME

STATE = "Churn_Reason__c"
"""The field that tells which state of the source a record is in."""

_HISTORY = f"""
CREATE TABLE IF NOT EXISTS witnessed (
    no INTEGER PRIMARY KEY, id TEXT, key TEXT, state TEXT, created INTEGER
);
CREATE TRIGGER IF NOT EXISTS witnessed_creation AFTER INSERT ON "salesforce_Contact"
BEGIN
    INSERT INTO witnessed (id, key, state, created)
    VALUES (NEW."Id", NEW."Customer_Key__c", NEW."{STATE}", 1);
END;
CREATE TRIGGER IF NOT EXISTS witnessed_change AFTER UPDATE ON "salesforce_Contact"
BEGIN
    INSERT INTO witnessed (id, key, state, created)
    VALUES (NEW."Id", NEW."Customer_Key__c", NEW."{STATE}", 0);
END;
"""  # noqa: S608 - a constant


class Witness:
    """Reads the sandbox's database beside it; only the triggers write."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / FILE_NAME, timeout=30)
        self._database.executescript(_HISTORY)
        self._read = 0
        self._newest: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def violations(self, withdrawn: Collection[str]) -> list[str]:
        """Return what was written since the last call and must not; nothing to `withdrawn`."""
        found = []
        for number, identity, key, state, created in self._database.execute(
            "SELECT no, id, key, state, created FROM witnessed WHERE no > ? ORDER BY no",
            (self._read,),
        ):
            self._read = number
            if created and key in self._ids:
                found.append(f"double create: {key} is {self._ids[key]} and {identity}")
            self._ids.setdefault(key, identity)
            if state is None:
                continue  # withdrawn consent clears what we wrote
            if state < self._newest.get(key, ""):
                found.append(f"older over newer: {key} was {self._newest[key]}, now {state}")
            self._newest[key] = max(state, self._newest.get(key, ""))
            if key in withdrawn:
                found.append(f"without consent: {key} has become {state}")
        return found

    def under_way(self) -> bool:
        """Return whether a request that arrived may yet take effect."""
        ((open_requests,),) = self._database.execute(
            "SELECT count(*) FROM requests WHERE status IS NULL AND fault IS NOT 'lost_request'"
        )
        return bool(open_requests)

    def requests(self) -> int:
        """Return how many writes arrived."""
        ((writes,),) = self._database.execute("SELECT count(*) FROM requests WHERE rows > 0")
        return int(writes)

    def states(self) -> dict[str, str]:
        """Return the state that each record is in."""
        found = self._database.execute(
            f'SELECT "Customer_Key__c", "{STATE}" FROM "salesforce_Contact" WHERE "IsDeleted" = 0'  # noqa: S608
        )
        return dict(found.fetchall())

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
