"""The `select` parameter."""

from __future__ import annotations

import pytest

from backstay.controllers.resources.select import parse_select
from backstay.errors import BackstayError
from backstay.models.resources.request import (
    Aggregate,
    AllColumns,
    ColumnPath,
    Embed,
    JsonStep,
    Query,
    SelectAggregate,
    SelectColumn,
)


def test_columns_with_alias_path_and_cast() -> None:
    assert parse_select('*, full name , a:b->c->>-1::text,\n"x,y":"q"') == (
        AllColumns(),
        SelectColumn(ColumnPath("full name")),
        SelectColumn(
            ColumnPath("b", (JsonStep("c", as_text=False), JsonStep(-1, as_text=True))), "a", "text"
        ),
        SelectColumn(ColumnPath("q"), "x,y"),
    )


def test_names_may_hold_dashes_letters_of_any_script_and_escapes() -> None:
    assert parse_select('a-b,größe,"say \\"hi\\"",data->a-b->>0abc') == (
        SelectColumn(ColumnPath("a-b")),
        SelectColumn(ColumnPath("größe")),
        SelectColumn(ColumnPath('say "hi"')),
        SelectColumn(ColumnPath("data", (JsonStep("a-b", as_text=False), JsonStep("0abc", as_text=True)))),
    )


def test_embeds_with_alias_hint_and_join_in_either_order() -> None:
    inner = Query(select=(SelectColumn(ColumnPath("x")),))
    assert parse_select("a:rel!fk!inner(x),b:rel!inner!fk(x),c:rel!left( x ),rel!fk ( x )") == (
        Embed("rel", inner, "a", "fk", inner=True),
        Embed("rel", inner, "b", "fk", inner=True),
        Embed("rel", inner, "c"),
        Embed("rel", inner, None, "fk"),
    )


def test_an_empty_embed_and_nesting() -> None:
    assert parse_select("a(),b(c(*),d)") == (
        Embed("a", Query(select=())),
        Embed("b", Query(select=(Embed("c", Query()), SelectColumn(ColumnPath("d"))))),
    )


@pytest.mark.parametrize("text", ["r(a),r(b)", "x:r(a),x:s(b)", "r(a),r:s(b)", "z(r(a),r(b))"])
def test_embeds_of_one_level_have_different_labels(text: str) -> None:
    with pytest.raises(BackstayError) as caught:
        parse_select(text)
    assert caught.value.code == "PGRST100"
    assert "another alias" in str(caught.value.details)


def test_the_same_relation_twice_under_two_labels() -> None:
    assert len(parse_select("r(a),x:r(b),y(r(a))")) == 3


def test_spreads() -> None:
    inner = Query(select=(SelectColumn(ColumnPath("x")),))
    assert parse_select("a,...r(x), ...s!fk!inner(x)") == (
        SelectColumn(ColumnPath("a")),
        Embed("r", inner, spread=True),
        Embed("s", inner, None, "fk", inner=True, spread=True),
    )
    assert parse_select("r(...s(x))") == (Embed("r", Query(select=(Embed("s", inner, spread=True),))),)


@pytest.mark.parametrize("text", ["...", "...a", "...x:r(a)", "....r(a)", "..r(a)", "...r(a),r(b)", "...*"])
def test_what_is_no_spread(text: str) -> None:
    with pytest.raises(BackstayError) as caught:
        parse_select(text)
    assert caught.value.code == "PGRST100"


def test_aggregates_with_casts_before_and_after() -> None:
    path = ColumnPath("b", (JsonStep("c", as_text=True),))
    assert parse_select("count(),n:count()::text,a.sum(),x:b->>c::int.avg()::text") == (
        SelectAggregate(Aggregate.COUNT),
        SelectAggregate(Aggregate.COUNT, alias="n", outcome_cast="text"),
        SelectAggregate(Aggregate.SUM, ColumnPath("a")),
        SelectAggregate(Aggregate.AVG, path, "x", "int", "text"),
    )
    assert parse_select("count") == (SelectColumn(ColumnPath("count")),)


@pytest.mark.parametrize("text", ["a.median()", "a.sum", "a.sum(b)", "a.sum()::", "a.sum().avg()"])
def test_what_is_no_aggregate(text: str) -> None:
    with pytest.raises(BackstayError) as caught:
        parse_select(text)
    assert caught.value.code == "PGRST100"
