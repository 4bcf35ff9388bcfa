"""The functions of text search on SQLite: what a row's index entry holds, and whether one has what is asked for.

The index is FTS5's. It gets its words ready made (`models/search_words.py`), so that it holds what PostgreSQL's does,
and only has to tell them apart by the spaces between them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from backstay.models.search_query import AllOf, AnyOf, Phrase, SearchQuery, Without, Word, holds
from backstay.models.search_words import is_too_much, lexeme, words

# Neither is a letter nor ASCII: no word holds one, and the index takes each for a word.
EVERY_TEXT = "§"
LEFT_OUT = "·"
NO_TEXT = "¶"
_QUERIES_KEPT = 32


def index_entry(refuse: Callable[[str], Exception]) -> Callable[[Any, Any], str | None]:
    """`f(config, text)`: the words of a text, after one that every text has, and one in the place of each left out.

    `refuse` makes the error for a text that PostgreSQL could not index, of a code.
    """

    def entry(config: Any, text: Any) -> str | None:
        if text is None:
            return None
        places = [lexeme(word, config) for word in words(str(text))]
        if is_too_much(places):
            raise refuse("54000")
        return " ".join((EVERY_TEXT, *(place or LEFT_OUT for place in places)))

    return entry


def entry_test(check: Callable[[], None]) -> Callable[[Any, Any], bool | None]:
    """`f(entry, query)`: whether an index entry has what a query asks for, where FTS5 cannot tell by itself.

    `check` is called first; it raises when the statement's time is over.
    """

    def test(entry: Any, document: Any) -> bool | None:
        check()
        return holds(_query_of(document), str(entry).split(" "))

    return test


def document_of(query: SearchQuery) -> Any:
    """A query as a JSON value, for `entry_test`."""
    if isinstance(query, Word):
        return ["word", query.text, query.prefix]
    if isinstance(query, Phrase):
        return ["phrase", list(map(document_of, query.words)), list(query.distances)]
    if isinstance(query, Without):
        return ["not", document_of(query.item)]
    return ["all" if isinstance(query, AllOf) else "any", list(map(document_of, query.items))]


@lru_cache(maxsize=_QUERIES_KEPT)
def _query_of(document: str) -> SearchQuery:
    return _read(json.loads(document))


def _read(value: Any) -> SearchQuery:
    match value:
        case ["word", text, prefix]:
            return Word(text, prefix)
        case ["phrase", parts, distances]:
            return Phrase(tuple(Word(text, prefix) for _, text, prefix in parts), tuple(distances))
        case ["not", item]:
            return Without(_read(item))
        case ["all", items]:
            return AllOf(tuple(map(_read, items)))
        case [_, items]:
            return AnyOf(tuple(map(_read, items)))
    raise ValueError("not a search")
