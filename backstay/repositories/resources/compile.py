"""Compiling: Plan → one SQL statement whose result is the finished JSON document, built by the database.

A compiled statement belongs to its plan, and so to a request shape and a kind of caller; what changes between two
requests are the values bound to it. Every table gets an alias, so that a rule's own subqueries never touch it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
)
from sqlalchemy.sql.util import ClauseAdapter

from backstay.models.access.caller import Caller
from backstay.models.access.rules import Predicate, term_value
from backstay.models.access.terms import CallerTerm
from backstay.models.resources.plan import (
    Column,
    Combination,
    Comparison,
    Emptiness,
    Match,
    Ordering,
    Parameter,
    PlannedCondition,
    PlannedEmbed,
    PlannedQuery,
    ReadPlan,
    Reference,
)
from backstay.models.resources.request import Count, IsValue
from backstay.repositories.database import Statement
from backstay.repositories.resources.dialects import Dialect, Encoder, Expression
from backstay.repositories.resources.kept_plans import has_one_plan
from backstay.repositories.resources.searches import search_encoder

Source = FromClause
Getter = Callable[[Sequence[Any], Caller], Any]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledStatement:
    """SQL, and where each of its parameters comes from."""

    sql: str
    getters: tuple[Getter, ...]

    def bind(self, values: Sequence[Any], caller: Caller) -> Statement:
        """The statement for one request."""
        return Statement(self.sql, tuple([get(values, caller) for get in self.getters]))


def compile_read(plan: ReadPlan, dialect: Dialect) -> CompiledStatement:
    """Compile a read.

    The one row of its result: number of rows shown, the document as text, and the total when the plan counts.
    """
    build = Build(dialect, plan.parameters, plan.predicates)
    keeps_plan = dialect.engine == "postgresql" and has_one_plan(plan)
    rows = (build.kept_rows(plan.query) if keeps_plan else build.rows(plan.query)).subquery("q")
    columns = [func.count(), dialect.document(rows)]
    if plan.count is not None:
        columns.append(build.total(plan.query, plan.count))
    return build.finish(select(*columns).select_from(rows))


def compile_estimate(plan: ReadPlan, dialect: Dialect) -> CompiledStatement:
    """Compile the question how many rows PostgreSQL's planner expects; one JSON document."""
    build = Build(dialect, plan.parameters, plan.predicates)
    table = build.alias(plan.query)
    compiled = build.finish(
        select(literal_column("1")).select_from(table).where(*build.conditions(plan.query, table))
    )
    return CompiledStatement(f"EXPLAIN (FORMAT JSON) {compiled.sql}", compiled.getters)


