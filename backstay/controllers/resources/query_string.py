"""A query string becomes a `Query` and the literals that travel beside it.

In charge of splitting and decoding the parameters, of telling reserved keys from filters, and of making each
structure once: strings that differ in their literals alone give the identical `Query` object. The grammar of each
parameter is in the file named for it.

Slots: the literals of filters in the order they appear, then limits and offsets in the order they appear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from backstay.controllers.resources.filters import (
    PLAIN_OPERATIONS,
    Operation,
    parse_logic,
    parse_operation,
    placed,
)
from backstay.controllers.resources.levels import Level, parse_key, parse_path
from backstay.controllers.resources.ordering import parse_order
from backstay.controllers.resources.scan import MAX_ITEMS, malformed, parse_names, too_much
from backstay.controllers.resources.select import parse_select
from backstay.controllers.resources.shape_cache import ShapeCache
from backstay.errors import BackstayError
from backstay.models.resources.request import AllColumns, Logic, Query

MAX_INTEGER = 2**63 - 1

# The cursor of the page before; no column is called so, since an unquoted name does not begin like this.
AFTER = "$after"

# One unit of weight in the caches is 128 bytes of query string: at most 64 items, about 13 kB of structure.
BYTES_PER_WEIGHT = 128

_RESERVED = frozenset({"select", "columns", "on_conflict", "order", "limit", "offset", "and", "or"})
_WHOLE_KEYS = frozenset({"select", "columns", "on_conflict"})
_WINDOW_KEYS = frozenset({"limit", "offset"})
_LOGIC_KEYS = frozenset({"and", "or"})

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

# Pairs of key and value, with everything that makes the structure and nothing else.
Outline = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What a query string asks for.

    Attributes:
        query: the structure; the identical object for equal structures, as long as the parser remembers it.
        values: the literals, by slot: text, tuples of text, and non-negative ints for limits and offsets.
        columns: `columns=`, for writes.
        on_conflict: `on_conflict=`, for writes; empty when not given.
        shape_hash: the hash of all but the values, made once per structure.
        after: the cursor; empty for the first page, None when nobody asks for cursors.
    """

    query: Query
    values: tuple[Any, ...]
    columns: tuple[str, ...] | None
    on_conflict: tuple[str, ...]
    shape_hash: int = field(repr=False, compare=False)
    after: str | None = None

    def __hash__(self) -> int:
        return hash((self.shape_hash, self.values))


@dataclass(frozen=True, slots=True)
class _Structure:
    query: Query
    columns: tuple[str, ...] | None
    on_conflict: tuple[str, ...]
    shape_hash: int


class QueryStringParser:
    """Parses query strings, remembering structures. One for each event loop.

    `cache_size` bounds what is remembered: that many structures of ordinary size, fewer of larger ones.
    """

    __slots__ = ("_nothing", "_queries", "_structures")

    def __init__(self, cache_size: int = 2048) -> None:
        self._structures: ShapeCache[Outline, _Structure] = ShapeCache(cache_size)
        self._queries: ShapeCache[Query, Query] = ShapeCache(cache_size)
        self._nothing: ParsedQuery | None = None  # what an empty query string asks for

    def parse(self, raw: bytes) -> ParsedQuery:
        """The question in the part of the address after `?`, without it; for reads and writes alike.

        Raises:
            BackstayError: PGRST100 for grammar and encoding, 54000 for size, PGRST103 for a negative limit or
                offset, PGRST108 and PGRST120 for what is asked of embeds, PGRST123 and PGRST127 for features that
                do not exist.
        """
        if not raw and self._nothing is not None:
            return self._nothing
        outline: list[Any] = []
        literals: list[Any] = []
        windows: list[int] = []
        after: str | None = None
        for key, value in _parameters(raw):
            if key == AFTER:
                _refuse_repeated(key, after is not None)
                after = value
                continue
            last = key[key.rfind(".") + 1 :]
            if last not in _RESERVED or (last in _WHOLE_KEYS and key != last):
                operator, dot, literal = value.partition(".")
                if dot and operator in PLAIN_OPERATIONS:
                    outline += (key, operator)
                    literals.append(literal)
                else:
                    outline += (key, _special_filter(value, literals))
            elif last in _WINDOW_KEYS:
                outline += (key, None)
                windows.append(_window(last, value))
            elif last in _LOGIC_KEYS:
                outline += (key, _tree(key, last, value, literals))
            else:
                outline += (key, value)
        structure = self._structure(tuple(outline), len(literals), len(raw))
        values = (*literals, *windows)
        parsed = ParsedQuery(
            structure.query, values, structure.columns, structure.on_conflict, structure.shape_hash, after
        )
        if not raw:
            self._nothing = parsed
        return parsed

    def _structure(self, outline: Outline, literal_count: int, size_bytes: int) -> _Structure:
        structure = self._structures.get(outline)
        if structure is None:
            weight = 1 + size_bytes // BYTES_PER_WEIGHT
            query, columns, on_conflict = _build(outline, literal_count)
            known = self._queries.get(query)
            if known is None:
                self._queries.put(query, query, weight)
            else:
                query = known
            structure = _Structure(query, columns, on_conflict, hash((query, columns, on_conflict)))
            self._structures.put(outline, structure, weight)
        return structure


