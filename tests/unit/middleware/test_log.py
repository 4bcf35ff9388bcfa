"""What a line of the log holds, and what it never holds."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog

from backstay.config.http import HttpSettings
from backstay.config.log import LogSettings
from backstay.middleware import stack
from backstay.middleware.exchange import HEAD_CHECKED
from backstay.middleware.log import MAX_LINE_BYTES, configure_logging, json_line
from tests.unit.middleware.asgi import ask, hello


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _line(**event: Any) -> dict[str, Any]:
    raw = json_line(None, "info", event)
    assert len(raw) <= MAX_LINE_BYTES
    assert raw.count(b"\n") == 1
    parsed: dict[str, Any] = json.loads(raw)
    return parsed


async def test_the_access_log_says_who_asked_what_and_no_secret() -> None:
    stream = io.BytesIO()
    configure_logging(LogSettings(), development=False, stream=stream)
    app = stack(hello, HttpSettings(), LogSettings())
    headers = [(b"authorization", b"Bearer canary"), (b"cookie", b"canary"), (b"apikey", b"canary")]
    response = await ask(app, path="/trips", headers=headers, query_string=b"token=canary", body=[b"canary"])
    event = json.loads(stream.getvalue())
    assert event["event"] == "request_finished"
    assert (event["method"], event["path"], event["status"], event["bytes"]) == ("GET", "/trips", 200, 5)
    assert event["request_id"] == response.headers["x-request-id"]
    assert event["client_ip"] == "192.0.2.1"
    assert b"canary" not in stream.getvalue()


@pytest.mark.parametrize(
    "evil", ["\n", "\x1b[2J", "\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\ud800", "\x00"]
)
@pytest.mark.parametrize("development", [True, False])
def test_nothing_in_a_line_is_obeyed_by_a_terminal(evil: str, development: bool) -> None:
    stream = io.BytesIO()
    configure_logging(LogSettings(), development=development, stream=stream)
    structlog.get_logger("test").info("seen", path=f"/a{evil}b")
    logging.getLogger("other").warning("seen %s", f"/a{evil}b")
    raw = stream.getvalue()
    assert raw.count(b"\n") == 2
    assert evil == "\n" or evil.encode("utf-8", "surrogatepass") not in raw
    if not development:
        assert json.loads(raw.splitlines()[0])["path"] == f"/a{evil}b"


@pytest.mark.parametrize("text", ["a" * 10_000, "\u202e" * 10_000, '"' * 10_000, "\ud800" * 10_000])
def test_a_line_is_bounded_and_still_json(text: str) -> None:
    assert _line(event="seen", path=text)["truncated"] is True
    assert _line(event="seen", exception=text + " the end")["exception"].endswith(" the end")
    assert _line(**{"event": "seen", **{f"field{number}": text for number in range(100)}})["event"] == "seen"


def test_fields_that_name_a_credential_are_redacted() -> None:
    assert _line(event="seen", password="canary", authorization="canary")["password"] == "[redacted]"


def test_a_broken_output_does_not_fail_the_request() -> None:
    class Broken(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    configure_logging(LogSettings(), development=False, stream=Broken())
    structlog.get_logger("test").info("seen")


async def test_requests_of_one_turn_are_logged_together() -> None:
    stream = io.BytesIO()
    configure_logging(LogSettings(), development=False, stream=stream)
    app = stack(hello, HttpSettings(), LogSettings())
    checked: dict[str, Any] = {"extensions": {HEAD_CHECKED: {}}}
    for turn in range(2):
        answers = [await ask(app, path=f"/{turn}/{number}", **checked) for number in range(3)]
        assert len(stream.getvalue().splitlines()) == turn * 4  # nothing has waited yet
        structlog.get_logger("test").info("meanwhile")
        await asyncio.sleep(0)
        events = [json.loads(line) for line in stream.getvalue().splitlines()[turn * 4 :]]
        assert [event.get("path") for event in events] == [None, *(f"/{turn}/{n}" for n in range(3))]
        assert [event["request_id"] for event in events[1:]] == [
            answer.headers["x-request-id"] for answer in answers
        ]


def test_what_waits_when_the_process_ends_is_logged() -> None:
    program = """
import asyncio, sys
from backstay.config.http import HttpSettings
from backstay.config.log import LogSettings
from backstay.middleware import stack
from backstay.middleware.exchange import HEAD_CHECKED
from backstay.middleware.log import configure_logging
from tests.unit.middleware.asgi import ask, hello

configure_logging(LogSettings(), development=False)
app = stack(hello, HttpSettings(), LogSettings())
coroutine = ask(app, path="/last", extensions={HEAD_CHECKED: {}})
loop = asyncio.new_event_loop()
loop.call_soon(lambda: (loop.create_task(coroutine), loop.call_soon(sys.exit, 3)))
loop.run_forever()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ended.returncode == 3
    assert [json.loads(line)["path"] for line in ended.stdout.splitlines()] == ["/last"]


@pytest.mark.parametrize("level", ["info", "warning"])
async def test_the_access_log_is_the_same_whoever_configured_structlog(
    level: Literal["info", "warning"],
) -> None:
    configure_logging(LogSettings(level=level), development=False, stream=io.BytesIO())
    ours = stack(hello, HttpSettings(), LogSettings())
    seen: list[Any] = []

    def keep(logger: object, name: str, event: Any) -> Any:
        seen.append(dict(event))
        raise structlog.DropEvent

    structlog.configure(processors=[keep, keep])
    await ask(ours, path="/ours")
    assert seen == []
    await ask(stack(hello, HttpSettings(), LogSettings()), path="/theirs")
    assert [event["path"] for event in seen] == (["/theirs"] if level == "info" else [])
