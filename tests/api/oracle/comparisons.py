"""What a filter's operator says of one value, in SQL's three values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tests.api.oracle.rules import Truth
from tests.api.oracle.syntax import Compare, IsTest, Path, WordsTest
from tests.api.oracle.values import MISSING, Kind, frozen, sort_key


def is_test(value: Any, condition: IsTest) -> bool:
    missing = _is_missing(value, condition.path)
    match condition.word:
        case "null":
            return missing
        case "not_null":
            return not missing
        case "unknown":
            return value is None
        case word:
            return value is (word == "true")


def has_words(texts: Sequence[str | None], condition: WordsTest) -> Truth:
    """Whether the wanted words stand in a text and the unwanted do not; a lone text that is absent has neither."""
    if len(texts) == 1 and texts[0] is None:
        return None
    known = set(re.findall(r"[^\W_]+", " ".join(text or "" for text in texts).lower()))
    return known.issuperset(condition.wanted) and known.isdisjoint(condition.unwanted)


def _is_missing(value: Any, path: Path) -> bool:
    """A JSON null inside a document is a value, which its absence is not."""
    return value is MISSING if path.steps and not path.steps[-1][1] else value is None


def compared(value: Any, condition: Compare) -> Truth:
    missing = _is_missing(value, condition.path)
    if condition.operator == "isdistinct":
        return missing or not _simple(value, "eq", condition.values[0], condition.kind)
    if condition.is_list and not condition.values:
        return condition.quantifier == "all"
    if missing:
        return None
    operator = "eq" if condition.operator == "in" else condition.operator
    outcomes = [_simple(value, operator, one, condition.kind) for one in condition.values]
    return all(outcomes) if condition.quantifier == "all" else any(outcomes)


def _simple(value: Any, operator: str, literal: Any, kind: Kind) -> bool:
    if operator in ("like", "ilike"):
        return _like(value, literal, fold=operator == "ilike")
    if operator in ("match", "imatch"):
        return (
            re.search(literal, value, re.IGNORECASE | re.DOTALL if operator == "imatch" else re.DOTALL)
            is not None
        )
    if operator in ("eq", "neq"):
        return (frozen(value) == frozen(literal)) is (operator == "eq")
    one, other = sort_key(value, kind), sort_key(literal, kind)
    outcomes = {"gt": one > other, "gte": one >= other, "lt": one < other, "lte": one <= other}
    return bool(outcomes[operator])


def _like(value: str, pattern: str, *, fold: bool) -> bool:
    """LIKE, in which `*` is another spelling of `%`. Only ASCII letters have another case."""
    if fold:
        value, pattern = _ascii_lower(value), _ascii_lower(pattern)
    expression, escaped = "", False
    for character in pattern:
        if escaped:
            # The star became a percent sign before the database read the pattern.
            expression, escaped = expression + re.escape("%" if character == "*" else character), False
        elif character == "\\":
            escaped = True
        else:
            expression += {"%": ".*", "*": ".*", "_": "."}.get(character, re.escape(character))
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _ascii_lower(text: str) -> str:
    return "".join(character.lower() if character.isascii() else character for character in text)
