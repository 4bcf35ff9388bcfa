"""The audit log: a line for what was done and none for what was undone, which nobody changes: on both engines."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text
from structlog.testing import capture_logs

from backstay.config.database import DatabaseSettings
from backstay.errors import BackstayError
from backstay.models.access.caller import ANONYMOUS, SERVICE, Caller
from backstay.models.auth.records import AuditEntry, AuditEvent
from backstay.models.base import Model
from backstay.repositories.auth.audit import MAX_PAGE, AuditRepository
from backstay.repositories.database.choose import unique_names
from backstay.repositories.database.sessions import open_sessions
from backstay.services.auth.audit import CLI, MAX_DETAIL_LENGTH, Audit
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork

ADA, BOB, SESSION, KEY = (UUID(int=number) for number in range(1, 5))
CONTEXT = Context(Caller(id=ADA, role="authenticated"), request_id="r-1", client_ip="2001:db8::1")
START = dt.datetime(2026, 1, 31, 23, 59, 59, 999_990, tzinfo=dt.UTC)


@pytest.fixture
async def units(migrated_url: str, tmp_path: Path) -> AsyncIterator[UnitOfWork]:
    sessions = open_sessions(
        DatabaseSettings(url=migrated_url), tmp_path, unique_names(Model.metadata.tables.values())
    )
    yield UnitOfWork(sessions)
    await sessions.close()


async def lines(units: UnitOfWork, **wanted: Any) -> list[AuditEntry]:
    async with units.begin(CONTEXT, reading=True) as session:
        found, _ = await AuditRepository(session).page(**wanted)
        return list(found)


async def record(units: UnitOfWork, context: Context = CONTEXT, **values: Any) -> AuditEntry:
    """Add one line and return it as it was kept."""
    async with units.begin(context) as session:
        Audit().record(session, context, values.pop("event", AuditEvent.SIGNED_OUT), **values)
    (line, *_) = await lines(units)
    return line


async def test_a_line_says_who_did_what_to_whom_from_where(units: UnitOfWork) -> None:
    line = await record(
        units, event=AuditEvent.USER_BANNED, user_id=BOB, session_id=SESSION, role="admin", days=3, until=None
    )
    assert (line.event, line.actor, line.user_id, line.session_id) == (
        "user_banned",
        str(ADA),
        BOB,
        SESSION,
    )
    assert (line.request_id, line.client_ip) == ("r-1", "2001:db8::1")
    assert line.details == {"role": "admin", "days": 3, "until": None}
    assert abs(dt.datetime.now(dt.UTC) - line.created_at) < dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("caller", "actor"),
    [
        (ANONYMOUS, "anonymous"),
        (SERVICE, "service"),
        (CLI, "cli"),
        (Caller(claims={"api_key_id": str(KEY)}), f"key:{KEY}"),
        (Caller(role="service_role", claims={"api_key_id": str(KEY)}), f"key:{KEY}"),
        (Caller(id=BOB, claims={"api_key_id": str(KEY)}), str(BOB)),
    ],
)
async def test_the_actor_is_named_by_what_was_proven(units: UnitOfWork, caller: Caller, actor: str) -> None:
    assert (await record(units, Context(caller))).actor == actor


async def test_the_process_log_has_the_line_once_it_is_committed_and_never_before(units: UnitOfWork) -> None:
    with capture_logs() as logged:
        async with units.begin(CONTEXT) as session:
            Audit().record(session, CONTEXT, AuditEvent.SIGNED_OUT, user_id=ADA, scope="global")
            Audit().record(session, CONTEXT, AuditEvent.USER_DELETED, user_id=BOB)
            assert logged == []
    assert [line["event"] for line in logged] == ["signed_out", "user_deleted"]
    assert logged[0] == {
        "event": "signed_out",
        "log_level": "info",
        "actor": str(ADA),
        "user_id": str(ADA),
        "session_id": None,
        "request_id": "r-1",
        "client_ip": "2001:db8::1",
        "details": {"scope": "global"},
    }


async def test_what_is_undone_leaves_no_line_in_either_log(units: UnitOfWork) -> None:
    with capture_logs() as logged:
        try:
            async with units.begin(CONTEXT) as session:
                Audit().record(session, CONTEXT, AuditEvent.SIGNED_OUT)
                raise BackstayError("conflict")
        except BackstayError:
            assert await lines(units) == []
    assert logged == []


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "refresh_token", "code", "totp", "secret", "key_hash", "code_verifier"],
)
async def test_a_detail_named_like_a_secret_is_refused_before_anything_is_written(
    units: UnitOfWork, name: str
) -> None:
    details: dict[str, Any] = {name: "canary"}
    with pytest.raises(ValueError, match=name):
        await record(units, **details)
    assert await lines(units) == []


async def test_what_clients_send_is_stored_by_both_databases_whatever_it_is(units: UnitOfWork) -> None:
    context = Context(request_id="r" * 500, client_ip="fe80::1%" + "z" * 500)
    line = await record(units, context, agent="a\0b\ud800\r\n" + "x" * 500)
    assert line.details["agent"].startswith("ab?\r\nx")
    assert len(line.details["agent"]) <= MAX_DETAIL_LENGTH
    assert (len(line.request_id), len(line.client_ip)) == (128, 45)


async def fill(units: UnitOfWork, count: int) -> list[UUID]:
    """Lines about two users in turn, several at a time; returns their ids, the newest first."""
    moments = iter([START + dt.timedelta(microseconds=n // 3) for n in range(count)])
    audit = Audit(clock=lambda: next(moments))
    async with units.begin(CONTEXT) as session:
        for n in range(count):
            event = AuditEvent.USER_SIGNED_IN if n % 5 else AuditEvent.SIGN_IN_FAILED
            audit.record(session, CONTEXT, event, user_id=(ADA, BOB)[n % 2], number=n)
    found = await lines(units, limit=MAX_PAGE)
    assert [(one.created_at, one.id) for one in found] == sorted(
        [(one.created_at, one.id) for one in found], reverse=True
    )
    return [one.id for one in found]


async def test_pages_hold_every_line_once_also_when_some_are_added_meanwhile(units: UnitOfWork) -> None:
    everything = await fill(units, 40)
    assert len(set(everything)) == 40
    seen: list[UUID] = []
    before: AuditEntry | None = None
    while page := await lines(units, before=before, limit=7):
        seen += [one.id for one in page]
        before = page[-1]
        await record(units)
    assert seen == everything


async def test_lines_are_found_by_user_event_and_time(units: UnitOfWork) -> None:
    await fill(units, 40)
    of_bob = await lines(units, user_id=BOB)
    assert sorted(one.details["number"] for one in of_bob) == list(range(1, 40, 2))
    assert len(await lines(units, event="sign_in_failed")) == 8
    assert len(await lines(units, event="sign_in_failed", user_id=BOB)) == 4
    assert await lines(units, event="no_such_event") == []
    # Across a second, a month and a change of how many digits the fraction has.
    since, until = START + dt.timedelta(microseconds=9), START + dt.timedelta(microseconds=11)
    assert {one.created_at for one in await lines(units, since=since, until=until)} == {
        since,
        since + dt.timedelta(microseconds=1),
    }
    elsewhere = since.astimezone(dt.timezone(dt.timedelta(hours=-9)))
    assert len(await lines(units, since=elsewhere, until=until)) == 6


async def test_a_page_says_how_many_lines_there_are_and_is_never_longer_than_a_thousand(
    units: UnitOfWork,
) -> None:
    await fill(units, 6)
    async with units.begin(CONTEXT) as session:
        await session.execute(
            insert(AuditEntry),
            [
                {"event": "x", "actor": "cli", "request_id": "", "client_ip": "", "details": {}}
                for _ in range(MAX_PAGE)
            ],
        )
    async with units.begin(CONTEXT, reading=True) as session:
        found, count = await AuditRepository(session).page(limit=10**9)
        assert (len(found), count) == (MAX_PAGE, MAX_PAGE + 6)
        found, count = await AuditRepository(session).page(user_id=ADA, limit=2, offset=2)
        assert (len(found), count) == (1, 3)


CHANGES = """
UPDATE backstay_audit_log SET actor = 'nobody'
DELETE FROM backstay_audit_log
DELETE FROM backstay_audit_log WHERE actor = 'anonymous'
INSERT INTO backstay_audit_log SELECT * FROM backstay_audit_log WHERE true ON CONFLICT (id) DO UPDATE SET actor = 'x'
"""
CHANGES_OF_SQLITE = """
INSERT OR REPLACE INTO backstay_audit_log SELECT * FROM backstay_audit_log
REPLACE INTO backstay_audit_log SELECT * FROM backstay_audit_log WHERE actor = 'anonymous'
INSERT OR REPLACE INTO backstay_audit_log (rowid, id, created_at, event, actor, request_id, client_ip, details) \
SELECT rowid, 'x', created_at, event, 'nobody', '', '', details FROM backstay_audit_log
UPDATE OR REPLACE backstay_audit_log SET id = 'x'
"""
CHANGES_OF_POSTGRESQL = """
UPDATE backstay_audit_log SET actor = 'nobody' WHERE false
TRUNCATE backstay_audit_log
TRUNCATE backstay_audit_log CASCADE
MERGE INTO backstay_audit_log a USING backstay_audit_log b ON a.id = b.id WHEN MATCHED THEN DELETE
"""


async def test_nobody_changes_or_removes_a_line(units: UnitOfWork, migrated_url: str) -> None:
    own = CHANGES_OF_SQLITE if migrated_url.startswith("sqlite") else CHANGES_OF_POSTGRESQL
    line = await record(units, Context())
    for change in (CHANGES + own).split("\n"):
        if not change:
            continue
        with pytest.raises(BackstayError):
            await run(units, change)
        (left,) = await lines(units)
        assert (left.id, left.actor, left.created_at) == (line.id, "anonymous", line.created_at), change


async def run(units: UnitOfWork, statement: str) -> None:
    async with units.begin(CONTEXT) as session:
        await session.execute(text(statement))


async def test_of_many_at_once_each_leaves_its_line(units: UnitOfWork) -> None:
    async def one(n: int) -> None:
        async with units.begin(CONTEXT) as session:
            Audit().record(session, CONTEXT, AuditEvent.TOKEN_REUSED, number=n)

    await asyncio.gather(*[one(n) for n in range(20)])
    assert sorted(one.details["number"] for one in await lines(units)) == list(range(20))


def test_names_of_events_fit_their_column() -> None:
    assert max(len(event) for event in AuditEvent) <= 60
