"""Which columns a rule needs an index of, by how its clauses are joined.

Of clauses joined by `and` one index is enough; of those joined by `or` each needs one, and a clause that no index can
help (a pattern, an inequality, a negation) makes those beside it useless too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from backstay.models.access.clauses import Clause, Form, Use

Leads = Callable[[str, tuple[str, ...]], bool]


class _Help(Enum):
    """What an index can do for a clause, where it is not a list of columns that lack one."""

    NOT_NEEDED = "the caller alone decides"
    IN_VAIN = "rows have to be looked at one by one"


_Need = list[Use] | _Help


def lacking(clause: Clause, table: str, leads: Leads) -> list[Use]:
    """The columns of the table, and of those that subqueries read, of which an index is missing."""
    need = _need(clause, table, leads)
    own = need if isinstance(need, list) else []
    return list(dict.fromkeys([*own, *_elsewhere(clause, table, leads)]))


def _need(clause: Clause, table: str, leads: Leads) -> _Need:
    if not clause.reads_rows:
        return _Help.NOT_NEEDED
    if clause.form is Form.LEAF:
        return _of_leaf(clause, table, leads)
    if clause.form is Form.NOT:
        return _Help.IN_VAIN
    parts = [_need(part, table, leads) for part in clause.parts]
    lists = [part for part in parts if isinstance(part, list)]
    if clause.form is Form.AND:
        return _cheapest(lists) if lists else _Help.IN_VAIN
    return _Help.IN_VAIN if _Help.IN_VAIN in parts else [use for each in lists for use in each]


def _of_leaf(clause: Clause, table: str, leads: Leads) -> _Need:
    own = [use for use in clause.uses if use.table == table]
    if not own:
        return _Help.IN_VAIN
    return [] if any(leads(use.table, (use.column,)) for use in own) else own[:1]


def _cheapest(needs: Sequence[list[Use]]) -> list[Use]:
    """Of several ways in, the one that lacks least; and rather a column of many values than one of two."""
    return min(needs, key=lambda need: (len(need), any(use.is_boolean for use in need)))


def _elsewhere(clause: Clause, table: str, leads: Leads) -> list[Use]:
    """Columns by which subqueries find their rows, which is done for each row of the table, whatever is around."""
    if clause.parts:
        return [use for part in clause.parts for use in _elsewhere(part, table, leads)]
    uses = [use for use in clause.uses if use.table != table]
    return [] if not uses or any(leads(use.table, (use.column,)) for use in uses) else uses[:1]
