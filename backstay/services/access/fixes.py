"""What mends a finding: statements of a migration that runs on both engines, and what to write in the models.

Indexes are made and dropped without keeping writers waiting (`CONCURRENTLY` on PostgreSQL), so the statements belong
outside of a transaction; each may be run again after it was interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence

from backstay.models.access.finding import Fix
from backstay.models.catalog import Catalog
from backstay.models.structure import IndexFacts

# PostgreSQL's longest identifier; the naming convention shortens what is longer.
_LONGEST_NAME = 63


def index_fix(table: str, columns: Sequence[str]) -> Fix:
    """Make the index that `index=True`, or an `Index` without a name, would make."""
    name = f"ix_{table}_{'_'.join(columns)}"
    said = f"op.f({_quoted(name)})" if len(name) <= _LONGEST_NAME else "None"
    return Fix((_create(said, table, columns, is_unique=False),), (_drop(said, table),))


def drop_fix(table: str, index: IndexFacts) -> Fix:
    """Drop an index; undone by making it again as it was."""
    name = _quoted(index.name)
    if index.is_plain:
        again = _create(name, table, index.columns, is_unique=index.is_unique)
    else:
        again = f"op.execute({_quoted(index.definition)})"
    return Fix((_drop(name, table),), (again,))


def again_fix(table: str, index: IndexFacts) -> Fix:
    """Make an index again that was left half made."""
    name = _quoted(index.name)
    create = _create(name, table, index.columns, is_unique=index.is_unique)
    return Fix((_drop(name, table), create), ())


def analyze_fix(table: str) -> Fix:
    """Gather statistics now."""
    return Fix((f"op.execute('ANALYZE \"{table}\"')",), ())


def index_advice(catalog: Catalog, table: str, columns: Sequence[str]) -> str:
    """Where the index stands in the models, so that the next migration does not drop it again."""
    if _declares(catalog, table, columns):
        return "the models have it already: apply what `backstay migrate make` writes, or this migration"
    if len(columns) == 1:
        return f"in the models, {attribute(catalog, table, columns[0])}: mapped_column(…, index=True)"
    listed = ", ".join(map(_quoted, columns))
    return f"in the models, {model_name(catalog, table)}: __table_args__ = (Index(None, {listed}),)"


def model_name(catalog: Catalog, table: str) -> str:
    """The class of a table; its name where it has none."""
    resource = catalog.resources.get(table)
    return table if resource is None else resource.model.__name__


def attribute(catalog: Catalog, table: str, column: str) -> str:
    """`Trip.owner_id`."""
    return f"{model_name(catalog, table)}.{column}"


def _declares(catalog: Catalog, table: str, columns: Sequence[str]) -> bool:
    resource = catalog.resources.get(table)
    declared = () if resource is None else resource.table.indexes
    return any([column.name for column in index.columns] == list(columns) for index in declared)


def _create(name: str, table: str, columns: Sequence[str], *, is_unique: bool) -> str:
    listed = ", ".join(map(_quoted, columns))
    unique = "unique=True, " if is_unique else ""
    return (
        f"op.create_index({name}, {_quoted(table)}, [{listed}], {unique}"
        "if_not_exists=True, postgresql_concurrently=True)"
    )


def _drop(name: str, table: str) -> str:
    return f"op.drop_index({name}, table_name={_quoted(table)}, if_exists=True, postgresql_concurrently=True)"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