def _parameters(raw: bytes) -> list[tuple[str, str]]:
    """Keys and values, percent-decoded once, after the splitting."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _undecodable(raw.decode(errors="replace"), error.start) from error
    parts = text.split("&")
    if len(parts) > MAX_ITEMS:
        raise too_much("query string", f"{MAX_ITEMS} parameters")
    encoded = "%" in text or "+" in text
    parameters: list[tuple[str, str]] = []
    for part in parts:
        if part:
            key, _, value = part.partition("=")
            parameters.append((_decoded(key), _decoded(value)) if encoded else (key, value))
    return parameters


def _decoded(text: str) -> str:
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    bad = _BAD_ESCAPE.search(text)
    if bad is not None:
        raise malformed("query string", text, "two hexadecimal digits after '%'", bad.start())
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        raise _undecodable(text, 0) from error


def _undecodable(text: str, position: int) -> BackstayError:
    return malformed("query string", text, "percent-encoded UTF-8", position)


def _special_filter(value: str, literals: list[Any]) -> Operation:
    operation, literal = parse_operation(value)
    if operation.has_literal:
        literals.append(literal)
    return operation


def _tree(key: str, last: str, value: str, literals: list[Any]) -> tuple[Logic, int]:
    """The tree, and how many slots it takes."""
    _, negated = _prefix(key, last)
    logic, found = parse_logic(value, last == "and", negated, len(literals))
    literals += found
    return logic, len(found)


def _prefix(key: str, last: str) -> tuple[str, bool]:
    """What stands before a reserved word, with its dot and without `not.`; and whether that was there."""
    prefix = key[: -len(last)]
    negated = prefix == "not." or prefix.endswith(".not.")
    return (prefix[:-4], True) if negated and last in _LOGIC_KEYS else (prefix, False)


def _window(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise malformed(f"{name} parameter", text, "a whole number", 0)
    if len(digits) < len(text):
        detail = f"{name.capitalize()} should be greater than or equal to zero."
        raise BackstayError("PGRST103", details=detail)
    # 19 digits bound the work of int(): no larger number fits in 63 bits.
    if len(text) > 19 or int(text) > MAX_INTEGER:
        raise malformed(f"{name} parameter", text, f"a number up to {MAX_INTEGER}", 0)
    return int(text)


_Built = tuple[Query, tuple[str, ...] | None, tuple[str, ...]]


def _build(outline: Outline, literal_count: int) -> _Built:
    names: dict[str, str] = {}
    pairs = list(zip(outline[::2], outline[1::2], strict=True))
    for key, value in pairs:
        if key in _WHOLE_KEYS:
            _refuse_repeated(key, key in names)
            names[key] = value
    root = Level(parse_select(names["select"]) if "select" in names else (AllColumns(),))
    slot, window_slot = 0, literal_count
    for key, value in pairs:
        if key in _WHOLE_KEYS:
            continue
        last = key[key.rfind(".") + 1 :]
        if last in _WINDOW_KEYS:
            _place_window(root, key, last, window_slot)
            window_slot += 1
        elif last in _LOGIC_KEYS:
            _level(root, key, last).add_condition(value[0])
            slot += value[1]
        elif last == "order":
            _place_order(root, key, value)
        else:
            slot += _place_filter(root, key, value, slot)
    columns = parse_names("columns parameter", names["columns"]) if "columns" in names else None
    conflict = parse_names("on_conflict parameter", names["on_conflict"]) if "on_conflict" in names else ()
    return root.freeze(), columns, conflict


def _level(root: Level, key: str, last: str) -> Level:
    prefix, _ = _prefix(key, last)
    return root.at(parse_path(prefix[:-1])) if prefix else root


def _place_window(root: Level, key: str, last: str, slot: int) -> None:
    level = _level(root, key, last)
    if last == "limit":
        _refuse_repeated(key, level.limit is not None)
        level.limit = slot
    else:
        _refuse_repeated(key, level.offset is not None)
        level.offset = slot


def _place_order(root: Level, key: str, text: str) -> None:
    level = _level(root, key, "order")
    _refuse_repeated(key, bool(level.order))
    level.order_by(parse_order(text))


def _place_filter(root: Level, key: str, value: str | Operation, slot: int) -> int:
    """Adds the filter; how many slots it takes."""
    path, column = parse_key(key)
    operation = value if isinstance(value, Operation) else PLAIN_OPERATIONS[value]
    root.at(path).add_condition(placed(operation, column, slot if operation.has_literal else None))
    return int(operation.has_literal)


def _refuse_repeated(key: str, repeated: bool) -> None:
    if repeated:
        raise malformed("query string", key, "this parameter only once", 0)
