"""The same random question as REST and as GraphQL: what both can say, and how the second one is written.

In charge of which questions those are, of the document and its variables, and of bringing its answer to the form that
the oracle's has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from tests.api.oracle.queries import Questioner
from tests.api.oracle.relations import relations
from tests.api.oracle.syntax import (
    Compare,
    Condition,
    Embedded,
    IsTest,
    Item,
    Path,
    Query,
    Shown,
    Term,
    Tree,
)
from tests.api.oracle.values import Kind, sendable

_ORDERED = ("eq", "neq", "gt", "gte", "lt", "lte", "in")
_OPERATORS = {
    Kind.TEXT: (*_ORDERED, "like", "ilike", "match", "imatch"),
    Kind.BOOLEAN: ("eq", "neq"),
    Kind.ENUM: ("eq", "neq", "in"),
    Kind.JSON: ("eq", "neq"),
}
_NAMES = {"match": "regex", "imatch": "iregex"}
_PATTERNS = ("a%", "%b", "_", "a_b", "Ä%", "A%", "")
_REGEXES = ("^a", "b$", "[A-Z]", "a|b")


class TwinQuestioner(Questioner):
    """Makes up questions that both can ask."""

    def query(self, table: str, depth: int = 0) -> Query:
        """A page of a table, with related rows within."""
        most = (1, 2, 3, 10) if depth == 0 else (1, 2, 4)
        return Query(
            items=tuple(self._twin_items(table, depth)),
            where=tuple(self._twin_condition(table, 2) for _ in range(self.random.choice((0, 1, 1, 2)))),
            order=tuple(self._twin_terms(table)),
            limit=self.random.choice(most),
            offset=self.random.choice((1, 2)) if self.random.random() < 0.2 else None,
        )

    def _twin_items(self, table: str, depth: int) -> Iterator[Item]:
        seen = self.eye.columns(table)
        names = self.random.sample(seen, min(len(seen), self.random.choice((1, 2, 3))))
        if self.random.random() < 0.03:
            names = [self._column(table).name]
        for number, name in enumerate(names):
            yield Shown(Path(name), f"x{depth}{number}" if self.random.random() < 0.2 else None)
        known = [one for one in relations(self.eye.schema, table) if one.attribute is not None]
        followed = [one for one in known if self.eye.follows(one) and self.eye.columns(one.target)]
        for number in range(self.random.choice((0, 1, 1, 2)) if depth < 2 else 0):
            chosen = known if self.random.random() < 0.03 else followed
            if chosen:
                relation = self.random.choice(chosen)
                query = self.query(relation.target, depth + 1)
                if relation.is_one:
                    query = Query(query.items)
                assert relation.attribute is not None
                yield Embedded(relation.attribute, query, f"e{number}")

    def _twin_condition(self, table: str, depth: int) -> Condition:
        form = self.random.random()
        if depth and form < 0.3:
            parts = tuple(self._twin_condition(table, depth - 1) for _ in range(self.random.choice((1, 2))))
            return Tree(self.random.random() < 0.5, parts, self.random.random() < 0.3)
        column = self._column(table)
        path, kind = Path(column.name), column.kind
        if form < 0.45:
            return IsTest(path, self.random.choice(("null", "not_null")), self.random.random() < 0.3)
        operator = self.random.choice(_OPERATORS.get(kind, _ORDERED))
        count = self.random.choice((1, 2)) if operator == "in" else 1
        values = tuple(self._value(operator, table, path, kind) for _ in range(count))
        return Compare(path, kind, operator, values, self.random.random() < 0.25)

    def _value(self, operator: str, table: str, path: Path, kind: Kind) -> Any:
        if operator in ("like", "ilike"):
            return self.random.choice(_PATTERNS)
        if operator in ("match", "imatch"):
            return self.random.choice(_REGEXES)
        return self._literal(operator, path, kind, table)

    def _twin_terms(self, table: str) -> Iterator[Term]:
        for _ in range(self.random.choice((0, 0, 1, 2))):
            column = self._column(table)
            if column.kind is Kind.JSON:
                # The oracle knows no order of them.
                continue
            descending, nulls_first = self.random.random() < 0.5, self.random.random() < 0.5
            yield Term(Path(column.name), column.kind, descending, nulls_first)


class Document:
    """A question as a GraphQL document with its variables.

    Args:
        extra: what else is asked of the outermost connection.
    """

    def __init__(self, table: str, query: Query, questioner: Questioner, extra: str = "") -> None:
        self._questioner = questioner
        self.variables: dict[str, Any] = {}
        self._declared: list[str] = []
        body = self._collection("found", f"{table}Collection", table, query, extra, "after: $after")
        declared = ", ".join([*self._declared, *(["$after: Cursor"] if query.offset is None else [])])
        self.text = f"query{f' ({declared})' if declared else ''} {{ {body} }}"

    def _collection(self, alias: str, name: str, table: str, query: Query, extra: str, more: str) -> str:
        args = [f"first: {query.limit}", *([more] if more and query.offset is None else [])]
        if query.offset is not None:
            args.append(f"offset: {query.offset}")
        if query.where:
            args.append(
                f"filter: {self._variable(f'{table}Filter', {'and': list(map(_condition, query.where))})}"
            )
        if query.order:
            args.append(f"orderBy: {self._variable(f'[{table}OrderBy!]', list(map(_term, query.order)))}")
        rows = " ".join(self._item(table, item) for item in query.items)
        return f"{alias}: {name}({', '.join(args)}) {{ {extra} edges {{ node {{ {rows} }} }} }}"

    def _variable(self, type_: str, value: Any) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = value
        self._declared.append(f"${name}: {type_}")
        return f"${name}"

    def _item(self, table: str, item: Item) -> str:
        if isinstance(item, Shown):
            return f"{item.alias}: {item.path.column}" if item.alias else item.path.column
        assert isinstance(item, Embedded)
        relation = self._relation(table, item)
        if relation.is_one:
            rows = " ".join(self._item(relation.target, inner) for inner in item.query.items)
            return f"{item.alias}: {item.relation} {{ {rows} }}"
        assert item.alias is not None
        return self._collection(item.alias, f"{item.relation}Collection", relation.target, item.query, "", "")

    def _relation(self, table: str, item: Embedded) -> Any:
        known = relations(self._questioner.eye.schema, table)
        return next(one for one in known if one.attribute == item.relation)

    def plain(self, table: str, query: Query, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of the answer as the oracle has them."""
        return [self._plain(table, query, row) for row in rows]

    def _plain(self, table: str, query: Query, row: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for item in query.items:
            assert isinstance(item, Shown | Embedded)
            value = row[item.label]
            if isinstance(item, Shown):
                kind = self._questioner.eye.schema[table].readable[item.path.column].kind
                found[item.label] = _value(value, kind)
                continue
            assert isinstance(item, Embedded)
            relation = self._relation(table, item)
            if relation.is_one:
                found[item.label] = None if value is None else self._plain(relation.target, item.query, value)
            else:
                inner = [edge["node"] for edge in value["edges"]]
                found[item.label] = self.plain(relation.target, item.query, inner)
        return found


def _value(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind is Kind.INTEGER:
        return int(value)
    if kind is Kind.DECIMAL:
        return Decimal(value)
    return json.loads(value, parse_float=Decimal) if kind is Kind.JSON else value


def _condition(condition: Condition) -> dict[str, Any]:
    if isinstance(condition, Tree):
        word = "and" if condition.conjunction else "or"
        written: dict[str, Any] = {word: list(map(_condition, condition.items))}
    elif isinstance(condition, IsTest):
        written = {condition.path.column: {"is": condition.word.upper()}}
    else:
        assert isinstance(condition, Compare)
        values = [_argument(value, condition.kind) for value in condition.values]
        operand = values if condition.operator == "in" else values[0]
        written = {condition.path.column: {_NAMES.get(condition.operator, condition.operator): operand}}
    return {"not": written} if condition.negated else written


def _argument(value: Any, kind: Kind) -> Any:
    if kind is Kind.JSON:
        return json.dumps(value)
    return str(value) if kind is Kind.INTEGER else sendable(value)


def _term(term: Term) -> dict[str, str]:
    direction = "Desc" if term.descending else "Asc"
    return {term.path.column: f"{direction}Nulls{'First' if term.nulls_first else 'Last'}"}
