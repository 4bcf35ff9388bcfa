"""A random question, written as a query string and parsed, is the same question."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from backstay.controllers.resources.query_string import QueryStringParser
from backstay.models.resources.request import (
    AllColumns,
    ColumnPath,
    Condition,
    Embed,
    EmbedFilter,
    Filter,
    IsValue,
    JsonStep,
    Logic,
    Operator,
    Order,
    Quantifier,
    Query,
    SelectColumn,
    SelectItem,
)

QUANTIFIED = [Operator.EQ, Operator.GT, Operator.LIKE, Operator.ILIKE, Operator.MATCH]

names = st.one_of(
    st.sampled_from(
        ["id", "name", "and", "order", "select", "not", "count", "a-b", "full name", "é", "eq", "inner"]
    ),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
steps = st.builds(JsonStep, st.one_of(names, st.integers(-(2**31) + 1, 2**31 - 1)), st.booleans())
columns = st.builds(ColumnPath, names, st.lists(steps, max_size=2).map(tuple))
orders = st.builds(Order, columns, st.booleans(), st.sampled_from([None, True, False]))


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def column_text(column: ColumnPath) -> str:
    arrows = ("->>" if step.as_text else "->" for step in column.steps)
    keys = (str(step.key) if isinstance(step.key, int) else quoted(step.key) for step in column.steps)
    return quoted(column.name) + "".join(map("".join, zip(arrows, keys, strict=True)))


class Draft:
    """Draws a query and writes it down at the same time."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.parameters: list[tuple[str, str]] = []
        self.literals: list[Any] = []
        self.windows: list[int] = []

    def draw(self, strategy: st.SearchStrategy[Any]) -> Any:
        return self.data.draw(strategy)

    def operation(self, in_tree: bool) -> tuple[dict[str, Any], str]:
        negated = self.draw(st.booleans())
        prefix = "not." if negated else ""
        kind = self.draw(st.sampled_from(["plain", "in", "is", "quantified", "search"]))
        if kind == "is":
            value = self.draw(st.sampled_from(IsValue))
            return {"operator": Operator.IS, "negated": negated, "is_value": value}, f"{prefix}is.{value}"
        more: dict[str, Any] = {"slot": len(self.literals), "negated": negated}
        if kind in ("in", "quantified"):
            literal: Any = tuple(self.draw(st.lists(texts, max_size=3)))
            body = ",".join(quoted(item) for item in literal)
            if kind == "in":
                more["operator"], text = Operator.IN, f"in.({body})"
            else:
                more["operator"] = self.draw(st.sampled_from(QUANTIFIED))
                more["quantifier"] = self.draw(st.sampled_from(Quantifier))
                text = f"{more['operator']}({more['quantifier']}).{{{body}}}"
        else:
            literal = self.draw(texts)
            body = quoted(literal) if in_tree else literal
            if kind == "search":
                more["operator"], more["config"] = Operator.FTS, "english"
                text = f"fts(english).{body}"
            else:
                plain = [item for item in Operator if item not in (Operator.IN, Operator.IS)]
                more["operator"] = self.draw(st.sampled_from(plain))
                text = f"{more['operator']}.{body}"
        self.literals.append(literal)
        return more, prefix + text

    def condition(self, labels: list[str], depth: int) -> tuple[Condition, str]:
        if depth < 3 and self.draw(st.booleans()):
            conjunction, negated = self.draw(st.booleans()), self.draw(st.booleans())
            items = [self.condition(labels, depth + 1) for _ in range(self.draw(st.integers(1, 3)))]
            text = ("not." if negated else "") + ("and(" if conjunction else "or(")
            logic = Logic(conjunction, tuple(item for item, _ in items), negated)
            return logic, text + ",".join(part for _, part in items) + ")"
        if labels and self.draw(st.booleans()):
            label, empty = self.draw(st.sampled_from(labels)), self.draw(st.booleans())
            return EmbedFilter(label, empty), quoted(label) + (".is.null" if empty else ".not.is.null")
        column = self.draw(columns.filter(lambda column: column.name not in labels))
        more, text = self.operation(in_tree=True)
        return Filter(column, **more), f"{column_text(column)}.{text}"

    def item(self, path: str, taken: list[str], depth: int) -> tuple[SelectItem, str]:
        kind = self.draw(st.sampled_from(["all", "column", "embed"] if depth < 3 else ["all", "column"]))
        if kind == "all":
            return AllColumns(), "*"
        alias = self.draw(st.none() | names)
        if kind == "column":
            column = self.draw(columns)
            cast = self.draw(st.sampled_from([None, "text", "double precision"]))
            text = "" if alias is None else quoted(alias) + ":"
            return SelectColumn(column, alias, cast), text + column_text(column) + (
                f"::{cast}" if cast else ""
            )
        relation = self.draw(names.filter(lambda name: name != "count"))
        while (alias or relation) in taken:
            alias = f"{alias or relation}{len(taken)}"
        hint = self.draw(st.none() | names.filter(lambda name: name not in ("inner", "left")))
        inner = self.draw(st.booleans())
        query, inside = self.query(f"{path}{quoted(alias or relation)}.", depth + 1)
        words = (f"!{quoted(hint)}" if hint else "") + ("!inner" if inner else "")
        text = ("" if alias is None else quoted(alias) + ":") + f"{quoted(relation)}{words}({inside})"
        return Embed(relation, query, alias, hint, inner), text

    def query(self, path: str = "", depth: int = 0) -> tuple[Query, str]:
        items: list[SelectItem] = []
        written: list[str] = []
        labels: list[str] = []
        for _ in range(self.draw(st.integers(0, 3))):
            item, text = self.item(path, labels, depth)
            items.append(item)
            written.append(text)
            if isinstance(item, Embed):
                labels.append(item.label)
        where = tuple(self.parameter(path, labels) for _ in range(self.draw(st.integers(0, 2))))
        order = tuple(self.draw(st.lists(orders, max_size=2)))
        if order:
            self.parameters.append((f"{path}order", ",".join(map(self.order_text, order))))
        limit, offset = self.window(path, "limit"), self.window(path, "offset")
        return Query(tuple(items), where, order, limit, offset), ",".join(written)

    def parameter(self, path: str, labels: list[str]) -> Condition:
        if self.draw(st.booleans()):
            conjunction, negated = self.draw(st.booleans()), self.draw(st.booleans())
            items = [self.condition(labels, 1) for _ in range(self.draw(st.integers(1, 2)))]
            key = path + ("not." if negated else "") + ("and" if conjunction else "or")
            self.parameters.append((key, "(" + ",".join(text for _, text in items) + ")"))
            return Logic(conjunction, tuple(item for item, _ in items), negated)
        column = self.draw(columns.filter(lambda column: column.name not in labels))
        more, text = self.operation(in_tree=False)
        self.parameters.append((path + column_text(column), text))
        return Filter(column, **more)

    def order_text(self, order: Order) -> str:
        nulls = {None: "", True: ".nullsfirst", False: ".nullslast"}[order.nulls_first]
        return column_text(order.column) + (".desc" if order.descending else "") + nulls

    def window(self, path: str, name: str) -> int | None:
        value = self.draw(st.none() | st.integers(0, 2**63 - 1))
        if value is None:
            return None
        self.parameters.append((path + name, str(value)))
        self.windows.append(value)
        # Windows follow all literals: their slots are negative until those are counted.
        return -len(self.windows)


def with_final_slots(query: Query, literal_count: int) -> Query:
    def final(slot: int | None) -> int | None:
        return None if slot is None else literal_count - slot - 1

    items = tuple(
        replace(item, query=with_final_slots(item.query, literal_count)) if isinstance(item, Embed) else item
        for item in query.select
    )
    return replace(query, select=items, limit=final(query.limit), offset=final(query.offset))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_question_survives_being_written_and_parsed(data: st.DataObject) -> None:
    draft = Draft(data)
    query, select = draft.query()
    parameters = [("select", select), *draft.parameters]
    raw = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in parameters)
    parsed = QueryStringParser().parse(raw.encode())
    assert parsed.query == with_final_slots(query, len(draft.literals))
    assert parsed.values == (*draft.literals, *draft.windows)
