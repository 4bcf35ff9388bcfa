"""A SQLite database's structure, from its schema table and pragmas. It does not count how often an index is used."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby

from backstay.errors import BackstayError
from backstay.models.structure import ForeignKeyFacts, IndexFacts, Structure, TableFacts
from backstay.repositories.database import Database, ResultRow, Statement

_TABLES = Statement(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)
_KEYS_OF_TABLES = Statement(
    "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c"
    " WHERE m.type = 'table' AND c.pk > 0 ORDER BY m.name, c.pk"
)
_INDEXES = Statement(
    'SELECT m.name, l.name, x.name, l."unique", l.origin, coalesce(s.sql, \'\'), x."desc", x.coll'
    " FROM sqlite_schema m JOIN pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) x"
    " LEFT JOIN sqlite_schema s ON s.type = 'index' AND s.name = l.name"
    " WHERE m.type = 'table' AND x.key = 1 ORDER BY m.name, l.name, x.seqno"
)
_FOREIGN_KEYS = Statement(
    'SELECT m.name, f.id, f."table", f."from" FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f'
    " WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq"
)
_HAS_STATISTICS = Statement("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'")
_STATISTICS = Statement("SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl")

# Rows from which the planner's guesses without statistics begin to cost.
_FEW_ROWS = 10_000
_ORIGINS = {"pk": "primary", "u": "constraint", "c": ""}


class SqliteInspection:
    """`Inspection` of one file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> Structure:
        """Every table of the file."""
        statistics = await self._statistics()
        indexes = await self._indexes()
        keys = await self._foreign_keys()
        tables = {}
        for (name,) in await self._database.read(_TABLES):
            rows = statistics.get(name)
            is_analyzed = rows is not None
            if rows is None:
                rows = await self._last_row(name)
            tables[name] = TableFacts(
                name=name,
                rows=rows,
                is_analyzed=is_analyzed or (rows or 0) < _FEW_ROWS,
                indexes=tuple(indexes[name]),
                foreign_keys=tuple(keys[name]),
            )
        return Structure("sqlite", tables, counts_use=False)

    async def _statistics(self) -> dict[str, int]:
        if not await self._database.read(_HAS_STATISTICS):
            return {}
        counted = await self._database.read(_STATISTICS)
        return {str(table): int(rows) for table, rows in counted}

    async def _last_row(self, table: str) -> int | None:
        """About how many rows there are: the highest row number, which is found at once."""
        quoted = table.replace('"', '""')
        try:
            ((last,),) = await self._database.read(Statement(f'SELECT max(rowid) FROM "{quoted}"'))  # noqa: S608  # quoted
        except BackstayError:
            return None
        return last or 0

    async def _indexes(self) -> dict[str, list[IndexFacts]]:
        found: dict[str, list[IndexFacts]] = defaultdict(list)
        rows = await self._database.read(_INDEXES)
        for (table, _), group in groupby(rows, key=lambda row: (row[0], row[1])):
            found[table].append(_index(list(group)))
        for table, columns in groupby(await self._database.read(_KEYS_OF_TABLES), key=lambda row: row[0]):
            if not any(index.serves == "primary" for index in found[table]):
                names = tuple(column for _, column in columns)
                found[table].append(_key_of(table, names))
        return found

    async def _foreign_keys(self) -> dict[str, list[ForeignKeyFacts]]:
        found: dict[str, list[ForeignKeyFacts]] = defaultdict(list)
        rows = await self._database.read(_FOREIGN_KEYS)
        for (table, _, target), group in groupby(rows, key=lambda row: (row[0], row[1], row[2])):
            columns = tuple(row[3] for row in group)
            found[table].append(ForeignKeyFacts(f"{table}_{'_'.join(columns)}_fkey", columns, target))
        return found


def _index(rows: list[ResultRow]) -> IndexFacts:
    """One index from a row for each of its columns."""
    _, name, _, is_unique, origin, definition, _, _ = rows[0]
    _, _, condition = definition.partition(" WHERE ")
    columns = tuple("(expression)" if row[2] is None else str(row[2]) for row in rows)
    not_null = {f"{column} IS NOT NULL" for column in columns}
    is_of_columns = "(expression)" not in columns
    return IndexFacts(
        name=name,
        columns=columns,
        parts=tuple(f"{column} {row[6]} {row[7]}" for column, row in zip(columns, rows, strict=True)),
        # The text of an expression is nowhere but in the statement.
        kind=f"where {condition}" if is_of_columns else definition,
        is_unique=bool(is_unique),
        is_plain=is_of_columns and (not condition or condition in not_null),
        serves=_ORIGINS.get(origin, ""),
        definition=definition,
    )


def _key_of(table: str, columns: tuple[str, ...]) -> IndexFacts:
    """The table itself, which is kept in the order of its whole-number key."""
    return IndexFacts(
        name=f"{table}_pkey",
        columns=columns,
        parts=tuple(f"{column} 0 BINARY" for column in columns),
        kind="where ",
        is_unique=True,
        is_plain=True,
        serves="primary",
    )
