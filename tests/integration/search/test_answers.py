"""What a search finds is what `holds` says, on both engines: random small texts and questions, and fixed English."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from string import punctuation

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

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
from backstay.models.search_words import is_too_much, lexeme, words
from backstay.repositories.migrations.connections import with_connection
from backstay.repositories.migrations.search_index import make_index
from backstay.repositories.resources.searches import (
    found_in_postgres,
    found_in_sqlite,
    fts5_query,
    tsquery,
)
from backstay.services.resources.search_syntax import read_phrase, read_plain, read_query, read_web
from tests.engines import PostgresServer

DOCUMENTS = " ".join(path.read_text() for path in sorted(Path(__file__).parents[3].glob("docs/*.md")))

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


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("running", {0, 1}),
        ("the runner", {2}),
        ('"state of the art"', {3}),
        ('"state art"', set()),
        ("organization", {4, 5}),
        ("universities", {6}),
        ("generously", {7}),
        ("odding", set()),
        ("generous", {7}),
        ("-run", {2, 3, 4, 5, 6, 7, 8}),
        ("the of", set()),
        ("run2", {8}),
        ("runs2", set()),
        ("cafés", {7}),
    ],
)
async def test_english_is_the_same_english_on_both_engines(
    database_url: str, query: str, found: set[int]
) -> None:
    texts_ = (
        "Running", "He runs", "A runner", "The state of the art", "An organ", "Organize!", "University", "Generous café",
        "run2",
    )  # fmt: skip

    def work(shelf: Shelf) -> None:
        shelf.fill([(text, None) for text in texts_])
        assert shelf.find(read_web(query), "english") == found

    await on_shelf(database_url, work)


async def test_the_four_ways_to_ask_mean_what_postgresql_means(postgres_server: PostgresServer) -> None:
    """Where our grammar is PostgreSQL's, so is its meaning: both readings give the same query."""
    asked = [
        (read_web, "websearch_to_tsquery", 'new york or "san francisco bay" -fog'),
        (read_web, "websearch_to_tsquery", 'or a or -b "c d" or'),
        (read_web, "websearch_to_tsquery", "-a - b -c OR d orange"),
        (read_plain, "plainto_tsquery", "the running winds"),
        (read_phrase, "phraseto_tsquery", "state of the art of war"),
        (read_query, "to_tsquery", "a & !b | 'new york':* <-> c & (d | !(e & f))"),
        (read_query, "to_tsquery", "a <-> the <2> b & !the | of"),
        (read_query, "to_tsquery", "a<->b|c&d"),
        (read_query, "to_tsquery", ""),
    ]

    def work(connection: Connection) -> None:
        for read, function, words_ in asked:
            row = connection.execute(
                text(f"SELECT to_tsquery('english', :ours)::text, {function}('english', :theirs)::text"),
                {"ours": tsquery(read(words_)), "theirs": words_},
            ).one()
            assert row[0] == row[1], words_

    await with_connection(postgres_server.url, work)


async def test_words_stems_and_sizes_are_those_of_postgresql(postgres_server: PostgresServer) -> None:
    full = " ".join(f"{number:06}" for number in range(104_857))

    short = " ".join(
        first + letter * 2 + end
        for first in "aeiouy"
        for letter in "bdfglmnprst"
        for end in ("ed", "ing", "eds", "ings", "edly", "ingly")
    )

    def work(connection: Connection) -> None:
        for config in ("simple", "english"):
            expected_ = set(filter(None, (lexeme(word, config) for word in words(f"{DOCUMENTS} {short}"))))
            query = text(
                "SELECT tsvector_to_array(to_tsvector(CAST(:config AS regconfig), translate(:text, :from, :to)))"
            )
            found = connection.scalar(
                query,
                {
                    "config": config,
                    "text": f"{DOCUMENTS} {short}",
                    "from": punctuation,
                    "to": " " * len(punctuation),
                },
            )
            assert set(found) == expected_
        for number, refused in ((full, False), (f"{full} 104858", True)):
            assert is_too_much(words(number)) is refused
            length = text("SELECT length(to_tsvector('simple', :text))")
            if refused:
                with pytest.raises(DBAPIError, match="too long for tsvector"):
                    connection.scalar(length, {"text": number})
            else:
                assert connection.scalar(length, {"text": number}) == 104_857

    await with_connection(postgres_server.url, work)
