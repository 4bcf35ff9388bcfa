"""`postgrest` from PyPI, as it is published: everything that it can send."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import postgrest._sync.client as client_module
import postgrest._sync.request_builder as builder_module
import postgrest.base_client as base_client_module
import postgrest.base_request_builder as base_builder_module
import pytest
from postgrest import CountMethod, ReturnMethod, SyncPostgrestClient
from postgrest.exceptions import APIError

from tests.clients.conftest import Port

Clients = Callable[[str], SyncPostgrestClient]

pytestmark = [
    # The client's own warnings, about the HTTP library beneath it.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Calls:
    """Which public methods of the client's classes no test has called yet. Nothing else about them is changed.

    Attributes:
        tests: the names of the tests that were run.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.tests: set[str] = set()
        self.waiting: set[str] = set()
        for module in (client_module, builder_module, base_client_module, base_builder_module):
            for kind in vars(module).values():
                if inspect.isclass(kind) and kind.__module__.startswith("postgrest"):
                    self._watch(patch, kind)

    def _watch(self, patch: pytest.MonkeyPatch, kind: type) -> None:
        for name, own in vars(kind).items():
            called = f"{kind.__name__}.{name}"
            if not name.startswith("_") and inspect.isfunction(own) and called not in self.waiting:
                self.waiting.add(called)
                patch.setattr(kind, name, self._noting(called, own))

    def _noting(self, called: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*given: Any, **named: Any) -> Any:
            self.waiting.discard(called)
            return own(*given, **named)

        return noting


@pytest.fixture(scope="module")
def watching() -> Iterator[Calls]:
    """What the tests of this file call."""
    with pytest.MonkeyPatch.context() as patch:
        yield Calls(patch)


@pytest.fixture(autouse=True)
def calls(watching: Calls, request: pytest.FixtureRequest) -> Calls:
    """The same, told that another test is run."""
    watching.tests.add(request.function.__name__)
    return watching


@pytest.fixture
def clients(port: Port) -> Iterator[Clients]:
    """A client for each caller by name."""
    made: dict[str, SyncPostgrestClient] = {}

    def client(name: str) -> SyncPostgrestClient:
        if name not in made:
            made[name] = SyncPostgrestClient(f"{port.address}/rest/v1", headers=port.headers(name))
        return made[name]

    yield client
    for one in made.values():
        one.session.close()


@pytest.fixture
def rest(clients: Clients) -> SyncPostgrestClient:
    return clients("anonymous")


@pytest.fixture
def editor(clients: Clients) -> SyncPostgrestClient:
    return clients("editor")


def _rows(query: Any) -> Any:
    return query.execute().data


def _codes(query: Any) -> list[str]:
    return [row["code"] for row in _rows(query.order("code"))]


def _refused(query: Any, code: str) -> None:
    with pytest.raises(APIError) as caught:
        query.execute()
    assert caught.value.json()["code"] == caught.value.code == code, caught.value


