"""Responses on the wire, from applications that no layer of ours stands before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from backstay.config.http import HttpSettings
from backstay.middleware.server import uvicorn_config

Header = tuple[bytes, bytes]
SIZED = [(b"content-length", b"2")]


async def answer_of(
    headers: Sequence[Header], pieces: Sequence[bytes] = (b"ok",), method: bytes = b"GET", status: int = 200
) -> bytes:
    """All bytes that a client gets on a connection of its own."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        for number, piece in enumerate(pieces, 1):
            more = number < len(pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    config = uvicorn_config(app, HttpSettings(), lifespan="off")
    config.load()
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    loop = asyncio.get_running_loop()
    state = ServerState()

    def protocol() -> asyncio.Protocol:
        made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=state, app_state={}
        )
        return made

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(method + b" / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    return answer


@pytest.mark.parametrize(
    "header",
    [
        (b"x-a", b"1\r\nset-cookie: a=b"),
        (b"x-a", b"1\nset-cookie: a=b"),
        (b"x-a", b"1\rset-cookie: a=b"),
        (b"x-a", b"\0"),
        (b"x-a: b\r\nset-cookie", b"a=b"),
        (b"content-length", b"2\r\nset-cookie: a=b"),
    ],
)
async def test_a_header_cannot_start_another_line(header: Header) -> None:
    answer = await answer_of([*SIZED, header])
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in answer


async def test_a_response_of_known_length_is_whole_in_every_form() -> None:
    for pieces in ([b"ok"], [b"o", b"k"], [b"ok", b""]):
        assert (await answer_of(SIZED, pieces)).endswith(b"\r\n\r\nok")
    large = b"x" * 200_000
    assert (await answer_of([(b"content-length", b"200000")], [large])).endswith(b"\r\n\r\n" + large)
    assert (await answer_of(SIZED, method=b"HEAD")).endswith(b"connection: close\r\n\r\n")
    for status in (204, 304):
        assert (await answer_of([], [b""], status=status)).endswith(b"connection: close\r\n\r\n")


@pytest.mark.parametrize("pieces", [[b"longer"], [b"s"], [b""], [b"o", b"longer"], [b"o", b""]])
async def test_a_body_that_is_not_as_long_as_it_said_ends_the_connection(pieces: list[bytes]) -> None:
    _, _, body = (await answer_of(SIZED, pieces)).partition(b"\r\n\r\n")
    assert len(body) < 2


@pytest.mark.parametrize(
    "framing", [[], [(b"transfer-encoding", b"chunked")], [(b"Transfer-Encoding", b"gzip, chunked")]]
)
async def test_a_stream_is_chunked_once(framing: list[Header]) -> None:
    answer = await answer_of(framing, [b"o", b"k"])
    assert answer.lower().count(b"transfer-encoding") == 1
    assert answer.endswith(b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n")


async def test_a_length_beside_a_coding_wins_alone() -> None:
    answer = await answer_of([(b"Content-Length", b"2"), (b"transfer-encoding", b"chunked")])
    assert b"chunked" not in answer
    assert answer.endswith(b"\r\n\r\nok")
