"""The checks of doctor, on structures made up for them: what is named, and what is not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Enum, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backstay.models.access.clauses import clauses_of
from backstay.models.access.finding import Finding
from backstay.models.access.rules import Access, Rule
from backstay.models.access.terms import caller
from backstay.models.base import Model
from backstay.models.catalog_reading import read_catalog
from backstay.models.structure import ForeignKeyFacts, IndexFacts, Structure, TableFacts
from backstay.services.access.doctor import CHECKS, diagnose
from backstay.services.access.examined import Examined
from backstay.services.access.fixes import index_advice
from backstay.services.access.missing_indexes import LARGE_ROWS
from backstay.services.access.rule_indexes import lacking


class Band(Model):
    __tablename__ = "judged_bands"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    style: Mapped[str | None] = mapped_column(Enum("folk", "jazz", name="judged_style"))
    biography: Mapped[str | None]
    songs: Mapped[list[Song]] = relationship(viewonly=True)


class Song(Model):
    __tablename__ = "judged_songs"
    id: Mapped[int] = mapped_column(primary_key=True)
    band_id: Mapped[int] = mapped_column(ForeignKey("judged_bands.id"))
    tenant: Mapped[str] = mapped_column(String(10))
    mood: Mapped[str | None] = mapped_column(index=True)
    live: Mapped[bool]


class Listening(Model):
    __tablename__ = "judged_listenings"
    band_id: Mapped[int] = mapped_column(ForeignKey("judged_bands.id"), primary_key=True)
    song_id: Mapped[int] = mapped_column(ForeignKey("judged_songs.id"), primary_key=True)


class BandAccess(Access, model=Band):
    read = True


class SongAccess(Access, model=Song):
    read = True


class ListeningAccess(Access, model=Listening):
    read = True


CATALOG = read_catalog([Band, Song, Listening])
TENANT = Song.tenant == caller.claim("tenant")
BANDS, SONGS, LISTENINGS = sorted(
    CATALOG.resources, key=["judged_bands", "judged_songs", "judged_listenings"].index
)


def index(*columns: str, **facts: Any) -> IndexFacts:
    """A plain index, unless the facts say otherwise."""
    told: dict[str, Any] = {
        "name": f"ix_{'_'.join(columns)}", "columns": columns, "parts": columns, "kind": "btree",
        "is_unique": bool(facts.get("serves")), "is_plain": True, "scans": 5,
    }  # fmt: skip
    return IndexFacts(**{**told, **facts})


def structure(
    songs: Iterable[IndexFacts] = (index("band_id"),), *, rows: int = 10, keys: bool = True, **facts: Any
) -> Structure:
    """A database without a fault, but for what is given."""
    to_band = (ForeignKeyFacts("f1", ("band_id",), BANDS),) if keys else ()
    to_song = ForeignKeyFacts("f2", ("song_id",), SONGS)
    told: dict[str, Any] = {"is_analyzed": True, "scans": 5_000, **facts}
    tables = [
        TableFacts(BANDS, rows, indexes=(index("id", serves="primary"), index("name", serves="constraint")),
                   foreign_keys=(), **told),
        TableFacts(SONGS, rows, indexes=(index("id", serves="primary"), *songs), foreign_keys=to_band, **told),
        TableFacts(LISTENINGS, rows, indexes=(index("band_id", "song_id", serves="primary"), index("song_id")),
                   foreign_keys=(*to_band, to_song), **told),
    ]  # fmt: skip
    return Structure("postgresql", {table.name: table for table in tables}, counts_use=True)


def found(given: Structure) -> list[Finding]:
    return list(diagnose(Examined(CATALOG, given)).findings)


def said(given: Structure) -> set[tuple[str, tuple[str, ...]]]:
    return {(finding.code, finding.columns) for finding in found(given)}


def test_a_database_that_has_what_the_models_need_is_left_alone() -> None:
    assert found(structure()) == []


def test_a_foreign_key_without_an_index_names_what_it_slows_down() -> None:
    (finding,) = found(structure(songs=()))
    assert (finding.code, finding.table, finding.columns) == (
        "index_missing_foreign_key",
        SONGS,
        ("band_id",),
    )
    assert BANDS in finding.problem
    assert "embedded" in finding.problem
    assert finding.fix is not None
    (line,) = finding.fix.upgrade
    assert line.startswith('op.create_index(op.f("ix_judged_songs_band_id"), "judged_songs", ["band_id"], ')
    assert line.endswith("if_not_exists=True, postgresql_concurrently=True)")


@pytest.mark.parametrize(
    ("made", "helps"),
    [
        (index("band_id", "tenant"), True),
        (index("tenant", "band_id"), False),
        (index("band_id", is_plain=False), False),
    ],
)
def test_an_index_helps_a_key_when_it_begins_with_it(made: IndexFacts, helps: bool) -> None:
    assert (found(structure(songs=[made])) == []) is helps


def test_a_relation_that_no_foreign_key_tells_of_is_named_when_it_reads_the_whole_table() -> None:
    assert said(structure(songs=(), keys=False)) == {("relation_unbounded", ("band_id",))}


def test_a_table_that_is_not_there_is_said_once() -> None:
    given = structure()
    tables = {name: table for name, table in given.tables.items() if name != SONGS}
    assert said(Structure("postgresql", tables, counts_use=True)) == {("table_missing", ())}


def test_what_the_models_call_unique_has_to_be_unique() -> None:
    given = structure()
    bands = given.tables[BANDS]
    given = given.without(BANDS, bands.indexes[1])
    assert said(given) == {("index_missing_unique", ("name",))}


def test_columns_that_callers_filter_by_are_named_on_large_tables_only() -> None:
    assert said(structure(rows=LARGE_ROWS - 1)) == set()
    told = said(structure(rows=LARGE_ROWS))
    assert told == {("index_missing_filter", ("style",)), ("index_missing_filter", ("tenant",))}


def test_two_indexes_of_the_same_are_one_too_many_and_a_constraint_stays() -> None:
    twice = [index("band_id"), index("band_id", name="other")]
    (finding,) = found(structure(songs=twice))
    assert (finding.code, finding.level) == ("index_duplicate", "warning")
    kept = [index("band_id"), index("tenant", name="key", serves="constraint"), index("tenant", name="idx")]
    (finding,) = found(structure(songs=kept))
    assert finding.fix is not None
    assert '"idx"' in finding.fix.upgrade[0]
    assert (
        said(structure(songs=[index("band_id"), index("band_id", kind="hash", name="h", is_plain=False)]))
        == set()
    )


def test_an_index_that_another_begins_with_is_for_information() -> None:
    (finding,) = found(structure(songs=[index("band_id"), index("band_id", "tenant")]))
    assert (finding.code, finding.columns, finding.level) == ("index_redundant", ("band_id",), "info")
    assert said(structure(songs=[index("band_id", is_unique=True), index("band_id", "tenant")])) == set()


def test_an_index_that_nobody_used_is_named_when_its_table_was_read_and_nothing_asks_for_it() -> None:
    idle = [index("band_id", scans=0), index("mood", scans=0)]
    assert said(structure(songs=idle)) == {("index_unused", ("mood",))}
    assert said(structure(songs=idle, scans=10)) == set()
    assert said(structure(songs=[index("band_id"), index("mood", scans=None)])) == set()


def test_an_index_left_half_made_is_made_again_and_a_left_over_dropped() -> None:
    (finding,) = found(structure(songs=[index("band_id", is_valid=False)]))
    assert finding.code == "index_invalid"
    assert finding.fix is not None
    assert [line.partition("(")[0] for line in finding.fix.upgrade] == ["op.drop_index", "op.create_index"]
    (finding,) = found(structure(songs=[index("band_id"), index("band_id", name="x_ccnew", is_valid=False)]))
    assert finding.fix is not None
    assert [line.partition("(")[0] for line in finding.fix.upgrade] == ["op.drop_index"]


def test_statistics_that_are_missing_are_a_warning_on_postgresql() -> None:
    told = found(structure(is_analyzed=False))
    assert {(each.code, each.level) for each in told} == {("statistics_missing", "warning")}


@pytest.mark.parametrize(
    ("rule", "indexed", "wanted"),
    [
        (TENANT, [], ["tenant"]),
        (TENANT, ["tenant"], []),
        (TENANT & (Song.mood == "dim"), ["mood"], []),
        (TENANT & Song.live, [], ["tenant"]),
        (TENANT | (Song.mood == "dim"), ["mood"], ["tenant"]),
        (TENANT | Song.live, ["tenant"], ["live"]),
        (TENANT | caller.has_role("dj"), [], ["tenant"]),
        (TENANT | Song.mood.ilike("d%"), [], []),
        (TENANT & Song.mood.ilike("d%"), [], ["tenant"]),
        (~(TENANT & Song.live), [], []),
        (caller.has_role("dj"), [], []),
    ],
)
def test_a_rule_wants_an_index_where_one_would_help(rule: Any, indexed: list[str], wanted: list[str]) -> None:
    clause = clauses_of(Rule(rule), Song.__table__)
    need = lacking(clause, SONGS, lambda table, columns: columns[0] in indexed)
    assert [use.column for use in need] == wanted


def test_the_advice_is_the_line_of_the_model_or_that_it_is_there() -> None:
    assert index_advice(CATALOG, SONGS, ("band_id",)) == (
        "in the models, Song.band_id: mapped_column(…, index=True)"
    )
    assert "the models have it already" in index_advice(CATALOG, SONGS, ("mood",))
    assert 'Index(None, "band_id", "tenant")' in index_advice(CATALOG, SONGS, ("band_id", "tenant"))
    assert (
        index_advice(CATALOG, "unmapped", ("a",)) == "in the models, unmapped.a: mapped_column(…, index=True)"
    )


def test_a_subquery_of_a_rule_wants_its_index_wherever_it_stands() -> None:
    rule = Rule(~Band.songs.any(Song.live) | (Band.style == "folk"))
    need = lacking(clauses_of(rule, Band.__table__), BANDS, lambda table, columns: False)
    assert [(use.table, use.column) for use in need] == [(SONGS, "band_id")]


def test_every_check_has_a_code_of_its_own_which_is_documented() -> None:
    codes = [code for code, _ in CHECKS]
    assert len(set(codes)) == len(codes)
    page = (Path(__file__).parents[4] / "docs" / "doctor.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == codes
