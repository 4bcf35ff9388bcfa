"""The oracle: what a caller must be answered, found row by row in plain Python.

Everything is computed from what the caller sees: the rows whose read rule holds, with null where a field rule does
not. Only the order of rows that nothing else decides comes from the primary key itself. So an answer that equals the
oracle's depends on nothing hidden.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.api.oracle.comparisons import compared, has_words, is_test
from tests.api.oracle.models import Schema, TableSpec
from tests.api.oracle.relations import Relation, relations
from tests.api.oracle.rules import Person, Row, Rule, State, Truth, conjunction, disjunction, negated
from tests.api.oracle.syntax import (
    Compare,
    Condition,
    Embedded,
    EmbedTest,
    IsTest,
    Path,
    Query,
    Shown,
    Star,
    Term,
    Tree,
    WordsTest,
)
from tests.api.oracle.values import MISSING, as_text, frozen, json_text, shown, sort_key, step_into


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
        return column in spec.columns and self.fold(spec.fields.get(column)) is not False

    def searchable(self, table: str, search: str) -> bool:
        """True when the search exists for this caller: all of its columns do."""
        return all(self.visible(table, column) for column in self.schema[table].searches[search])

    def columns(self, table: str) -> list[str]:
        """The columns that exist for this caller, in the table's order."""
        return [name for name in self.schema[table].columns if self.visible(table, name)]

    def rows(self, table: str) -> list[Seen]:
        """The rows that this caller sees, in primary-key order."""
        if table not in self._rows:
            spec = self.schema[table]
            rows = sorted(self.state[table], key=spec.key_of)
            self._rows[table] = [self._seen(spec, row) for row in rows if self.holds(spec.rules["read"], row)]
        return self._rows[table]

    def _seen(self, spec: TableSpec, row: Row) -> Seen:
        cells = {
            name: row[name] if self.holds(spec.fields.get(name), row) else None
            for name in self.columns(spec.name)
        }
        return Seen(cells, row)

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
        if _labels_collide(self.columns(table), query):
            yield "PGRST100"

    def _order_errors(self, table: str, query: Query) -> Iterator[str]:
        for term in query.order:
            if term.relation is not None:
                found = self.resolve(table, _embed(query, term.relation))
                if len(found) == 1 and not found[0].is_one:
                    yield "PGRST118"
                if len(found) == 1 and not self.visible(found[0].target, term.path.column):
                    yield "42703"

    # Answers ---------------------------------------------------------------------------------------------------

    def matching(self, table: str, query: Query, among: Sequence[Seen] | None = None) -> list[Seen]:
        """The rows that pass inner embeds and filters, in order, before limit and offset."""
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

        return sorted(kept, key=functools.cmp_to_key(compare))

    def page(self, table: str, query: Query, among: Sequence[Seen] | None = None) -> list[Seen]:
        """The rows of the answer."""
        start = query.offset or 0
        end = None if query.limit is None else start + query.limit
        return self.matching(table, query, among)[start:end]

    def answer(self, table: str, query: Query, among: Sequence[Seen] | None = None) -> list[dict[str, Any]]:
        """The rows of the answer, as their JSON."""
        return [self.shape(table, query, row) for row in self.page(table, query, among)]

    def shape(self, table: str, query: Query, row: Seen) -> dict[str, Any]:
        """One row as its JSON."""
        document: dict[str, Any] = {}
        for item in query.items or (Star(),):
            if isinstance(item, Star):
                document.update({name: shown(row.cells[name]) for name in self.columns(table)})
            elif isinstance(item, Shown):
                value = self.value(row, item.path)
                document[item.label] = (
                    as_text(value) if item.cast else (None if value is MISSING else shown(value))
                )
            elif item.query.items:
                document[item.label] = self._embed_json(table, item, row)
        return document

    def _embed_json(self, table: str, item: Embedded, row: Seen) -> Any:
        relation = self.resolve(table, item)[0]
        found = self.answer(relation.target, item.query, self._related(relation, row))
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
    yield from (item.path for item in query.items if isinstance(item, Shown))
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


def _labels_collide(columns: Sequence[str], query: Query) -> bool:
    """Whether two different things have one name in the answer."""
    labels: dict[str, Any] = {}
    for item in query.items:
        if isinstance(item, Star):
            named: list[tuple[str, Any]] = [(name, Shown(Path(name))) for name in columns]
        elif isinstance(item, Embedded):
            named = [(item.label, item)] if item.query.items else []
        else:
            named = [(item.label, Shown(item.path, None, item.cast))]
        if any(labels.setdefault(label, thing) != thing for label, thing in named):
            return True
    return False
