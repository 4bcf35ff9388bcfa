"""What SQLite lacks and PostgreSQL has: exact decimals in order, regular expressions, containment of JSON and arrays.

In charge of the functions and the collation that every SQLite connection gets, and of the time one statement may
take. Not in charge of when they are called: the compiler writes them into the SQL.

Only three things make a function here fail, all kept in `Budget.failure` because SQLite tells its caller nothing but
"user-defined function raised exception": an invalid pattern, a comparison of more than `COMPARISONS` parts, and a
statement over its time. Malformed arguments give NULL.
"""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from time import monotonic
from typing import Any

import re2

from backstay.errors import BackstayError
from backstay.models.types import DECIMAL_COLLATION
from backstay.repositories.database.sqlite_search import entry_test, index_entry

# The handler costs about 0.1 µs and 200 instructions of SQLite 5 µs, but a function may parse a document per row.
INSTRUCTIONS_BETWEEN_CHECKS = 200
# About 50 ms of containment tests between elements that are themselves objects or arrays.
COMPARISONS = 200_000
PATTERNS_KEPT = 32
PATTERN_MEMORY_BYTES = 1 << 20


class Budget:
    """Until when the statement running on one connection may run, and why one of its functions failed.

    Attributes:
        deadline: monotonic seconds.
        waiter: who waits for the statement; once cancelled, its time is over.
        failure: the error a function raised; taken by `driver_errors` when the statement fails.
    """

    __slots__ = ("deadline", "failure", "waiter")

    def __init__(self) -> None:
        self.deadline = math.inf
        self.failure: BackstayError | None = None
        self.waiter: asyncio.Future[Any] | None = None

    def is_spent(self) -> bool:
        """Progress handler: true makes SQLite interrupt the statement."""
        return monotonic() > self.deadline or (self.waiter is not None and self.waiter.cancelled())

    def check(self) -> None:
        """Called by functions whose own work SQLite does not see."""
        if self.is_spent():
            raise self.fail("57014")

    def fail(self, code: str, message: str | None = None) -> BackstayError:
        """The error to raise, remembered."""
        self.failure = BackstayError(code, message)
        return self.failure


def install(connection: sqlite3.Connection, budget: Budget) -> None:
    """Give one connection the functions, the collation and the clock."""
    connection.set_progress_handler(budget.is_spent, INSTRUCTIONS_BETWEEN_CHECKS)
    connection.create_collation(DECIMAL_COLLATION, compare_decimals)
    functions: dict[str, tuple[int, Callable[..., Any]]] = {
        "backstay_regexp": (2, matcher(budget, case_sensitive=True)),
        "backstay_iregexp": (2, matcher(budget, case_sensitive=False)),
        "backstay_json_contains": (2, json_container(budget)),
        "backstay_array_contains": (2, array_test(budget, contains_all)),
        "backstay_array_overlaps": (2, array_test(budget, has_common)),
        "backstay_float": (1, float_text),
        "backstay_search_entry": (2, index_entry(budget.fail)),
        "backstay_search_test": (2, entry_test(budget.check)),
    }
    for name, (arity, function) in functions.items():
        connection.create_function(name, arity, function, deterministic=True)


def compare_decimals(left: str, right: str) -> int:
    """-1, 0 or 1 by exact value. NaN follows every number, as on PostgreSQL; other text follows NaN, by code point."""
    if left == right:
        return 0
    first, second = decimal_key(left), decimal_key(right)
    return -1 if first < second else 1 if second < first else 0


def decimal_key(text: str) -> tuple[int, Decimal, str]:
    """Sorts as the collation does; a total order over all text."""
    try:
        value = Decimal(text)
    except (InvalidOperation, ValueError):
        return 2, Decimal(0), text
    return (1, Decimal(0), "") if value.is_nan() else (0, value, "")


def matcher(budget: Budget, case_sensitive: bool) -> Callable[[Any, Any], bool | None]:
    """`f(pattern, text)`: whether the pattern is found anywhere, in time linear in the text (RE2)."""

    @lru_cache(maxsize=PATTERNS_KEPT)
    def compiled(pattern: str) -> Callable[[bytes], Any]:
        try:
            return pattern_search(pattern, case_sensitive)
        except (re2.error, UnicodeError) as error:
            raise budget.fail("2201B") from error

    def matches(pattern: Any, text: Any) -> bool | None:
        if pattern is None or text is None:
            return None
        budget.check()
        data = text if isinstance(text, bytes) else str(text).encode()
        return compiled(str(pattern))(data) is not None

    return matches


def pattern_search(pattern: str, case_sensitive: bool = True) -> Callable[[bytes], Any]:
    """The search of a compiled pattern over UTF-8 bytes, as PostgreSQL's `~`: a dot also matches a line's end.

    Raises:
        re2.error: the pattern is not valid or needs too much memory.
    """
    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.dot_nl = True
    options.log_errors = False
    options.never_capture = True
    options.max_mem = PATTERN_MEMORY_BYTES
    search: Callable[[bytes], Any] = re2.compile(pattern.encode(), options=options).search
    return search


