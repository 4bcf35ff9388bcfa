"""The benchmark's arithmetic and its load generator: what must be right for its numbers to mean anything."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

pytest.importorskip("uvloop")

from bench.data import BACKSTAY, HAND_WRITTEN, HELLO, Rows, make_rows
from bench.load import Job, perform
from bench.measure import Sample, rotated
from bench.operations import OPERATIONS, make_tokens
from bench.profiling import Place, places
from bench.report import Spread, summarise

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"
REQUEST = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"


def sample(contender: str, number: int, rate: float) -> Sample:
    return Sample("get", contender, number, rate, 1.0, 2.0, 3.0, 0.0, 5.0)


class Answering(asyncio.Protocol):
    """Sends these pieces, each in a packet of its own, for each request."""

    def __init__(self, pieces: tuple[bytes, ...]) -> None:
        self._pieces = pieces

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for piece in self._pieces:
            self._transport.write(piece)


@asynccontextmanager
async def answering(*pieces: bytes) -> AsyncIterator[int]:
    """The port of such a server."""
    server = await asyncio.get_running_loop().create_server(lambda: Answering(pieces), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def load(*pieces: bytes) -> int:
    async with answering(*pieces) as port:
        result = await perform(Job(port, [REQUEST], connections=2, warmup_seconds=0.0, seconds=0.1))
    return result.count


async def test_answers_are_counted_whole_however_they_are_cut() -> None:
    assert await load(OK) > 0
    assert await load(OK[:20], OK[20:-2], OK[-2:]) > 0


async def test_an_answer_that_is_not_2xx_stops_the_run_and_is_shown() -> None:
    with pytest.raises(RuntimeError, match="the reason"):
        await load(b"HTTP/1.1 503 Unavailable\r\ncontent-length: 10\r\n\r\nthe reason")


async def test_bytes_beyond_the_answer_stop_the_run_so_that_none_is_counted_twice() -> None:
    with pytest.raises(RuntimeError, match="unexpected"):
        await load(OK + b"more")


async def test_an_answer_without_a_length_stops_the_run() -> None:
    with pytest.raises(RuntimeError, match="unexpected"):
        await load(b"HTTP/1.1 200 OK\r\n\r\n")


def test_a_ratio_is_taken_within_its_round_and_then_the_median() -> None:
    rates = [(100.0, 10.0), (40.0, 10.0), (900.0, 100.0)]
    samples = [
        sample(contender, number, rate)
        for number, pair in enumerate(rates)
        for contender, rate in zip((BACKSTAY, HAND_WRITTEN), pair, strict=True)
    ]
    ours = summarise(samples)[0]
    assert ours.requests_per_second == Spread(100.0, 40.0, 900.0)
    assert ours.over_hand_written == Spread(9.0, 4.0, 10.0)
    assert ours.over_hello_world is None


def test_every_contender_begins_a_round_in_turn() -> None:
    assert [rotated("abc", number)[0] for number in range(4)] == ["a", "b", "c", "a"]


@pytest.fixture(scope="module")
def rows() -> Rows:
    return make_rows()


def test_rows_are_the_same_every_time_and_as_many_as_promised(rows: Rows) -> None:
    assert rows.trips == make_rows().trips
    assert len(rows.airports) > 20_000
    assert {row["country_code"] for row in rows.airports} == {row["code"] for row in rows.countries}


def test_requests_carry_varied_keys_and_callers_and_the_length_of_their_body(rows: Rows) -> None:
    tokens = make_tokens(rows.users)
    for operation in OPERATIONS:
        asks = [operation.make(Random(seed), rows, tokens) for seed in range(64)]
        assert len({ask.encode(BACKSTAY) for ask in asks}) > 60, operation.name
        assert len({ask.token for ask in asks}) > 30, operation.name
        for ask in asks[:4]:
            head, _, body = ask.encode(HAND_WRITTEN).partition(b"\r\n\r\n")
            assert not body or b"content-length: %d\r\n" % len(body) in head + b"\r\n"
            assert ask.encode(HELLO).startswith(b"GET / ")


def test_a_function_that_recurses_is_counted_once_for_a_stack() -> None:
    stacks = ["run (a.py:1);walk (b.py:2);walk (b.py:3) 3", "run (a.py:4) 1"]
    assert places(stacks) == [
        Place("run (a.py)", 0.25, 1.0),
        Place("walk (b.py)", 0.75, 0.75),
    ]
