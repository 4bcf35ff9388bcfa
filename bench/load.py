"""The load generator, a process of its own: connections that stay open, each with one request under way.

Reads one JSON job from standard input, writes one JSON result to standard output. Keeps its own cost near 10 µs a
request, since on a small machine it takes that from the server it measures: no HTTP library, requests made before.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle, islice
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_TWO = 0x32
_STATUS_AT = len(b"HTTP/1.1 ")


@dataclass(frozen=True, slots=True)
class Job:
    """Requests (ASCII) to send to `127.0.0.1:port` in turn, and for how long; the warm-up is not counted."""

    port: int
    requests: list[str]
    connections: int
    warmup_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """Counted requests and how long they took together and each, and all sent, warm-up included."""

    count: int
    seconds: float
    p50_ms: float
    p99_ms: float
    sent: int
    generator_cpu_us: float


class Run:
    """What the connections of one job share."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.stopping = False
        self.failure: str | None = None


class Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last one is complete."""

    def __init__(self, run: Run, requests: list[bytes], start: int) -> None:
        self._run = run
        self._next = cycle(requests[start:] + requests[:start]).__next__
        self._received = b""
        self._expected = 0
        self._sent_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its base class
        self._write = self._transport.write
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._received:
            data = self._received + data
        if not self._expected:
            head = data.find(_HEAD_END)
            if head < 0:
                self._received = data
                return
            length = _LENGTH.search(data, 0, head + 2)
            if length is None:
                self._fail(data)
                return
            self._expected = head + len(_HEAD_END) + int(length[1])
        if len(data) < self._expected:
            self._received = data
            return
        if data[_STATUS_AT] != _TWO or len(data) > self._expected:
            self._fail(data)
            return
        run = self._run
        run.latencies.append(time.perf_counter() - self._sent_at)
        self._received = b""
        self._expected = 0
        if run.stopping:
            self._transport.close()
            return
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._run.stopping and self._run.failure is None:
            self._run.failure = f"the server closed a connection ({exc})"
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._write(self._next())

    def _fail(self, data: bytes) -> None:
        self._run.failure = "unexpected answer:\n" + data[:2000].decode("utf-8", "replace")
        self._transport.abort()


async def perform(job: Job) -> Result:
    """Run the job.

    Raises:
        RuntimeError: an answer was not 2xx or not complete; the message shows it.
    """
    run = Run()
    loop = asyncio.get_running_loop()
    requests = [request.encode("ascii") for request in job.requests]
    step = max(1, len(requests) // job.connections)
    starts = islice(cycle(range(0, len(requests), step)), job.connections)
    connections = []
    for start in starts:
        make = partial(Connection, run, requests, start)
        _, connection = await loop.create_connection(make, "127.0.0.1", job.port)
        connections.append(connection)
    await _watch(run, job.warmup_seconds)
    warm, started_at, cpu = len(run.latencies), time.perf_counter(), time.process_time()
    await _watch(run, job.seconds)
    seconds, cpu = time.perf_counter() - started_at, time.process_time() - cpu
    counted = sorted(run.latencies[warm:])
    run.stopping = True
    await asyncio.gather(*(connection.done for connection in connections))
    if run.failure is not None:
        raise RuntimeError(run.failure)
    if not counted:
        raise RuntimeError(f"no answer within {job.seconds} seconds")
    return Result(
        count=len(counted),
        seconds=seconds,
        p50_ms=counted[len(counted) // 2] * 1000,
        p99_ms=counted[len(counted) * 99 // 100] * 1000,
        sent=len(run.latencies),
        generator_cpu_us=cpu / len(counted) * 1e6,
    )


async def _watch(run: Run, seconds: float) -> None:
    """Let the connections work; leave early when one has failed."""
    end = time.monotonic() + seconds
    while run.failure is None and time.monotonic() < end:
        await asyncio.sleep(min(0.1, max(0.0, end - time.monotonic())))
    if run.failure is not None:
        raise RuntimeError(run.failure)


if __name__ == "__main__":
    try:
        print(json.dumps(asdict(uvloop.run(perform(Job(**json.load(sys.stdin)))))))
    except RuntimeError as error:
        sys.exit(str(error))