def json_container(budget: Budget) -> Callable[[Any, Any], bool | None]:
    """`f(container, contained)` over JSON texts: PostgreSQL's `jsonb @> jsonb`."""

    def json_contains(container: Any, contained: Any) -> bool | None:
        budget.check()
        try:
            outer, inner = parse_json(container), parse_json(contained)
        except (ValueError, TypeError, RecursionError):
            return None
        if isinstance(outer, list) and not isinstance(inner, (list, dict)):
            inner = [inner]
        return Containment(budget).holds(outer, inner)

    return json_contains


class Containment:
    """One containment test, which refuses to compare more than `COMPARISONS` pairs."""

    __slots__ = ("budget", "left")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.left = COMPARISONS

    def holds(self, outer: Any, inner: Any) -> bool:
        """Objects hold the members of objects, arrays the elements of arrays, scalars are equal."""
        self.left -= 1
        if self.left < 0:
            raise self.budget.fail("54000")
        if isinstance(outer, dict) and isinstance(inner, dict):
            return all(key in outer and self.holds(outer[key], value) for key, value in inner.items())
        if isinstance(outer, list) and isinstance(inner, list):
            return self.array_holds(outer, inner)
        if isinstance(outer, (dict, list)) or isinstance(inner, (dict, list)):
            return False
        equal: bool = frozen(outer) == frozen(inner)
        return equal

    def array_holds(self, outer: list[Any], inner: list[Any]) -> bool:
        """Scalars by a set, so that only elements with parts of their own are compared in pairs."""
        scalars = {frozen(item) for item in outer if not isinstance(item, (dict, list))}
        parts = [item for item in outer if isinstance(item, (dict, list))]
        return all(
            any(self.holds(part, item) for part in parts)
            if isinstance(item, (dict, list))
            else frozen(item) in scalars
            for item in inner
        )


def array_test(
    budget: Budget, test: Callable[[set[Any], set[Any]], bool]
) -> Callable[[Any, Any], bool | None]:
    """`f(left, right)` over JSON texts of arrays; elements are equal as PostgreSQL's are, and NULL equals nothing."""

    def compare(left: Any, right: Any) -> bool | None:
        budget.check()
        try:
            first, second = parse_json(left), parse_json(right)
            if not isinstance(first, list) or not isinstance(second, list):
                return None
            return test(elements(first), elements(second))
        except (ValueError, TypeError, RecursionError):
            return None

    return compare


def contains_all(outer: set[Any], inner: set[Any]) -> bool:
    """Every element is there, and none is null."""
    return None not in inner and inner <= outer


def has_common(left: set[Any], right: set[Any]) -> bool:
    """Some element other than null is in both."""
    return not (left & right) <= {None}


def elements(array: list[Any]) -> set[Any]:
    """The distinct elements; dimensions do not count, as on PostgreSQL. JSON's null is None."""
    found: set[Any] = set()
    for item in array:
        if isinstance(item, list):
            found |= elements(item)
        else:
            found.add(None if item is None else frozen(item))
    return found


def frozen(value: Any) -> Any:
    """A hashable form that is equal for equal JSON values: `1` and `1.0` are, `1`, `true` and `"1"` are not."""
    if isinstance(value, dict):
        return dict, frozenset((key, frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return list, tuple(frozen(item) for item in value)
    return type(value), value


def parse_json(text: Any) -> Any:
    """JSON with every number an exact decimal.

    Raises:
        ValueError, TypeError, RecursionError: not JSON.
    """
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=refuse_constant)


def refuse_constant(name: str) -> Any:
    """`NaN` and `Infinity` are not JSON."""
    raise ValueError(name)


def float_text(value: Any) -> Any:
    """The shortest JSON that reads back as the same float, in the notation of PostgreSQL's `to_json(float8)`."""
    if not isinstance(value, (int, float)):
        return None if value is None else str(value)
    number = float(value)
    if not math.isfinite(number):
        return '"NaN"' if math.isnan(number) else '"Infinity"' if number > 0 else '"-Infinity"'
    text = repr(number)
    if abs(number) < 1e15:
        return text.removesuffix(".0") if "e" not in text else text
    return scientific(number, Decimal(text))


def scientific(number: float, shortest: Decimal) -> str:
    """From 1e15 on, where PostgreSQL already counts in powers of ten and Python does not yet.

    PostgreSQL never writes the exact middle of two floats, though it reads back as the even one; Python does.
    """
    precision = len(shortest.as_tuple().digits)
    while is_halfway(number, shortest) and precision < 17:
        precision += 1
        shortest = Decimal(f"{number:.{precision - 1}e}")
    sign, digits, _ = shortest.as_tuple()
    figures = "".join(map(str, digits)).rstrip("0")
    fraction = f".{figures[1:]}" if len(figures) > 1 else ""
    return f"{'-' if sign else ''}{figures[0]}{fraction}e{shortest.adjusted():+03d}"


def is_halfway(number: float, text: Decimal) -> bool:
    """Whether a decimal that reads back as this float lies in the middle between it and a neighbour."""
    exact = Decimal(number)
    neighbour = math.nextafter(number, math.inf if text > exact else -math.inf)
    return text != exact and math.isfinite(neighbour) and text - exact == Decimal(neighbour) - text
