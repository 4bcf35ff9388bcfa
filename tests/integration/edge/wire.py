"""Raw sockets and what came back on them, and a server process to talk to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from backstay.middleware.security_headers import SECURITY_HEADERS

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def assert_is_problem(self) -> None:
        """The form that every error has, whichever layer it came from."""
        assert self.headers["content-type"] == "application/problem+json"
        document = json.loads(self.body)
        assert document["status"] == self.status
        assert set(document) == {
            "type", "title", "status", "detail", "instance", "request_id", "code", "message", "details", "hint",
        }  # fmt: skip
        assert document["request_id"] == self.headers["x-request-id"]
        self.assert_is_secured()

    def assert_is_secured(self) -> None:
        """The headers that every response has."""
        for name, value in SECURITY_HEADERS:
            assert self.headers.get(name.decode()) == value.decode(), name
        assert "server" not in self.headers
        assert "x-powered-by" not in self.headers


@dataclass(frozen=True)
class Conversation:
    """What a connection brought until it ended or the time was up."""

    raw: bytes
    closed: bool
    seconds: float
    answers: list[Answer] = field(default_factory=list)

    @property
    def statuses(self) -> list[int]:
        return [answer.status for answer in self.answers]


@dataclass(frozen=True)
class Served:
    """A server process of the tests' own."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def once(self, raw: bytes, seconds: float = 2.0, until: int = 0) -> Conversation:
        """Send `raw`, then read: until the end, `until` answers, or the time is up."""
        with self.connect() as connection:
            with suppress(OSError):
                connection.sendall(raw)
            return self.read(connection, seconds, until)

    def connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=5)

    def read(self, connection: socket.socket, seconds: float, until: int = 0) -> Conversation:
        started, raw, closed = time.monotonic(), b"", False
        while (left := seconds - (time.monotonic() - started)) > 0:
            connection.settimeout(left)
            try:
                data = connection.recv(65536)
            except TimeoutError:
                break
            except OSError:
                closed = True
                break
            if not data:
                closed = True
                break
            raw += data
            if until and len(_parsed(raw)) >= until:
                break
        return Conversation(raw, closed, time.monotonic() - started, _parsed(raw))

    def drip(self, first: bytes, piece: bytes, seconds: float) -> Conversation:
        """Send `first`, then `piece` twice a second, until the server has had enough."""
        with self.connect() as connection:
            started, raw, closed = time.monotonic(), b"", False
            connection.sendall(first)
            while not closed and time.monotonic() - started < seconds:
                read = self.read(connection, 0.5)
                raw, closed = raw + read.raw, read.closed
                try:
                    connection.sendall(piece)
                except OSError:
                    closed = True
            return Conversation(raw, closed, time.monotonic() - started, _parsed(raw))


def _parsed(raw: bytes) -> list[Answer]:
    answers = []
    while b"\r\n\r\n" in raw:
        head, raw = raw.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        if headers.get("transfer-encoding") == "chunked":
            body, _, raw = raw.partition(b"0\r\n\r\n")
        else:
            length = int(headers.get("content-length", "0"))
            if len(raw) < length:
                break
            body, raw = raw[:length], raw[length:]
        if status >= 200:
            answers.append(Answer(status, headers, body))
    return answers


@contextmanager
def served(folder: Path, kind: str = "strict", **settings: object) -> Iterator[Served]:
    """Serve the application in a process of its own, as `strict`, `stock` or `granian`."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    log = folder / f"{kind}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.integration.edge.application",
                kind,
                str(port),
                json.dumps(settings),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[3],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
    try:
        _wait(port, process, log)
        yield Served(port, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
