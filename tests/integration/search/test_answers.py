"""What a search finds is what `holds` says, on both engines: random small texts and questions, and fixed English."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, bindparam, delete, insert, select

from backstay.models.catalog import Field, SearchedText, ValueKind
from backstay.models.search import TableSearch
from backstay.models.search_query import (
    AllOf,
    AnyOf,
    Phrase,
    SearchQuery,
    Without,
    Word,
    holds,
    prepared,
)
from backstay.models.search_words import lexeme, words
from backstay.repositories.migrations.connections import with_connection
from backstay.repositories.migrations.search_index import make_index
from backstay.repositories.resources.searches import (
    found_in_postgres,
    found_in_sqlite,
    fts5_query,
    tsquery,
)

# Words that share beginnings and stems, that say nothing, that other parsers take for numbers, and other scripts.
VOCABULARY = (
    "port", "ports", "porting", "por", "the", "of", "and", "or", "not", "near", "running", "run", "runs", "1e5", "1e5x",
    "42", "4x2", "état", "ÉTAT", "Straße", "ΣΑΣ", "日本", "मुंबई", "x", "İz",
)  # fmt: skip
SEPARATORS = (" ", "-", ", ", ".", "'", "_", "@", "/", "  ", "\n", " — ", "½", "😀", ":", "<b>", "&amp;")

texts = st.lists(st.sampled_from(VOCABULARY), max_size=7).flatmap(
    lambda found: st.lists(st.sampled_from(SEPARATORS), min_size=len(found), max_size=len(found)).map(
        lambda between: "".join(map("".join, zip(found, between, strict=True)))
    )
)
_words = st.builds(Word, st.sampled_from(VOCABULARY).map(lambda word: words(word)[0]), st.booleans())
_phrases = st.lists(_words, min_size=2, max_size=4).flatmap(
    lambda found: st.lists(st.integers(1, 3), min_size=len(found) - 1, max_size=len(found) - 1).map(
        lambda distances: Phrase(tuple(found), tuple(distances))
    )
)
queries: st.SearchStrategy[SearchQuery] = st.recursive(
    _words | _phrases,
    lambda inner: (
        st.builds(Without, inner)
        | st.lists(inner, min_size=2, max_size=3).map(lambda items: AllOf(tuple(items)))
        | st.lists(inner, min_size=2, max_size=3).map(lambda items: AnyOf(tuple(items)))
    ),
    max_leaves=6,
)


class Shelf:
    """Two tables of notes on one engine, with a search in each configuration."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.notes = Table(
            "notes", MetaData(), Column("id", Integer, primary_key=True), Column("a", Text), Column("b", Text)
        )
        self.notes.create(connection)
        self.searches = {}
        for config in ("simple", "english"):
            search = TableSearch("notes", config, ("a", "b"), config)
            make_index(connection, search)
            fields = tuple(Field(name, ValueKind.TEXT, self.notes.c[name], True, False) for name in "ab")
            self.searches[config] = SearchedText(config, fields, config, search.stored_as)

    def fill(self, rows: list[tuple[str | None, str | None]]) -> None:
        self.connection.execute(delete(self.notes))
        values = [{"id": number, "a": a, "b": b} for number, (a, b) in enumerate(rows)]
        if values:
            self.connection.execute(insert(self.notes), values)

    def find(self, query: SearchQuery | None, config: str) -> set[int]:
        is_sqlite = self.connection.dialect.name == "sqlite"
        bind = bindparam("query", type_=Text())
        found = (found_in_sqlite if is_sqlite else found_in_postgres)(self.searches[config], self.notes, bind)
        literal = fts5_query(query, config) if is_sqlite else tsquery(query)
        return set(self.connection.scalars(select(self.notes.c.id).where(found), {"query": literal}))


def expected(rows: list[tuple[str | None, str | None]], query: SearchQuery | None, config: str) -> set[int]:
    wanted = prepared(query, partial(lexeme, config=config))
    places = [[lexeme(word, config) or "·" for word in words(f"{a or ''} {b or ''}")] for a, b in rows]
    return {number for number, row in enumerate(places) if wanted is not None and holds(wanted, row)}


async def on_shelf(url: str, work: Callable[[Shelf], None]) -> None:
    def run(connection: Connection) -> None:
        work(Shelf(connection))

    await with_connection(url, run)


async def test_both_engines_find_what_the_definition_says(database_url: str) -> None:
    def work(shelf: Shelf) -> None:
        @given(
            st.lists(st.tuples(st.none() | texts, st.none() | texts), max_size=8),
            st.lists(queries, min_size=4, max_size=8),
            st.sampled_from(("simple", "english")),
        )
        @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def check(rows: list[tuple[str | None, str | None]], asked: list[SearchQuery], config: str) -> None:
            shelf.fill(rows)
            for query in asked:
                assert shelf.find(query, config) == expected(rows, query, config), (rows, query, config)

        check()

    await on_shelf(database_url, work)
