"""What every kind of caller may do with every table and column, from the rules alone. Pure, and without a database.

What a kind of caller does not settle (a claim, a second factor, which user it is) stays in the cell, in words. A cell
says what is possible in effect: a row that is changed or deleted has to be found by the rule of `read` too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backstay.models.access.caller import Caller
from backstay.models.access.clauses import clauses_of
from backstay.models.access.explanation import Action
from backstay.models.access.matrix import ALWAYS, NEVER, WHOLE_ROW, Change, Matrix, Place
from backstay.models.access.rules import Rule
from backstay.models.access.terms import CallerTerm, Subject
from backstay.models.catalog import Catalog, Resource
from backstay.services.access.conditions import Condition, condition_of, condition_words
from backstay.services.access.judging import judged


@dataclass(frozen=True, slots=True)
class CallerKind:
    """Callers of whom the same is known.

    Attributes:
        is_user: signed in; such a caller may have any claim, and a second factor or none.
        above_rules: a secret key.
    """

    name: str
    is_user: bool = True
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    above_rules: bool = False

    def knows(self, term: CallerTerm) -> bool | None:
        """Whether the test holds, or the value is there; None when it is open."""
        if term.subject in (Subject.ID, Subject.AUTHENTICATED):
            return self.is_user
        if term.subject is Subject.ROLE:
            return term.name in self.roles
        if term.subject is Subject.PERMISSION:
            return Caller(permissions=frozenset(self.permissions)).can(term.name)
        return None if self.is_user else False


def caller_kinds(catalog: Catalog, roles: Mapping[str, Sequence[str]]) -> list[CallerKind]:
    """Anonymous, a user without roles, one for each role and permission, and the secret key.

    Args:
        roles: what each role of the project permits. Roles that only rules name are added.
    """
    terms = [term for rule in _rules(catalog) for term in rule.terms]
    named = {term.name for term in terms if term.subject is Subject.ROLE}
    permissions = {term.name for term in terms if term.subject is Subject.PERMISSION}
    every = sorted({*roles, *named})
    return [
        CallerKind("anonymous", is_user=False),
        CallerKind("authenticated"),
        *(
            CallerKind(f"role:{name}", roles=(name,), permissions=tuple(roles.get(name, ())))
            for name in every
        ),
        *(CallerKind(f"permission:{name}", permissions=(name,)) for name in sorted(permissions)),
        CallerKind("service", is_user=False, above_rules=True),
    ]


def matrix_of(catalog: Catalog, kinds: Sequence[CallerKind]) -> Matrix:
    """Every cell, tables by name, columns in their own order."""
    cells: dict[Place, Mapping[str, str]] = {}
    for _, resource in sorted(catalog.resources.items()):
        tabling = [_Tabling(resource, kind) for kind in kinds]
        for action in Action:
            for column in _columns(resource, action):
                place = Place(resource.name, action.value, column)
                cells[place] = {each.kind.name: each.cell(action, column) for each in tabling}
    return Matrix(tuple(kind.name for kind in kinds), cells)


def compare(before: Matrix, after: Matrix) -> list[Change]:
    """The cells that differ, callers with the same difference together; in the order of `after`, then what is gone."""
    changes = []
    for place in dict.fromkeys([*after.cells, *before.cells]):
        old, new = before.cells.get(place, {}), after.cells.get(place, {})
        grouped: dict[tuple[str | None, str | None], list[str]] = {}
        for caller in dict.fromkeys([*after.callers, *before.callers]):
            pair = old.get(caller), new.get(caller)
            if pair[0] != pair[1]:
                grouped.setdefault(pair, []).append(caller)
        changes += [Change(place, tuple(callers), *pair) for pair, callers in grouped.items()]
    return changes


def _rules(catalog: Catalog) -> Iterator[Rule]:
    for resource in catalog.resources.values():
        access = resource.access
        yield from (access.read, access.create, access.update, access.delete, *access.fields.values())


def _columns(resource: Resource, action: Action) -> Iterable[str]:
    return (WHOLE_ROW,) if action is Action.DELETE else (WHOLE_ROW, *resource.fields)


class _Tabling:
    """The cells of one table for one kind of caller; each rule is folded once."""

    def __init__(self, resource: Resource, kind: CallerKind) -> None:
        self.resource = resource
        self.kind = kind
        self._folded: dict[Rule, Condition] = {}

    def cell(self, action: Action, column: str) -> str:
        access = self.resource.access
        is_set = action in (Action.CREATE, Action.UPDATE)
        if column != WHOLE_ROW and is_set and self.resource.fields[column].generated:
            return NEVER
        if self.kind.above_rules:
            return ALWAYS
        asked: list[Rule] = [getattr(access, action.value)]
        if action in (Action.UPDATE, Action.DELETE):
            asked.append(access.read)
        if column in access.fields:
            asked.append(access.fields[column])
        return condition_words(map(self._condition, asked))

    def _condition(self, rule: Rule) -> Condition:
        if rule not in self._folded:
            table = self.resource.table
            self._folded[rule] = condition_of(judged(clauses_of(rule, table), table, self.kind.knows))
        return self._folded[rule]
