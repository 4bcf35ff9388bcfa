"""How clauses come out: for a caller, by folding, and for a row, by what the database said of their leaves.

SQL's logic of true, false and null, with `depends` for what only the row can tell. Agrees with `Rule.fold`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from backstay.models.access.clauses import Clause, Form
from backstay.models.access.explanation import Judged, Outcome
from backstay.models.access.rules import Predicate
from backstay.models.access.terms import CallerTerm
from backstay.models.access.words import predicate_words

_OUTCOMES: Mapping[bool | None, Outcome] = {True: Outcome.TRUE, False: Outcome.FALSE, None: Outcome.NULL}


def judged(clause: Clause, table: Any, known: Callable[[CallerTerm], bool | None]) -> Judged:
    """The clause and its parts, folded for whoever `known` tells of (see `Rule.judge`)."""
    found = clause.rule.judge(known)
    parts = tuple(judged(part, table, known) for part in clause.parts)
    if isinstance(found, Predicate):
        asked = None if parts else found
        return Judged(clause, Outcome.DEPENDS, predicate_words(found, table), asked, parts)
    return Judged(clause, _OUTCOMES[found], parts=parts)


def asked_of_row(found: Judged, answers: Mapping[int, bool | None]) -> Judged:
    """The same with `holds` for a row; `answers` by the identity of each leaf's predicate."""
    if found.parts:
        parts = tuple(asked_of_row(part, answers) for part in found.parts)
        holds = combined(found.clause.form, [part.final for part in parts])
        return replace(found, parts=parts, holds=holds)
    if found.predicate is None:
        return replace(found, holds=found.outcome)
    return replace(found, holds=_OUTCOMES[answers[id(found.predicate)]])


def combined(form: Form, outcomes: Sequence[Outcome]) -> Outcome:
    """What parts with those outcomes make together."""
    if form is Form.NOT:
        return _NEGATED[outcomes[0]]
    decisive, neutral = (Outcome.FALSE, Outcome.TRUE) if form is Form.AND else (Outcome.TRUE, Outcome.FALSE)
    if decisive in outcomes:
        return decisive
    if all(outcome is neutral for outcome in outcomes):
        return neutral
    return Outcome.DEPENDS if Outcome.DEPENDS in outcomes else Outcome.NULL


_NEGATED: Mapping[Outcome, Outcome] = {
    Outcome.TRUE: Outcome.FALSE,
    Outcome.FALSE: Outcome.TRUE,
    Outcome.NULL: Outcome.NULL,
    Outcome.DEPENDS: Outcome.DEPENDS,
}
