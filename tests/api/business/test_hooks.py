"""Hooks run around the writes of every door, in the transaction of the write, and can change or refuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from backstay.app import Backstay
from backstay.errors import BackstayError, ConfigurationError
from backstay.models.access.caller import Caller
from backstay.services.context import Context
from backstay.services.hooks import ARGUMENTS
from backstay.services.resources.records import Records
from backstay.services.service import Service
from tests.api.answers import problem
from tests.api.business.orchard import CALLS, Fruit, Sapling, Tree
from tests.api.harbour import Harbour
from tests.api.seed import ALICE, BOB
from tests.callers import CallerClient

SHOWN = {"Prefer": "return=representation"}
MERGE = "resolution=merge-duplicates,return=representation"
TREES = "/rest/v1/trees"


def plant(client: CallerClient, name: str, **more: Any) -> dict[str, Any]:
    """A tree as its owner sees it."""
    response = client.post(TREES, {"name": name, **more}, headers=SHOWN)
    assert response.status_code == 201, response.text
    CALLS.clear()
    return dict(response.json()[0])


def names(client: CallerClient) -> list[str]:
    return client.values(f"{TREES}?order=name", "name")


def test_a_new_row_has_its_hooks_in_order_and_the_answer_shows_what_they_changed(alice: CallerClient) -> None:
    response = alice.post(TREES, {"name": "growing"}, headers=SHOWN)
    assert CALLS == [
        "before_create growing True",
        "second before_create slug of growing",
        "validate growing",
        "after_create growing 1",
    ]
    (tree,) = response.json()
    assert (tree["height"], tree["owner_id"], "slug" in tree) == (7, str(ALICE), False)


def test_hooks_set_what_the_caller_may_not_and_nobody_else_does(
    alice: CallerClient, service: CallerClient
) -> None:
    plant(alice, "oak")
    assert service.values(TREES, "slug") == ["slug of oak"]
    problem(alice.post(TREES, {"name": "elm", "slug": "mine"}), 400, "PGRST204")
    problem(alice.patch(f"{TREES}?name=eq.oak", {"slug": "mine"}), 400, "PGRST204")
    assert CALLS == []


def test_many_rows_have_their_hooks_each_and_keep_their_order(alice: CallerClient) -> None:
    response = alice.post(TREES, [{"name": "b"}, {"name": "shout"}, {"name": "a"}], headers=SHOWN)
    assert [row["name"] for row in response.json()] == ["b", "SHOUT", "a"]
    assert [call for call in CALLS if call.startswith("after")] == [
        "after_create b 3", "after_create SHOUT 3", "after_create a 3",
    ]  # fmt: skip


def test_a_change_has_its_hooks_with_the_row_as_it_was_and_as_it_is(alice: CallerClient) -> None:
    tree = plant(alice, "oak", height=2)
    response = alice.patch(f"{TREES}?id=eq.{tree['id']}", {"name": "elm", "height": 3}, headers=SHOWN)
    assert response.json()[0] == tree | {"name": "elm", "height": 5}
    assert CALLS == ["before_update oak ['height', 'name']", "validate elm", "after_update oak -> elm"]


def test_each_row_of_a_change_gets_its_own_values(alice: CallerClient) -> None:
    for name, height in (("a", 1), ("b", 2), ("c", None)):
        plant(alice, name, height=height)
    response = alice.patch(f"{TREES}?height=is.not_null", {"height": 10}, prefer="count=exact")
    assert (response.status_code, response.headers["content-range"]) == (204, "0-1/2")
    assert [row["height"] for row in alice.rows(f"{TREES}?order=name")] == [11, 12, None]


def test_a_deletion_has_its_hooks_and_shows_what_was(alice: CallerClient) -> None:
    tree = plant(alice, "oak")
    response = alice.delete(f"{TREES}?id=eq.{tree['id']}", headers=SHOWN)
    assert response.json() == [tree]
    assert CALLS == ["before_delete oak", "after_delete oak 0"]


def put_new(client: CallerClient, name: str) -> httpx.Response:
    return client.put(f"{TREES}/00000000-0000-4000-8000-000000000001", {"name": name})


WAYS: dict[str, Callable[[CallerClient, str], httpx.Response]] = {
    "table": lambda client, name: client.post(TREES, {"name": name}),
    "bulk": lambda client, name: client.post(TREES, [{"name": "good"}, {"name": name}]),
    "upsert": lambda client, name: client.post(TREES, [{"name": "good"}, {"name": name}], prefer=MERGE),
    "ignore": lambda client, name: client.post(
        f"{TREES}?on_conflict=owner_id,name", {"name": name, "owner_id": str(ALICE)},
        prefer="resolution=ignore-duplicates",
    ),
    "put": put_new,
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "status", "code", "words"),
    [
        ("tall", 409, "too_tall", "That is too tall for this orchard."),
        ("late", 400, "P0001", "too late"),
        ("broken", 500, "internal_error", "Something went wrong on our side."),
        ("unknown", 500, "internal_error", "Something went wrong on our side."),
        ("stolen", 403, "42501", "new row violates row-level security policy"),
        ("long", 400, "validation_failed", "not valid"),
    ],
)
def test_what_a_hook_refuses_leaves_nothing_whichever_way_it_comes(
    alice: CallerClient, service: CallerClient, way: str, name: str, status: int, code: str, words: str
) -> None:
    response = WAYS[way](alice, name)
    if way == "put" and code == "validation_failed":
        status, code = 422, "unprocessable"
    document = problem(response, status, code)
    assert words in document["message"]
    assert "secret" not in response.text
    if name == "long":
        assert document["details"][0]["path"] == ("1.name" if way in ("bulk", "upsert") else "name")
    assert service.rows(TREES) == service.rows("/rest/v1/journal") == []


@pytest.mark.parametrize(("name", "code"), [("tall", "too_tall"), ("late", "P0001")])
@pytest.mark.parametrize("way", ["table", "item", "put", "upsert"])
def test_a_refused_change_leaves_everything_as_it_was(
    alice: CallerClient, way: str, name: str, code: str
) -> None:
    tree = plant(alice, "oak")
    address = f"{TREES}/{tree['id']}"
    changed = {
        "table": lambda: alice.patch(f"{TREES}?name=eq.oak", {"name": name}),
        "item": lambda: alice.patch(address, {"name": name}),
        "put": lambda: alice.put(address, {"name": name, "public": False, "owner_id": str(ALICE)}),
        "upsert": lambda: alice.post(TREES, {"id": tree["id"], "name": name}, prefer=MERGE),
    }[way]()
    assert changed.json()["code"] == code, changed.text
    assert CALLS[0].startswith("before_update oak")
    assert alice.rows(TREES) == [tree]


@pytest.mark.parametrize(("name", "status"), [("kept", 403), ("haunting", 500)])
@pytest.mark.parametrize("address", ["?name=eq.{name}", "/{id}"])
def test_a_refused_deletion_deletes_nothing(
    alice: CallerClient, name: str, status: int, address: str
) -> None:
    tree = plant(alice, name)
    response = alice.delete(TREES + address.format(**tree))
    assert response.status_code == status, response.text
    assert "secret" not in response.text
    assert names(alice) == [name]


def test_validate_sees_the_whole_row_on_creation_and_merged_on_a_change(alice: CallerClient) -> None:
    dates = {"planted": "2026-05-01", "felled": "2026-04-30"}
    assert problem(alice.post(TREES, {"name": "oak", **dates}), 400, "validation_failed")["details"] == [
        {"path": "felled", "code": "order", "message": "must not be before it was planted"}
    ]
    tree = plant(alice, "oak", planted="2026-05-01")
    problem(alice.patch(f"{TREES}/{tree['id']}", {"felled": "2026-04-30"}), 422, "unprocessable")
    assert alice.patch(f"{TREES}/{tree['id']}", {"felled": "2026-05-01"}).status_code == 200


def test_an_upsert_has_the_hooks_of_what_happens_to_each_row(alice: CallerClient, bob: CallerClient) -> None:
    old, theirs = plant(alice, "old", height=1), plant(bob, "theirs", public=True)
    rows = [{"id": "00000000-0000-4000-8000-000000000009", "name": "new"}, {"id": old["id"], "name": "older"}]
    response = alice.post(TREES, rows, prefer=MERGE)
    assert [row["name"] for row in response.json()] == ["new", "older"]
    assert response.json()[1] == old | {"name": "older"}
    assert response.status_code == 201
    assert [call.split()[0] for call in CALLS if "second" not in call] == [
        "before_update", "validate", "after_update", "before_create", "validate", "after_create",
    ]  # fmt: skip
    assert alice.post(TREES, rows[1:], prefer=MERGE).status_code == 200
    CALLS.clear()
    problem(alice.post(TREES, {"id": theirs["id"], "name": "mine"}, prefer=MERGE), 403, "42501")
    ignored = alice.post(TREES, {**rows[1], "name": "x"}, prefer=MERGE.replace("merge", "ignore"))
    assert (ignored.status_code, ignored.json()) == (201, [])
    assert CALLS == []
    assert names(bob) == ["theirs"]


def test_nobody_runs_hooks_on_rows_they_may_not_change(alice: CallerClient, bob: CallerClient) -> None:
    tree = plant(alice, "oak", public=True)
    for answer in (
        bob.patch(f"{TREES}?name=eq.oak", {"name": "x"}),
        bob.delete(f"{TREES}?name=eq.oak"),
        bob.patch(f"{TREES}/{tree['id']}", {"name": "x"}),
        bob.put(f"{TREES}/{tree['id']}", {"name": "x", "public": True, "owner_id": str(BOB)}),
        bob.delete(f"{TREES}/{tree['id']}"),
    ):
        assert answer.status_code in (204, 403), answer.text
    problem(alice.patch(f"{TREES}?name=eq.oak", {"owner_id": str(BOB)}), 403, "42501")
    assert [call for call in CALLS if "after" in call] == []
    assert alice.rows(TREES) == [tree]


def test_preconditions_hold_before_hooks_run(alice: CallerClient) -> None:
    tree = plant(alice, "oak")
    address = f"{TREES}/{tree['id']}"
    tag = alice.get(address).headers["etag"]
    for method, body in (("PATCH", {"name": "x"}), ("PUT", {"name": "x"}), ("DELETE", None)):
        problem(
            alice.request(method, address, json=body, headers={"If-Match": '"other"'}),
            412, "precondition_failed",
        )  # fmt: skip
    assert CALLS == []
    changed = alice.patch(address, {"name": "elm"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.headers["etag"]) == (200, alice.get(address).headers["etag"])
    made = alice.put(address, {"name": "x"}, headers={"If-None-Match": "*"})
    problem(made, 412, "precondition_failed")


def test_the_bounds_of_a_write_hold_before_hooks_run(alice: CallerClient) -> None:
    for name in ("a", "b"):
        plant(alice, name)
    limited = "handling=strict,max-affected=1"
    problem(alice.patch(f"{TREES}?public=is.false", {"height": 1}, prefer=limited), 400, "PGRST124")
    problem(alice.delete(f"{TREES}?public=is.false", prefer=limited), 400, "PGRST124")
    single = {"Accept": "application/vnd.pgrst.object+json", **SHOWN}
    problem(alice.patch(f"{TREES}?public=is.false", {"height": 1}, headers=single), 406, "PGRST116")
    assert CALLS == []


def test_writes_of_hooks_are_the_callers_and_end_somewhere(
    alice: CallerClient, service: CallerClient
) -> None:
    plant(alice, "bearing")
    assert alice.values("/rest/v1/fruits", "words") == ["first"]
    assert service.values("/rest/v1/journal", "words") == ["planted bearing"]
    tree = plant(alice, "oak", height=1)
    problem(alice.patch(f"{TREES}/{tree['id']}", {"name": "endless"}), 500, "internal_error")
    assert len([call for call in CALLS if call.startswith("before_update")]) == 16
    assert alice.rows(f"{TREES}?name=eq.oak") == [tree]


def test_changes_at_once_wait_for_each_other(app: Harbour, alice: CallerClient) -> None:
    """A hook works out a new value from the row it was given: none of these may be lost."""
    tree = plant(alice, "oak", height=0)
    app.together([alice.send("PATCH", f"{TREES}/{tree['id']}", json={"height": 1}) for _ in range(8)])
    assert alice.values(TREES, "height") == [8]


def test_records_are_the_callers(app: Harbour, alice: CallerClient, bob: CallerClient) -> None:
    tree, theirs = plant(alice, "oak"), plant(bob, "theirs", public=True)
    context = Context(caller=Caller(id=ALICE, role="authenticated"))

    async def work() -> None:
        async with app.app.units.begin(context) as session:
            records = app.app.workshop.make(Records, context, session)
            assert records is app.app.workshop.make(Records, context, session)
            found = await records.find(Tree, tree["id"])
            assert found is not None
            assert found.slug == "slug of oak"
            assert (await records.update(Tree, found.id, {"height": 3})) is found
            assert found.height == 3
            fruit = await records.create(Fruit, {"tree_id": found.id, "words": "ripe"})
            await records.delete(Fruit, fruit.id)
            for key, code in (
                (theirs["id"], "42501"),
                ("00000000-0000-4000-8000-000000000001", "row_not_found"),
            ):
                with pytest.raises(BackstayError) as raised:
                    await records.update(Tree, key, {"height": 3})
                assert raised.value.code == code
            with pytest.raises(BackstayError, match="PGRST204"):
                await records.update(Tree, found.id, {"slug": "mine"})
            changed = await records.above_the_rules().update(Tree, theirs["id"], {"slug": "theirs"})
            assert changed.slug == "theirs"
        async with app.app.units.begin(context, reading=True) as session:
            records = app.app.workshop.make(Records, context, session)
            with pytest.raises(BackstayError, match="25006"):
                await records.update(Tree, tree["id"], {"height": 3})

    app.note_change()
    app.run(work())


@contextmanager
def session_statements(app: Harbour) -> Iterator[list[str]]:
    """The statements of sessions, but for those that only open a transaction."""
    statements: list[str] = []

    def note(connection: Any, cursor: Any, sql: str, *_: Any) -> None:
        # The authority asks for revocations twice a second, whatever else happens.
        if not sql.startswith(("BEGIN", "PRAGMA")) and "backstay_" not in sql:
            statements.append(sql.split()[0])

    engine = app.app.sessions.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("method", "address", "body", "expected"),
    [
        # A hook before: the insert itself, in a transaction.
        ("POST", "fruits", {"words": "x"}, ["INSERT"]),
        # Hooks after as well: the new row is loaded. What `after_create` does itself are a count and an insert, which
        # its `create` loads; the answer is one more.
        ("POST", "trees", {"name": "elm"}, ["INSERT", "SELECT", "SELECT", "INSERT", "SELECT", "SELECT"]),
        # Found and locked, loaded, updated, loaded again, answered.
        ("PATCH", "trees?name=eq.oak", {"height": 1}, ["SELECT", "SELECT", "UPDATE", "SELECT", "SELECT"]),
        # Found and locked, loaded, answered, deleted; the count is the hook's.
        ("DELETE", "trees?name=eq.oak", None, ["SELECT", "SELECT", "SELECT", "DELETE", "SELECT"]),
    ],
)
def test_a_hook_adds_only_what_it_needs_and_does_itself(
    app: Harbour, alice: CallerClient, method: str, address: str, body: Any, expected: list[str]
) -> None:
    tree = plant(alice, "oak")
    if address == "fruits":
        body = {**body, "tree_id": tree["id"]}
    with session_statements(app) as within:
        response = alice.request(method, f"/rest/v1/{address}", json=body,
                                 headers={} if address == "fruits" else SHOWN)  # fmt: skip
    assert response.status_code in (200, 201), response.text
    assert within == expected


def test_a_table_without_hooks_keeps_its_own_way(app: Harbour, alice: CallerClient) -> None:
    plant(alice, "oak")
    with session_statements(app) as within:
        alice.post("/rest/v1/saplings", {"name": "x"})
        alice.patch("/rest/v1/fruits?words=eq.x", {"words": "y"})
        alice.delete("/rest/v1/fruits?words=eq.x")
    assert within == []


def test_hooks_that_could_not_run_are_refused_at_start() -> None:
    class Wrong(Service, model=Tree):
        def before_create(self, ctx: Context, values: dict[str, Any]) -> None: ...

        async def after_create(self, ctx: Context) -> None: ...

        async def before_insert(self, ctx: Context, values: dict[str, Any]) -> None: ...

        async def after_update(self, ctx: Context, row: Tree) -> None: ...

    class Elsewhere(Service, model=Sapling):
        async def validate(self, ctx: Context, values: dict[str, Any]) -> None: ...

    with pytest.raises(ConfigurationError) as raised:
        Backstay(models=[Tree], services=[Wrong, Elsewhere])
    assert raised.value.problems == (
        "Wrong.after_create must be `async def after_create(self, ctx, row)`",
        "Wrong.before_create must be `async def before_create(self, ctx, values)`",
        f"Wrong.before_insert is no hook; those are {', '.join(ARGUMENTS)}",
        "Elsewhere has hooks, and its model is none of those that are served",
    )
