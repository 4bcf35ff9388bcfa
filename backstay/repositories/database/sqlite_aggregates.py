"""PostgreSQL's exact sums and averages on SQLite, whose own go through floats.

In charge of the aggregates that every SQLite connection gets beside the functions of `sqlite_functions.py`. Their
arguments are stored forms: integers, floats, and exact numbers as text. Null is passed over; of nothing comes null.
"""

from __future__ import annotations

import math
import sqlite3
from decimal import Context, Decimal
from functools import partial
from typing import Any

from backstay.models.types import decimal_text
from backstay.repositories.database.sqlite_functions import Budget

# A value has at most 1,000 digits on either side of its point, and a sum of 10^15 of them 15 more.
_EXACT = Context(prec=10_000, Emax=999_999, Emin=-999_999)
# PostgreSQL's NUMERIC_MIN_SIG_DIGITS, DEC_DIGITS and NUMERIC_MAX_DISPLAY_SCALE.
_SIGNIFICANT_DIGITS = 16
_GROUP_DIGITS = 4
_MOST_DECIMALS = 1000


def register(connection: sqlite3.Connection, budget: Budget) -> None:
    """Make the aggregates known to a connection."""
    for name, kind in (
        ("backstay_sum", ExactSum),
        ("backstay_avg", ExactAverage),
        ("backstay_float_sum", FloatSum),
        ("backstay_float_avg", FloatAverage),
    ):
        connection.create_aggregate(name, 1, partial(kind, budget))


class ExactSum:
    """The sum as the text of an exact number, with as many decimals as the term that has most."""

    __slots__ = ("_budget", "_count", "_total")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._count = 0
        self._total = Decimal(0)

    def step(self, value: Any) -> None:
        """One more term. A float counts as the shortest decimal that reads back as the same one."""
        if value is None:
            return
        self._budget.check()
        self._count += 1
        self._total = _EXACT.add(self._total, Decimal(repr(value) if isinstance(value, float) else value))

    def finalize(self) -> Any:
        """The outcome, after the last term."""
        return decimal_text(self._total, None) if self._count else None


class ExactAverage(ExactSum):
    """The average as the text of an exact number, with the decimals that PostgreSQL gives it."""

    __slots__ = ()

    def finalize(self) -> Any:
        return decimal_text(quotient(self._total, self._count), None) if self._count else None


class FloatSum(ExactSum):
    """The float nearest to the exact sum, so that the order of the terms does not matter."""

    __slots__ = ()

    def finalize(self) -> Any:
        return self._float(self._total) if self._count else None

    def _float(self, exact: Decimal) -> float:
        number = float(exact)
        if math.isinf(number):
            raise self._budget.fail("22003")
        return number


class FloatAverage(FloatSum):
    """The float nearest to what PostgreSQL's exact average is."""

    __slots__ = ()

    def finalize(self) -> Any:
        return self._float(quotient(self._total, self._count)) if self._count else None


def quotient(total: Decimal, count: int) -> Decimal:
    """PostgreSQL's `numeric / integer`: at least 16 significant digits, the last one rounded away from zero.

    How many decimals that makes is told by the groups of four digits that PostgreSQL keeps (`select_div_scale`).
    """
    weight, first = _leading(total)
    divisor_weight, divisor_first = _leading(Decimal(count))
    group = weight - divisor_weight - (first <= divisor_first)
    exponent = total.as_tuple().exponent
    own = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    decimals = min(max(_SIGNIFICANT_DIGITS - group * _GROUP_DIGITS, own, 0), _MOST_DECIMALS)
    shifted = int(_EXACT.scaleb(total.copy_abs(), decimals))
    magnitude = (2 * shifted + count) // (2 * count)
    return Decimal((int(total < 0), tuple(map(int, str(magnitude))), -decimals))


def _leading(number: Decimal) -> tuple[int, int]:
    """The place of the leading group of four digits, and what it is; both 0 for zero."""
    if not number:
        return 0, 0
    weight = number.adjusted() // _GROUP_DIGITS
    return weight, int(_EXACT.scaleb(number.copy_abs(), -_GROUP_DIGITS * weight))
