"""`sum()`, `avg()`, `count()`, `min()` and `max()`, and the grouping by everything beside them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backstay.config.rest import RestSettings
from backstay.controllers.resources.select import parse_select
from backstay.errors import BackstayError
from backstay.models.access.caller import ANONYMOUS
from backstay.models.resources.request import Query, Request
from backstay.repositories.resources.fetch import TableRepository
from backstay.services.resources.plan import Planner
from tests.api.answers import problem
from tests.api.harbour import Harbour
from tests.callers import CallerClient

SHIPS = "/rest/v1/ships"
SPECIMENS = "/rest/v1/specimens"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("ships?select=count()", '[{"count":4}]'),
        ("ships?select=count()&id=eq.99", '[{"count":0}]'),
        ("ships?select=tons.sum(),tons.avg(),tons.min(),tons.max(),flag.count()",
         '[{"sum":1800,"avg":450.0000000000000000,"min":100,"max":900,"count":3}]'),
        ("ships?select=tons.sum(),tons.avg(),tons.min(),flag.max()&id=eq.99",
         '[{"sum":null,"avg":null,"min":null,"max":null}]'),
        ("ships?select=built.sum(),built.avg()", '[{"sum":5969,"avg":1989.6666666666666667}]'),
        ("ships?select=rating.avg()&id=in.(1,2)", '[{"avg":3.5000000000000000}]'),
        ("ships?select=flag,n:count()", '[{"flag":"plain","n":2},{"flag":"red","n":1},{"flag":null,"n":1}]'),
        ("ships?select=flag,n:count()&order=flag.desc.nullslast",
         '[{"flag":"red","n":1},{"flag":"plain","n":2},{"flag":null,"n":1}]'),
        ("ships?select=flag,n:count()&order=flag.nullsfirst&limit=1&offset=1", '[{"flag":"plain","n":2}]'),
        ("ships?select=n:tons.sum()::text,average:tons::float8.avg()::int&flag=eq.plain",
         '[{"n":"1000","average":500}]'),
        ("ships?select=rating::text.max(),tons::text.min()", '[{"max":"5","min":"100"}]'),
        ("ships?select=name.min(),name.max(),t:title.max()",
         '[{"min":"Anna","max":"Dora","t":"Dora (plain)"}]'),
        ("ports?select=kind,depth.max()&order=kind",
         '[{"kind":"small","max":0.30000000000000004},{"kind":"medium","max":12.5},{"kind":"large","max":24},{"kind":null,"max":null}]'),
        ("ports?select=kind.min(),most:kind.max()", '[{"min":"small","most":"large"}]'),
        ("ports?select=facts->>open,count()", '[{"open":"true","count":1},{"open":null,"count":5}]'),
        ("ports?select=facts->>cranes::int.sum(),facts->cranes.count()", '[{"sum":207,"count":3}]'),
        ("ports?select=tags,count()&tags=cs.{river}", None),
        ("ports?select=is_deep,count()", '[{"is_deep":false,"count":2},{"is_deep":true,"count":3},{"is_deep":null,"count":1}]'),
        ("nations?select=founded.min(),founded.max()", '[{"min":"1815-03-16","max":"1871-01-18"}]'),
        ("berths?select=port_code,length.sum()", '[{"port_code":"DEHAM","sum":500},{"port_code":"NLRTM","sum":null}]'),
        ("voyages?select=starts_at.max(),start_code",
         '[{"max":"2026-06-01T08:30:00+00:00","start_code":"DEHAM"},{"max":"2026-07-01T00:00:00+00:00","start_code":"NLRTM"}]'),
    ],
)  # fmt: skip
def test_the_answer_is_postgresqls_on_both_engines(
    anonymous: CallerClient, query: str, answer: str | None
) -> None:
    response = anonymous.get(f"/rest/v1/{query}")
    assert response.status_code == 200, response.text
    if answer is not None:
        assert response.text == answer


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("nations?select=code,ports(count())&order=code",
         [{"code": "DE", "ports": [{"count": 2}]}, {"code": "FR", "ports": [{"count": 2}]},
          {"code": "NL", "ports": [{"count": 1}]}]),
        ("nations?select=code,ports(kind,depth.max())&ports.order=kind.desc&code=eq.DE",
         [{"code": "DE", "ports": [{"kind": "large", "max": 15.1}, {"kind": "medium", "max": 12.5}]}]),
        ("nations?select=code,ports(kind,count())&ports.limit=1&ports.kind=neq.medium&code=neq.NL",
         [{"code": "DE", "ports": [{"kind": "large", "count": 1}]},
          {"code": "FR", "ports": [{"kind": "small", "count": 1}]}]),
        ("ports?select=code,nations(name.max(),count())&code=in.(DEHAM,XXNOW)",
         [{"code": "DEHAM", "nations": {"max": "Germany", "count": 1}},
          {"code": "XXNOW", "nations": {"max": None, "count": 0}}]),
        ("ports?select=nations(name),count()",
         [{"nations": {"name": "France"}, "count": 2}, {"nations": {"name": "Germany"}, "count": 2},
          {"nations": {"name": "Netherlands"}, "count": 1}, {"nations": None, "count": 1}]),
        ("ports?select=...nations(nation:name),count()&nations.name=neq.France",
         [{"nation": "Germany", "count": 2}, {"nation": "Netherlands", "count": 1}, {"nation": None, "count": 3}]),
        ("ports?select=...nations!inner(nation:name),count()&order=nations(name).desc&limit=2",
         [{"nation": "Netherlands", "count": 1}, {"nation": "Germany", "count": 2}]),
        ("ships?select=...ports(...nations(name)),tons.sum()",
         [{"name": "Germany", "sum": 800}, {"name": "Netherlands", "sum": 900}, {"name": None, "sum": 100}]),
        ("ships?select=flag,...ports(deepest:depth.max())&order=flag",
         [{"flag": "plain", "deepest": 24}, {"flag": "red", "deepest": 15.1}, {"flag": None, "deepest": 15.1}]),
        ("ships?select=...ports(homes:count()),n:count()", [{"homes": 3, "n": 4}]),
        ("sailors?select=mentor:mentor_id(name),count()&order=count&limit=9", None),
    ],
)  # fmt: skip
def test_in_embeds_and_in_spreads_of_one_row(anonymous: CallerClient, query: str, answer: Any) -> None:
    response = anonymous.get(f"/rest/v1/{query}")
    if answer is None:
        problem(response, 400, "42703")
    else:
        assert response.json() == answer


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("ships?select=nothing.sum()", "42703"),
        ("ships?select=name.sum()", "42883"),
        ("ships?select=name.avg()", "42883"),
        ("ports?select=is_deep.max()", "42883"),
        ("ports?select=tags.min()", "42883"),
        ("ports?select=facts.max()", "42883"),
        ("ports?select=facts->>cranes.sum()", "42883"),
        ("voyages?select=id.max()", "42883"),
        ("ships?select=tons.sum(),tons.sum()::text", "PGRST100"),
        ("ships?select=count:name,count()", "PGRST100"),
        ("ships?select=tons.sum()::uuid", "42846"),
        ("ships?select=tons.sum()::nothing", "42704"),
        ("ships?select=flag,count()&order=tons", "42803"),
        ("ships?select=flag::text,count()&order=flag", "42803"),
        ("ships?select=n:count()&order=n", "42703"),
        ("ships?select=count(),ports(name)&order=ports(name)", "42803"),
        ("ships?select=name::int.sum()", "22P02"),
        ("nations?select=code,...ports(count())", "PGRST127"),
        ("nations?select=code,...ports(...nations(count()))", "PGRST127"),
        ("ships?select=...sailors(id.max())", "PGRST127"),
    ],
)
def test_what_cannot_be_is_refused_alike(anonymous: CallerClient, query: str, code: str) -> None:
    problem(anonymous.get(f"/rest/v1/{query}"), 400, code)


def test_a_repeated_item_comes_once(anonymous: CallerClient) -> None:
    assert anonymous.get(f"{SHIPS}?select=count(),count()").text == '[{"count":4}]'


def test_a_count_counts_rows_and_not_groups(anonymous: CallerClient) -> None:
    """As PostgREST does: the total is of the table's rows, whatever is made of them."""
    response = anonymous.get(f"{SHIPS}?select=flag,count()", prefer="count=exact")
    assert response.headers["content-range"] == "0-2/4"
    assert response.status_code == 206


