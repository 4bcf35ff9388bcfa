"""The four ways to write a text search, read as one form: those of PostgreSQL's `to_tsquery`, `plainto_tsquery`,
`phraseto_tsquery` and `websearch_to_tsquery`.

In charge of grammar and size. Only the first can be wrong; it is refused with PostgreSQL's SQLSTATE on both
databases. A word that holds punctuation, such as `new-york`, means the phrase of its parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from backstay.errors import BackstayError
from backstay.models.search_query import Phrase, SearchQuery, Without, Word, all_of, any_of, phrase
from backstay.models.search_words import words

# No word in so many bytes is too long for an index.
MAX_BYTES = 2000
MAX_WORDS = 100
MAX_DEPTH = 20
# PostgreSQL counts places up to 16,383; with this one, no phrase is longer.
MAX_DISTANCE = 100

_SPACES = re.compile(r"\s*+")
_DISTANCE = re.compile(r"<(-|[0-9]{1,5})>")
_QUOTED = re.compile(r"'((?:[^'\\]|''|\\.)*+)'", re.DOTALL)
_BARE = re.compile(r"(?:[^\s!&|():<\\]|\\.|<(?!(?:-|[0-9]{1,5})>))++", re.DOTALL)
_FLAGS = re.compile(r":([*A-Da-d]*+)")
_WEB_WORD = re.compile(r'[^\s"]++')
_WEB_QUOTED = re.compile(r'"([^"]*+)"?')
# PostgreSQL's: between two operands, not part of a word, and something has to follow.
_WEB_OR = re.compile(r"or(?![\w-])(?=.*[^\s\W])", re.IGNORECASE | re.DOTALL)


def read_query(text: str) -> SearchQuery | None:
    """`fts`: words with `&`, `|`, `!`, `<->`, `<2>`, brackets, and `:*` for a prefix. None when it asks for nothing.

    Raises:
        BackstayError: `42601` for its grammar, `PGRST127` for weights and for conditions inside a phrase, `54000` for
            its size.
    """
    return _bounded(_Reading(_sized(text)).all())


def read_plain(text: str) -> SearchQuery | None:
    """`plfts`: all of the words."""
    return _bounded(all_of(map(Word, words(_sized(text)))))


def read_phrase(text: str) -> SearchQuery | None:
    """`phfts`: the words, one after another."""
    return _bounded(_together(words(_sized(text))))


def read_web(text: str) -> SearchQuery | None:
    """`wfts`: words and quoted phrases, `or` between them, `-` before what must not occur. Never wrong."""
    text, position = _sized(text), 0
    alternatives: list[list[SearchQuery | None]] = [[]]
    negated = awaits_operand = False
    while (position := _after_spaces(text, position)) < len(text):
        if text[position] == "-":
            negated, awaits_operand, position = not negated, True, position + 1
            continue
        either = _WEB_OR.match(text, position) if alternatives[-1] and not awaits_operand else None
        if either is not None:
            alternatives.append([])
            position, awaits_operand = either.end(), True
            continue
        found = _WEB_QUOTED.match(text, position) or _WEB_WORD.match(text, position)
        assert found is not None
        operand = _together(words(found[1] if found.re is _WEB_QUOTED else found[0]))
        alternatives[-1].append(Without(operand) if negated and operand is not None else operand)
        position, negated, awaits_operand = found.end(), False, False
    return _bounded(any_of(map(all_of, alternatives)))


class _Reading:
    """One `fts` query being read. `!` binds closer than `<->`, then `&`, then `|`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0

    def all(self) -> SearchQuery | None:
        if _after_spaces(self.text, 0) == len(self.text):
            return None
        found = self._any()
        if self.position < len(self.text):
            raise self._error()
        return found

    def _any(self) -> SearchQuery | None:
        items = [self._every()]
        while self._take("|"):
            items.append(self._every())
        return any_of(items)

    def _every(self) -> SearchQuery | None:
        items = [self._phrase()]
        while self._take("&"):
            items.append(self._phrase())
        return all_of(items)

    def _phrase(self) -> SearchQuery | None:
        first = self._negation()
        parts = [(0, first)]
        while (step := self._distance()) is not None:
            parts.append((step, self._negation()))
        if len(parts) == 1:
            return first
        return phrase(part for step, item in parts for part in _flat(step, item))

    def _distance(self) -> int | None:
        self._skip()
        found = _DISTANCE.match(self.text, self.position)
        if found is None:
            return None
        self.position = found.end()
        distance = 1 if found[1] == "-" else int(found[1])
        if not 1 <= distance <= MAX_DISTANCE:
            raise _not_done(f"a distance other than 1 to {MAX_DISTANCE}")
        return distance

    def _negation(self) -> SearchQuery | None:
        negated = False
        while self._take("!"):
            negated = not negated
        item = self._operand()
        return Without(item) if negated and item is not None else item

    def _operand(self) -> SearchQuery | None:
        if self._take("("):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise BackstayError("54000", f"a search may have at most {MAX_DEPTH} brackets in one another")
            inner = self._any()
            if not self._take(")"):
                raise self._error()
            self.depth -= 1
            return inner
        self._skip()
        found = _QUOTED.match(self.text, self.position)
        if found is not None:
            text = re.sub(r"''|\\(.)", lambda pair: pair[1] or "'", found[1], flags=re.DOTALL)
        else:
            found = _BARE.match(self.text, self.position)
            if found is None or found[0].startswith("'"):
                raise self._error()
            text = re.sub(r"\\(.)", r"\1", found[0], flags=re.DOTALL)
        self.position = found.end()
        return _together(words(text), prefix=self._is_prefix())

    def _is_prefix(self) -> bool:
        self._skip()
        flags = _FLAGS.match(self.text, self.position)
        if flags is None:
            return False
        self.position = flags.end()
        if flags[1].strip("*"):
            raise _not_done("a weight")
        self._skip()
        return "*" in flags[1]

    def _take(self, mark: str) -> bool:
        self._skip()
        if not self.text.startswith(mark, self.position):
            return False
        self.position += len(mark)
        self._skip()
        return True

    def _skip(self) -> None:
        self.position = _after_spaces(self.text, self.position)

    def _error(self) -> BackstayError:
        return BackstayError("42601", f'syntax error in tsquery: "{self.text[:100]}"')


