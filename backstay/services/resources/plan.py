"""Planning: Request + Caller + Catalog → Plan. Pure, and done once per request shape and kind of caller.

In charge of looking names up, folding the access rules in, checking that operators fit their columns, and the caps on
depth and size. Not in charge of literals (`literals.py`, at each request) or of SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backstay.config.rest import RestSettings
from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.access.rules import Predicate, Rule
from backstay.models.catalog import JSON_VALUE, Catalog, Field, Relation, Resource, ValueKind
from backstay.models.resources.plan import (
    Combination,
    Comparison,
    Emptiness,
    Form,
    Item,
    JointPlan,
    Ordering,
    Parameter,
    PlannedCondition,
    PlannedEmbed,
    PlannedQuery,
    ReadPlan,
    Reference,
)
from backstay.models.resources.request import (
    ColumnPath,
    Condition,
    Embed,
    EmbedFilter,
    Filter,
    Logic,
    Order,
    Query,
    Request,
)
from backstay.services.resources.operators import check_operator, form_of
from backstay.services.resources.plan_select import group_order, is_grouped, label, plan_items
from backstay.services.resources.sight import Sight


class Planner:
    """Makes plans for one catalog."""

    def __init__(self, catalog: Catalog, settings: RestSettings) -> None:
        self.catalog = catalog
        self.settings = settings

    def read(self, request: Request, caller: Caller) -> ReadPlan:
        """Plan a read.

        Raises:
            BackstayError: `PGRST205`, `PGRST200`, `PGRST201`, `42703`, `PGRST108` and the like, for names that do
                not exist for this caller and operators that do not fit; `54000` past a cap.
        """
        sight = Sight(self.catalog, caller)
        planning = Planning(sight, self.settings)
        resource = sight.readable(request.resource)
        query = planning.query(resource, request.query, depth=0)
        if request.keyed and query.grouped:
            raise _no_cursor()
        return ReadPlan(
            query=query,
            parameters=tuple(planning.parameters),
            predicates=tuple(planning.predicates.values()),
            count=request.count,
            shape=request.shape,
            zone=request.zone,
            keyed=request.keyed,
        )

    def joint(self, requests: Sequence[Request], caller: Caller) -> JointPlan:
        """Plan reads that are answered together: the caps are those of one request.

        Raises:
            BackstayError: as `read` does.
        """
        planning = Planning(Sight(self.catalog, caller), self.settings)
        queries = [
            planning.query(planning.sight.readable(request.resource), request.query, depth=0)
            for request in requests
        ]
        return JointPlan(
            queries=tuple(queries),
            parameters=tuple(planning.parameters),
            predicates=tuple(planning.predicates.values()),
        )


class Planning:
    """One plan in the making: its parameters and predicates as they are met, and the caps."""

    def __init__(self, sight: Sight, settings: RestSettings) -> None:
        self.sight = sight
        self.settings = settings
        self.parameters: list[Parameter] = []
        self.predicates: dict[int, Predicate] = {}
        self._embeds = 0
        self._conditions = 0

    def query(self, resource: Resource, query: Query, *, depth: int) -> PlannedQuery:
        """Plan what is read of one table."""
        embeds = {
            item.label: self.embed(resource, item, depth + 1)
            for item in query.select
            if isinstance(item, Embed)
        }
        predicates, visible = self.row_rule(resource.access.read)
        items = tuple(plan_items(self, resource, query, embeds))
        grouped = is_grouped(items)
        order = tuple(self._order(resource, query.order, embeds, items if grouped else None))
        return PlannedQuery(
            resource=resource,
            items=items,
            where=tuple(self.condition(resource, condition, embeds) for condition in query.where),
            predicates=predicates,
            visible=visible,
            order=order,
            limit=self._count(query.limit),
            offset=self._count(query.offset),
            max_rows=self.settings.max_rows,
            embeds=tuple(embeds.values()),
            grouped=grouped,
            after=self._after(query, order, grouped=grouped),
            backward=query.backward,
            keyed=query.keyed,
        )

    def embed(self, source: Resource, embed: Embed, depth: int) -> PlannedEmbed:
        """Plan the rows of a related table inside a row."""
        self._embeds += 1
        if depth > self.settings.max_depth:
            raise BackstayError("54000", f"embeds may be nested at most {self.settings.max_depth} deep")
        if self._embeds > self.settings.max_embeds:
            raise BackstayError("54000", f"a request may embed at most {self.settings.max_embeds} times")
        relation = self.sight.relation(source, embed.relation, embed.hint)
        between: tuple[Predicate, ...] = ()
        between_visible = True
        if relation.junction is not None:
            between, between_visible = self.row_rule(relation.junction.resource.access.read)
        return PlannedEmbed(
            label=label(embed.label),
            relation=relation,
            query=self.query(relation.target, embed.query, depth=depth),
            inner=embed.inner,
            **self._keys(relation),
            shown=bool(embed.query.select),
            junction_predicates=between,
            junction_visible=between_visible,
            spread=embed.spread,
        )

    def _keys(self, relation: Relation) -> dict[str, tuple[tuple[Reference, Reference], ...]]:
        """The columns that a relation equates, as this caller sees them."""
        source, target, middle = relation.source, relation.target, relation.junction
        if middle is None:
            return {"pairs": self._pairs(source, target, relation.pairs)}
        far = tuple((inner, outer) for outer, inner in middle.far)
        return {
            "pairs": self._pairs(source, middle.resource, middle.near),
            "far_pairs": self._pairs(middle.resource, target, far),
        }

    def _pairs(
        self, one: Resource, other: Resource, pairs: tuple[tuple[Field, Field], ...]
    ) -> tuple[tuple[Reference, Reference], ...]:
        return tuple(
            (self.reference(one, ColumnPath(near.name)), self.reference(other, ColumnPath(far.name)))
            for near, far in pairs
        )

    def row_rule(self, rule: Rule) -> tuple[tuple[Predicate, ...], bool]:
        """The predicates of a rule for this caller, and whether it can hold at all."""
        outcome = rule.fold(self.sight.caller)
        if isinstance(outcome, Predicate):
            return (self.remember(outcome),), True
        return (), outcome

    def remember(self, predicate: Predicate) -> Predicate:
        """Note a predicate of the plan, whose values of the caller will be bound."""
        self.predicates[id(predicate)] = predicate
        return predicate

    def reference(self, resource: Resource, path: ColumnPath) -> Reference:
        """Look a column up, and the place inside it.

        Raises:
            BackstayError: `42703` when it does not exist for this caller.
        """
        reference = self.sight.reference(resource, path.name)
        if reference is None:
            raise BackstayError("42703", f"column {resource.name}.{path.name} does not exist")
        if reference.mask is not None:
            self.remember(reference.mask)
        if path.steps and reference.field.kind not in (ValueKind.JSON, ValueKind.ARRAY):
            raise BackstayError("42883", f"operator does not exist: {reference.field.sql_type} -> unknown")
        return Reference(reference.field, path.steps, reference.mask)

    def condition(
        self, resource: Resource, condition: Condition, embeds: dict[str, PlannedEmbed]
    ) -> PlannedCondition:
        """Plan one condition on the rows of a table."""
        self._conditions += 1
        if self._conditions > self.settings.max_conditions:
            raise BackstayError(
                "54000", f"a request may have at most {self.settings.max_conditions} conditions"
            )
        if isinstance(condition, Logic):
            items = tuple(self.condition(resource, item, embeds) for item in condition.items)
            return Combination(condition.conjunction, items, condition.negated)
        if isinstance(condition, EmbedFilter):
            return Emptiness(embeds[condition.name], condition.empty)
        return self._comparison(resource, condition)

    def _comparison(self, resource: Resource, filter_: Filter) -> Comparison:
        reference = self.reference(resource, filter_.column)
        check_operator(reference, filter_)
        parameter = None
        if filter_.slot is not None:
            parameter = self._parameter(filter_.slot, *form_of(reference, filter_))
        return Comparison(
            reference=reference,
            operator=filter_.operator,
            parameter=parameter,
            negated=filter_.negated,
            quantifier=filter_.quantifier,
            is_value=filter_.is_value,
            config=filter_.config,
        )

    def _parameter(self, slot: int, form: Form, field: object) -> Parameter:
        parameter = Parameter(slot, form, field)  # type: ignore[arg-type]
        self.parameters.append(parameter)
        return parameter

    def _count(self, slot: int | None) -> Parameter | None:
        return None if slot is None else self._parameter(slot, Form.COUNT, None)

    def _order(
        self,
        resource: Resource,
        order: tuple[Order, ...],
        embeds: dict[str, PlannedEmbed],
        grouped: tuple[Item, ...] | None,
    ) -> Iterable[Ordering]:
        if grouped is not None:
            terms = [self._ordering(resource, term, embeds) for term in order]
            yield from group_order(resource, grouped, terms)
            return
        named = set()
        for term in order:
            planned = self._ordering(resource, term, embeds)
            yield planned
            # A masked key is null in several rows, and decides nothing between those.
            if term.relation is None and not term.column.steps and planned.reference.mask is None:
                named.add(term.column.name)
        for field in resource.primary_key:
            if field.name not in named:
                yield Ordering(self._tie_breaker(resource, field.name), descending=False, nulls_first=False)

    def _after(
        self, query: Query, order: Sequence[Ordering], *, grouped: bool
    ) -> tuple[Parameter | None, ...] | None:
        """The values of the row that the page begins after, as values of what is ordered by."""
        if query.after is None:
            return None
        if grouped:
            raise _no_cursor()
        if query.offset is not None:
            raise BackstayError("PGRST100", "a page begins after a cursor or at an offset, not both")
        if len(query.after) != len(order):
            raise BackstayError("bad_cursor")
        return tuple(
            None if slot is None else self._parameter(slot, Form.KEY, _key_field(term.reference))
            for slot, term in zip(query.after, order, strict=True)
        )

    def _tie_breaker(self, resource: Resource, name: str) -> Reference:
        """The key column itself: order by a key the caller cannot see tells nothing but that rows differ."""
        return Reference(resource.fields[name])

    def _ordering(self, resource: Resource, term: Order, embeds: dict[str, PlannedEmbed]) -> Ordering:
        nulls_first = term.descending if term.nulls_first is None else term.nulls_first
        embed = None if term.relation is None else embeds[term.relation]
        if embed is not None and not embed.relation.cardinality.is_one:
            raise BackstayError(
                "PGRST118",
                f"A related order on '{term.relation}' is not possible",
                details=f"'{resource.name}' and '{term.relation}' do not form a many-to-one or one-to-one"
                " relationship",
            )
        reference = self.reference(resource if embed is None else embed.relation.target, term.column)
        _check_orderable(reference)
        return Ordering(reference, term.descending, nulls_first, embed)


def _key_field(reference: Reference) -> Field | None:
    if not reference.steps:
        return reference.field
    return JSON_VALUE if reference.kind is ValueKind.JSON else None


def _no_cursor() -> BackstayError:
    return BackstayError("PGRST127", details="Groups of an aggregate have no cursors; use limit and offset.")


def _check_orderable(reference: Reference) -> None:
    if reference.kind in (ValueKind.RANGE, ValueKind.ARRAY):
        raise BackstayError(
            "42883", f"could not identify an ordering operator for type {reference.field.sql_type}"
        )
