"""An application with a random schema, its callers, and a way past its rules to the database itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import Connection, and_, or_, select

from backstay import Backstay, Model
from backstay.config.database import DatabaseSettings
from backstay.config.log import LogSettings
from backstay.config.settings import Settings
from backstay.config.tokens import TokenSettings
from tests.api.oracle.actions import row_actions
from tests.api.oracle.mapping import MappedSchema
from tests.api.oracle.models import ROLES, Schema, random_schema, random_state
from tests.api.oracle.rules import Person, Row, State
from tests.api.oracle.values import EMAILS, IDS, Random
from tests.ejected import ejected_by_environment

_SECRET_KEY = "sb_secret_0123456789abcdef0123456"
_TOKENS = TokenSettings(
    secret=SecretStr("oracle-oracle-oracle-oracle-oracle"),
    publishable_key=SecretStr("sb_publishable_0123456789abcdef0123"),
    secret_key=SecretStr(_SECRET_KEY),
)
# What a repeated request answers anew.
_PASSING_HEADERS = frozenset({"date", "x-request-id", "server-timing"})


class World:
    """One application with its data.

    Attributes:
        state: the rows that the database must hold now.
    """

    def __init__(
        self, app: Backstay, client: httpx.AsyncClient, mapped: MappedSchema, state: dict[str, list[Row]]
    ):
        self.app = app
        self.client = client
        self.mapped = mapped
        self.schema: Schema = mapped.schema
        self.state = state
        self.people = _people(app)
        self.is_sqlite = app.settings.database.engine == "sqlite"

    async def ask(
        self, person: Person, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """One request of that caller."""
        return await self.client.request(
            method, path, headers={**person.headers, **(headers or {})}, **options
        )

    async def move_to(self, state: dict[str, list[Row]]) -> None:
        """Make the database hold another state, without asking any rule."""
        async with self.app.sessions.engine.begin() as connection:
            await connection.run_sync(self._apply, state)
        self.state = state

    async def stored(self) -> dict[str, list[Row]]:
        """What the database holds."""
        async with self.app.sessions.engine.connect() as connection:
            return {
                table.name: [dict(row._mapping) for row in await connection.execute(select(table))]
                for table in self.mapped.tables
            }

    def _apply(self, connection: Connection, state: State) -> None:
        """Each table's rows come in one statement and go in one, since they may refer to each other."""
        changes = {name: _difference(self.schema, name, self.state, state) for name in self.schema}
        for name, (_, come, _) in changes.items():
            if come:
                connection.execute(self._table(name).insert().values(come))
        for name, (_, _, changed) in changes.items():
            for row in changed:
                connection.execute(self._table(name).update().where(self._is(name, row)).values(row))
        for name, (gone, _, _) in reversed(changes.items()):
            if gone:
                connection.execute(
                    self._table(name).delete().where(or_(*(self._is(name, row) for row in gone)))
                )

    def _table(self, name: str) -> Any:
        return self.mapped.table(name)

    def _is(self, name: str, row: Row) -> Any:
        table = self._table(name)
        return and_(*(table.c[column] == row[column] for column in self.schema[name].primary_key))


def _difference(schema: Schema, name: str, old: State, new: State) -> tuple[list[Row], list[Row], list[Row]]:
    """Rows to delete, to insert and to update."""
    key_of = schema[name].key_of
    before = {key_of(row): row for row in old[name]}
    after = {key_of(row): row for row in new[name]}
    gone = [row for key, row in before.items() if key not in after]
    come = [row for key, row in after.items() if key not in before]
    changed = [row for key, row in after.items() if key in before and before[key] != row]
    return gone, come, changed


def _people(app: Backstay) -> list[Person]:
    def user(name: str, number: int, *roles: str, email: str | None = None) -> Person:
        token = app.tokens.mint(IDS[number], roles=roles, email=email)
        headers = {"authorization": f"Bearer {token}"}
        return Person(name, IDS[number], roles, email or "", headers=headers)

    return [
        Person("anonymous"),
        user("ann", 0),
        user("bob", 1),
        user("editor", 2, *ROLES),
        user("mail", 3, email=EMAILS[0]),
        Person("service", above_rules=True, headers={"apikey": _SECRET_KEY}),
    ]


@asynccontextmanager
async def random_world(random: Random, number: int, database_url: str, project: Path) -> AsyncIterator[World]:
    """An application with a schema of its own in a database that it may share."""
    mapped = MappedSchema(random_schema(random, number))
    try:
        settings = Settings(
            tokens=_TOKENS,
            docs=False,
            database=DatabaseSettings(url=database_url, pool_size=2),
            log=LogSettings(level="error", access=False),
        )
        models = list(mapped.models.values())
        app = Backstay(
            settings=settings,
            models=models,
            services=[row_actions(model) for model in models],
            project=project,
            title="oracle",
            **ejected_by_environment(models),
        )
        async with app.running(), _client(app) as client:
            async with app.sessions.engine.begin() as connection:
                await connection.run_sync(Model.metadata.create_all, tables=mapped.tables)
            world = World(app, client, mapped, {name: [] for name in mapped.schema})
            await world.move_to(random_state(random, mapped.schema))
            yield world
    finally:
        mapped.forget()


def _client(app: Backstay) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://oracle")


def lasting(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Everything of an answer that must be the same when the same is asked again."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name not in _PASSING_HEADERS)
    request_id = answer.headers.get("x-request-id", "")
    return (
        answer.status_code,
        headers,
        answer.content.replace(request_id.encode(), b"") if request_id else answer.content,
    )
