"""The `select` parameter."""

from __future__ import annotations

import pytest

from backstay.controllers.resources.select import parse_select
from backstay.errors import BackstayError
from backstay.models.resources.request import AllColumns, ColumnPath, Embed, JsonStep, Query, SelectColumn


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


@pytest.mark.parametrize("text", ["...r(a)", "a,...r!inner(b)", "r(...s(a))"])
def test_spreads_are_named_as_not_implemented(text: str) -> None:
    with pytest.raises(BackstayError) as caught:
        parse_select(text)
    assert caught.value.code == "PGRST127"
    assert "Spread" in str(caught.value.details)


@pytest.mark.parametrize("text", ["count()", "n:count()", "a.sum()", "x:a->b::int.avg()::text", "r(count())"])
def test_aggregates_are_not_allowed(text: str) -> None:
    with pytest.raises(BackstayError) as caught:
        parse_select(text)
    assert caught.value.code == "PGRST123"
    assert caught.value.message == "Use of aggregate functions is not allowed"
