"""Words of a text, as both databases take them for a search. docs/decisions/0026-search.md compares the two.

A word is a run of letters, marks and digits in lower case; everything else parts words. In the configuration
`english` they are then taken to their stem by the algorithm of PostgreSQL 18, and words that say nothing are left out,
though they keep their place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from snowballstemmer.english_stemmer import EnglishStemmer

# PostgreSQL leaves longer ones out, in bytes.
MAX_WORD_BYTES = 2046
# The size of PostgreSQL's index entry of one text, the last place it tells apart, and how often it notes one word.
MAX_INDEX_BYTES = 1_048_575
_LAST_PLACE = 16_383
_MOST_PLACES = 255
_CHARACTERS_KEPT = 20_000
_STEMS_KEPT = 50_000
# Decimal digits, numbers such as Ⅷ, and what is written inside words without a width of its own.
_PART_OF_WORDS = frozenset({"Nd", "Nl", "Cf"})
# PostgreSQL reads a number with an exponent, and whatever follows is another word.
_EXPONENT = re.compile(r"[0-9]+e[0-9]+")
_DIGIT = re.compile(r"[0-9]")
# "add" of "adding", as PostgreSQL 18; the versions before and the stemmer here make "ad" of it, and differ in no more.
_SHORT = re.compile(r"([aeo](?:bb|dd|ff|gg|mm|nn|pp|rr|tt))(?:(?:ed|ing)s?|edly|ingly)")

# english.stop of PostgreSQL.
_ENGLISH = """
    i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her
    hers herself it its itself they them their theirs themselves what which who whom this that these those
    am is are was were be been being have has had having do does did doing a an the and but if or because
    as until while of at by for with about against between into through during before after above below to
    from up down in out on off over under again further then once here there when where why how all any
    both each few more most other some such no nor not only own same so than too very s t can will just
    don should now
"""
STOP_WORDS = frozenset(_ENGLISH.split())


def words(text: str) -> list[str]:
    """The words of a text in their order."""
    found = text.translate(_FOLDED).split()
    if not _DIGIT.search(text):
        return found if len(text) <= MAX_WORD_BYTES // 4 else [word for word in found if _fits(word)]
    return [part for word in found for part in _parts(word) if _fits(part)]


def lexeme(word: str, config: str) -> str | None:
    """What the index holds for a word; None when it holds nothing."""
    if config == "simple" or _DIGIT.search(word):
        return word
    return None if word in STOP_WORDS else _stem(word)


def is_too_much(lexemes: Sequence[str | None]) -> bool:
    """Whether PostgreSQL refuses to index a text, given what the index would hold at each of its places."""
    if sum(map(len, filter(None, lexemes))) * 4 + len(lexemes) * 5 <= MAX_INDEX_BYTES:
        return False
    places: dict[bytes, set[int]] = {}
    for place, lexeme_ in enumerate(lexemes, start=1):
        if lexeme_ is not None:
            places.setdefault(lexeme_.encode(), set()).add(min(place, _LAST_PLACE))
    size = 0
    for word in sorted(places):
        # Two bytes for each place and for their number, at an even address.
        size += len(word) + (size + len(word)) % 2 + 2 + 2 * min(len(places[word]), _MOST_PLACES)
    return size > MAX_INDEX_BYTES


class _Folded(dict[int, str]):
    """Every character in lower case, or as the space between words. Filled as they are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        folded = " "
        if category[0] in "LM" or category in _PART_OF_WORDS:
            # One for one, as PostgreSQL's; only İ becomes two in Python, of which it has the first.
            folded = character.lower()[0]
        if len(self) < _CHARACTERS_KEPT:
            self[code] = folded
        return folded


_FOLDED = _Folded()


def _parts(word: str) -> Iterator[str]:
    while (number := _EXPONENT.match(word)) and number.end() < len(word):
        yield number.group()
        word = word[number.end() :]
    yield word


def _fits(word: str) -> bool:
    return len(word.encode()) <= MAX_WORD_BYTES


@lru_cache(maxsize=_STEMS_KEPT)
def _stem(word: str) -> str:
    short = _SHORT.fullmatch(word)
    if short:
        return short[1]
    # A stemmer holds the word it works on, and searches run in several threads.
    stem: str = EnglishStemmer().stemWord(word)
    return stem
