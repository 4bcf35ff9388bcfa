"""The same application under other servers, and the strict one while it leaves."""

from __future__ import annotations

import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.edge.wire import served

GET = b"GET /sleep%d HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("kind", ["granian", "stock"])
def test_the_same_application_runs_under(kind: str, tmp_path: Path) -> None:
    with served(tmp_path, kind) as server:
        answered = server.once(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", until=1)
        assert json.loads(answered.answers[0].body)["body"] == 3
        refused = {
            b"GET /a/%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n": 400,
            b"GET / HTTP/1.1\r\nHost: a/?x=\r\n\r\n": 400,
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": 400,
            b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n": 405,
            b"GET /crash HTTP/1.1\r\nHost: a\r\n\r\n": 500,
            b"GET /bad-header HTTP/1.1\r\nHost: a\r\n\r\n": 500,
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n": 413,
        }
        for raw, status in refused.items():
            conversation = server.once(raw, until=1)
            assert conversation.statuses == [status], raw
            assert json.loads(conversation.answers[0].body)["status"] == status
        assert server.process.poll() is None


def test_a_server_that_leaves_finishes_what_runs_and_accepts_no_more(tmp_path: Path) -> None:
    with served(tmp_path, drain_seconds=5) as server, ThreadPoolExecutor(8) as pool:
        half = server.connect()
        half.sendall((GET % 0)[:20])
        running = [pool.submit(server.once, GET % 800, 4.0, 1) for _ in range(8)]
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", server.port), timeout=1)
        half.sendall((GET % 0)[20:])
        assert server.read(half, 2, until=1).statuses == [200]
        half.close()
        assert [future.result().statuses for future in running] == [[200]] * 8
        assert server.process.wait(5) is not None


def test_what_outlasts_the_drain_is_told_so(tmp_path: Path) -> None:
    with served(tmp_path, drain_seconds=1) as server, ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.once, GET % 20_000, 8.0, 1)
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        answer = running.result().answers[0]
        assert answer.status == 503
        answer.assert_is_problem()
        assert server.process.wait(5) is not None


def test_connections_over_the_limit_are_told_so(tmp_path: Path) -> None:
    with served(tmp_path, max_connections=5) as server:
        held = [server.connect() for _ in range(5)]
        time.sleep(0.1)
        conversation = server.once(GET % 0, until=1)
        assert conversation.statuses == [503]
        conversation.answers[0].assert_is_problem()
        for connection in held:
            connection.close()
        time.sleep(0.1)
        assert server.once(GET % 0, until=1).statuses == [200]
