"""Reads and writes of the generated API become part of a session's transaction: kept with it, undone with it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from backstay.errors import BackstayError
from backstay.models.access.caller import SERVICE
from backstay.models.resources.request import (
    ColumnPath,
    Filter,
    Operator,
    Query,
    Request,
    Rows,
    SelectColumn,
    Write,
    WriteKind,
)
from backstay.services.context import Context
from tests.api.harbour import Harbour
from tests.api.models import Ship
from tests.callers import CallerClient

CONTEXT = Context(caller=SERVICE)
NAMED = Query(select=(SelectColumn(ColumnPath("name")),), where=(Filter(ColumnPath("name"), Operator.EQ, 0),))


async def write(app: Harbour, session: Any, kind: WriteKind, name: str, **row: Any) -> bytes | None:
    """One write of ships through the generated API's own writer."""
    writer, asked = app.app.tables.of("ships"), Write("ships", kind, NAMED, representation=True)
    if kind is WriteKind.INSERT:
        asked = Write("ships", kind, Query(select=NAMED.select), representation=True)
        rows = Rows(({"name": name, **row},))
        return (await writer.insert(CONTEXT, asked, (), rows, session=session)).body
    if kind is WriteKind.UPDATE:
        return (await writer.update(CONTEXT, asked, (name,), Rows((row,)), session=session)).body
    return (await writer.delete(CONTEXT, asked, (name,), session=session)).body


async def found(app: Harbour, name: str, session: Any = None) -> bytes:
    page = await app.app.tables.of("ships").read(CONTEXT, Request("ships", NAMED), (name,), session=session)
    return page.body


def test_what_both_write_is_seen_by_both_and_kept_together(app: Harbour) -> None:
    async def work() -> None:
        async with app.app.units.begin(CONTEXT) as session:
            session.add(Ship(name="by the session"))
            assert await found(app, "by the session", session) == b'[{"name":"by the session"}]'
            body = await write(app, session, WriteKind.INSERT, "by the API", tons=7)
            assert body == b'[{"name":"by the API"}]'
            assert await session.scalar(select(Ship.tons).where(Ship.name == "by the API")) == 7
            await write(app, session, WriteKind.UPDATE, "by the session", tons=9)
            assert await write(app, session, WriteKind.DELETE, "by the API") == b'[{"name":"by the API"}]'
            assert await found(app, "by the session") == b"[]"
        assert await found(app, "by the session") == b'[{"name":"by the session"}]'
        assert await found(app, "by the API") == b"[]"

    app.note_change()
    app.run(work())


@pytest.mark.parametrize(
    ("row", "code"),
    [({"home_code": "NOPE"}, "23503"), ({"name": "by the session"}, "23505")],
)
def test_what_the_database_refuses_reads_as_ever_and_undoes_all(
    app: Harbour, service: CallerClient, row: dict[str, Any], code: str
) -> None:
    async def work() -> None:
        async with app.app.units.begin(CONTEXT) as session:
            await session.execute(insert(Ship).values(name="by the session"))
            await write(app, session, WriteKind.INSERT, "good")
            await write(app, session, WriteKind.INSERT, **{"name": "bad", **row})

    app.note_change()
    with pytest.raises(BackstayError) as raised:
        app.run(work())
    nowhere = {"home_code": None}
    alone = service.post(
        "/rest/v1/ships", [{"name": "by the session"} | nowhere, {"name": "bad"} | nowhere | row]
    )
    assert raised.value.code == code == alone.json()["code"]
    assert raised.value.message == alone.json()["message"]
    assert service.rows("/rest/v1/ships?name=in.(good,bad)") == []
