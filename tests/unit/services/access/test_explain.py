"""Folding told clause by clause: it agrees with the folding that requests meet, and names what decided."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.access.caller import ANONYMOUS, SERVICE, Caller
from backstay.models.access.clauses import clauses_of
from backstay.models.access.explanation import Action, Explanation, Judged, Outcome, Sight, Verdict
from backstay.models.access.matrix import ALWAYS, NEVER
from backstay.models.access.rules import Access, Predicate, Rule, signature_of
from backstay.models.access.terms import caller
from backstay.models.auth.user import User
from backstay.models.base import Model
from backstay.models.catalog_reading import read_catalog
from backstay.services.access.conditions import condition_of, condition_words
from backstay.services.access.explain import Question, answered, explain
from backstay.services.access.judging import combined, judged
from backstay.services.access.matrix import CallerKind


class Diary(Model):
    __tablename__ = "explained_diaries"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey(User.id), index=True)
    shared: Mapped[bool]
    mood: Mapped[str | None] = mapped_column(String(10))
    secret: Mapped[str | None]
    cover: Mapped[str | None]


OWN = Diary.owner_id == caller.id


class DiaryAccess(Access, model=Diary):
    read = Diary.shared | OWN
    create = OWN
    update = OWN & caller.aal2
    delete = caller.has_role("censor") & ~Diary.shared
    fields = {Diary.secret: OWN, Diary.cover: caller.can("diaries:cover")}


DIARIES = read_catalog([Diary]).resources["explained_diaries"]
ALICE = Caller(id=UUID(int=7), role="authenticated")
CENSOR = Caller(id=UUID(int=8), role="authenticated", roles=frozenset({"censor"}))

LEAVES = st.sampled_from(
    [
        Diary.shared,
        OWN,
        Diary.mood == caller.claim("mood"),
        caller.claim("mood").is_(None),
        caller.has_role("censor"),
        caller.is_authenticated,
        caller.aal2,
        Diary.mood.is_(None),
        Diary.id > 3,
    ]
)
RULES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda one: ~one),
        st.tuples(inner, inner).map(lambda two: two[0] & two[1]),
        st.tuples(inner, inner).map(lambda two: two[0] | two[1]),
    ),
    max_leaves=6,
)
CALLERS = st.builds(
    Caller,
    id=st.sampled_from([None, UUID(int=7)]),
    roles=st.sampled_from([frozenset(), frozenset({"censor"})]),
    claims=st.sampled_from([{}, {"mood": "dim"}]),
    aal=st.sampled_from([1, 2]),
)


def ask(
    action: Action, who: Caller, *columns: str, row: Mapping[str, bool | None] | None = None
) -> Explanation:
    """The explanation; `row` says of each leaf, by its words, whether it holds for the row."""
    question = Question(DIARIES, action, who, "somebody", columns, about_row=row is not None)
    explanation = explain(question)
    if row is None:
        return explanation
    checks = [check.judged for check in explanation.checks]
    checks += [column.judged for column in explanation.columns if column.judged is not None]
    leaves = [leaf for found in checks for leaf in found.leaves() if leaf.predicate is not None]
    answers = {
        id(leaf.predicate): row[leaf.clause.words.replace("explained_diaries.", "")] for leaf in leaves
    }
    return answered(explanation, question, answers)


@given(RULES, CALLERS)
def test_the_clauses_together_come_out_as_the_whole_rule_folds(source: object, who: Caller) -> None:
    rule = Rule(source)  # type: ignore[arg-type]
    found = judged(clauses_of(rule, Diary.__table__), Diary.__table__, lambda term: signature_of(term, who))
    folded = rule.fold(who)
    expected = {True: {Outcome.TRUE}, False: {Outcome.FALSE, Outcome.NULL}}
    wanted = {Outcome.DEPENDS} if isinstance(folded, Predicate) else expected[folded]
    assert found.outcome in wanted

    assert_combined(found)


@given(RULES, CALLERS)
def test_a_cell_of_the_matrix_holds_for_every_caller_of_its_kind(source: object, who: Caller) -> None:
    kinds = {
        (False, False): CallerKind("anonymous", is_user=False),
        (True, False): CallerKind("authenticated"),
        (True, True): CallerKind("role:censor", roles=("censor",)),
    }
    kind = kinds.get((who.is_authenticated, who.has_role("censor")))
    if kind is None or not (who.is_authenticated or (who.aal == 1 and not who.claims)):
        return
    rule = Rule(source)  # type: ignore[arg-type]
    found = judged(clauses_of(rule, Diary.__table__), Diary.__table__, kind.knows)
    cell = condition_words([condition_of(found)])
    if cell == ALWAYS:
        assert rule.fold(who) is True
    if found.outcome in (Outcome.FALSE, Outcome.NULL):
        assert cell == NEVER
        assert rule.fold(who) is False


def assert_combined(found: Judged) -> None:
    """Each clause is what its parts make together."""
    if found.parts:
        assert found.outcome is combined(found.clause.form, [part.outcome for part in found.parts])
        for part in found.parts:
            assert_combined(part)


@pytest.mark.parametrize(
    ("action", "who", "columns", "verdict", "because", "code"),
    [
        ("read", ANONYMOUS, (), "some", "where D.shared", ""),
        ("read", ALICE, (), "some", "where D.shared or D.owner_id == caller.id", ""),
        ("read", ALICE, ("cover",), "denied", "fields.cover: caller.can('diaries:cover') does not hold", "42703"),
        ("read", SERVICE, ("cover",), "allowed", "a secret key stands above the rules", ""),
        ("create", ANONYMOUS, (), "denied",
         "create: D.owner_id == caller.id does not hold, as caller.id is absent", "42501"),
        ("create", ALICE, ("secret",), "some", "where D.owner_id == caller.id", ""),
        ("update", ALICE, (), "denied", "update: caller.aal2 does not hold", "42501"),
        ("delete", ALICE, (), "denied", "delete: caller.has_role('censor') does not hold", "42501"),
        ("delete", CENSOR, (), "some", "where not D.shared and (D.shared or D.owner_id == caller.id)", ""),
    ],
)  # fmt: skip
def test_the_sentence_names_the_clause_that_decided(
    action: str, who: Caller, columns: tuple[str, ...], verdict: str, because: str, code: str
) -> None:
    found = ask(Action(action), who, *columns)
    assert (found.verdict, found.because.replace("explained_diaries", "D"), found.code) == (
        Verdict(verdict),
        because,
        code,
    )


def test_a_row_decides_what_the_caller_leaves_open() -> None:
    strangers = {"shared": False, "owner_id == caller.id": False}
    found = ask(Action.READ, ALICE, row=strangers)
    assert (found.verdict, found.code) == (Verdict.DENIED, "row_not_found")
    found = ask(Action.READ, ALICE, row={**strangers, "shared": True})
    assert (found.verdict, found.because) == (Verdict.ALLOWED, "read: explained_diaries.shared holds")
    (secret,) = [column for column in found.columns if column.name == "secret"]
    assert secret.sight is Sight.MASKED
    assert secret.judged is not None
    assert secret.judged.holds is Outcome.FALSE
    # What can be read and not deleted is told apart from what is not there.
    shared = {"shared": True, "not shared": False, "owner_id == caller.id": False}
    found = ask(Action.DELETE, CENSOR, row=shared)
    assert (found.verdict, found.code) == (Verdict.DENIED, "42501")


def test_a_null_in_the_row_lets_neither_a_clause_nor_its_negation_hold() -> None:
    found = ask(
        Action.DELETE, CENSOR, row={"shared": None, "not shared": None, "owner_id == caller.id": True}
    )
    assert found.verdict is Verdict.DENIED


def test_a_missing_row_is_said_to_be_missing() -> None:
    question = Question(DIARIES, Action.READ, ALICE, "alice", about_row=True)
    found = answered(explain(question), question, None)
    assert (found.row_found, found.because, found.code) == (
        False, "there is no row with this key", "row_not_found",
    )  # fmt: skip


def test_what_the_rules_read_of_the_caller_is_told_with_its_value() -> None:
    assert dict(ask(Action.UPDATE, ALICE).reads) == {
        "caller.id": str(ALICE.id),
        "caller.aal2": "false",
        "caller.can('diaries:cover')": "false",
    }
    assert dict(ask(Action.READ, ANONYMOUS).reads)["caller.id"] == "absent"
