"""The oracle: what a caller must be answered, found row by row in plain Python.

Everything is computed from what the caller sees: the rows whose read rule holds, with null where a field rule does
not. Only the order of rows that nothing else decides comes from the primary key itself. So an answer that equals the
oracle's depends on nothing hidden.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.api.oracle.comparisons import compared, has_words, is_test
from tests.api.oracle.grouping import Leaf, groups, order_key, plain_key
from tests.api.oracle.models import Schema, TableSpec
from tests.api.oracle.relations import Relation, relations
from tests.api.oracle.rules import Person, Row, Rule, State, Truth, conjunction, disjunction, negated
from tests.api.oracle.syntax import (
    Agg,
    Compare,
    Condition,
    Embedded,
    EmbedTest,
    IsTest,
    Item,
    Path,
    Query,
    Shown,
    Star,
    Term,
    Tree,
    WordsTest,
)
from tests.api.oracle.values import MISSING, Kind, as_text, frozen, json_text, shown, sort_key, step_into


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A row as a caller sees it, and its place in primary-key order."""

    cells: Row
    raw: Row


class Eye:
    """One caller's view of one state."""

    def __init__(self, schema: Schema, state: State, person: Person) -> None:
        self.schema = schema
        self.state = state
        self.person = person
        self._rows: dict[str, list[Seen]] = {}

    def fold(self, rule: Rule | None) -> Any:
        """True, False, or something else when the row matters."""
        known = True if rule is None or self.person.above_rules else rule.fold(self.person)
        return False if known is None else known

    def holds(self, rule: Rule | None, row: Row) -> bool:
        """Whether a rule holds for a row as it is in the state."""
        if rule is None or self.person.above_rules:
            return True
        return rule.holds(row, self.person, self.state) is True

    def exists(self, table: str) -> bool:
        """True when some verb is possible."""
        return any(self.fold(rule) is not False for rule in self.schema[table].rules.values())

    def readable(self, table: str) -> bool:
        """True when some row may be visible."""
        return self.fold(self.schema[table].rules["read"]) is not False

    def visible(self, table: str, column: str) -> bool:
        """True when the column exists for this caller."""
        spec = self.schema[table]
        return column in spec.readable and all(self.fold(rule) is not False for rule in spec.rules_of(column))

    def searchable(self, table: str, search: str) -> bool:
        """True when the search exists for this caller: all of its columns do."""
        return all(self.visible(table, column) for column in self.schema[table].searches[search])

    def columns(self, table: str) -> list[str]:
        """The columns that exist for this caller, in the table's order."""
        return [name for name in self.schema[table].columns if self.visible(table, name)]

    def names(self, table: str) -> list[str]:
        """The same, with the computed fields."""
        return [name for name in self.schema[table].readable if self.visible(table, name)]

    def rows(self, table: str) -> list[Seen]:
        """The rows that this caller sees, in primary-key order."""
        if table not in self._rows:
            spec = self.schema[table]
            rows = sorted(self.state[table], key=spec.key_of)
            self._rows[table] = [self._seen(spec, row) for row in rows if self.holds(spec.rules["read"], row)]
        return self._rows[table]

    def _seen(self, spec: TableSpec, row: Row) -> Seen:
        cells = {
            name: self._cell(spec, name, row)
            if all(self.holds(rule, row) for rule in spec.rules_of(name))
            else None
            for name in self.names(spec.name)
        }
        return Seen(cells, row)

    def _cell(self, spec: TableSpec, name: str, row: Row) -> Any:
        return spec.computed[name].of(row) if name in spec.computed else row[name]

    def view(self) -> Any:
        """Everything this caller could ever learn by reading."""
        return {
            name: [(spec.key_of(row.raw), frozen(row.cells)) for row in self.rows(name)]
            for name, spec in self.schema.items()
            if self.readable(name)
        }

    # Names -----------------------------------------------------------------------------------------------------

    def follows(self, relation: Relation) -> bool:
        """True when the relation exists: the tables and all columns of its keys do."""
        middle = relation.junction
        if not self.readable(relation.target) or not all(
            self.visible(relation.source, a) for a, _ in relation.pairs
        ):
            return False
        if middle is None:
            return all(self.visible(relation.target, far) for _, far in relation.pairs)
        inner = [far for _, far in relation.pairs] + [near for near, _ in relation.far_pairs]
        outer = [far for _, far in relation.far_pairs]
        return (
            self.readable(middle)
            and all(self.visible(middle, name) for name in inner)
            and all(self.visible(relation.target, name) for name in outer)
        )

    def resolve(self, table: str, embed: Embedded) -> list[Relation]:
        """The relations that an embed may mean; one when all is well."""
        known = [relation for relation in relations(self.schema, table) if self.follows(relation)]
        found = [relation for relation in known if relation.attribute == embed.relation]
        found = found or [relation for relation in known if embed.relation in relation.names]
        return [relation for relation in found if embed.hint is None or embed.hint in relation.hints]

    def errors(self, table: str, query: Query) -> set[str]:
        """The codes with which the question may be refused; empty when it must be answered."""
        if not self.readable(table):
            return {"PGRST205"}
        return set(self.complaints(table, query))

    def complaints(self, table: str, query: Query) -> Iterator[str]:
        """The codes for what is wrong with a question, apart from its table."""
        for path in _paths(query):
            if not self.visible(table, path.column):
                yield "42703"
        for condition in _leaves(query.where):
            if isinstance(condition, WordsTest) and not self.searchable(table, condition.name):
                yield "42703"
        for condition in _compared(query.where):
            if condition.bad is not None:
                yield "22P02"
        for item in query.items:
            if isinstance(item, Embedded):
                found = self.resolve(table, item)
                if len(found) == 1:
                    yield from self.complaints(found[0].target, item.query)
                else:
                    yield "PGRST201" if found else "PGRST200"
        yield from self._order_errors(table, query)
        if self._labels_collide(table, query):
            yield "PGRST100"

    def _order_errors(self, table: str, query: Query) -> Iterator[str]:
        if is_grouped(query):
            yield from self._group_order_errors(table, query)
        for term in query.order:
            if term.relation is not None:
                found = self.resolve(table, _embed(query, term.relation))
                if len(found) == 1 and not found[0].is_one:
                    yield "PGRST118"
                if len(found) == 1 and not self.visible(found[0].target, term.path.column):
                    yield "42703"

    def _labels_collide(self, table: str, query: Query) -> bool:
        """Whether two different things have one name in the answer."""
        labels: dict[str, Any] = {}
        return any(
            labels.setdefault(label, thing) != thing
            for item in query.items
            for label, thing in self._labelled(table, item)
        )

    def _labelled(self, table: str, item: Item) -> Iterator[tuple[str, Any]]:
        if isinstance(item, Star):
            yield from ((name, Shown(Path(name))) for name in self.columns(table))
        elif isinstance(item, Shown):
            yield item.label, Shown(item.path, None, item.cast)
        elif isinstance(item, Agg):
            yield item.label, item
        elif item.spread:
            found = self.resolve(table, item)
            if len(found) == 1:
                for inner in item.query.items:
                    yield from ((label, item) for label, _ in self._labelled(found[0].target, inner))
        elif item.query.items:
            yield item.label, item

    # Answers ---------------------------------------------------------------------------------------------------

    def matching(self, table: str, query: Query, among: Sequence[Seen] | None = None) -> list[Seen]:
        """The rows that pass inner embeds and filters, in order unless they are grouped, before limit and offset."""
        rows = self.rows(table) if among is None else list(among)
        kept = [
            row
            for row in rows
            if all(
                self.embedded(table, item, row)
                for item in query.items
                if isinstance(item, Embedded) and item.inner
            )
            and conjunction([self.test(table, query, condition, row) for condition in query.where]) is True
        ]

        def compare(one: Seen, other: Seen) -> int:
            return self._compare(table, query, one, other)

        return kept if is_grouped(query) else sorted(kept, key=functools.cmp_to_key(compare))

    def page(self, table: str, query: Query, among: Sequence[Seen] | None = None) -> list[Seen]:
        """The rows of the answer."""
        start = query.offset or 0
        end = None if query.limit is None else start + query.limit
        return self.matching(table, query, among)[start:end]

    def answer(self, table: str, query: Query, among: Sequence[Seen] | None = None) -> list[dict[str, Any]]:
        """The rows of the answer, as their JSON."""
        if not is_grouped(query):
            return [self.shape(table, query, row) for row in self.page(table, query, among)]
        rows = [self.leaves(table, query, row) for row in self.matching(table, query, among)]
        found = groups(rows, self.leaves(table, query, None))
        for term in reversed(query.order):
            found = self._by_term(query, term, found)
        start = query.offset or 0
        page = found[start:] if query.limit is None else found[start : start + query.limit]
        return [{leaf.label: leaf.shown for leaf in row} for row in page]

    def _by_term(self, query: Query, term: Term, found: list[list[Leaf]]) -> list[list[Leaf]]:
        """Groups by one term of the order, those that are equal by it in the order in which they were."""
        place = (
            next(n for n, leaf in enumerate(found[0]) if leaf.path == (term.relation, term.path))
            if found
            else 0
        )
        some = [row for row in found if order_key(row[place]) != (1,)]
        none = [row for row in found if order_key(row[place]) == (1,)]
        some.sort(key=lambda row: plain_key(row[place]), reverse=term.descending)
        nulls_first = term.descending if term.nulls_first is None else term.nulls_first
        return [*none, *some] if nulls_first else [*some, *none]

    def _group_order_errors(self, table: str, query: Query) -> Iterator[str]:
        keys = {leaf.path for leaf in self._shape(table, query)}
        if any((term.relation, term.path) not in keys for term in query.order):
            yield "42803"

    def _shape(self, table: str, query: Query) -> list[Leaf]:
        """The leaves of a question that may have more wrong with it."""
        try:
            return self.leaves(table, query, None)
        except LookupError:
            return []

    def shape(self, table: str, query: Query, row: Seen) -> dict[str, Any]:
        """One row as its JSON."""
        return {leaf.label: leaf.shown for leaf in self.leaves(table, query, row)}

    def leaves(self, table: str, query: Query, row: Seen | None) -> list[Leaf]:
        """What stands in a row of the answer; of a row that there is not, nulls and empty arrays."""
        found: dict[str, Leaf] = {}
        for item in query.items or (Star(),):
            for leaf in self._leaves(table, item, row):
                found.setdefault(leaf.label, leaf)
        return list(found.values())

    def _leaves(self, table: str, item: Item, row: Seen | None) -> Iterator[Leaf]:
        kinds = self.schema[table].readable
        if isinstance(item, Star):
            for name in self.columns(table):
                yield self._leaf(row, name, Path(name), kinds[name].kind)
        elif isinstance(item, Shown):
            kind = kinds[item.path.column].kind
            if item.path.steps:
                kind = Kind.TEXT if item.path.steps[-1][1] else Kind.JSON
            yield self._leaf(row, item.label, item.path, kind, item.cast)
        elif isinstance(item, Agg):
            value = MISSING if row is None else 1 if item.path is None else self.value(row, item.path)
            yield Leaf(item.label, value, None, item.kind, agg=item)
        elif item.spread:
            yield from self._spread(table, item, row)
        elif item.query.items:
            document = self._embed_json(table, item, row)
            yield Leaf(item.label, document, document, None)

    def _leaf(self, row: Seen | None, label: str, path: Path, kind: Kind, cast: str | None = None) -> Leaf:
        value = MISSING if row is None else self.value(row, path)
        if kind is Kind.JSON and value is None and not path.steps:
            value = MISSING
        json = None if value is MISSING else as_text(value) if cast else shown(value)
        if cast:
            return Leaf(label, json, json, Kind.TEXT)
        return Leaf(label, value, json, kind, (None, path))

    def _spread(self, table: str, item: Embedded, row: Seen | None) -> Iterator[Leaf]:
        if not item.query.items:
            return
        relation = self.resolve(table, item)[0]
        related = [] if row is None else self._related(relation, row)
        if relation.is_one:
            found = self.matching(relation.target, item.query, related)
            for leaf in self.leaves(relation.target, item.query, found[0] if found else None):
                path = None if leaf.path is None or leaf.path[0] is not None else (item.label, leaf.path[1])
                yield replace(leaf, path=path)
            return
        page = self.page(relation.target, item.query, related)
        rows = [self.leaves(relation.target, item.query, one) for one in page]
        for number, leaf in enumerate(self.leaves(relation.target, item.query, None)):
            array = [one[number].shown for one in rows]
            yield Leaf(leaf.label, array, array, None)

    def _embed_json(self, table: str, item: Embedded, row: Seen | None) -> Any:
        relation = self.resolve(table, item)[0]
        related = [] if row is None else self._related(relation, row)
        found = self.answer(relation.target, item.query, related)
        if relation.is_one:
            return found[0] if found else None
        return found

    def embedded(self, table: str, item: Embedded, row: Seen) -> list[Seen]:
        """The rows of an embed that belong to a row and pass the embed's own conditions."""
        relation = self.resolve(table, item)[0]
        return self.matching(relation.target, item.query, self._related(relation, row))

    def _related(self, relation: Relation, row: Seen) -> list[Seen]:
        if relation.junction is None:
            return [other for other in self.rows(relation.target) if _joined(row, other, relation.pairs)]
        middles = [other for other in self.rows(relation.junction) if _joined(row, other, relation.pairs)]
        return [
            other
            for other in self.rows(relation.target)
            for middle in middles
            if _joined(middle, other, relation.far_pairs)
        ]

    def value(self, row: Seen, path: Path) -> Any:
        """The value at a path; None where there is none, MISSING only for what lacks a JSON value."""
        value = row.cells[path.column]
        if not path.steps or value is None:
            return MISSING if path.steps and not path.steps[-1][1] else value
        for key, as_text_ in path.steps:
            value = step_into(value, key)
            if as_text_:
                return None if value is MISSING else json_text(value)
        return value

    def test(self, table: str, query: Query, condition: Condition, row: Seen) -> Truth:
        """A condition, in three values."""
        if isinstance(condition, Tree):
            parts = [self.test(table, query, item, row) for item in condition.items]
            truth = conjunction(parts) if condition.conjunction else disjunction(parts)
            return negated(truth) if condition.negated else truth
        if isinstance(condition, EmbedTest):
            return (not self.embedded(table, _embed(query, condition.label), row)) is condition.empty
        if isinstance(condition, WordsTest):
            columns = self.schema[table].searches[condition.name]
            truth = has_words([row.cells[column] for column in columns], condition)
            return negated(truth) if condition.negated else truth
        value = self.value(row, condition.path)
        truth = is_test(value, condition) if isinstance(condition, IsTest) else compared(value, condition)
        return negated(truth) if condition.negated else truth

    def _compare(self, table: str, query: Query, one: Seen, other: Seen) -> int:
        for term in query.order:
            first, second = (self._term_value(table, query, term, row) for row in (one, other))
            if first is None or second is None:
                if first is second:
                    continue
                nulls_first = term.descending if term.nulls_first is None else term.nulls_first
                return -1 if (first is None) is nulls_first else 1
            first, second = sort_key(first, term.kind), sort_key(second, term.kind)
            if first != second:
                return -1 if (first < second) is not term.descending else 1
        key = self.schema[table].key_of
        return -1 if key(one.raw) < key(other.raw) else int(key(one.raw) != key(other.raw))

    def _term_value(self, table: str, query: Query, term: Term, row: Seen) -> Any:
        if term.relation is None:
            value = self.value(row, term.path)
            return None if value is MISSING else value
        found = self.embedded(table, _embed(query, term.relation), row)
        value = self.value(found[0], term.path) if found else None
        return None if value is MISSING else value


