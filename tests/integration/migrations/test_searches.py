"""Searches in migrations, on both engines: added to a table with rows, changed, removed, undone, and drift."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, MetaData, String, Table, Text, bindparam, select, text

from backstay.models.base import NAMING
from backstay.models.catalog import Field, SearchedText, ValueKind
from backstay.models.search import KEPT_IN, TableSearch
from backstay.repositories.migrations import Migrations
from backstay.repositories.migrations.connections import with_connection
from backstay.repositories.resources.searches import (
    found_in_postgres,
    found_in_sqlite,
    fts5_query,
    tsquery,
)
from backstay.services.resources.search_syntax import read_web


def books(*searches: TableSearch, more: tuple[Column[Any], ...] = (), nullable: bool = True) -> MetaData:
    """A table with a text key and those searches."""
    metadata = MetaData(naming_convention=NAMING)
    Table(
        "books", metadata,
        Column("code", String(9), primary_key=True), Column("title", Text, nullable=nullable), *more,
        info={KEPT_IN: searches} if searches else {},
    )  # fmt: skip
    return metadata


def over(*columns: str, config: str = "simple", name: str = "search") -> TableSearch:
    return TableSearch("books", name, columns, config)


@pytest.fixture
def library(database_url: str, tmp_path: Path) -> Library:
    return Library(database_url, tmp_path / "project")


class Library:
    """One database and one project, whose models change."""

    def __init__(self, url: str, project: Path) -> None:
        self.url = url
        self.project = project
        self.metadata = MetaData()

    def migrations(self, metadata: MetaData | None = None) -> Migrations:
        self.metadata = metadata or self.metadata
        return Migrations(self.url, self.metadata, self.project)

    async def become(self, metadata: MetaData) -> str:
        """Migrate to those models; the text of the file that did it."""
        migrations = self.migrations(metadata)
        await migrations.up()
        path = await migrations.make("change")
        assert path is not None
        await migrations.up()
        assert [found for found in await migrations.differences() if "backstay_" not in str(found)] == []
        assert await migrations.make("nothing") is None
        return path.read_text()

    async def run(self, *statements: str) -> None:
        def work(connection: Connection) -> None:
            for statement in statements:
                connection.execute(text(statement))
            connection.commit()

        await with_connection(self.url, work)

    async def left(self) -> list[str]:
        """What the database has of searches: tables, triggers and indexes."""
        catalog = (
            "sqlite_master" if self.url.startswith("sqlite") else "(SELECT relname AS name FROM pg_class) c"
        )

        def work(connection: Connection) -> list[str]:
            names = connection.scalars(
                text(f"SELECT name FROM {catalog} WHERE name LIKE '%backstay_search%'")
            )
            return sorted(names)

        return await with_connection(self.url, work)

    async def find(self, words: str, search: TableSearch) -> list[str]:
        table = self.metadata.tables["books"]
        fields = tuple(Field(name, ValueKind.TEXT, table.c[name], True, False) for name in search.columns)
        searched = SearchedText(search.name, fields, search.config, search.stored_as)
        is_sqlite = self.url.startswith("sqlite")
        bind = bindparam("query", type_=Text())
        found = (found_in_sqlite if is_sqlite else found_in_postgres)(searched, table, bind)
        literal = fts5_query(read_web(words), search.config) if is_sqlite else tsquery(read_web(words))

        def work(connection: Connection) -> list[str]:
            return sorted(connection.scalars(select(table.c.code).where(found), {"query": literal}))

        return await with_connection(self.url, work)


ROWS = "INSERT INTO books (code, title) VALUES ('a', 'Running home'), ('b', NULL), ('c', 'The runs')"


async def test_a_search_is_added_to_rows_changed_removed_and_undone(library: Library) -> None:
    await library.become(books())
    await library.run(ROWS)
    simple, english = over("title"), over("title", config="english")

    made = await library.become(books(simple))
    assert "create_search('books', 'search', ['title'], config='simple')" in made.replace('"', "'")
    assert await library.find("running", simple) == ["a"]
    await library.run(
        "UPDATE books SET title = 'Running late' WHERE code = 'b'", "DELETE FROM books WHERE code = 'a'"
    )
    assert await library.find("running", simple) == ["b"]

    changed = await library.become(books(english))
    assert changed.index("drop_search(") < changed.index("create_search(")
    assert await library.find("run", english) == ["b", "c"]

    await library.become(books())
    assert await library.left() == []

    # Down twice: the search that was removed is back, then the one before it, each with the rows of now.
    await library.run("UPDATE books SET title = 'A runner' WHERE code = 'c'")
    await library.migrations(books(english)).down()
    assert await library.find("running", english) == ["b"]
    await library.migrations(books(simple)).down()
    assert await library.find("runner", simple) == ["c"]
    await library.migrations(books()).down()
    await library.run("UPDATE books SET title = 'still writable'")


async def test_a_search_and_its_columns_come_and_go_in_one_migration(library: Library) -> None:
    await library.become(books(over("title")))
    await library.run(ROWS)
    both = over("title", "blurb", name="words")
    await library.become(books(both, more=(Column("blurb", Text),)))
    await library.run("UPDATE books SET blurb = 'a long way' WHERE code = 'a'")
    assert await library.find('"home a long way"', both) == ["a"]
    await library.become(books(over("title")))
    assert await library.find("home", over("title")) == ["a"]
    await library.become(MetaData(naming_convention=NAMING))
    await library.migrations(books(over("title"))).down()
    await library.run(ROWS)
    assert await library.find("home", over("title")) == ["a"]


async def test_rebuilding_a_table_on_sqlite_keeps_its_search_in_step(tmp_path: Path) -> None:
    """SQLite drops a table's triggers with the table that a change of a column replaces."""
    library = Library(f"sqlite:///{tmp_path}/app.db", tmp_path / "project")
    await library.become(books(over("title")))
    await library.run(ROWS, "UPDATE books SET title = 'x' WHERE code = 'b'")
    await library.become(books(over("title"), nullable=False))
    await library.run("UPDATE books SET title = 'A running joke' WHERE code = 'b'")
    assert await library.find("running", over("title")) == ["a", "b"]
    await library.run("DELETE FROM books WHERE code = 'a'", "COMMIT", "VACUUM")
    assert await library.find("running", over("title")) == ["b"]
    await library.run("REPLACE INTO books VALUES ('b', 'No joke')")
    assert await library.find("running", over("title")) == []
    assert await library.find("runs or joke", over("title")) == ["b", "c"]


async def test_an_index_that_somebody_removed_is_a_difference(library: Library) -> None:
    await library.become(books(over("title")))
    name = over("title").stored_as
    is_sqlite = library.url.startswith("sqlite")
    await library.run(f"DROP TRIGGER {name}_delete" if is_sqlite else f"DROP INDEX {name}")
    migrations = library.migrations()
    assert ("add_search", over("title")) in await migrations.differences()
    await library.become(library.metadata)
    await library.run(ROWS)
    assert await library.find("home", over("title")) == ["a"]