def _flat(step: int, item: SearchQuery | None) -> Iterable[tuple[int, Word | None]]:
    """The words of an operand of `<->`, the first of them `step` places after what stands before."""
    if isinstance(item, Phrase):
        return zip((step, *item.distances), item.words, strict=True)
    if item is None or isinstance(item, Word):
        return [(step, item)]
    raise _not_done("a condition inside a phrase")


def _together(found: list[str], *, prefix: bool = False) -> Word | Phrase | None:
    return phrase((min(number, 1), Word(word, prefix)) for number, word in enumerate(found))


def _after_spaces(text: str, position: int) -> int:
    found = _SPACES.match(text, position)
    return found.end() if found else position


def _sized(text: str) -> str:
    if "\0" in text:
        raise BackstayError("22021", "a null character (\\u0000) cannot stand in text")
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise BackstayError("54000", f"a search may have at most {MAX_BYTES} bytes")
    return text


def _bounded(query: SearchQuery | None) -> SearchQuery | None:
    if _count(query) > MAX_WORDS:
        raise BackstayError("54000", f"a search may have at most {MAX_WORDS} words")
    return query


def _count(query: SearchQuery | None) -> int:
    if query is None or isinstance(query, Word):
        return 1
    if isinstance(query, Phrase):
        return len(query.words)
    if isinstance(query, Without):
        return _count(query.item)
    return sum(map(_count, query.items))


def _not_done(what: str) -> BackstayError:
    return BackstayError("PGRST127", details=f"A search cannot hold {what}.")