def _embed(query: Query, label: str) -> Embedded:
    return next(item for item in query.items if isinstance(item, Embedded) and item.label == label)


def _joined(row: Seen, other: Seen, pairs: Sequence[tuple[str, str]]) -> bool:
    return all(row.cells[near] is not None and row.cells[near] == other.cells[far] for near, far in pairs)


def _paths(query: Query) -> Iterator[Path]:
    yield from (item.path for item in query.items if isinstance(item, Shown | Agg) and item.path is not None)
    yield from (
        condition.path for condition in _leaves(query.where) if isinstance(condition, Compare | IsTest)
    )
    yield from (term.path for term in query.order if term.relation is None)


def _leaves(conditions: Sequence[Condition]) -> Iterator[Compare | IsTest | EmbedTest | WordsTest]:
    for condition in conditions:
        if isinstance(condition, Tree):
            yield from _leaves(condition.items)
        else:
            yield condition


def _compared(conditions: Sequence[Condition]) -> Iterator[Compare]:
    return (condition for condition in _leaves(conditions) if isinstance(condition, Compare))


def is_grouped(query: Query) -> bool:
    """Whether an aggregate makes the rest of the items what rows are grouped by."""
    return any(
        isinstance(item, Agg) or (isinstance(item, Embedded) and item.spread and is_grouped(item.query))
        for item in query.items
    )
