"""Rows into the CSV of one job."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.compute as pc

from activation.contract.model import FieldKind, FieldMapping, NullPolicy
from activation.destinations.base import Target
from activation.destinations.cells import named_in, text_cells
from activation.destinations.salesforce.encode import keys_of
from activation.destinations.salesforce.names import check_target, lookup_field

NULL = "#N/A"
"""The cell that empties a field; an empty cell leaves it alone."""
_NOTHING = pa.scalar(None, pa.string())
_LINE_ENDS = r"\r\n?"


def encode(target: Target, rows: pa.Table, *, most: int) -> bytes:
    """
    Return the file for these rows; the same rows give the same bytes.

    The key is the first column.  Rows with the same parent stand together, because a parent is
    locked while a row of it is written, and batches of a job run side by side.
    A text that reads `#N/A` cannot be told from an emptied field: Salesforce empties it.

    Raises:
        ConfigurationError: a name in the target cannot be an API name.
        ValueError: more than `most` rows, or a row without a sync key.
    """
    from pyarrow import csv

    check_target(target)
    columns: dict[str, pa.ChunkedArray] = {target.key: keys_of(rows, most=most)}
    parents: list[str] = []
    for mapping in target.fields:
        column = _cells(mapping, rows.column(mapping.to))
        named = named_in(rows, mapping.to)
        emptied = _emptied(mapping, column, named)
        if named is not None:
            column = pc.if_else(pc.fill_null(named, fill_value=True), column, _NOTHING)
        relationship, dot, _ = mapping.to.rpartition(".")
        if not dot:
            columns[mapping.to] = pc.coalesce(column, emptied)
            continue
        columns[mapping.to] = column
        parents.append(mapping.to)
        if emptied.null_count < rows.num_rows:
            # A link is emptied through the field that holds the id.
            columns[lookup_field(relationship)] = emptied
    table = pa.table(columns)
    if parents:
        order = [(name, "ascending") for name in (*parents, target.key)]
        table = table.take(pc.sort_indices(table, sort_keys=order))
    file = io.BytesIO()
    file.write(f"{','.join(table.column_names)}\n".encode())
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    csv.write_csv(table, file, options)
    return file.getvalue()


def _cells(mapping: FieldMapping, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column's cells; a blank text is null, which is how Salesforce stores it."""
    cells = text_cells(mapping, column)
    if mapping.type.kind is not FieldKind.TEXT:
        return cells
    # Within an LF file, a value with other line ends fails its whole job.
    cells = pc.replace_substring_regex(cells, _LINE_ENDS, "\n")
    blank = pc.equal(pc.utf8_trim_whitespace(cells), "")
    return pc.if_else(blank, pa.scalar(None, pa.string()), cells)


def _emptied(
    mapping: FieldMapping, cells: pa.ChunkedArray, named: pa.Array | None
) -> pa.ChunkedArray:
    """Return the cell that empties a field, for the rows in which it is to be emptied."""
    # A null under the policy `hold` never gets here; were it to, leaving out does no harm.
    clears = pa.scalar(mapping.nulls is NullPolicy.CLEAR)
    may = clears if named is None else pc.fill_null(named, clears)
    return pc.if_else(pc.and_(pc.is_null(cells), may), NULL, _NOTHING)
