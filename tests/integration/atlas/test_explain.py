"""What is explained is what happens: each explanation beside the answer that the same caller gets by address."""

from __future__ import annotations

from typing import Any

import pytest

from backstay.app import Backstay
from backstay.models.access.caller import ANONYMOUS, SERVICE, Caller
from backstay.models.access.explanation import Action, Explanation, Verdict
from backstay.models.auth.role import DEFAULT_ROLES
from backstay.services.access.explain import Question, explain
from backstay.services.auth.users import Users
from backstay.services.context import Context
from backstay.testing import Door, Doors
from tests.integration.atlas.test_rules import REVIEW, VIENNA, add

pytestmark = pytest.mark.asyncio(loop_scope="session")

MISSING = "01900000-0000-7000-8000-000000000000"
METHODS = {Action.READ: "GET", Action.UPDATE: "PATCH", Action.DELETE: "DELETE"}
HARMLESS: dict[str, dict[str, Any]] = {
    "trips": {"title": "Vienna"},
    "reviews": {"rating": 4},
    "airports": {"city": "Vienna"},
}
NEW: dict[str, dict[str, Any]] = {
    "trips": VIENNA,
    "reviews": REVIEW,
    "airports": {"icao": "XXXX", "name": "X", "country_code": "AT", "lat": 1, "lon": 1, "tz": "UTC"},
}


class Asking:
    """The same callers twice: by their door, and as the explanation knows them."""

    def __init__(self, app: Backstay, doors: Doors) -> None:
        self.app = app
        self.doors = doors

    async def pairs(self) -> list[tuple[str, Door, Caller]]:
        known = self.app.identity.known_callers
        users = [("alice", ()), ("bob", ()), ("eve", ("editor",))]
        pairs = [
            (
                name,
                await self.doors.user(f"{name}@example.com", roles=roles),
                await known.of_user(Context(), f"{name}@example.com", roles=roles),
            )
            for name, roles in users
        ]
        return [("anonymous", self.doors.anonymous, ANONYMOUS), *pairs]

    async def explain(
        self, table: str, action: Action, who: Caller, key: str | None = None, *columns: str
    ) -> Explanation:
        resource = self.app.catalog.resources[table]
        question = Question(resource, action, who, "somebody", columns, about_row=key is not None)
        return explain(question) if key is None else await self.app.explainer.explain(question, key)


@pytest.fixture
def asking(atlas: Backstay, doors: Doors) -> Asking:
    return Asking(atlas, doors)


async def test_a_row_is_explained_as_its_address_answers(asking: Asking, alice: Door, bob: Door) -> None:
    rows = [
        ("trips", (await add(alice, "trips", VIENNA))["id"]),
        ("trips", (await add(alice, "trips", {**VIENNA, "public": True}))["id"]),
        ("trips", (await add(bob, "trips", {**VIENNA, "public": True}))["id"]),
        ("reviews", (await add(bob, "reviews", REVIEW))["id"]),
        ("airports", "LOWW"),
        ("trips", MISSING),
        ("trips", "no such key"),
        ("airports", "zzzz"),
    ]
    compared = set()
    for action, method in METHODS.items():
        for table, key in rows:
            if action is Action.DELETE and table == "airports":
                continue
            for name, door, who in await asking.pairs():
                said = await asking.explain(table, action, who, key)
                body = {"json": HARMLESS[table]} if action is Action.UPDATE else {}
                answer = await door.request(method, f"/rest/v1/{table}/{key}", **body)
                told = f"{name} {action} {table} {key}: {said.because} / {answer.text}"
                assert (said.verdict is Verdict.ALLOWED) is answer.is_success, told
                assert said.verdict is not Verdict.SOME, told
                if not answer.is_success:
                    assert answer.json()["code"] == said.code, told
                compared.add((action, answer.status_code))
    assert {(Action.READ, 404), (Action.UPDATE, 403), (Action.UPDATE, 401), (Action.DELETE, 204)} <= compared


async def test_what_a_caller_alone_decides_is_explained_as_the_table_answers(asking: Asking) -> None:
    for table, row in NEW.items():
        for name, door, who in await asking.pairs():
            said = await asking.explain(table, Action.CREATE, who)
            answer = await door.post(f"/rest/v1/{table}", json=row)
            assert (said.verdict is not Verdict.DENIED) is answer.is_success, f"{name} {table} {answer.text}"
            if not answer.is_success:
                assert answer.json()["code"] == said.code
            if answer.is_success and table == "airports":
                assert (await door.delete("/rest/v1/airports/XXXX")).is_success


@pytest.mark.parametrize("column", ["cost", "title"])
async def test_a_column_is_explained_as_it_is_shown_and_set(asking: Asking, alice: Door, column: str) -> None:
    trip = await add(alice, "trips", {**VIENNA, "public": True})
    for name, door, who in await asking.pairs():
        said = await asking.explain("trips", Action.READ, who, trip["id"], column)
        answer = await door.get(f"/rest/v1/trips?select={column}&id=eq.{trip['id']}")
        assert (said.verdict is Verdict.ALLOWED) is answer.is_success, f"{name} {answer.text}"
        if answer.is_success:
            (sight,) = said.columns
            is_masked = sight.judged is not None and sight.judged.holds != "true"
            assert (answer.json()[0][column] is None) is is_masked, name
        else:
            assert answer.json()["code"] == said.code
        said = await asking.explain("trips", Action.UPDATE, who, trip["id"], column)
        answer = await door.patch(f"/rest/v1/trips/{trip['id']}", json={column: trip[column]})
        assert (said.verdict is Verdict.ALLOWED) is answer.is_success, f"{name} {answer.text}"


async def test_a_secret_key_is_explained_as_above_the_rules_and_still_needs_the_row(asking: Asking) -> None:
    assert (await asking.explain("airports", Action.UPDATE, SERVICE, "LOWW")).verdict is Verdict.ALLOWED
    missing = await asking.explain("airports", Action.UPDATE, SERVICE, "ZZZZ")
    assert (missing.verdict, missing.row_found) == (Verdict.DENIED, False)


async def test_a_user_is_explained_with_what_their_token_would_say(asking: Asking) -> None:
    app = asking.app
    user_id = await Users(app.units).ensure(Context(), "grace@example.com")
    await app.identity.roles.put(_operator(), "pilot", ["trips:fly"])
    await app.identity.roles.grant(_operator(), user_id, "pilot")
    for name in ("grace@example.com", str(user_id)):
        who = await app.identity.known_callers.of_user(Context(), name, roles=["admin"])
        assert (who.id, set(who.roles), who.aal) == (user_id, {"pilot", "admin"}, 1)
        assert who.permissions == {"trips:fly", *DEFAULT_ROLES["admin"]}
        assert who.claims["email"] == "grace@example.com"
    somebody = await app.identity.known_callers.of_roles(Context(), ["pilot"], aal=2)
    assert (set(somebody.permissions), somebody.aal) == ({"trips:fly"}, 2)


async def test_the_roles_of_a_new_project_are_those_that_the_code_names(
    atlas: Backstay, running: Doors
) -> None:
    stored = {role.name: tuple(role.permissions) for role in await atlas.identity.roles.all(Context())}
    assert {name: stored[name] for name in DEFAULT_ROLES} == dict(DEFAULT_ROLES)


def _operator() -> Context:
    return Context(SERVICE)
