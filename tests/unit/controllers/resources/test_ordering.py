"""The `order` parameter."""

from __future__ import annotations

from backstay.controllers.resources.ordering import parse_order
from backstay.models.resources.request import ColumnPath, JsonStep, Order


def test_directions_and_places_for_nulls() -> None:
    assert parse_order("a,b.asc,c.desc, d.nullsfirst ,e.desc.nullslast") == (
        Order(ColumnPath("a")),
        Order(ColumnPath("b")),
        Order(ColumnPath("c"), descending=True),
        Order(ColumnPath("d"), nulls_first=True),
        Order(ColumnPath("e"), descending=True, nulls_first=False),
    )


def test_json_paths_and_columns_of_relations() -> None:
    assert parse_order('data->>"x.y".desc,rel(name).desc.nullslast,rel(data->a)') == (
        Order(ColumnPath("data", (JsonStep("x.y", as_text=True),)), descending=True),
        Order(ColumnPath("name"), descending=True, nulls_first=False, relation="rel"),
        Order(ColumnPath("data", (JsonStep("a", as_text=False),)), relation="rel"),
    )


def test_quoted_names_may_look_like_directions() -> None:
    assert parse_order('"a.desc",desc.desc') == (
        Order(ColumnPath("a.desc")),
        Order(ColumnPath("desc"), descending=True),
    )
