"""Rules in words: `trips.public or trips.owner_id == caller.id`, as their authors wrote them in Python.

In charge of how an expression of a rule reads, for `backstay routes`, `access explain` and `access matrix` alike. What
it does not know is told in SQL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import Alias, BindParameter, Column, ColumnElement, FromClause, Function, Select
from sqlalchemy import Cast as SqlCast
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    AsBoolean,
    BinaryExpression,
    BooleanClauseList,
    CollectionAggregate,
    ExpressionClauseList,
    False_,
    Grouping,
    Null,
    True_,
    UnaryExpression,
    _anonymous_label,
)
from sqlalchemy.sql.selectable import Exists, ScalarSelect

from backstay.models.access.rules import Predicate
from backstay.models.access.terms import CallerTerm

Expression = ColumnElement[Any]

_INFIX: Mapping[Any, str] = {
    operators.eq: "==",
    operators.ne: "!=",
    operators.lt: "<",
    operators.le: "<=",
    operators.gt: ">",
    operators.ge: ">=",
    operators.add: "+",
    operators.sub: "-",
    operators.mul: "*",
    operators.truediv: "/",
    operators.floordiv: "//",
    operators.mod: "%",
    operators.concat_op: "+",
    operators.is_: "is",
    operators.is_not: "is not",
    operators.is_distinct_from: "is distinct from",
    operators.is_not_distinct_from: "is not distinct from",
    operators.in_op: "in",
    operators.not_in_op: "not in",
    operators.like_op: "like",
    operators.not_like_op: "not like",
    operators.ilike_op: "ilike",
    operators.not_ilike_op: "not ilike",
    operators.startswith_op: "starts with",
    operators.not_startswith_op: "does not start with",
    operators.endswith_op: "ends with",
    operators.not_endswith_op: "does not end with",
    operators.contains_op: "contains",
    operators.not_contains_op: "does not contain",
    operators.regexp_match_op: "matches",
    operators.not_regexp_match_op: "does not match",
}
# All other comparisons with null are null themselves, whatever the row says.
_TELLS_NULL = frozenset(
    {operators.is_, operators.is_not, operators.is_distinct_from, operators.is_not_distinct_from}
)
_GETS_ITEM = frozenset({operators.getitem, operators.json_getitem_op, operators.json_path_getitem_op})
_BETWEEN: Mapping[Any, str] = {
    operators.between_op: "between",
    operators.not_between_op: "not between",
}
_JOINED: Mapping[Any, str] = {operators.and_: " and ", operators.or_: " or "}


def words_of(
    expression: Expression, about: FromClause | None = None, terms: Mapping[str, CallerTerm] | None = None
) -> str:
    """The expression in words.

    Args:
        about: the table whose rows the rule is about, which subqueries name and do not read.
        terms: of a folded rule, the term that each of its bind parameters stands for.
    """
    return _Words(() if about is None else (about,), terms or {}, {}).of(expression)


def predicate_words(predicate: Predicate, about: FromClause | None = None) -> str:
    """What is left of a rule for a kind of caller, in words; the caller's values by the names of their terms."""
    return words_of(predicate.expression, about, dict(predicate.binds))


def value_words(value: Any) -> str:
    """A constant of a rule as one would write it."""
    if isinstance(value, Enum):
        return repr(value.value)
    if isinstance(value, list | tuple | set | frozenset):
        return "(" + ", ".join(map(value_words, value)) + ")"
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, UUID | dt.date | dt.time):
        return repr(str(value))
    return str(value) if isinstance(value, Decimal) else repr(value)


