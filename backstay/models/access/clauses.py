"""The clauses of a rule: its leaves, and how `and`, `or` and `not` join them.

Each clause is a rule by itself, so that it can be folded and asked of a row like the whole; and says by which columns an
index would find its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, Column, FromClause, Select
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import (
    AsBoolean,
    BinaryExpression,
    BooleanClauseList,
    ExpressionClauseList,
    Grouping,
    UnaryExpression,
)
from sqlalchemy.sql.selectable import Exists

from backstay.models.access.rules import Rule
from backstay.models.access.words import words_of

_SEEKS = frozenset(
    {
        operators.eq, operators.lt, operators.le, operators.gt, operators.ge, operators.in_op, operators.is_,
        operators.is_not_distinct_from, operators.between_op, operators.startswith_op,
    }
)  # fmt: skip


class Form(StrEnum):
    """How a clause is made: a condition by itself, or of parts."""

    LEAF = "leaf"
    AND = "and"
    OR = "or"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Use:
    """A column whose index would find the rows of a clause.

    Attributes:
        is_boolean: it holds two values, and an index of it finds half of the rows.
    """

    table: str
    column: str
    is_boolean: bool


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """A rule or a part of one.

    Attributes:
        rule: the clause as a rule of its own.
        uses: of a leaf; an index of any of them is enough.
        reads_rows: whether it reads anything but the caller.
    """

    form: Form
    words: str
    rule: Rule
    parts: tuple[Clause, ...] = ()
    uses: tuple[Use, ...] = ()
    reads_rows: bool = False


def clauses_of(rule: Rule, about: FromClause) -> Clause:
    """The rule as a tree of clauses about rows of that table."""
    return _clause(rule.expression, about)


def _clause(element: Any, about: FromClause) -> Clause:
    element = _bare(element)
    form, parts = _parts(element)
    return Clause(
        form=form,
        words=words_of(element, about),
        rule=Rule(element),
        parts=tuple(_clause(part, about) for part in parts),
        uses=tuple(dict.fromkeys(_uses(element, about))) if form is Form.LEAF else (),
        reads_rows=bool(_tables(element)),
    )


def _parts(element: Any) -> tuple[Form, tuple[Any, ...]]:
    if isinstance(element, BooleanClauseList | ExpressionClauseList):
        if element.operator is operators.and_:
            return Form.AND, tuple(element.clauses)
        if element.operator is operators.or_:
            return Form.OR, tuple(element.clauses)
    if isinstance(element, UnaryExpression) and element.operator is operators.inv:
        return Form.NOT, (element.element,)
    return Form.LEAF, ()


def _uses(element: Any, about: FromClause) -> Iterator[Use]:
    if isinstance(element, Exists):
        yield from _uses_within(element, about)
    elif isinstance(element, AsBoolean):
        yield from _uses_of(_bare(element.element), about)
    elif isinstance(element, BinaryExpression) and element.operator in _SEEKS:
        for one, other in ((element.left, element.right), (element.right, element.left)):
            if about not in _tables(other):
                yield from _uses_of(_bare(one), about)
    else:
        yield from _uses_of(element, about)


def _uses_of(element: Any, table: Any) -> Iterator[Use]:
    if isinstance(element, Column) and element.table is table:
        yield Use(table.name, element.name, isinstance(element.type, Boolean))


def _uses_within(exists: Exists, about: Any) -> Iterator[Use]:
    """Columns of the subquery's tables that must equal what stands outside of it."""
    statement: Any = exists.element
    while not isinstance(statement, Select):
        statement = statement.element
    # By name, since copying an expression gives an alias another identity.
    inside = {_name(table) for table in statement.get_final_froms()} - {_name(about)}
    for part in _conjuncts(statement.whereclause):
        if isinstance(part, BinaryExpression) and part.operator is operators.eq:
            for one, other in ((part.left, part.right), (part.right, part.left)):
                column = _bare(one)
                outside = {_name(table) for table in _tables(other)}.isdisjoint(inside)
                if isinstance(column, Column) and _name(column.table) in inside and outside:
                    table: Any = getattr(column.table, "element", column.table)
                    yield Use(table.name, column.name, isinstance(column.type, Boolean))


def _conjuncts(element: Any) -> Iterator[Any]:
    """What must hold, all of it."""
    element = _bare(element)
    form, parts = _parts(element)
    if form is Form.AND:
        for part in parts:
            yield from _conjuncts(part)
    else:
        yield element


def _tables(element: Any) -> set[Any]:
    return {part.table for part in visitors.iterate(element) if isinstance(part, Column)}


def _name(table: Any) -> str:
    return str(table.name)


def _bare(element: Any) -> Any:
    while isinstance(element, Grouping):
        element = element.element
    return element
