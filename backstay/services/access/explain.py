"""Reading rules aloud: which clause allows or denies an action for one caller. Pure, and for people.

In charge of which rules an action has to pass, in the order in which a request meets them, and of what decides. That
requests are decided the same way is a test's business (`tests/integration/access`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from backstay.models.access.caller import Caller
from backstay.models.access.clauses import Clause, clauses_of
from backstay.models.access.explanation import (
    Action,
    Check,
    ColumnSight,
    Explanation,
    Judged,
    Moment,
    Outcome,
    Sight,
)
from backstay.models.access.rules import Rule, signature_of, term_value
from backstay.models.access.terms import CallerTerm
from backstay.models.access.words import value_words
from backstay.models.catalog import Resource
from backstay.services.access.judging import asked_of_row, judged
from backstay.services.access.verdict import decided

Answers = Mapping[int, bool | None]

_AS_IT_IS = "the row as it is"
_FOUND = "a write finds its rows as a read does"
_BY_KEY = "a row is addressed by its key as the caller sees it"
_MOMENTS: Mapping[Action, tuple[Moment, ...]] = {
    Action.READ: (Moment.BEFORE,),
    Action.CREATE: (Moment.AFTER,),
    Action.UPDATE: (Moment.BEFORE, Moment.AFTER),
    Action.DELETE: (Moment.BEFORE,),
}
_ASKED: Mapping[Action, str] = {
    Action.READ: _AS_IT_IS,
    Action.CREATE: "the row as it will be",
    Action.UPDATE: "the row as it is, and as it will be",
    Action.DELETE: _AS_IT_IS,
}


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """May this caller do this?

    Attributes:
        who: the caller in words.
        columns: those that are read or set; none for the row alone.
        about_row: whether one row is meant, by its key.
    """

    resource: Resource
    action: Action
    caller: Caller
    who: str
    columns: tuple[str, ...] = ()
    about_row: bool = False


def explain(question: Question) -> Explanation:
    """What decides, before any row is looked at."""
    return decided(
        Explanation(
            table=question.resource.name,
            action=question.action,
            caller=question.who,
            named=question.columns,
            reads=tuple(_reads(question)),
            checks=() if question.caller.bypasses_rules else tuple(_checks(question)),
            columns=tuple(_columns(question)),
        ),
        question.resource,
        question.caller,
    )


def answered(explanation: Explanation, question: Question, answers: Answers | None) -> Explanation:
    """What decides for one row, by which predicates hold for it; None when there is no such row."""
    if answers is None:
        return decided(replace(explanation, row_found=False), question.resource, question.caller)
    checks = tuple(replace(each, judged=asked_of_row(each.judged, answers)) for each in explanation.checks)
    columns = tuple(
        each if each.judged is None else replace(each, judged=asked_of_row(each.judged, answers))
        for each in explanation.columns
    )
    found = replace(explanation, checks=checks, columns=columns, row_found=True)
    return decided(found, question.resource, question.caller)


def _checks(question: Question) -> Iterator[Check]:
    """In the order of a request: the verb, the columns, the key, and whether the row is found."""
    access, action = question.resource.access, question.action
    moments, judge = _MOMENTS[action], _judge(question)
    if action is not Action.READ:
        verb: Rule = getattr(access, action.value)
        # What nobody may is no method of the address.
        code = "PGRST117" if verb.is_never else "42501"
        yield Check(action.value, moments, _ASKED[action], judge(verb), code)
    yield from _column_checks(question)
    if question.about_row:
        yield from _key_checks(question)
    if action is not Action.CREATE:
        why = _AS_IT_IS if action is Action.READ else _FOUND
        yield Check("read", (Moment.BEFORE,), why, judge(access.read), "PGRST205", finds=True)


def _column_checks(question: Question) -> Iterator[Check]:
    """A column that is read may be masked; one that is set must be open in every row in which it is."""
    is_read = question.action is Action.READ
    for name in question.columns:
        rule = question.resource.access.fields.get(name)
        if rule is None:
            continue
        found = _judge(question)(rule)
        if not is_read or found.outcome in (Outcome.FALSE, Outcome.NULL):
            why = "the column exists for the caller" if is_read else "the column is set"
            code = "42703" if is_read else "PGRST204"
            yield Check(f"fields.{name}", _MOMENTS[question.action], why, found, code)


def _key_checks(question: Question) -> Iterator[Check]:
    for field in question.resource.primary_key:
        rule = question.resource.access.fields.get(field.name)
        if rule is not None and question.action is not Action.CREATE:
            found = _judge(question)(rule)
            yield Check(f"fields.{field.name}", (Moment.BEFORE,), _BY_KEY, found, "42703", finds=True)


def _columns(question: Question) -> Iterator[ColumnSight]:
    if question.action is Action.DELETE:
        return
    judge = _judge(question)
    for name, field in question.resource.fields.items():
        if question.columns and name not in question.columns:
            continue
        rule = question.resource.access.fields.get(name)
        if rule is None or question.caller.bypasses_rules:
            yield ColumnSight(name, Sight.VISIBLE, field.generated, None)
            continue
        found = judge(rule)
        yield ColumnSight(name, _SIGHTS[found.outcome], field.generated, found)


_SIGHTS: Mapping[Outcome, Sight] = {
    Outcome.TRUE: Sight.VISIBLE,
    Outcome.DEPENDS: Sight.MASKED,
    Outcome.FALSE: Sight.HIDDEN,
    Outcome.NULL: Sight.HIDDEN,
}


def _judge(question: Question) -> Any:
    def judge(rule: Rule) -> Judged:
        clause: Clause = clauses_of(rule, question.resource.table)
        return judged(clause, question.resource.table, lambda term: signature_of(term, question.caller))

    return judge


def _reads(question: Question) -> Iterator[tuple[str, str]]:
    """What the rules ask of the caller, each once, in the order in which it occurs."""
    access = question.resource.access
    rules = [access.read, getattr(access, question.action.value), *access.fields.values()]
    seen: dict[str, CallerTerm] = {}
    for term in (term for rule in rules for term in rule.terms):
        seen.setdefault(repr(term), term)
    for words, term in seen.items():
        value = term_value(term, question.caller)
        yield words, "absent" if value is None else _plain(value)


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, UUID) else value_words(value)
