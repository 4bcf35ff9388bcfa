"""Kinds of callers: two callers for whom every rule folds alike share plans and compiled statements."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from backstay.models.access.caller import Caller
from backstay.models.access.rules import Rule, term_value
from backstay.models.access.terms import CallerTerm
from backstay.models.catalog import Catalog
from backstay.utils.bounded import BoundedDict

KEPT_CALLERS = 10_000


class CallerKinds:
    """Tells the kind of a caller, once per caller.

    Args:
        more: rules that tell callers apart besides those of the tables.
    """

    def __init__(self, catalog: Catalog, more: Iterable[Rule] = ()) -> None:
        rules = (*rules_of(catalog), *more)
        terms = {(term.words, repr(term.type)): term for rule in rules for term in rule.terms}
        self._terms: tuple[CallerTerm, ...] = tuple(terms.values())
        self._kinds: BoundedDict[Caller, Hashable] = BoundedDict(KEPT_CALLERS)

    def of(self, caller: Caller) -> Hashable:
        """A value that is equal for callers of one kind."""
        kind = self._kinds.get(caller)
        if kind is None:
            kind = self._kinds[caller] = "service" if caller.bypasses_rules else self._tell(caller)
        return kind

    def _tell(self, caller: Caller) -> tuple[bool, ...]:
        values = ((term, term_value(term, caller)) for term in self._terms)
        return tuple(bool(value) if term.is_test else value is not None for term, value in values)


def rules_of(catalog: Catalog) -> Iterator[Rule]:
    """Every rule of every table and column."""
    for resource in catalog.resources.values():
        access = resource.access
        yield from (access.read, access.create, access.update, access.delete, *access.fields.values())
