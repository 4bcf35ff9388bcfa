"""`python -m bench.login_storm`: what everybody else notices of 200 logins at once.

Serves a small project as its users do and reads one record again and again, first with nothing else going on, then
while another process logs in on 200 connections: all at the same moment, and each again when it is answered, or after
`Retry-After` when it was turned away. The throttles are set so high that every login costs its hash.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import httpx
import psutil
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from tests.engines import PostgresServer
from tests.identity.served import PUBLISHABLE_KEY, SECRET_KEY, Served, serving

ENGINES = ("sqlite", "postgresql")
ACCOUNTS = 20
PASSWORD = "correct horse battery staple"
# Between two reads, so that reading does not take a processor to itself.
PAUSE_SECONDS = 0.002
# Asking takes 3 ms of a processor, so it is done seldom, and at rest as in the storm.
MEMORY_SECONDS = 0.5
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """Of one engine: read latencies in milliseconds, idle and in the storm, and what became of the logins.

    Attributes:
        memory: resident bytes of the server's processes, before the storm and at most in it.
    """

    idle: list[float]
    stormy: list[float]
    answers: Counter[int]
    memory: tuple[int, int]


class Connection:
    """One kept-alive connection, with one request under way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> tuple[int, float]:
        """The status and the seconds of `Retry-After`."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length, wait = _LENGTH.search(head), _RETRY_AFTER.search(head)
        if length is None:
            raise RuntimeError(f"unexpected answer: {head[:500]!r}")
        await self._reader.readexactly(int(length[1]))
        return int(head[9:12]), float(wait[1]) if wait else 0.0

    def close(self) -> None:
        self._writer.close()


def read(port: int, request: bytes, seconds: float) -> list[float]:
    """Milliseconds of each read, one after the other."""
    return uvloop.run(_read(port, request, seconds))


async def _read(port: int, request: bytes, seconds: float) -> list[float]:
    connection = await Connection.open(port)
    taken = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        status, _ = await connection.ask(request)
        taken.append((time.perf_counter() - start) * 1000)
        if status != 200:
            raise RuntimeError(f"a read was answered with {status}")
        await asyncio.sleep(PAUSE_SECONDS)
    connection.close()
    return taken


def log_in(port: int, requests: list[bytes], connections: int, seconds: float) -> dict[int, int]:
    """How many logins were answered with which status."""
    return uvloop.run(_log_in(port, requests, connections, seconds))


async def _log_in(port: int, requests: list[bytes], connections: int, seconds: float) -> dict[int, int]:
    opened = [await Connection.open(port) for _ in range(connections)]
    answers: Counter[int] = Counter()
    end = time.monotonic() + seconds

    async def storm(number: int) -> None:
        while time.monotonic() < end:
            status, wait = await opened[number].ask(requests[number % len(requests)])
            answers[status] += 1
            await asyncio.sleep(wait)
        opened[number].close()

    await asyncio.gather(*[storm(number) for number in range(connections)])
    return dict(answers)


def main(
    connections: Annotated[int, typer.Option(min=1, help="Logins at once.")] = 200,
    seconds: Annotated[float, typer.Option(min=1, help="How long each part takes.")] = 8.0,
) -> None:
    """Compare the latency of a record's reads at rest with that in a storm of logins, on both engines."""
    table = Table("engine", "reads", "p50 ms", "p99 ms", "logins", "server MiB", title="login storm")
    for engine in ENGINES:
        with staged(engine) as served:
            found = measure(served, connections, seconds)
        before, most = (f"{size / 2**20:.0f}" for size in found.memory)
        logins = ", ".join(f"{count} × {status}" for status, count in sorted(found.answers.items()))
        for name, taken, answers, memory in (
            ("at rest", found.idle, "", before),
            ("in the storm", found.stormy, logins, most),
        ):
            p50, p99 = percentile(taken, 50), percentile(taken, 99)
            table.add_row(engine, f"{len(taken)} {name}", f"{p50:.2f}", f"{p99:.2f}", answers, memory)
        ratio = percentile(found.stormy, 99) / percentile(found.idle, 99)
        table.add_row(engine, "ratio", "", f"{ratio:.2f}", "", "")
    Console().print(table)


@contextmanager
def staged(engine: str) -> Iterator[Served]:
    """The application on an empty database, throttles out of the way."""
    with TemporaryDirectory(prefix="backstay-storm-") as name:
        server = PostgresServer() if engine == "postgresql" else None
        try:
            if server is not None:
                server.create()
            url = f"sqlite:///{name}/app.db" if server is None else server.create_database("storm")
            with serving(Path(name), url, BACKSTAY_AUTH__THROTTLE_FACTOR="1000") as served:
                yield served
        finally:
            if server is not None:
                server.remove()


def measure(served: Served, connections: int, seconds: float) -> Found:
    """Both parts, on a served application.

    Raises:
        RuntimeError: a read failed.
    """
    port = int(served.address.rpartition(":")[2])
    reading, logins = _requests(served)
    server = psutil.Process(served.running[0].pid)
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        at_rest = processes.submit(read, port, reading, seconds)
        before = _most_memory(server, at_rest)
        storm = processes.submit(log_in, port, logins, connections, seconds)
        in_storm = processes.submit(read, port, reading, seconds)
        most = _most_memory(server, storm, in_storm)
        return Found(at_rest.result(), in_storm.result(), Counter(storm.result()), (before, most))


def _requests(served: Served) -> tuple[bytes, list[bytes]]:
    """One that reads a record, and one login for each account; all made here."""
    with httpx.Client(base_url=served.address) as client:
        client.headers["Authorization"] = f"Bearer {SECRET_KEY}"
        made = client.post(
            "/rest/v1/articles", json={"title": "storm"}, headers={"Prefer": "return=representation"}
        )
        path = f"/rest/v1/articles/{made.raise_for_status().json()[0]['id']}"
        accounts = [
            {"email": f"storm{number}@example.com", "password": PASSWORD} for number in range(ACCOUNTS)
        ]
        for account in accounts:
            client.post("/auth/v1/admin/users", json={**account, "email_confirm": True}).raise_for_status()
    login = "/auth/v1/token?grant_type=password"
    return _encode("GET", path), [_encode("POST", login, json.dumps(account)) for account in accounts]


def _encode(method: str, path: str, body: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"apikey: {PUBLISHABLE_KEY}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("ascii")


def percentile(values: list[float], part: int) -> float:
    """The value that so many of a hundred stay below."""
    return sorted(values)[len(values) * part // 100]


def _most_memory(process: psutil.Process, *until: Future[Any]) -> int:
    most = 0
    while not all(future.done() for future in until):
        most = max(most, _memory(process))
        time.sleep(MEMORY_SECONDS)
    return most


def _memory(process: psutil.Process) -> int:
    family = [process, *process.children(recursive=True)]
    return sum(member.memory_info().rss for member in family)


if __name__ == "__main__":
    typer.run(main)
