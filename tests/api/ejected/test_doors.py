"""A changed line of a table's own class shows at every door; what was not changed is what was generated."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest

from backstay import Backstay, BackstayError, Context, Records, TableService, tables
from backstay.cli.ejected_classes import KINDS, class_text
from backstay.errors import ConfigurationError
from backstay.models.access.caller import SERVICE
from tests.api.conftest import empty_database
from tests.api.harbour import SECRET_KEY, Harbour
from tests.api.models import MODELS, Port, Ship
from tests.callers import CallerClient
from tests.conftest import ENGINES
from tests.ejected import own_class

SHIPS = "/rest/v1/ships"
REFUSED = 'raise BackstayError("42501", "the harbour is closed")\n        '
READING = ("plan = self.plans.read(context, request)", f"{REFUSED}plan = self.plans.read(context, request)")
FINDING = ("await session.flush()", f"{REFUSED}await session.flush()")
WRITING = (
    ("        refuse_many(", f"        {REFUSED}refuse_many("),
    ("refuse_several(rows)\n", f"{REFUSED}\n"),
)
DELETING = ("plan = self.plans.write(context, write, ())", f"{REFUSED}plan = None")


@pytest.fixture(scope="module", params=ENGINES)
def closed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    """Ships have a service that refuses everything; ports are as they were generated."""
    service = own_class("ships", 1, READING, FINDING, *WRITING, DELETING)
    harbour = Harbour(empty_database(request, tmp_path_factory), tables=[service])
    yield harbour
    harbour.close()


@pytest.fixture
def anybody(closed: Harbour) -> CallerClient:
    return CallerClient("service", closed.app, {"apikey": SECRET_KEY}, closed.run, closed.note_change)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"{SHIPS}?limit=1", None),
        ("GET", f"{SHIPS}?limit=1&$after=", None),
        ("POST", f"{SHIPS}/query", "limit=1"),
        ("GET", f"{SHIPS}/1", None),
        ("POST", SHIPS, {"name": "A"}),
        ("PATCH", f"{SHIPS}?id=eq.1", {"name": "A"}),
        ("DELETE", f"{SHIPS}?id=eq.1", None),
        ("PATCH", f"{SHIPS}/1", {"name": "A"}),
        ("PUT", f"{SHIPS}/1", {"name": "A"}),
        ("DELETE", f"{SHIPS}/1", None),
        ("POST", "/rest/v1/$batch", {"operations": [{"method": "GET", "path": "ships"}]}),
        ("POST", "/rest/v1/$batch", {"operations": [{"method": "DELETE", "path": "ships/1"}]}),
        ("POST", "/graphql/v1", {"query": "{ shipsCollection { edges { node { name } } } }"}),
        (
            "POST",
            "/graphql/v1",
            {"query": "{ portsCollection { totalCount } shipsCollection { totalCount } }"},
        ),
        (
            "POST",
            "/graphql/v1",
            {
                "query": "mutation { deleteFromshipsCollection(filter: {id: {eq: 1}}, atMost: 1) { affectedCount } }"
            },
        ),
    ],
)
def test_what_its_service_refuses_is_refused_at_every_door(
    anybody: CallerClient, method: str, path: str, body: Any
) -> None:
    sent: dict[str, Any] = {"json": body} if isinstance(body, dict) else {"content": body}
    if isinstance(body, str):
        sent["headers"] = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = anybody.request(method, path, **sent)
    assert "the harbour is closed" in answer.text, answer.text
    assert "edges" not in answer.text


def test_code_of_the_users_is_refused_as_well(closed: Harbour) -> None:
    async def refused(work: Any) -> None:
        with pytest.raises(BackstayError, match="the harbour is closed"):
            await work

    async def work() -> None:
        context = Context(caller=SERVICE)
        async with closed.app.units.begin(context) as session:
            records = closed.app.workshop.make(Records, context, session)
            await refused(records.find(Ship, 1))
            await refused(records.create(Ship, {"name": "A"}))
            await refused(records.update(Ship, 1, {"name": "A"}))
            await refused(records.delete(Ship, 1))
            assert await records.find(Port, "DEHAM")

    closed.run(work())


def test_other_tables_and_rows_embedded_in_them_are_as_generated(
    closed: Harbour, anybody: CallerClient
) -> None:
    with closed.counting() as statements:
        answer = anybody.get("/rest/v1/ports?select=code,ships(name)&code=eq.DEHAM")
    assert answer.status_code == 200, answer.text
    assert answer.json()[0]["ships"]
    assert len(statements) == 1


def test_reads_of_one_operation_are_answered_in_their_order(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A repository of its own is enough for a table to be read alone, and the others are still one statement."""
    question = "{ a: portsCollection { totalCount } b: shipsCollection { totalCount } c: portsCollection { totalCount } }"
    answers, counts = [], []
    for own in ([], [own_class("ships", 2)]):
        harbour = Harbour(f"sqlite:///{tmp_path_factory.mktemp('joint')}/app.db", tables=own)
        client = CallerClient(
            "service", harbour.app, {"apikey": SECRET_KEY}, harbour.run, harbour.note_change
        )
        client.post("/graphql/v1", {"query": question})
        with harbour.counting() as statements:
            answers.append(client.post("/graphql/v1", {"query": question}).json())
        counts.append(len(statements))
        harbour.close()
    assert answers[0] == answers[1]
    assert answers[0]["data"]["b"]["totalCount"] > 0
    assert counts == [1, 2]


def test_ejected_files_import_from_public_places_alone() -> None:
    """What leaves `backstay.tables` breaks files that users have."""
    used: set[str] = set()
    for kind in KINDS:
        tree = ast.parse(class_text("ships", kind))
        modules = {node.module: node for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert {name for name in modules if str(name).startswith("backstay")} == {
            "backstay",
            "backstay.tables",
        }
        used |= {alias.name for alias in modules["backstay.tables"].names}
        copied = {node.name for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)}
        assert copied >= set(kind.methods)
        private = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not [name for name in private if name.startswith("_")]
    assert used == set(tables.__all__)


def test_a_class_of_no_table_and_two_of_one_are_refused_at_start() -> None:
    class Lost(TableService, table="shipps"):
        pass

    class Part(own_class("ships", 1)):  # type: ignore[misc]  # of no table: a base or a part of another
        pass

    with pytest.raises(ConfigurationError) as refused:
        Backstay(models=MODELS, tables=[Lost, own_class("ships", 1), own_class("ships", 1), Part])
    lost, twice = refused.value.problems
    assert "Lost" in lost
    assert "perhaps you meant 'ships'" in lost
    assert twice.count("ShipsService") == 2