class _Words:
    """One expression being said.

    Attributes:
        outer: the tables that are spoken of already.
        names: what aliases without a name of their own are called here.
    """

    def __init__(
        self, outer: Sequence[FromClause], terms: Mapping[str, CallerTerm], names: dict[str, str]
    ) -> None:
        self.outer = tuple(outer)
        self.terms = terms
        self.names = names

    def of(self, element: Any) -> str:
        for kind, say in self._kinds():
            if isinstance(element, kind):
                said = say(element)
                return _in_sql(element) if said is None else said
        return _in_sql(element)

    def _kinds(self) -> Iterable[tuple[Any, Callable[[Any], str | None]]]:
        return (
            (CallerTerm, repr),
            (True_, lambda element: "true"),
            (False_, lambda element: "false"),
            (Null, lambda element: "null"),
            (BindParameter, self._bind),
            (Column, lambda element: f"{self._name(element.table)}.{element.name}"),
            (Grouping, lambda element: self.of(element.element)),
            (BooleanClauseList | ExpressionClauseList, self._clauses),
            (Exists, self._exists),
            (CollectionAggregate, self._aggregate),
            (AsBoolean, self._boolean),
            (UnaryExpression, self._unary),
            (BinaryExpression, self._binary),
            (SqlCast, lambda element: f"cast({self.of(element.clause)} as {element.type})"),
            (Function, self._function),
            (ScalarSelect, lambda element: f"({self._select(element.element)})"),
        )

    def _bind(self, element: BindParameter[Any]) -> str:
        term = self.terms.get(element.key)
        return value_words(element.effective_value) if term is None else repr(term)

    def _clauses(self, element: Any) -> str | None:
        joint = _JOINED.get(element.operator)
        if joint is None:
            return None
        return joint.join(self._within(clause) for clause in element.clauses)

    def _within(self, element: Any) -> str:
        """A part of something larger, in brackets when it has parts itself."""
        inner = _bare(element)
        text = self.of(inner)
        return f"({text})" if isinstance(inner, BooleanClauseList | ExpressionClauseList | Exists) else text

    def _boolean(self, element: AsBoolean) -> str:
        return (
            self._negated(element.element)
            if element.operator is operators.is_false
            else self.of(element.element)
        )

    def _unary(self, element: UnaryExpression[Any]) -> str | None:
        if element.operator is operators.inv:
            return self._negated(element.element)
        return f"-{self._operand(element.element)}" if element.operator is operators.neg else None

    def _negated(self, element: Any) -> str:
        inner = _bare(element)
        text = self.of(inner)
        return (
            f"not ({text})" if isinstance(inner, BooleanClauseList | ExpressionClauseList) else f"not {text}"
        )

    def _binary(self, element: BinaryExpression[Any]) -> str | None:
        if element.operator not in _TELLS_NULL and any(
            isinstance(side, Null) for side in (element.left, element.right)
        ):
            return "null"
        left = self._operand(element.left)
        if element.operator in _BETWEEN:
            low, high = map(self._operand, element.right.clauses)
            return f"{left} {_BETWEEN[element.operator]} {low} and {high}"
        if element.operator in _GETS_ITEM:
            return f"{left}[{self.of(element.right)}]"
        symbol = _INFIX.get(element.operator)
        return None if symbol is None else f"{left} {symbol} {self._operand(element.right)}"

    def _operand(self, element: Any) -> str:
        inner = _bare(element)
        text = self.of(inner)
        grouped = isinstance(inner, BooleanClauseList | ExpressionClauseList | Exists) or (
            isinstance(inner, BinaryExpression) and inner.operator not in _GETS_ITEM
        )
        return f"({text})" if grouped else text

    def _aggregate(self, element: CollectionAggregate[Any]) -> str:
        name = "any" if element.operator is operators.any_op else "all"
        return f"{name}({self.of(element.element)})"

    def _function(self, element: Function[Any]) -> str:
        return f"{element.name}({', '.join(map(self.of, element.clauses))})"

    def _exists(self, element: Exists) -> str:
        inner: Any = element.element
        return f"exists {self._rows(_statement(inner))}"

    def _select(self, element: Any) -> str:
        statement = _statement(element)
        shown = ", ".join(map(self.of, statement.selected_columns))
        return f"{shown} of {self._rows(statement)}"

    def _rows(self, statement: Select[Any]) -> str:
        """The tables that a subquery reads, without those around it, and what it asks of their rows."""
        inside = [table for table in statement.get_final_froms() if table not in self.outer]
        within = _Words((*self.outer, *inside), self.terms, self.names)
        tables = " and ".join(map(self._as_table, inside))
        asked = statement.whereclause
        return tables if asked is None else f"{tables} where {within.of(_bare(asked))}"

    def _as_table(self, table: FromClause) -> str:
        named = self._name(table)
        return f"{self._name(table.element)} as {named}" if isinstance(table, Alias) else named

    def _name(self, table: Any) -> str:
        """Of a table; SQLAlchemy names the aliases of a table that points at itself only when it compiles them."""
        if isinstance(table, Alias) and isinstance(table.name, _anonymous_label):
            return self.names.setdefault(
                str(table.name), f"{self._name(table.element)}_{len(self.names) + 2}"
            )
        return str(getattr(table, "name", table))


def _statement(element: Any) -> Select[Any]:
    while not isinstance(element, Select):
        element = element.element
    return element


def _bare(element: Any) -> Any:
    while isinstance(element, Grouping):
        element = element.element
    return element


def _in_sql(element: Any) -> str:
    try:
        text = str(element.compile(compile_kwargs={"literal_binds": True}))
    except (SQLAlchemyError, NotImplementedError, TypeError):
        text = str(element)
    return " ".join(text.split())
