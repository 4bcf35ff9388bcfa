"""Groups of rows and what is aggregated over them, as PostgreSQL has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from tests.api.oracle.syntax import Agg, Path
from tests.api.oracle.values import MISSING, Kind, frozen, shown, sort_key

SUMMED = (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT)
ORDERED = (*SUMMED, Kind.TEXT, Kind.TIMESTAMP, Kind.ENUM)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a row of an answer.

    Attributes:
        value: what it is; MISSING for a null that is no JSON.
        shown: its JSON.
        kind: None for finished JSON.
        path: the column it is, uncast, with the label of the spread that it comes from.
        agg: what is to be made of it over a group.
    """

    label: str
    value: Any
    shown: Any
    kind: Kind | None
    path: tuple[str | None, Path] | None = None
    agg: Agg | None = None


def groups(rows: Sequence[Sequence[Leaf]], shape: Sequence[Leaf]) -> list[list[Leaf]]:
    """One row for each group, in the order of their keys; one even of no rows when nothing is grouped by."""
    found: dict[Any, list[Sequence[Leaf]]] = {}
    if all(leaf.agg is not None for leaf in shape):
        found[()] = []
    for row in rows:
        key = tuple(_same(leaf) for leaf in row if leaf.agg is None)
        found.setdefault(key, []).append(row)
    outcome = [
        [_outcome(leaf, number, members) for number, leaf in enumerate(shape)] for members in found.values()
    ]
    return sorted(outcome, key=lambda row: [order_key(leaf) for leaf in row if leaf.agg is None])


def order_key(leaf: Leaf) -> Any:
    """Where a group stands by one of its keys: null is last."""
    return (1,) if _is_null(leaf) else (0, plain_key(leaf))


def plain_key(leaf: Leaf) -> Any:
    """The place of a value that is not null."""
    if leaf.kind in (None, Kind.JSON):
        return json_order(leaf.shown)
    return sort_key(leaf.value, leaf.kind)


def _is_null(leaf: Leaf) -> bool:
    if leaf.kind is Kind.JSON:
        return leaf.value is MISSING
    return leaf.value is None or leaf.value is MISSING


def _same(leaf: Leaf) -> Any:
    return None if _is_null(leaf) else ("value", frozen(leaf.shown))


def _outcome(leaf: Leaf, number: int, members: Sequence[Sequence[Leaf]]) -> Leaf:
    if leaf.agg is None:
        return members[0][number]
    values = [row[number] for row in members if not _is_null(row[number])]
    outcome = _aggregated(leaf.agg.function, leaf.kind, [one.value for one in values])
    return Leaf(leaf.label, outcome, shown(outcome), leaf.kind, agg=leaf.agg)


def _aggregated(function: str, kind: Kind | None, values: list[Any]) -> Any:
    if function == "count":
        return len(values)
    if not values:
        return None
    if function in ("min", "max"):
        return (min if function == "min" else max)(
            values, key=lambda value: sort_key(value, kind or Kind.TEXT)
        )
    with localcontext(prec=600):
        total = sum(
            (Decimal(repr(one)) if isinstance(one, float) else Decimal(one) for one in values), Decimal(0)
        )
        outcome = total if function == "sum" else _average(total, len(values))
    return float(outcome) if kind is Kind.FLOAT else outcome


def _average(total: Decimal, count: int) -> Decimal:
    """PostgreSQL counts digits in groups of four: as many decimals as give four groups of the quotient."""

    def leading(number: Decimal) -> tuple[int, int]:
        place = number.adjusted() // 4 if number else 0
        return place, int(abs(number).scaleb(-4 * place))

    (above, first), (below, second) = leading(total), leading(Decimal(count))
    own = -total.as_tuple().exponent  # type: ignore[operator]  # no infinity here
    decimals = max(16 - 4 * (above - below - (first <= second)), own, 0)
    with localcontext(prec=900):
        return (total / count).quantize(Decimal(1).scaleb(-decimals), "ROUND_HALF_UP")


def json_order(value: Any) -> tuple[Any, ...]:
    """jsonb's order."""
    if value is None:
        return (0,)
    if isinstance(value, str):
        return (1, value.encode())
    if isinstance(value, bool):
        return (3, value)
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return (5, len(value), tuple(_flat(keys, value)))
    if isinstance(value, list | tuple):
        return (4, len(value), tuple(map(json_order, value))) if value else (-1,)
    return (2, Decimal(repr(value)) if isinstance(value, float) else Decimal(value))


def _flat(keys: Sequence[str], value: dict[str, Any]) -> Iterator[Any]:
    for key in keys:
        yield json_order(key)
        yield json_order(value[key])