@pytest.mark.parametrize(
    ("column", "values", "shown"),
    [
        ("int64", [2**63 - 1, 2**63 - 1, 3],
         '"sum":18446744073709551617,"avg":6148914691236517206,"min":3,"max":9223372036854775807'),
        ("int16", [1, 2, 2], '"sum":5,"avg":1.6666666666666667,"min":1,"max":2'),
        ("money", ["0.10", "0.20", "12345678.91"],
         '"sum":12345679.21,"avg":4115226.403333333333,"min":0.10,"max":12345678.91'),
        ("exact", ["0.1", "0.25", "1e-30"],
         '"sum":0.350000000000000000000000000001,"avg":0.116666666666666666666666666667,"min":0.000000000000000000000000000001,"max":0.25'),
        ("exact", ["-100", "1"], '"sum":-99,"avg":-49.5000000000000000,"min":-100,"max":1'),
        ("exact", ["1" + "0" * 40, "1"],
         f'"sum":1{"0" * 39}1,"avg":5{"0" * 38}1,"min":1,"max":1{"0" * 40}'),
        ("real", [0.1, 0.2, 1e22, -1e22], '"sum":0.3,"avg":0.075,"min":-1e+22,"max":1e+22'),
        ("real", [1e-7, 2], '"sum":2.0000001,"avg":1.00000005,"min":1e-07,"max":2'),
    ],
)  # fmt: skip
def test_sums_and_averages_are_exact(
    service: CallerClient, column: str, values: list[Any], shown: str
) -> None:
    service.post(SPECIMENS, [{column: value} for value in (*values, None)])
    selected = ",".join(f"{column}.{name}()" for name in ("sum", "avg", "min", "max"))
    assert service.get(f"{SPECIMENS}?select={selected}").text == "[{" + shown + "}]"


