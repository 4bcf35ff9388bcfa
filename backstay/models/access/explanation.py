"""An explanation: which clause of which rule allows or denies one thing, for one caller and perhaps one row.

Frozen values without words for people; how they are judged is in `services/access/explain.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from backstay.models.access.clauses import Clause
from backstay.models.access.rules import Predicate


class Action(StrEnum):
    """What may be done with rows."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Outcome(StrEnum):
    """What becomes of a clause. `null` is SQL's: it does not hold, and neither does its negation."""

    TRUE = "true"
    FALSE = "false"
    NULL = "null"
    DEPENDS = "depends"


class Moment(StrEnum):
    """Which row a rule is asked about: as it is, or as it will be."""

    BEFORE = "before"
    AFTER = "after"


class Verdict(StrEnum):
    """The whole of it; `some` when it is the row that decides and none was named."""

    ALLOWED = "allowed"
    SOME = "some"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A clause, as it folds for one caller.

    Attributes:
        left: what is left of it as a condition on the row, in words; empty when nothing is.
        predicate: the same for the database, of a leaf.
        holds: for the row that was asked about; None when none was.
    """

    clause: Clause
    outcome: Outcome
    left: str = ""
    predicate: Predicate | None = None
    parts: tuple[Judged, ...] = ()
    holds: Outcome | None = None

    @property
    def final(self) -> Outcome:
        """With the row, where one was asked about."""
        return self.outcome if self.holds is None else self.holds

    def predicates(self) -> Iterator[Predicate]:
        """What a row has to be asked."""
        if self.predicate is not None:
            yield self.predicate
        for part in self.parts:
            yield from part.predicates()

    def leaves(self) -> Iterator[Judged]:
        """The conditions that are not made of others."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """One rule that the action has to pass.

    Attributes:
        rule: `read`, `create`, `update`, `delete`, or `fields.` and a column.
        why: what it is asked for.
        code: of the error that a client gets where it can never hold.
        finds: it is asked to find the row, so one for which it does not hold is not there.
    """

    rule: str
    moments: tuple[Moment, ...]
    why: str
    judged: Judged
    code: str
    finds: bool = False


class Sight(StrEnum):
    """How a column looks to a caller."""

    VISIBLE = "visible"
    MASKED = "masked"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, eq=False)
class ColumnSight:
    """A column, with the rule of its own where it has one that is asked."""

    name: str
    sight: Sight
    is_generated: bool
    judged: Judged | None


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Everything that decides.

    Attributes:
        named: the columns that were asked about; none for the row alone.
        reads: what the rules ask of the caller, in words, with the answer.
        because: the deciding clause, in a sentence.
        code: of the error that a client gets; empty where it is allowed.
        row_found: None when no row was asked about.
    """

    table: str
    action: Action
    caller: str
    named: tuple[str, ...]
    reads: tuple[tuple[str, str], ...]
    checks: tuple[Check, ...]
    columns: tuple[ColumnSight, ...]
    verdict: Verdict = Verdict.DENIED
    because: str = ""
    code: str = ""
    row_found: bool | None = None

    def predicates(self) -> list[Predicate]:
        """What a row has to be asked to know it all."""
        asked = [each.judged for each in self.checks]
        asked += [each.judged for each in self.columns if each.judged is not None]
        return [predicate for each in asked for predicate in each.predicates()]
