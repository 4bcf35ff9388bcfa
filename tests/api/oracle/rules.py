"""Access rules as values of our own: they hold or not for a row of plain Python, and can be written in SQLAlchemy.

Truth has three values, None being SQL's null. Folding says what a rule is for a caller before any row is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import and_, exists, not_, null, or_, true
from sqlalchemy import false as sql_false

from backstay.models.access.terms import caller as terms

Row = dict[str, Any]
State = Mapping[str, list[Row]]
Truth = bool | None
Models = Mapping[str, Any]

ROW = "row"
"""A rule that folds to this depends on the row."""

Folded = bool | None | str


@dataclass(frozen=True, slots=True)
class Person:
    """A caller, as the rules know them."""

    name: str
    id: UUID | None = None
    roles: tuple[str, ...] = ()
    email: str | None = None
    above_rules: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


class Rule(Protocol):
    """One rule."""

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        """Whether it holds for a row."""

    def fold(self, person: Person) -> Folded:
        """What is known of it without a row."""

    def sql(self, models: Models, table: str) -> Any:
        """The same in SQLAlchemy, for a row of `table`."""


@dataclass(frozen=True, slots=True)
class Always:
    """True or false."""

    value: bool

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        return self.value

    def fold(self, person: Person) -> Folded:
        return self.value

    def sql(self, models: Models, table: str) -> Any:
        return true() if self.value else sql_false()


@dataclass(frozen=True, slots=True)
class HasRole:
    """`caller.has_role(...)`, and `caller.is_authenticated` for the role None."""

    role: str | None

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        return person.id is not None if self.role is None else self.role in person.roles

    def fold(self, person: Person) -> Folded:
        return self.holds({}, person, {})

    def sql(self, models: Models, table: str) -> Any:
        return terms.is_authenticated if self.role is None else terms.has_role(self.role)


@dataclass(frozen=True, slots=True)
class Owner:
    """`column == caller.id`."""

    column: str

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        value = row[self.column]
        return None if value is None or person.id is None else bool(value == person.id)

    def fold(self, person: Person) -> Folded:
        return None if person.id is None else ROW

    def sql(self, models: Models, table: str) -> Any:
        return getattr(models[table], self.column) == terms.id


@dataclass(frozen=True, slots=True)
class Claim:
    """`column == caller.claim("email")`, or unequal."""

    column: str
    equal: bool

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        value = row[self.column]
        return None if value is None or person.email is None else (value == person.email) is self.equal

    def fold(self, person: Person) -> Folded:
        return None if person.email is None else ROW

    def sql(self, models: Models, table: str) -> Any:
        column, claim = getattr(models[table], self.column), terms.claim("email")
        return column == claim if self.equal else claim != column


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean column."""

    column: str

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        value: Truth = row[self.column]
        return value

    def fold(self, person: Person) -> Folded:
        return ROW

    def sql(self, models: Models, table: str) -> Any:
        return getattr(models[table], self.column)


@dataclass(frozen=True, slots=True)
class Equals:
    """`column == value`; `column IS NULL` for the value None."""

    column: str
    value: Any

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        value = row[self.column]
        if self.value is None:
            return value is None
        return None if value is None else bool(value == self.value)

    def fold(self, person: Person) -> Folded:
        return ROW

    def sql(self, models: Models, table: str) -> Any:
        column = getattr(models[table], self.column)
        return column.is_(null()) if self.value is None else column == self.value


@dataclass(frozen=True, slots=True)
class Related:
    """A row of another table that belongs to this one, and for which another rule holds.

    Attributes:
        pairs: column here, column there.
        attribute: the `relationship()` to spell it with; None for a plain EXISTS.
        many: the relationship is a list.
    """

    target: str
    pairs: tuple[tuple[str, str], ...]
    inner: Rule
    attribute: str | None
    many: bool

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        return any(
            all(row[near] is not None and row[near] == other[far] for near, far in self.pairs)
            and self.inner.holds(other, person, state) is True
            for other in state[self.target]
        )

    def fold(self, person: Person) -> Folded:
        return ROW

    def sql(self, models: Models, table: str) -> Any:
        inner = self.inner.sql(models, self.target)
        model, target = models[table], models[self.target]
        if self.attribute is not None:
            relationship = getattr(model, self.attribute)
            return relationship.any(inner) if self.many else relationship.has(inner)
        return exists().where(
            *(getattr(target, far) == getattr(model, near) for near, far in self.pairs), inner
        )


@dataclass(frozen=True, slots=True)
class Not:
    """`~rule`."""

    rule: Rule

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        return negated(self.rule.holds(row, person, state))

    def fold(self, person: Person) -> Folded:
        known = self.rule.fold(person)
        return known if known is None or known == ROW else not known

    def sql(self, models: Models, table: str) -> Any:
        return not_(self.rule.sql(models, table))


@dataclass(frozen=True, slots=True)
class Both:
    """`one & other`."""

    rules: tuple[Rule, Rule]

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        return conjunction([rule.holds(row, person, state) for rule in self.rules])

    def fold(self, person: Person) -> Folded:
        return _folded([rule.fold(person) for rule in self.rules], neutral=True)

    def sql(self, models: Models, table: str) -> Any:
        return and_(*(rule.sql(models, table) for rule in self.rules))


@dataclass(frozen=True, slots=True)
class Either:
    """`one | other`."""

    rules: tuple[Rule, Rule]

    def holds(self, row: Row, person: Person, state: State) -> Truth:
        return disjunction([rule.holds(row, person, state) for rule in self.rules])

    def fold(self, person: Person) -> Folded:
        return _folded([rule.fold(person) for rule in self.rules], neutral=False)

    def sql(self, models: Models, table: str) -> Any:
        return or_(*(rule.sql(models, table) for rule in self.rules))


def _folded(parts: Sequence[Folded], *, neutral: bool) -> Folded:
    if (not neutral) in parts:
        return not neutral
    left = [part for part in parts if part is not neutral]
    if not left:
        return neutral
    return ROW if ROW in left else None


def is_never(rule: Rule) -> bool:
    """True for a rule that is false whoever asks, so that the table may lack the method."""
    return _is_constant(rule, value=False)


def _is_constant(rule: Rule, *, value: bool) -> bool:
    if isinstance(rule, Always):
        return rule.value is value
    if isinstance(rule, Not):
        return _is_constant(rule.rule, value=not value)
    if isinstance(rule, Both | Either):
        decisive = isinstance(rule, Either)
        parts = [_is_constant(part, value=value) for part in rule.rules]
        return any(parts) if value is decisive else all(parts)
    return False


def conjunction(parts: Sequence[Truth]) -> Truth:
    """SQL's AND."""
    if False in parts:
        return False
    return None if None in parts else True


def disjunction(parts: Sequence[Truth]) -> Truth:
    """SQL's OR."""
    if True in parts:
        return True
    return None if None in parts else False


def negated(part: Truth) -> Truth:
    """SQL's NOT."""
    return None if part is None else not part