@pytest.mark.parametrize(
    ("selected", "shown"),
    [
        ("flag::int.sum(),int16::bool::text", None),
        ("flag::int.sum()", '"sum":1'),
        ("int16::bool,count()", '"int16":true,"count":2'),
        ("real::numeric.sum()", '"sum":0.333333333333333'),
        ("real.max()::text", '"max":"0.3333333333333333"'),
        ("int64::text.max()", '"max":"9223372036854775807"'),
        ("exact.sum()::int", "22003"),
        ("text::int.sum()", "22P02"),
    ],
)
def test_casts_are_postgresqls(service: CallerClient, selected: str, shown: str | None) -> None:
    row = {"real": 1 / 3, "int16": 5, "int64": 2**63 - 1, "exact": "1e30", "text": "x"}
    service.post(SPECIMENS, [{**row, "flag": True}, {**row, "flag": False, "real": 0}])
    response = service.get(f"{SPECIMENS}?select={selected}")
    if response.status_code != 200:
        assert response.json()["code"] == (shown or "PGRST100")
    else:
        assert response.text == "[{" + str(shown) + "}]"


def test_a_sum_of_floats_too_large_for_one_is_refused(service: CallerClient) -> None:
    service.post(SPECIMENS, [{"real": 1.7e308}, {"real": 1.7e308}])
    problem(service.get(f"{SPECIMENS}?select=real.sum()"), 400, "22003")
    assert service.get(f"{SPECIMENS}?select=real.max()").text == '[{"max":1.7e+308}]'


def test_groups_of_every_kind_come_in_one_order(service: CallerClient) -> None:
    rows = [
        {"exact": "1.0", "data": {"a": 1}, "words": ["b"], "choice": "Green", "blob": "\\x01", "hour": "10:00"},
        {"exact": "1.00", "data": {"a": 1.0}, "words": ["a", "b"], "choice": "red", "blob": "\\x00", "hour": "09:00"},
        {"exact": "0.5", "data": [1], "words": ["b"], "choice": "Green", "blob": "\\x01", "hour": "10:00"},
    ]  # fmt: skip
    service.post(SPECIMENS, rows)
    answers = {
        column: service.get(f"{SPECIMENS}?select={column},count()").text
        for column in ("exact", "data", "words", "choice", "blob", "hour")
    }
    assert answers == {
        "exact": '[{"exact":0.5,"count":1},{"exact":1.0,"count":2}]',
        "data": answers["data"],
        "words": answers["words"],
        "choice": '[{"choice":"red","count":1},{"choice":"Green","count":2}]',
        "blob": '[{"blob":"\\\\x00","count":1},{"blob":"\\\\x01","count":2}]',
        "hour": '[{"hour":"09:00:00","count":1},{"hour":"10:00:00","count":2}]',
    }
    assert service.rows(f"{SPECIMENS}?select=data,count()") == [
        {"data": [1], "count": 1},
        {"data": {"a": 1}, "count": 2},
    ]
    assert [row["count"] for row in service.rows(f"{SPECIMENS}?select=words,count()")] == [2, 1]


def test_what_was_written_can_be_summed_up(editor: CallerClient) -> None:
    response = editor.patch(
        f"{SHIPS}?flag=eq.plain&select=flag,tons.sum()", {"tons": 7}, prefer="return=representation"
    )
    assert response.json() == [{"flag": "plain", "sum": 14}]
    made = editor.post(f"{SHIPS}?select=count()", {"name": "Emma"}, prefer="return=representation")
    assert made.json() == [{"count": 1}]


def test_groups_are_capped_as_rows_are(app: Harbour) -> None:
    planner = Planner(app.app.catalog, RestSettings(max_rows=2))
    query = Query(parse_select("built,n:count()"))
    plan = planner.read(Request("ships", query), ANONYMOUS)
    assert plan.query.max_rows == 2
    assert len(json.loads(app.run(TableRepository(app.app.database).read(plan, (), ANONYMOUS)).body)) == 2


def test_they_can_be_turned_off(app: Harbour) -> None:
    planner = Planner(app.app.catalog, RestSettings(aggregates=False))
    for selected, code in (
        ("id.max()", "PGRST123"),
        ("id,...ports(count())", "PGRST123"),
        ("no.sum()", "42703"),
    ):
        with pytest.raises(BackstayError) as caught:
            planner.read(Request("ships", Query(parse_select(selected))), ANONYMOUS)
        assert caught.value.code == code
