"""What a text search asks for, whichever of the four ways it was written in: words, phrases, and, or, not.

In charge of the form, and of what it means for one text: `holds` is the definition that both databases follow. Words
are as they stand in the text, lower case; `prepared` makes of them what the index of a configuration holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A word; with `prefix`, every word that begins like that."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words at fixed distances: `distances[n]` places after one word stands the next. At least two words."""

    words: tuple[Word, ...]
    distances: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of at least two."""

    items: tuple[SearchQuery, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of at least two."""

    items: tuple[SearchQuery, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """Not that."""

    item: SearchQuery


SearchQuery = Word | Phrase | AllOf | AnyOf | Without


def phrase(parts: Iterable[tuple[int, Word | None]]) -> Word | Phrase | None:
    """Words with their distance from the one before. One that is None counts as a place; None when all are."""
    words: list[Word] = []
    distances: list[int] = []
    distance = 0
    for step, word in parts:
        distance += step
        if word is None:
            continue
        if words:
            distances.append(distance)
        words.append(word)
        distance = 0
    if len(words) < 2:
        return words[0] if words else None
    return Phrase(tuple(words), tuple(distances))


def all_of(items: Iterable[SearchQuery | None]) -> SearchQuery | None:
    """All that are there; None when none is."""
    found = tuple(item for item in items if item is not None)
    return AllOf(found) if len(found) > 1 else found[0] if found else None


def any_of(items: Iterable[SearchQuery | None]) -> SearchQuery | None:
    """One of those that are there; None when none is."""
    found = tuple(item for item in items if item is not None)
    return AnyOf(found) if len(found) > 1 else found[0] if found else None


def prepared(query: SearchQuery | None, lexeme: Callable[[str], str | None]) -> SearchQuery | None:
    """The query over the words of an index; None when nothing is left, which no text has."""
    if query is None:
        return None
    if isinstance(query, Word):
        return _word(query, lexeme)
    if isinstance(query, Phrase):
        return phrase(
            (distance, _word(word, lexeme))
            for distance, word in zip((0, *query.distances), query.words, strict=True)
        )
    if isinstance(query, Without):
        item = prepared(query.item, lexeme)
        return None if item is None else Without(item)
    items = (prepared(item, lexeme) for item in query.items)
    return all_of(items) if isinstance(query, AllOf) else any_of(items)


def holds(query: SearchQuery, places: Sequence[str]) -> bool:
    """Whether a text with those words has what a prepared query asks for."""
    if isinstance(query, Word):
        return any(_is(query, place) for place in places)
    if isinstance(query, Phrase):
        return any(_stands_at(query, places, start) for start in range(len(places)))
    if isinstance(query, Without):
        return not holds(query.item, places)
    outcomes = (holds(item, places) for item in query.items)
    return all(outcomes) if isinstance(query, AllOf) else any(outcomes)


def _word(word: Word, lexeme: Callable[[str], str | None]) -> Word | None:
    text = lexeme(word.text)
    return None if text is None else Word(text, word.prefix)


def _is(word: Word, place: str) -> bool:
    return place.startswith(word.text) if word.prefix else place == word.text


def _stands_at(query: Phrase, places: Sequence[str], position: int) -> bool:
    for word, distance in zip(query.words, (*query.distances, 0), strict=True):
        if position >= len(places) or not _is(word, places[position]):
            return False
        position += distance
    return True