def test_reads(rest: SyncPostgrestClient) -> None:
    def ports() -> Any:
        return rest.from_("ports").select("code")

    found = {
        "eq": ports().eq("kind", "large").neq("code", "DEHAM"),
        "gt": ports().gt("depth", 12.5).lt("depth", 24),
        "gte": ports().gte("depth", 17).lte("depth", 24),
        "like": ports().like("name", "H%"),
        "ilike": ports().ilike("name", "%HAMB%"),
        "like_all": ports().like_all_of("name", "H%,%g"),
        "like_any": ports().like_any_of("name", "H%,R%"),
        "ilike_all": ports().ilike_all_of("name", "%HA%,b%"),
        "ilike_any": ports().ilike_any_of("name", "ham%,rot%"),
        "is": ports().is_("kind", None),
        "is_true": ports().is_("is_deep", True),
        "in": ports().in_("name", ["Hamburg", "Le Havre", "a,b", "(c)"]),
        "cs": ports().cs("tags", ["river", "a b"]),
        "cd": ports().cd("tags", ["fish", "cars", "x"]),
        "ov": ports().ov("tags", ["oil", "fish"]),
        "contains": ports().contains("facts", {"cranes": 80}),
        "contained": ports().contained_by("facts", {"cranes": 120, "x": 1}),
        "overlaps": ports().overlaps("tags", ["oil"]),
        "match": ports().match({"kind": "large", "nation_code": "DE"}),
        "not": ports().not_.is_("kind", None).not_.cs("tags", ["river"]),
        "or": ports().or_("code.eq.DEHAM,and(kind.eq.small,depth.lt.1)"),
        "filter": ports().filter("facts->>cranes", "eq", "80"),
    }
    assert {name: _codes(query) for name, query in found.items()} == {
        "eq": ["FRLEH", "NLRTM"], "gt": ["DEHAM", "FRLEH"], "gte": ["FRLEH", "NLRTM"], "like": ["DEHAM"],
        "ilike": ["DEHAM"], "like_all": ["DEHAM"], "like_any": ["DEHAM", "NLRTM"], "ilike_all": ["DEBRV"],
        "ilike_any": ["DEHAM", "NLRTM"], "is": ["XXNOW"], "is_true": ["DEHAM", "FRLEH", "NLRTM"],
        "in": ["DEHAM", "FRLEH"], "cs": ["DEHAM"], "cd": ["DEBRV", "FRLEH"], "ov": ["DEBRV", "NLRTM"],
        "contains": ["DEHAM"], "contained": ["FRLEH", "NLRTM"], "overlaps": ["NLRTM"], "match": ["DEHAM"],
        "not": ["DEBRV", "FRLEH"], "or": ["DEHAM", "FRSML"], "filter": ["DEHAM"],
    }  # fmt: skip
    for operator in (
        "sl",
        "sr",
        "nxl",
        "nxr",
        "adj",
        "range_gt",
        "range_gte",
        "range_lt",
        "range_lte",
        "range_adjacent",
    ):
        _refused(getattr(ports(), operator)("depth", (1, 2)), "42883")


def test_pages_and_counts(rest: SyncPostgrestClient) -> None:
    page = rest.from_("ports").select("code", count=CountMethod.exact).order("code").range(1, 2).execute()
    assert (page.data, page.count) == ([{"code": "DEHAM"}, {"code": "FRLEH"}], 6)
    ordered = rest.from_("ports").select("code").order("kind", desc=True, nullsfirst=False).order("code")
    assert _rows(ordered.limit(1).offset(1)) == [{"code": "FRLEH"}]
    for method in (CountMethod.planned, CountMethod.estimated):
        assert isinstance(rest.from_("ports").select("*", count=method).execute().count, int)
    head = rest.from_("ports").select("*", count=CountMethod.exact, head=True).execute()
    assert (head.data, head.count) == ([], 6)


def test_embeds_spreads_and_aggregates(rest: SyncPostgrestClient) -> None:
    query = rest.from_("nations").select("code, ports(code)").eq("code", "DE")
    assert _rows(query.order("code", desc=True, foreign_table="ports").limit(1, foreign_table="ports")) == [
        {"code": "DE", "ports": [{"code": "DEHAM"}]}
    ]
    ranged = (
        rest.from_("nations").select("code, ports(code)").eq("code", "FR").range(1, 1, foreign_table="ports")
    )
    assert _rows(ranged) == [{"code": "FR", "ports": [{"code": "FRSML"}]}]
    inner = rest.from_("ports").select("code, nations!inner(name)").eq("nations.name", "France")
    assert _codes(inner) == ["FRLEH", "FRSML"]
    either = rest.from_("nations").select("code, ports!inner(code)")
    assert _codes(either.or_("kind.eq.small,code.eq.NLRTM", reference_table="ports")) == ["FR", "NL"]
    spread = (
        rest.from_("ports").select("code, ...nations(nation:name), ...ships(ship:name)").eq("code", "DEHAM")
    )
    assert _rows(spread) == [{"code": "DEHAM", "nation": "Germany", "ship": ["Anna", "Berta"]}]
    grouped = rest.from_("ships").select("flag, count(), tons.sum()").order("flag")
    assert _rows(grouped) == [
        {"flag": "plain", "count": 2, "sum": 1000},
        {"flag": "red", "count": 1, "sum": 500},
        {"flag": None, "count": 1, "sum": 300},
    ]
    _refused(rest.from_("ports").select("voyages(id)"), "PGRST201")


