"""`select=`: columns, aliases, casts, and what does not exist."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

PORTS = "/rest/v1/ports"
HAM = f"{PORTS}?code=eq.DEHAM"


def test_without_a_select_every_visible_column_comes_in_the_tables_order(stranger: CallerClient) -> None:
    (port,) = stranger.rows(HAM)
    assert list(port) == ["code", "name", "nation_code", "depth", "kind", "tags", "facts"]


def test_columns_come_in_the_order_asked_for_and_no_others(anonymous: CallerClient) -> None:
    assert anonymous.get(f"{HAM}&select=kind,code").text == '[{"kind":"large","code":"DEHAM"}]'


def test_an_alias_renames_and_a_column_may_come_twice_under_two_names(anonymous: CallerClient) -> None:
    assert anonymous.rows(f"{HAM}&select=code,called:name,again:name") == [
        {"code": "DEHAM", "called": "Hamburg", "again": "Hamburg"}
    ]


def test_spaces_around_items_are_no_part_of_names(anonymous: CallerClient) -> None:
    assert anonymous.rows(f"{HAM}&select=code,%20kind") == [{"code": "DEHAM", "kind": "large"}]


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("tons::text", "500"),
        ("tons::numeric", 500),
        ("tons::float8", 500),
        ("id::bigint", 1),
        ("name::text", "Anna"),
        ("flag::varchar", "red"),
    ],
)
def test_a_cast_changes_the_json_type(anonymous: CallerClient, item: str, value: object) -> None:
    (row,) = anonymous.rows(f"/rest/v1/ships?id=eq.1&select={item}")
    assert row == {item.partition("::")[0]: value}


def test_a_cast_that_a_value_does_not_survive_is_refused_and_not_an_accident(anonymous: CallerClient) -> None:
    problem(anonymous.get("/rest/v1/ships?select=name::int"), 400, "22P02")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("select=nonsense", "42703"),
        ("select=code,code::nosuchtype", "42704"),
        ("select=depth::uuid", "42846"),
        ("select=a:code,a:name", "PGRST100"),
        ("select=code,,name", "PGRST100"),
        ("select=code(", "PGRST100"),
        ("select=*)", "PGRST100"),
        ("select=code::", "PGRST100"),
        ("select=nothing(*)", "PGRST200"),
    ],
)
def test_a_select_that_means_nothing_is_refused(anonymous: CallerClient, query: str, code: str) -> None:
    problem(anonymous.get(f"{PORTS}?{query}"), 400, code)


def test_a_quoted_name_is_a_name(anonymous: CallerClient) -> None:
    assert anonymous.rows(f'{HAM}&select="code","kind"') == [{"code": "DEHAM", "kind": "large"}]


def test_injected_sql_is_a_name_that_does_not_exist(anonymous: CallerClient) -> None:
    response = anonymous.get(f'{PORTS}?select="code\'); DROP TABLE ports; --"')
    problem(response, 400, "42703")
    assert len(anonymous.rows(PORTS)) == 6


def test_an_alias_with_quotes_stays_data(anonymous: CallerClient) -> None:
    (row,) = anonymous.rows(f'{HAM}&select="it\'s":code')
    assert row == {"it's": "DEHAM"}


def test_a_repeated_column_comes_once(anonymous: CallerClient) -> None:
    assert anonymous.get(f"{HAM}&select=code,code").text == '[{"code":"DEHAM"}]'


def test_a_generated_column_is_read_like_any_other(anonymous: CallerClient) -> None:
    assert anonymous.values("/rest/v1/ships?double_tons=gt.600", "double_tons") == [1000, 1800]
