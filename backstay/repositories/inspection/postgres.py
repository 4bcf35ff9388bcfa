"""A PostgreSQL database's structure, from its catalogs and its statistics views."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from backstay.models.structure import ForeignKeyFacts, IndexFacts, Structure, TableFacts
from backstay.repositories.database import Database, Statement

_TABLES = Statement("""
SELECT t.relname::text, t.reltuples::bigint, s.last_analyze IS NOT NULL OR s.last_autoanalyze IS NOT NULL,
       coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0), t.relpages
FROM pg_class t LEFT JOIN pg_stat_user_tables s ON s.relid = t.oid
WHERE t.relkind IN ('r', 'p') AND t.relnamespace = current_schema()::regnamespace
""")

_INDEXES = Statement("""
SELECT t.relname::text, i.relname::text, x.indisunique, x.indisprimary,
       EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = x.indexrelid AND c.contype IN ('p', 'u', 'x')),
       x.indisvalid, m.amname::text, pg_get_expr(x.indpred, x.indrelid), pg_get_indexdef(x.indexrelid),
       ARRAY(SELECT coalesce(a.attname::text, '(' || pg_get_indexdef(x.indexrelid, k.place::int, true) || ')')
             FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k(number, place)
             LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number AND k.number <> 0
             ORDER BY k.place),
       x.indnkeyatts::int, x.indoption::text, x.indcollation::text, x.indclass::text, coalesce(s.idx_scan, 0)
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_am m ON m.oid = i.relam
LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = x.indexrelid
WHERE t.relnamespace = current_schema()::regnamespace
ORDER BY i.relname
""")

_KEYS = Statement("""
SELECT t.relname::text, c.conname::text, o.relname::text,
       ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k(number, place)
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number ORDER BY k.place)
FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class o ON o.oid = c.confrelid
WHERE c.contype = 'f' AND t.relnamespace = current_schema()::regnamespace
ORDER BY c.conname
""")

_SINCE = Statement("SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()")

# Pages of 8 KiB from which a table that was never analyzed is more than a handful of rows.
_FEW_PAGES = 32


class PostgresInspection:
    """`Inspection` of the schema that unqualified names mean."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> Structure:
        """Every table of the schema."""
        indexes: dict[str, list[IndexFacts]] = defaultdict(list)
        keys: dict[str, list[ForeignKeyFacts]] = defaultdict(list)
        for table, *facts in await self._database.read(_INDEXES):
            indexes[table].append(_index(*facts))
        for table, name, target, columns in await self._database.read(_KEYS):
            keys[table].append(ForeignKeyFacts(name, tuple(columns), target))
        tables = {}
        for name, rows, is_analyzed, scans, pages in await self._database.read(_TABLES):
            is_known = rows >= 0 and (is_analyzed or pages > 0)
            tables[name] = TableFacts(
                name=name,
                rows=rows if is_known else None,
                is_analyzed=is_analyzed or pages < _FEW_PAGES,
                indexes=tuple(indexes[name]),
                foreign_keys=tuple(keys[name]),
                scans=scans,
            )
        ((since,),) = await self._database.read(_SINCE)
        return Structure("postgresql", tables, counts_use=True, counted_since=_moment(since))


def _index(
    name: str,
    is_unique: bool,
    is_primary: bool,
    is_constraint: bool,
    is_valid: bool,
    method: str,
    condition: str | None,
    definition: str,
    columns: list[str],
    keys: int,
    options: str,
    collations: str,
    operators: str,
    scans: int,
) -> IndexFacts:
    told_apart = zip(columns, options.split(), collations.split(), operators.split(), strict=False)
    own = tuple(columns[:keys])
    not_null = {f"({column} IS NOT NULL)" for column in own}
    return IndexFacts(
        name=name,
        columns=own,
        parts=tuple(" ".join(part) for part in told_apart),
        kind=f"{method} where {condition or 'all'} with {','.join(columns[keys:])}",
        is_unique=is_unique,
        is_plain=method == "btree"
        and (condition is None or condition in not_null)
        and not any(column.startswith("(") for column in own),
        serves="primary" if is_primary else "constraint" if is_constraint else "",
        is_valid=is_valid,
        definition=definition,
        scans=scans,
    )


def _moment(value: Any) -> dt.datetime | None:
    return value if isinstance(value, dt.datetime) else None