def test_forms_of_the_answer(rest: SyncPostgrestClient) -> None:
    def port(code: str) -> Any:
        return rest.from_("ports").select("code,kind").eq("code", code)

    assert _rows(port("DEHAM").single().retry(True)) == {"code": "DEHAM", "kind": "large"}
    _refused(port("NOPE").single(), "PGRST116")
    assert port("NOPE").maybe_single().retry(False).execute() is None
    assert _rows(port("DEHAM").maybe_single()) == {"code": "DEHAM", "kind": "large"}
    assert _rows(port("DEHAM").csv()) == "code,kind\nDEHAM,large"
    assert _rows(port("XXNOW").strip_nulls()) == [{"code": "XXNOW"}]
    _refused(port("DEHAM").explain().retry(False), "PGRST107")
    _refused(rest.from_("nothing").select("*"), "PGRST205")
    _refused(rest.from_("ports").select("earnings.sum()"), "42703")


def test_writes(editor: SyncPostgrestClient, rest: SyncPostgrestClient) -> None:
    ships = "ships"
    made = editor.from_(ships).insert({"name": "Emma"}).execute()
    assert made.data[0]["tons"] == 100  # type: ignore[index, call-overload]  # its JSON is typed as any JSON
    minimal = (
        editor.from_(ships)
        .insert({"name": "Fritz"}, returning=ReturnMethod.minimal, count=CountMethod.exact)
        .execute()
    )
    assert (minimal.data, minimal.count) == ([], 1)
    mixed = editor.from_(ships).insert(
        [{"name": "Gesa", "flag": "x"}, {"name": "Hans"}], default_to_null=False
    )
    assert [row["flag"] for row in _rows(mixed)] == ["x", "plain"]
    merged = editor.from_(ships).upsert(
        {"name": "Emma", "tons": 5}, on_conflict="name", default_to_null=False
    )
    assert _rows(merged)[0]["tons"] == 5
    assert _rows(editor.from_("nations").upsert({"code": "DE", "name": "x"}, ignore_duplicates=True)) == []
    assert _rows(editor.from_(ships).update({"tons": 6}).eq("name", "Emma").select("name,tons,title")) == [
        {"name": "Emma", "tons": 6, "title": "Emma (plain)"}
    ]
    _refused(
        editor.from_(ships).update({"tons": 7}).in_("name", ["Emma", "Fritz"]).max_affected(1), "PGRST124"
    )
    _refused(editor.from_(ships).update({"tons": 7}), "21000")
    _refused(editor.from_(ships).insert({"name": "Emma"}), "23505")
    _refused(editor.from_(ships).insert({"name": "x", "title": "y"}), "428C9")
    gone = editor.from_(ships).delete(count=CountMethod.exact).in_("name", ["Emma", "Fritz"]).execute()
    assert (len(gone.data), gone.count) == (2, 2)
    _refused(rest.from_(ships).insert({"name": "Ida"}), "42501")


def test_rules_hold_for_whoever_asks(clients: Clients) -> None:
    counts = {
        name: _rows(clients(name).from_("voyages").select("count()")) for name in ("anonymous", "alice")
    }
    assert counts == {"anonymous": [{"count": 2}], "alice": [{"count": 3}]}


