"""The models of the dbt project, built as dbt would, in a process that lives for many days."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import jinja2

from activation_tests.sync.project import ROOT

_MODELS = ROOT / "dbt_project" / "models"


class Marts:
    """The project's models, in the order of what they read; loading dbt takes longer than a day."""

    def __init__(self) -> None:
        self._files = {path.stem: path for path in sorted(_MODELS.glob("*/*.sql"))}
        self._read: dict[str, set[str]] = {}
        self._queries = {name: self._query(name) for name in self._files}
        self.order = tuple(TopologicalSorter(self._read).static_order())

    def build(self, database: Path) -> None:
        """Build every model as a table."""
        with duckdb.connect(str(database)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for folder in {path.parent.name for path in self._files.values()}:
                connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{folder}"')
            for model in self.order:
                connection.execute(
                    f"CREATE OR REPLACE TABLE {self._relation(model)} AS {self._queries[model]}"
                )

    def _query(self, model: str) -> str:
        read = self._read.setdefault(model, set())

        def ref(name: str) -> str:
            read.add(name)
            return self._relation(name)

        return jinja2.Template(self._files[model].read_text(encoding="utf-8")).render(
            ref=ref,
            source=lambda schema, name: f'"{schema}"."{name}"',
            blank_to_null=lambda column: f"nullif(trim({column}), '')",
        )

    def _relation(self, model: str) -> str:
        return f'"{self._files[model].parent.name}"."{model}"'
