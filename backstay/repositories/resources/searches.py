"""Text searches in SQL: the condition on a row, and the query in the words of each database.

Both databases get the same query. PostgreSQL applies the configuration to it by itself; for SQLite that is done
here, and what FTS5 cannot tell (a phrase with gaps, or a prefix inside one) it narrows down before
`backstay_search_test` decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import and_, column, func, literal_column, or_, select, table, tuple_

from backstay.models.catalog import SearchedText
from backstay.models.resources.plan import Match
from backstay.models.search_query import AllOf, AnyOf, Phrase, SearchQuery, Without, Word, prepared
from backstay.models.search_words import lexeme
from backstay.repositories.database.search_storage import configuration, one_text, search_vector
from backstay.repositories.database.sqlite_search import EVERY_TEXT, NO_TEXT, document_of
from backstay.repositories.resources.dialects import Expression
from backstay.utils import json_text

Source = Any

# PostgreSQL would soon keep one plan for all words: a walk along the key until the page is full, 160 ms for a word that
# few of 28,000 rows have instead of 1. With a value at hand the planner sees that this is never asked; without one, it
# finds every plan too costly to be kept.
_COSTLY: Expression = literal_column("(SELECT count(*) FROM generate_series(1, 1000000000)) = 0")


def search_encoder(match: Match, engine: str) -> Callable[[SearchQuery | None], Any]:
    """From a search as it was read to what the statement takes."""
    return tsquery if engine == "postgresql" else partial(fts5_query, config=match.search.config)


def found_in_postgres(search: SearchedText, source: Source, bind: Expression) -> Expression:
    """Whether a row has what is asked for; null where its text is."""
    columns = [source.c[field.column.key] for field in search.fields]
    return and_(found_in_postgres_text(search, columns, bind), or_(bind.is_not(None), _COSTLY))


def found_in_postgres_text(search: SearchedText, texts: Sequence[Expression], bind: Expression) -> Expression:
    """Whether a text has what is asked for."""
    query = func.to_tsquery(configuration(search.config), bind)
    return search_vector(texts, search.config).op("@@", is_comparison=True)(query)


def found_in_sqlite(search: SearchedText, source: Source, bind: Expression) -> Expression:
    """Whether a row has what is asked for; false where its text is null."""
    keys = [item for item in source.c if item.primary_key]
    names = [f"key_{item.name}" for item in keys]
    entries = table(search.stored_as, column("id"), column("words"), *map(column, names))
    index_name = f"{search.stored_as}_index"
    index = table(index_name, column("rowid"), column(index_name))
    found = (
        select(*(entries.c[name] for name in names))
        .select_from(index.join(entries, entries.c.id == index.c.rowid))
        .where(
            index.c[index_name].op("MATCH", is_comparison=True)(_part(bind, 0)),
            or_(_part(bind, 1), func.backstay_search_test(entries.c.words, _part(bind, 2))),
        )
    )
    return keys[0].in_(found) if len(keys) == 1 else tuple_(*keys).in_(found)


def found_in_sqlite_text(search: SearchedText, texts: Sequence[Expression], bind: Expression) -> Expression:
    """Whether a text has what is asked for."""
    config: Expression = literal_column(f"'{search.config}'")
    entry = func.backstay_search_entry(config, one_text(texts))
    return func.backstay_search_test(entry, _part(bind, 2)) == literal_column("1")


def _part(bind: Expression, number: int) -> Expression:
    return func.json_extract(bind, literal_column(f"'$[{number}]'"))


def tsquery(query: SearchQuery | None) -> str:
    """The text that `to_tsquery` reads; words hold nothing that it would take for an operator."""
    if query is None:
        return ""
    if isinstance(query, Word):
        return f"'{query.text}'" + (":*" if query.prefix else "")
    if isinstance(query, Phrase):
        steps = [f" <{distance}> " for distance in query.distances]
        return "(" + "".join(map("".join, zip(map(tsquery, query.words), [*steps, ""], strict=True))) + ")"
    if isinstance(query, Without):
        return f"!{tsquery(query.item)}"
    joint = " & " if isinstance(query, AllOf) else " | "
    return "(" + joint.join(map(tsquery, query.items)) + ")"


def fts5_query(query: SearchQuery | None, config: str) -> str:
    """A JSON array: what FTS5 is to match, whether that finds no more than is asked for, and the query itself."""
    wanted = prepared(query, partial(lexeme, config=config))
    text, exact = (f'"{NO_TEXT}"', True) if wanted is None else _match(wanted)
    # One of none is what no text has.
    document = document_of(AnyOf(()) if wanted is None else wanted)
    return json_text.canonical([text, exact, json_text.canonical(document)])


def _match(query: SearchQuery) -> tuple[str, bool]:
    """An FTS5 expression that finds every text with what is asked for, and whether it finds no other."""
    if isinstance(query, Word):
        return f'"{query.text}"' + (" *" if query.prefix else ""), True
    if isinstance(query, Phrase):
        return _match_phrase(query)
    if isinstance(query, Without):
        return _without(f'"{EVERY_TEXT}"', [query])
    if isinstance(query, AnyOf):
        parts = [_match(item) for item in query.items]
        return "(" + " OR ".join(text for text, _ in parts) + ")", all(exact for _, exact in parts)
    wanted = [_match(item) for item in query.items if not isinstance(item, Without)] or [
        (f'"{EVERY_TEXT}"', True)
    ]
    text, exact = _without(
        " AND ".join(text for text, _ in wanted), [item for item in query.items if isinstance(item, Without)]
    )
    return text, exact and all(exact for _, exact in wanted)


def _match_phrase(query: Phrase) -> tuple[str, bool]:
    *before, last = query.words
    if set(query.distances) == {1} and not any(word.prefix for word in before):
        return f'"{" ".join(word.text for word in query.words)}"' + (" *" if last.prefix else ""), True
    return "(" + " AND ".join(_match(word)[0] for word in query.words) + ")", False


def _without(text: str, unwanted: list[Without]) -> tuple[str, bool]:
    """`text` without what certainly must not be there; what FTS5 finds too much of is left to be decided later."""
    parts = [_match(item.item) for item in unwanted]
    certain = [part for part, exact in parts if exact]
    if certain:
        text = f"(({text}) NOT ({' OR '.join(certain)}))"
    return (text if certain else f"({text})"), len(certain) == len(parts)