class Build:
    """One statement in the making."""

    def __init__(
        self,
        dialect: Dialect,
        parameters: Sequence[Parameter],
        predicates: Sequence[Predicate],
        own_from: int = 0,
    ) -> None:
        self.dialect = dialect
        self._own_from = own_from
        self._indexes = {id(parameter): index for index, parameter in enumerate(parameters)}
        self._encoders: dict[str, tuple[int, Encoder | None]] = {}
        self._terms: Mapping[str, CallerTerm] = {
            name: term for predicate in predicates for name, term in predicate.binds
        }
        self._numbers = itertools.count()

    def alias(self, query: PlannedQuery) -> Source:
        """A name of its own for one occurrence of a table."""
        return query.resource.table.alias(f"t{next(self._numbers)}")

    def rows(self, query: PlannedQuery) -> Select[Any]:
        """One row of the subquery for each row of the answer, in order, within the limits."""
        table = self.alias(query)
        conditions = self.conditions(query, table)
        return self._shown_page(lambda shown: shown.select_from(table).where(*conditions), query, table)

    def kept_rows(self, query: PlannedQuery) -> Select[Any]:
        """The same, for a plan that PostgreSQL is to keep: it expects 10 rows of our most, whatever the limit is."""
        table = self.alias(query)
        found = select(table).where(*self.conditions(query, table)).order_by(*self.order(query, table))
        most = found.limit(literal_column(str(query.max_rows))).subquery(f"c{next(self._numbers)}")
        page = select(most).limit(self._limit(query)).subquery(f"c{next(self._numbers)}")
        return self.shown(query, page).select_from(page).limit(self._limit(query))

    def total(self, query: PlannedQuery, count: Count) -> Expression:
        """How many rows there are, whatever the limits say; null where PostgreSQL's planner shall say it.

        SQLite has no planner that could, and counts. An estimate is exact as long as one answer could hold the rows.
        """
        table = self.alias(query)
        found: Select[Any] = select(literal_column("1")).select_from(table)
        found = found.where(*self.conditions(query, table))
        if self.dialect.engine == "sqlite" or count is Count.EXACT:
            return select(func.count()).select_from(found.subquery()).scalar_subquery()
        if count is Count.PLANNED or query.max_rows is None:
            return null()
        some = found.limit(literal_column(str(query.max_rows + 1))).subquery()
        number = func.count()
        exact = case((number <= literal_column(str(query.max_rows)), number), else_=null())
        return select(exact).select_from(some).scalar_subquery()

    def finish(self, statement: Any, column_keys: list[str] | None = None) -> CompiledStatement:
        """SQL text in the driver's own parameter style, with a getter for every parameter in its order."""
        compiled = statement.compile(
            dialect=self.dialect.sql, column_keys=column_keys, compile_kwargs={"render_postcompile": True}
        )
        constants = compiled.construct_params(_check=False)
        getters = tuple(
            self._getter(name, constants, compiled._bind_processors) for name in compiled.positiontup or ()
        )
        return CompiledStatement(compiled.string, getters)

    def _getter(self, name: str, constants: Mapping[str, Any], processors: Mapping[str, Any]) -> Getter:
        term = self._terms.get(name)
        if term is not None:
            encode_caller = self.dialect.caller_value
            return lambda values, caller: encode_caller(term_value(term, caller))
        known = self._encoders.get(name)
        if known is None:
            processor = processors.get(name)
            constant = processor(constants[name]) if processor else constants[name]
            return lambda values, caller: constant
        index, encode = known
        if encode is None:
            return lambda values, caller: values[index]
        return lambda values, caller: encode(values[index])

    def shown(self, query: PlannedQuery, table: Source) -> Select[Any]:
        """What the answer shows of a row, as the columns of a subquery."""
        pairs = [
            (
                item.label,
                self._column(item, table) if isinstance(item, Column) else self._embedded(item, table),
            )
            for item in query.items
        ]
        return select(*self.dialect.json_row(pairs))

    def _column(self, column: Column, table: Source) -> Expression:
        reference = column.reference
        value = self.value(reference, table)
        kind = reference.kind
        if column.cast is not None and column.cast is not kind:
            value = self.dialect.cast(value, kind, column.cast)
            kind = column.cast
        return self.dialect.shown(value, kind, reference.field)

    def value(self, reference: Reference, table: Source) -> Expression:
        """A column as this caller sees it: null where its mask does not hold."""
        value: Expression = table.c[reference.field.column.key]
        if reference.mask is not None:
            value = case((self.predicate(reference.mask, table), value), else_=null())
        return self.dialect.inside(value, reference) if reference.steps else value

    def predicate(self, predicate: Predicate, table: Source) -> Expression:
        """What is left of a rule, about this occurrence of its table."""
        adapted: Expression = ClauseAdapter(table).traverse(predicate.expression)
        return adapted

    def _embedded(self, embed: PlannedEmbed, parent: Source) -> Expression:
        table = self.alias(embed.query)
        if embed.relation.cardinality.is_one:
            # There is one at most; saying so lets a scan of a small table stop where it finds it.
            row = self._joined(self.shown(embed.query, table), embed, parent, table).limit(
                literal_column("1")
            )
            return self._as_json(self.dialect.row_json(row, f"o{next(self._numbers)}"))
        rows = self._shown_page(lambda shown: self._joined(shown, embed, parent, table), embed.query, table)
        many = rows.subquery(f"m{next(self._numbers)}")
        return self._as_json(select(self.dialect.rows_json(many)).select_from(many))

    def _as_json(self, statement: Select[Any]) -> Expression:
        # A subquery's result loses the mark that says it is JSON, on SQLite.
        value = statement.scalar_subquery()
        return func.json(value) if self.dialect.engine == "sqlite" else value

    def _joined(
        self, statement: Select[Any], embed: PlannedEmbed, parent: Source, table: Source
    ) -> Select[Any]:
        """Rows of the embed's table that belong to the parent's row, and that the caller asked for and may see."""
        junction = embed.relation.junction
        statement = statement.select_from(table)
        if junction is None:
            on = [self.value(far, table) == self.value(near, parent) for near, far in embed.pairs]
        else:
            middle = junction.resource.table.alias(f"j{next(self._numbers)}")
            on = [
                *(self.value(inner, middle) == self.value(outer, parent) for outer, inner in embed.pairs),
                *(self.value(inner, middle) == self.value(outer, table) for inner, outer in embed.far_pairs),
                *(self.predicate(predicate, middle) for predicate in embed.junction_predicates),
            ]
            if not embed.junction_visible:
                on.append(false())
            statement = statement.select_from(middle)
        return statement.where(*on, *self.conditions(embed.query, table)).correlate(parent)

    def conditions(self, query: PlannedQuery, table: Source) -> Iterator[Expression]:
        """Everything a row must satisfy: the rules first, then inner embeds, then the filters."""
        if not query.visible:
            yield false()
        for predicate in query.predicates:
            yield self.predicate(predicate, table)
        for embed in query.embeds:
            if embed.inner:
                yield self._exists(embed, table)
        for condition in query.where:
            if isinstance(condition, Match) and not condition.negated:
                # One by one, so that the index can be used.
                yield from self._found(condition, table)
            else:
                yield self.condition(condition, table)

    def condition(self, condition: PlannedCondition, table: Source) -> Expression:
        """One filter, or a tree of them."""
        if isinstance(condition, Combination):
            items = [self.condition(item, table) for item in condition.items]
            joined = and_(*items) if condition.conjunction else or_(*items)
            return not_(joined) if condition.negated else joined
        if isinstance(condition, Emptiness):
            found = self._exists(condition.embed, table)
            return not_(found) if condition.empty else found
        if isinstance(condition, Match):
            return self._match(condition, table)
        return self._comparison(condition, table)

    def _match(self, match: Match, table: Source) -> Expression:
        """A text search in SQL's three values."""
        outcome = and_(*self._found(match, table))
        if match.may_be_null:
            outcome = case((self.value(match.columns[0], table).is_not(None), outcome), else_=null())
        return not_(outcome) if match.negated else outcome

    def _found(self, match: Match, table: Source) -> Iterator[Expression]:
        """Conditions that hold together where a text has what is asked for; false does for null."""
        bind = self.parameter(match.parameter, search_encoder(match, self.dialect.engine))
        if not match.has_index:
            texts = [self.value(column, table) for column in match.columns]
            yield self.dialect.found_in_text(match.search, texts, bind)
            return
        for column in match.columns:
            if column.mask is not None:
                yield self.predicate(column.mask, table)
        yield self.dialect.found(match.search, table, bind)

    def _exists(self, embed: PlannedEmbed, parent: Source) -> Expression:
        table = self.alias(embed.query)
        return exists(self._joined(select(literal_column("1")), embed, parent, table))

    def _comparison(self, comparison: Comparison, table: Source) -> Expression:
        value = self.value(comparison.reference, table)
        if comparison.is_value is not None:
            outcome = _IS[comparison.is_value](value)
        else:
            assert comparison.parameter is not None
            outcome = self.dialect.comparison(value, comparison, self.parameter(comparison.parameter))
        return not_(outcome) if comparison.negated else outcome

    def parameter(self, parameter: Parameter, encode: Encoder | None = None) -> Expression:
        """The bind parameter of a literal."""
        index = self._indexes[id(parameter)]
        name = f"p{index}"
        self._encoders[name] = (index, encode or self.dialect.encoder(parameter))
        return self.dialect.parameter(name, parameter)

    def own(self, name: str, number: int, parameter: Parameter | None) -> Expression:
        """A parameter that is no literal of the plan: the value `number` after those, in the driver's form."""
        self._encoders[name] = (self._own_from + number, None)
        if parameter is not None:
            return self.dialect.parameter(name, parameter)
        return bindparam(name, type_=Text())

    def _shown_page(
        self, found: Callable[[Select[Any]], Select[Any]], query: PlannedQuery, table: Source
    ) -> Select[Any]:
        """What the answer shows of one page of rows.

        Where a sort or skipped rows would make the database form the JSON of rows that nobody sees, the page is cut
        first: 12 ms instead of 33 ms to sort 28,000 rows on SQLite, 1 ms instead of 44 ms to skip 5,000 rows with
        an embed on PostgreSQL.
        """
        if not self._cuts_first(query):
            return self._page(found(self.shown(query, table)), query, table)
        page = self._page(found(select(table)), query, table).subquery(f"c{next(self._numbers)}")
        return self.shown(query, page).select_from(page)

    def _cuts_first(self, query: PlannedQuery) -> bool:
        if self.dialect.engine == "postgresql" and any(not isinstance(item, Column) for item in query.items):
            return True
        return len(query.order) > len(query.resource.primary_key)

    def _page(self, statement: Select[Any], query: PlannedQuery, table: Source) -> Select[Any]:
        statement = statement.order_by(*self.order(query, table))
        limit = self._limit(query)
        statement = statement if limit is None else statement.limit(limit)
        return statement if query.offset is None else statement.offset(self.parameter(query.offset))

    def _limit(self, query: PlannedQuery) -> Expression | None:
        most = query.max_rows
        if query.limit is not None:
            return self.parameter(query.limit, None if most is None else (lambda value: min(value, most)))
        return None if most is None else literal_column(str(most))

    def order(self, query: PlannedQuery, table: Source) -> Iterator[Any]:
        """The terms to order by."""
        return (self._ordering(term, table) for term in query.order)

    def _ordering(self, term: Ordering, table: Source) -> Any:
        value = self._order_value(term, table)
        value = value.desc() if term.descending else value.asc()
        reference = term.reference
        never_null = (
            not reference.field.nullable
            and reference.mask is None
            and not reference.steps
            and term.embed is None
        )
        if never_null or (self.dialect.engine == "postgresql" and term.nulls_first == term.descending):
            return value
        return value.nulls_first() if term.nulls_first else value.nulls_last()

    def _order_value(self, term: Ordering, table: Source) -> Expression:
        if term.embed is None:
            return self.dialect.sort_key(self.value(term.reference, table), term.reference)
        target = self.alias(term.embed.query)
        value = select(self.value(term.reference, target))
        found = self._joined(value, term.embed, table, target).scalar_subquery()
        # Outside: on SQLite a subquery's result has lost the collation of its column.
        return self.dialect.sort_key(found, term.reference)


_IS: dict[IsValue, Callable[[Expression], Expression]] = {
    IsValue.NULL: lambda value: value.is_(None),
    IsValue.NOT_NULL: lambda value: value.is_not(None),
    IsValue.TRUE: lambda value: and_(value.is_not(None), value),
    IsValue.FALSE: lambda value: and_(value.is_not(None), not_(value)),
    IsValue.UNKNOWN: lambda value: value.is_(None),
}
