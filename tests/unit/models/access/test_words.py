"""How rules read, and into which clauses they fall."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKey, String, case, exists, func, not_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backstay.models.access.clauses import Clause, Use, clauses_of
from backstay.models.access.rules import Rule
from backstay.models.access.terms import caller
from backstay.models.access.words import words_of
from backstay.models.base import Model


class Orchard(Model):
    __tablename__ = "spoken_orchards"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(20))
    open: Mapped[bool]
    trees: Mapped[list[Plant]] = relationship(viewonly=True)


class Plant(Model):
    __tablename__ = "spoken_trees"
    id: Mapped[int] = mapped_column(primary_key=True)
    orchard_id: Mapped[int] = mapped_column(ForeignKey("spoken_orchards.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("spoken_trees.id"))
    height: Mapped[int]
    kind: Mapped[str | None]
    orchard: Mapped[Orchard] = relationship(lazy="raise")
    parent: Mapped[Plant | None] = relationship(remote_side=[id], lazy="raise")


TENANT = caller.claim("tenant")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (True, "true"),
        (False, "false"),
        (caller.has_role("grower"), "caller.has_role('grower')"),
        (~caller.aal2, "not caller.aal2"),
        (Orchard.open | (Orchard.owner == TENANT), "O.open or O.owner == caller.claim('tenant')"),
        (~Orchard.open, "not O.open"),
        (~(Orchard.open & (Orchard.id > 3)), "not (O.open and O.id > 3)"),
        (Orchard.id.in_([1, 2]), "O.id in (1, 2)"),
        (not_(Orchard.id.between(1, 5)), "O.id not between 1 and 5"),
        (Orchard.owner.is_not(None), "O.owner is not null"),
        (Orchard.owner.ilike("a%"), "O.owner ilike 'a%'"),
        (Orchard.owner.startswith("a"), "O.owner starts with 'a'"),
        (func.lower(Orchard.owner) == "x", "lower(O.owner) == 'x'"),
        (Orchard.id + 1 > 3, "(O.id + 1) > 3"),
        (Orchard.id.is_distinct_from(3), "O.id is distinct from 3"),
        (case((Orchard.open, 1), else_=2) == 1, "CASE WHEN O.open THEN 1 ELSE 2 END == 1"),
    ],
)
def test_a_rule_reads_as_it_was_written(source: Any, words: str) -> None:
    said = words_of(Rule(source).expression, Orchard.__table__)
    assert said.replace("spoken_orchards.", "O.") == words


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            Plant.orchard.has(Orchard.open | (Orchard.owner == TENANT)),
            "exists O where O.id == T.orchard_id and (O.open or O.owner == caller.claim('tenant'))",
        ),
        (
            ~Plant.parent.has(Plant.height > 3),
            "not exists T as T_2 where T_2.id == T.parent_id and T_2.height > 3",
        ),
        (Plant.kind.in_(select(Orchard.owner)), "T.kind in (O.owner of O)"),
        (exists().where(Orchard.id == Plant.orchard_id), "exists O where O.id == T.orchard_id"),
    ],
)
def test_a_rule_about_other_rows_names_the_tables_it_reads(source: Any, words: str) -> None:
    said = words_of(Rule(source).expression, Plant.__table__)
    assert said.replace("spoken_orchards", "O").replace("spoken_trees", "T") == words


def leaves(clause: Clause) -> list[Clause]:
    return [leaf for part in clause.parts for leaf in leaves(part)] if clause.parts else [clause]


def test_the_clauses_are_the_leaves_between_and_or_and_not() -> None:
    clause = clauses_of(Rule(caller.aal2 & ~(Orchard.open | (Orchard.id == 1))), Orchard.__table__)
    assert clause.form == "and"
    assert [part.form for part in clause.parts] == ["leaf", "not"]
    assert [leaf.words for leaf in leaves(clause)] == [
        "caller.aal2",
        "spoken_orchards.open",
        "spoken_orchards.id == 1",
    ]


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        (Plant.kind == TENANT, {"kind"}),
        (TENANT.__eq__(Plant.kind), {"kind"}),
        (Plant.kind.in_(["a"]), {"kind"}),
        (Plant.kind != TENANT, set()),
        (func.lower(Plant.kind) == TENANT, set()),
        (Plant.id == Plant.parent_id, set()),
        (caller.aal2, set()),
    ],
)
def test_a_clause_names_the_columns_by_which_an_index_finds_its_rows(source: Any, uses: set[str]) -> None:
    assert {use.column for use in clauses_of(Rule(source), Plant.__table__).uses} == uses


def test_a_subquery_is_found_by_its_own_columns_that_equal_what_is_outside() -> None:
    many = clauses_of(Rule(Orchard.trees.any((Plant.height > 3) & (Plant.kind == TENANT))), Orchard.__table__)
    assert set(many.uses) == {
        Use("spoken_trees", "orchard_id", is_boolean=False),
        Use("spoken_trees", "kind", is_boolean=False),
    }
    itself = clauses_of(Rule(Plant.parent.has(Plant.height > 3)), Plant.__table__)
    assert itself.uses == (Use("spoken_trees", "id", is_boolean=False),)
