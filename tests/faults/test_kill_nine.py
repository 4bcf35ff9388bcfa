"""`kill -9` of the server while it writes: what was acknowledged is there, and nothing is half written."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from tests.engines import PostgresServer, free_port
from tests.faults.ledger import Entry, make_app

KILLS = 20
WRITERS = 8
LINES = 3
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database("ledger")


@pytest.mark.timeout(300)
async def test_every_acknowledged_write_survives_kill_nine_and_none_is_half_written(url: str) -> None:
    app = make_app(url)
    async with app.sessions.engine.begin() as connection:
        await connection.run_sync(Entry.__table__.create)  # type: ignore[attr-defined]  # always a Table here
    acknowledged: set[UUID] = set()
    attempted: set[UUID] = set()
    for _ in range(KILLS):
        await _write_until_killed(url, acknowledged, attempted)
    async with app.sessions.reading() as session:
        lines = Counter((await session.execute(select(Entry.batch))).scalars())
    await app.sessions.close()
    assert acknowledged, "no write was ever acknowledged, so nothing was tested"
    assert acknowledged <= lines.keys(), "an acknowledged write is lost"
    assert lines.keys() <= attempted
    assert set(lines.values()) == {LINES}, "a write is there by half"


def _serve(url: str, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.faults.ledger", url, str(port)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


async def _write_until_killed(url: str, acknowledged: set[UUID], attempted: set[UUID]) -> None:
    port = free_port()
    process = _serve(url, port)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
            await _until_alive(client, process)
            writers = [asyncio.create_task(_write(client, acknowledged, attempted)) for _ in range(WRITERS)]
            await asyncio.sleep(random.uniform(0.1, 0.4))
            process.send_signal(signal.SIGKILL)
            await asyncio.gather(*writers)
    finally:
        process.kill()
        process.wait()


async def _until_alive(client: httpx.AsyncClient, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        assert process.poll() is None, "the server did not start"
        with suppress(httpx.TransportError):
            if (await client.get("/health/live")).status_code == 200:
                return
        await asyncio.sleep(0.05)
    pytest.fail("the server did not answer within 20 seconds")


async def _write(client: httpx.AsyncClient, acknowledged: set[UUID], attempted: set[UUID]) -> None:
    """Write batches until the server is gone."""
    while True:
        batch = uuid4()
        attempted.add(batch)
        rows = [{"batch": str(batch), "line": line} for line in range(LINES)]
        try:
            answer = await client.post("/rest/v1/ledger_entries", json=rows)
        except httpx.TransportError:
            return
        assert answer.status_code == 201, answer.text
        acknowledged.add(batch)
