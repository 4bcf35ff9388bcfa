"""Pages for which PostgreSQL may keep one plan for all literals. docs/decisions/0014-kept-plans.md says why.

In charge of telling which; `compile.py` writes them so that PostgreSQL does keep it.
"""

from __future__ import annotations

from backstay.models.resources.plan import Comparison, PlannedCondition, ReadPlan, Reference
from backstay.models.resources.request import Operator

_RANGES = frozenset({Operator.EQ, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE})


def has_one_plan(plan: ReadPlan) -> bool:
    """Whether reading along the primary key is best whatever the literals are.

    It is for a page in the order of the key, without conditions but on the key: with any other condition, a value
    that few rows have asks for another plan than a frequent one.
    """
    query = plan.query
    if plan.count is not None or plan.predicates or not query.visible or query.max_rows is None:
        return False
    if query.grouped or query.backward or any(embed.spread for embed in query.embeds):
        return False
    if query.limit is None or query.offset is not None or any(embed.inner for embed in query.embeds):
        return False
    keys = query.resource.primary_key
    if len(keys) != 1 or len(query.order) != 1 or query.order[0].embed is not None:
        return False
    bounds = [_bound(condition) for condition in query.where]
    columns = [query.order[0].reference, *(bound.reference for bound in bounds if bound is not None)]
    if None in bounds or not all(_is_bare(column) and column.field is keys[0] for column in columns):
        return False
    known = {
        id(query.limit),
        *map(id, query.after or ()),
        *(id(bound.parameter) for bound in bounds if bound is not None),
    }
    return all(id(parameter) in known for parameter in plan.parameters)


def _bound(condition: PlannedCondition) -> Comparison | None:
    """The condition if it compares a column with one value of its own."""
    if not isinstance(condition, Comparison) or condition.operator not in _RANGES:
        return None
    return None if condition.negated or condition.quantifier is not None else condition


def _is_bare(reference: Reference) -> bool:
    return not reference.steps and reference.mask is None
