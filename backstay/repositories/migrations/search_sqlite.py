"""The index of a text search on SQLite: a table of the rows' words, an FTS5 index over it, and three triggers.

The table is by primary key: FTS5's own key would be the row's number, which VACUUM may change in a table without an
integer key. The triggers run in the transaction of every write, whoever makes it; they need the function
`backstay_search_entry`, which all of our connections have.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from backstay.models.search import TableSearch
from backstay.repositories.migrations.collations import collation_of

EVENTS = ("insert", "update", "delete")
# The words come ready made; how many there are is for rankings, of which there are none.
_OPTIONS = "tokenize=ascii, columnsize=0"


def index_statements(connection: Connection, search: TableSearch, definition: str) -> list[str]:
    """What makes and fills the index; the table's declaration holds `definition`."""
    keys = _keys(connection, search.table)
    entries, index = quoted(search.stored_as), quoted(f"{search.stored_as}_index")
    named = [quoted(f"key_{key}") for key in keys]
    declared = ", ".join(f"{name} {type_}" for name, type_ in zip(named, keys.values(), strict=True))
    columns = ", ".join(["words", *named])
    row = ", ".join(map(quoted, keys))
    keyed = f"{declared}, UNIQUE ({', '.join(named)})"
    source = f"{quoted(search.table)} WHERE {_text(search, '')} IS NOT NULL"
    return [
        f"CREATE TABLE {entries} (/*{definition}*/ id INTEGER PRIMARY KEY, words TEXT NOT NULL, {keyed})",
        f"CREATE VIRTUAL TABLE {index} USING fts5(words, content={entries}, content_rowid=id, {_OPTIONS})",
        f"INSERT INTO {entries} ({columns}) SELECT {_entry(search, '')}, {row} FROM {source}",
        f"INSERT INTO {index} ({index}) VALUES ('rebuild')",
        *_triggers(search, list(keys), columns),
    ]


def _keys(connection: Connection, table: str) -> dict[str, str]:
    """The columns of the primary key, in the order of the table, each with its type."""
    declared = connection.execute(
        text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": table}
    ).scalar_one()
    keys = {}
    for _, name, type_, _, _, place in connection.exec_driver_sql(f"PRAGMA table_info({quoted(table)})"):
        if place:
            collation = collation_of(name, declared)
            keys[name] = type_ if collation is None else f"{type_} COLLATE {collation}"
    return keys


def _triggers(search: TableSearch, keys: list[str], columns: str) -> list[str]:
    entries, index = quoted(search.stored_as), quoted(f"{search.stored_as}_index")

    def of(row: str) -> str:
        return " AND ".join(f"{quoted(f'key_{key}')} = {row}.{quoted(key)}" for key in keys)

    def forget(row: str) -> str:
        return (
            f"INSERT INTO {index} ({index}, rowid, words) SELECT 'delete', id, words FROM {entries} WHERE {of(row)};"
            f" DELETE FROM {entries} WHERE {of(row)};"
        )

    note = (
        f"INSERT INTO {entries} ({columns}) SELECT {_entry(search, 'new.')},"
        f" {', '.join(f'new.{quoted(key)}' for key in keys)} WHERE {_text(search, 'new.')} IS NOT NULL;"
        f" INSERT INTO {index} (rowid, words) SELECT id, words FROM {entries} WHERE {of('new')};"
    )
    changed = ", ".join(map(quoted, dict.fromkeys([*search.columns, *keys])))
    # INSERT OR REPLACE removes a row without a word to the trigger of deletes.
    bodies = {
        "insert": ("INSERT", forget("new") + note),
        "update": (f"UPDATE OF {changed}", forget("old") + forget("new") + note),
        "delete": ("DELETE", forget("old")),
    }
    return [
        f"CREATE TRIGGER {quoted(f'{search.stored_as}_{event}')} AFTER {bodies[event][0]} ON {quoted(search.table)}"
        f" BEGIN {bodies[event][1]} END"
        for event in EVENTS
    ]


def _entry(search: TableSearch, row: str) -> str:
    return f"backstay_search_entry('{search.config}', {_text(search, row)})"


def _text(search: TableSearch, row: str) -> str:
    """The text of a row: null where a lone column is."""
    columns = [f"{row}{quoted(name)}" for name in search.columns]
    if len(columns) == 1:
        return columns[0]
    return " || ' ' || ".join(f"coalesce({name}, '')" for name in columns)


def quoted(name: str) -> str:
    """A name as it stands in SQL, on both databases."""
    return '"' + name.replace('"', '""') + '"'