def test_actions(rest: SyncPostgrestClient, editor: SyncPostgrestClient) -> None:
    assert _rows(rest.rpc("harbour.echo", {"words": "ä"})) == {"words": "ä", "more": None}
    assert _rows(rest.rpc("harbour.total", {"tons": [1, 2]})) == 3  # type: ignore[dict-item]  # whatever its type says
    assert _rows(rest.rpc("harbour.total", {"tons": "{1,2}"}, get=True)) == 3
    _refused(rest.rpc("harbour.close", {}), "harbour_closed")
    _refused(rest.rpc("harbour.nothing", {}), "PGRST202")
    _refused(rest.rpc("harbour.echo", {"wrds": "x"}), "PGRST202")
    _refused(rest.rpc("harbour.christen", {"ship_id": "1", "name": "x"}), "PGRST202")
    for get in (False, True):

        def fleet(count: CountMethod | None = None, *, get: bool = get) -> Any:
            return rest.rpc("harbour.fleet", {"least": 200}, count=count, get=get)  # type: ignore[dict-item]  # the client takes it

        assert _rows(fleet().select("name").gt("tons", 300).limit(1)) == [{"name": "Clara"}]
        assert _rows(fleet().select("name").order("tons").offset(1).limit(1)) == [{"name": "Anna"}]
        page = fleet(CountMethod.exact).select("name, ...ports(port:name)").range(1, 1).execute()
        assert (page.data, page.count) == ([{"name": "Anna", "port": "Hamburg"}], 3)
        assert _rows(fleet().select("tons.sum()").single()) == {"sum": 1700}
        assert _rows(fleet().select("name").eq("id", 3).maybe_single()) == {"name": "Clara"}
        assert fleet().eq("id", 9).maybe_single().execute() is None
        assert _rows(fleet().select("name").in_("id", [1, 3]).csv()) == "name\nClara\nAnna"
        assert _rows(fleet().select("flag").eq("id", 2).strip_nulls()) == [{}]
        _refused(fleet().select("nothing"), "42703")
        _refused(fleet().max_affected(1), "PGRST124")
    head = rest.rpc("harbour.fleet", {"least": "200"}, head=True, count=CountMethod.exact).execute()
    assert (head.data, head.count) == ([], 3)
    assert _rows(rest.rpc("harbour.log", {}).select("id").plfts("words", "storm")) == [{"id": 1}]
    assert _rows(editor.rpc("harbour.christen", {"ship_id": 4, "name": "D"}))[0]["name"] == "D"  # type: ignore[dict-item]  # the client takes it


def test_full_text(rest: SyncPostgrestClient) -> None:
    def entries() -> Any:
        return rest.from_("entries").select("id")

    found = {
        "fts": entries().fts("words", "'storm' | 'fish'"),
        "plfts": entries().plfts("words", "run pump"),
        "phfts": entries().phfts("words", "old port"),
        "wfts": entries().wfts("words", "running -pumps"),
        "language": entries().text_search("words", "runs", {"type": "web_search", "config": "english"}),
        "plain": entries().text_search("title_search", "storm", {"type": "plain"}),
        "phrase": entries().text_search("words", "storm at sea", {"type": "phrase"}),
        "none": entries().text_search("words", "'storm' & !'sea'"),
        "not": entries().not_.wfts("words", "storm"),
    }
    numbers = {name: [row["id"] for row in _rows(query.order("id"))] for name, query in found.items()}
    assert numbers == {
        "fts": [1, 2], "plfts": [3], "phfts": [3], "wfts": [1], "language": [1, 3], "plain": [1], "phrase": [1],
        "none": [], "not": [2, 3, 5],
    }  # fmt: skip
    _refused(entries().wfts("with_orders", "storm"), "42703")


def test_ways_into_a_client(port: Port) -> None:
    headers = port.headers("anonymous")
    with SyncPostgrestClient(f"{port.address}/rest/v1", headers={"apikey": headers["apikey"]}) as client:
        client.auth(port.headers("alice")["Authorization"].removeprefix("Bearer "))
        assert len(_rows(client.table("voyages").select("id").retry(False))) == 3
        assert len(_rows(client.from_table("voyages").select("id"))) == 3
        _refused(client.schema("other").from_("ports").select("*"), "PGRST106")
        client.aclose()


def test_every_method_of_the_client_is_called_by_a_test(port: Port, calls: Calls) -> None:
    tests = {name for name in globals() if name.startswith("test_")}
    if calls.tests != tests:
        pytest.skip("only some of the tests were run")
    assert sorted(calls.waiting) == []
