"""The vectors of request smuggling, slow clients and limits, sent to a served process over raw sockets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.integration.edge.wire import Conversation, Served

GET = b"GET / HTTP/1.1\r\n"
HOST = b"Host: a\r\n"
END = b"\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
WEBSOCKET = (
    HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


def _get(target: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + END


REFUSED: dict[str, tuple[bytes, int]] = {
    "no Host": (GET + END, 400),
    "two Hosts": (GET + HOST + b"Host: b\r\n" + END, 400),
    "the same Host twice": (GET + HOST + HOST + END, 400),
    "a query in the Host": (GET + b"Host: a/?x=\r\n\r\n", 400),
    "userinfo in the Host": (GET + b"Host: a@b\r\n\r\n", 400),
    "an empty Host": (GET + b"Host:\r\n\r\n", 400),
    "a port that is no number": (GET + b"Host: a:x\r\n\r\n", 400),
    "length, then coding": (POST + b"Content-Length: 3\r\n" + CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", 400),
    "coding, then length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        400,
    ),
    "two different lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "the same length twice": (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a list of lengths": (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    "coding ,chunked": (POST + b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", 400),
    "coding chunked,chunked": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    "coding twice": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "coding identity": (POST + b"Transfer-Encoding: identity\r\n\r\n", 400),
    "coding gzip,chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "coding xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "coding with a tab": (POST + b"Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n", 400),
    "coding on HTTP/1.0": (b"POST / HTTP/1.0\r\nHost: a\r\n" + CHUNKED + b"0\r\n\r\n", 400),
    "chunk size 0x4": (POST + CHUNKED + b"0x4\r\nabcd\r\n0\r\n\r\n", 400),
    "chunk with a wrong end": (POST + CHUNKED + b"3\r\nabcXX0\r\n\r\n", 400),
    "chunk size over 64 bits": (POST + CHUNKED + b"fffffffffffffffff\r\nabc", 400),
    "chunk size -1": (POST + CHUNKED + b"-1\r\nabc", 400),
    "chunk lines end in LF": (POST + CHUNKED + b"3\nabc\n0\n\n", 400),
    "chunk size with spaces": (POST + CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n", 400),
    "all lines end in LF": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "one line ends in LF": (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    "folded header": (GET + HOST + b"X: a\r\n b\r\n\r\n", 400),
    "bare CR": (GET + HOST + b"X: a\rb\r\n\r\n", 400),
    "NUL in a value": (GET + HOST + b"X: a\0b\r\n\r\n", 400),
    "empty name": (GET + HOST + b": a\r\n\r\n", 400),
    "8-bit name": (GET + HOST + b"X\xe9: a\r\n\r\n", 400),
    "space before the colon": (GET + HOST + b"X : a\r\n\r\n", 400),
    "length +4": (POST + b"Content-Length: +4\r\n\r\nabcd", 400),
    "length 1_0": (POST + b"Content-Length: 1_0\r\n\r\n0123456789", 400),
    "length -1": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "64 KiB header": (GET + HOST + b"X: " + b"a" * 65536 + b"\r\n\r\n", 431),
    "1 MB header": (GET + HOST + b"X: " + b"a" * 1048576 + b"\r\n\r\n", 431),
    "1 MB header without an end": (GET + HOST + b"X: " + b"a" * 1048576, 431),
    "5000 headers": (GET + HOST + b"".join(b"X-%d: a\r\n" % number for number in range(5000)) + END, 431),
    "101 short headers": (GET + HOST + b"X: a\r\n" * 100 + END, 431),
    "64 KiB target": (_get(b"/" + b"a" * 65536), 414),
    "%00 in the path": (_get(b"/a%00b"), 400),
    "%0a in the path": (_get(b"/a%0ab"), 400),
    "%2e%2e in the path": (_get(b"/a/%2e%2e/b"), 400),
    ".%2E/ in the path": (_get(b"/a/.%2E/b"), 400),
    "..%2f in the path": (_get(b"/a/..%2fb"), 400),
    "%5c..%5c in the path": (_get(b"/a%5c..%5cb"), 400),
    ".. in the path": (_get(b"/a/../b"), 400),
    ".. at the end of the path": (_get(b"/a/.."), 400),
    "%zz in the path": (_get(b"/%zz"), 400),
    "8-bit path": (_get(b"/\xff"), 400),
    "path that is not UTF-8": (_get(b"/%ff"), 400),
    "fragment": (_get(b"/a#b"), 400),
    "absolute target": (_get(b"http://b/"), 400),
    "asterisk target": (b"OPTIONS * HTTP/1.1\r\n" + HOST + END, 400),
    "websocket protocol not ASCII": (GET + WEBSOCKET + b"Sec-WebSocket-Protocol: caf\xc3\xa9\r\n\r\n", 400),
    "websocket": (GET + WEBSOCKET + END, 400),
    "h2c upgrade": (GET + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 400),
    "TRACE": (b"TRACE / HTTP/1.1\r\n" + HOST + END, 405),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\n" + HOST + END, 405),
    "PROPFIND": (b"PROPFIND / HTTP/1.1\r\n" + HOST + END, 405),
    "a method that nobody knows": (b"FOO / HTTP/1.1\r\n" + HOST + END, 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\n" + HOST + END, 400),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", 400),
    "coded body": (POST + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 415),
    "5 MB announced": (POST + b"Content-Length: 5000000\r\n\r\n", 413),
    "5 MB in chunks": (POST + CHUNKED + (b"100000\r\n" + b"x" * 0x100000 + b"\r\n") * 5 + b"0\r\n\r\n", 413),
    "application sends a bad header": (_get(b"/bad-header"), 500),
    "application crashes": (_get(b"/crash"), 500),
    "application says nothing": (_get(b"/silence"), 500),
}

ANSWERED: dict[str, bytes] = {
    "GET": GET + HOST + END,
    "QUERY": b"QUERY / HTTP/1.1\r\n" + HOST + END,
    "chunked POST": POST + CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",
    "POST with a length": POST + b"Content-Length: 3\r\n\r\nabc",
    "IPv6 Host": GET + b"Host: [::1]:8000\r\n\r\n",
    "double-encoded dots are literal": _get(b"/%252e%252e"),
    "a backslash and quotes in the query": _get(b'/t?a=in.("b\\"c")'),
    "dots inside a segment": _get(b"/a..b/.well-known/..."),
    "HTTP/1.0": b"GET / HTTP/1.0\r\n" + HOST + END,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_must_be_refused_is_refused_with_a_problem(server: Served, name: str) -> None:
    raw, status = REFUSED[name]
    conversation = server.once(raw, until=1)
    assert conversation.statuses == [status]
    conversation.answers[0].assert_is_problem()
    assert b"private reason" not in conversation.raw
    if status == 405:
        assert "GET" in conversation.answers[0].headers["allow"]


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_lawful_is_answered(server: Served, name: str) -> None:
    conversation = server.once(ANSWERED[name], until=1)
    assert conversation.statuses == [200]
    conversation.answers[0].assert_is_secured()


UNFRAMED = [name for name, (_, status) in REFUSED.items() if status not in (413, 415, 500)]
"""Refused with their framing in doubt; after the others the connection goes on."""


@pytest.mark.parametrize("name", UNFRAMED)
def test_nothing_that_follows_a_refused_head_is_taken_for_a_request(server: Served, name: str) -> None:
    raw, status = REFUSED[name]
    conversation = server.once(raw + GET + HOST + END, seconds=0.4)
    assert conversation.statuses == [status]


def _pipeline_order(server: Served) -> Conversation:
    return server.once(b"".join(_get(b"/sleep%d" % wait) for wait in (200, 0, 100, 0)))


def _pipeline_then_bad_host(server: Served) -> Conversation:
    return server.once(
        _get(b"/sleep300") + _get(b"/sleep1") + GET + b"Host: a/b\r\n\r\n" + GET + HOST + END, 3
    )


def _pipeline_then_bad_chunk(server: Served) -> Conversation:
    return server.once(_get(b"/sleep300") + POST + CHUNKED + b"0x4\r\nabcd\r\n0\r\n\r\n", 3)


def _byte_by_byte(server: Served) -> Conversation:
    with server.connect() as connection:
        for byte in POST + CHUNKED + b"3\r\nabc\r\n0\r\n\r\n":
            connection.sendall(bytes([byte]))
            time.sleep(0.002)
        return server.read(connection, 1, until=1)


def _idle_after_a_request(server: Served) -> Conversation:
    with server.connect() as connection:
        connection.sendall(GET + HOST + END)
        return server.read(connection, 13)


SLOW: dict[str, Callable[[Served], Conversation]] = {
    "headers that drip": lambda s: s.drip(GET + HOST, b"X: \r\n", 13),
    "half a head, then silence": lambda s: s.drip(GET + HOST, b"", 13),
    "body that drips": lambda s: s.drip(POST + b"Content-Length: 1000\r\n\r\n", b"x", 13),
    "chunks that drip": lambda s: s.drip(POST + CHUNKED, b"1\r\nx\r\n", 13),
    "body that never comes": lambda s: s.drip(POST + b"Content-Length: 1000\r\n\r\n", b"", 13),
    "body that nobody reads": lambda s: s.drip(
        b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", b"", 13
    ),
    "silence": lambda s: s.drip(b"", b"", 13),
    "line ends that drip": lambda s: s.drip(END, END, 13),
    "line ends that drip after a request": lambda s: s.drip(GET + HOST + END, END, 13),
    "idle after a request": _idle_after_a_request,
}
QUICK: dict[str, tuple[Callable[[Served], Conversation], list[int]]] = {
    "pipeline order": (_pipeline_order, [200, 200, 200, 200]),
    "pipeline, then a bad Host": (_pipeline_then_bad_host, [200, 200, 400]),
    "pipeline, then a bad chunk": (_pipeline_then_bad_chunk, [200, 400]),
    "byte by byte": (_byte_by_byte, [200]),
    "3 MB and the next request": (
        lambda s: s.once(
            POST + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3000000 + GET + HOST + END, 5, until=2
        ),
        [200, 200],
    ),
    "5 MB refused, and the next request": (
        lambda s: s.once(
            POST + b"Content-Length: 5000000\r\n\r\n" + b"x" * 5000000 + GET + HOST + END, 5, until=2
        ),
        [413, 200],
    ),
    "body ends early": (lambda s: _half_closed(s), []),
}


def _half_closed(server: Served) -> Conversation:
    with server.connect() as connection:
        connection.sendall(POST + b"Content-Length: 1000\r\n\r\nabc")
        connection.close()
        return Conversation(b"", True, 0.0)


@pytest.fixture(scope="module")
def slow(server: Served) -> Iterator[dict[str, Future[Conversation]]]:
    """All the slow ones at once: each of them waits for a timeout of eight or ten seconds."""
    with ThreadPoolExecutor(len(SLOW)) as pool:
        yield {name: pool.submit(talk, server) for name, talk in SLOW.items()}


@pytest.mark.parametrize("name", QUICK)
def test_framing_over_several_requests(
    server: Served, slow: dict[str, Future[Conversation]], name: str
) -> None:
    talk, statuses = QUICK[name]
    assert talk(server).statuses == statuses


def test_pipelined_answers_come_in_the_order_of_the_requests(server: Served) -> None:
    paths = [json.loads(answer.body)["path"] for answer in _pipeline_order(server).answers]
    assert paths == ["/sleep200", "/sleep0", "/sleep100", "/sleep0"]


def test_a_trailer_does_not_become_a_header(server: Served) -> None:
    conversation = server.once(POST + CHUNKED + b"3\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n", until=1)
    assert conversation.statuses == [200]
    assert "x-trailer" not in json.loads(conversation.answers[0].body)["headers"]


def test_head_of_an_error_has_the_headers_and_no_body(server: Served) -> None:
    raw = server.once(b"HEAD /crash HTTP/1.1\r\n" + HOST + END, seconds=0.3).raw
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"content-type: application/problem+json" in head
    assert body == b""


def test_a_response_cut_short_closes_the_connection_and_is_logged_once(server: Served) -> None:
    conversation = server.once(b"GET /crash-after-start HTTP/1.1\r\n" + HOST + END, seconds=2)
    assert conversation.closed
    lines = [line for line in server.log.read_text().splitlines() if "/crash-after-start" in line]
    assert [json.loads(line)["event"] for line in lines if "request_failed" in line] == ["request_failed"]
    assert "Exception in ASGI" not in server.log.read_text()


@pytest.mark.parametrize("name", SLOW)
def test_who_stalls_is_cut_off(slow: dict[str, Future[Conversation]], name: str) -> None:
    conversation = slow[name].result()
    assert conversation.closed
    assert conversation.seconds <= 11
    for answer in conversation.answers:
        if answer.status != 200:
            assert answer.status == 408
            answer.assert_is_problem()


def test_the_process_has_outlived_all_of_it(server: Served, slow: dict[str, Future[Conversation]]) -> None:
    answer = server.once(GET + HOST + END, until=1).answers[0]
    assert json.loads(answer.body)["pid"] == server.process.pid
    assert server.process.poll() is None
