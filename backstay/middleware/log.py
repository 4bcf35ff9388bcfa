"""How log events are written: one JSON line each, or a readable line in development.

In charge of structlog's configuration, of bringing the standard library's `logging` into the same form, and of what
no line may hold: control characters, ANSI sequences, bidirectional overrides, credentials, more than 8 KiB. Not in
charge of what is logged. It lives beside the access log because this is the lowest room in which logs are formed
for every front door; the composition root calls it before it builds anything.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, MutableMapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO

import structlog
from pydantic_core import PydanticSerializationError, to_json

from backstay.config.log import LogSettings
from backstay.middleware.errors import ResponseAbortedError

Event = MutableMapping[str, Any]
EventWriter = Callable[[Sequence[Event]], None]

MAX_LINE_BYTES = 8192
_MAX_VALUE_CHARS = 800
_MAX_EXCEPTION_CHARS = 3000
_MAX_FIELDS = 24

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_SECRET_FIELDS = frozenset(
    {
        "authorization",
        "apikey",
        "api_key",
        "cookie",
        "set_cookie",
        "password",
        "secret",
        "token",
        "refresh_token",
    }
)
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logging(settings: LogSettings, development: bool, stream: BinaryIO | None = None) -> None:
    """Configure structlog and `logging` for this process; later calls replace earlier ones.

    `stream` is standard output unless given.
    """
    write = _writer(stream if stream is not None else sys.stdout.buffer)
    as_console = settings.format == "console" or (settings.format == "auto" and development)
    render = _console_line if as_console else json_line
    level = _LEVELS[settings.level]
    structlog.configure(
        processors=[render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_LineLoggers(write),
        cache_logger_on_first_use=True,
    )
    handler = _StandardHandler(write, render)
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("uvicorn.error").addFilter(_not_aborted)
    # It tells each of its steps; the commands that migrate tell the ones that matter.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def event_writer(name: str) -> EventWriter:
    """What writes events at level info, each of which holds its own name under `event`, and all of them at once.

    Goes past structlog's bound logger, which would take 4 µs to find the one processor that `configure_logging` has
    given it; where something else has configured structlog, through it.
    """
    logger = structlog.get_logger(name).bind()
    config = structlog.get_config()
    processors, factory = config["processors"], config["logger_factory"]
    if not (isinstance(factory, _LineLoggers) and len(processors) == 1):

        def through_structlog(events: Sequence[Event]) -> None:
            for event in events:
                logger.info(event.pop("event"), **event)

        return through_structlog
    write, render = factory.write, processors[0]

    def past_structlog(events: Sequence[Event]) -> None:
        write(b"".join([render(None, "info", event) for event in events]))

    def to_nobody(events: Sequence[Event]) -> None:
        return

    return past_structlog if logger.is_enabled_for(logging.INFO) else to_nobody


def json_line(logger: object, level: str, event: Event) -> bytes:
    """One line of JSON, newline included: at most 8 KiB, nothing in it that a terminal would obey."""
    event["level"] = level
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    event["timestamp"] = f"{_second(seconds)}.{milliseconds:03d}Z"
    _redact(event)
    line = _json(event)
    if len(line) >= MAX_LINE_BYTES:
        line = _json(_shortened(event))[: MAX_LINE_BYTES - 1]
    return line + b"\n"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _console_line(logger: object, level: str, event: Event) -> bytes:
    _redact(event)
    exception = event.pop("exception", "")
    name = event.pop("event", "")
    clock = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
    fields = " ".join(f"{key}={value}" for key, value in event.items() if value is not None)
    text = f"{clock} {level:<7} {name:<18} {fields}\n{exception}".rstrip("\n")
    escaped = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if not exception:
        escaped = escaped.replace("\n", "\\n")
    return escaped.encode()[: MAX_LINE_BYTES * 4] + b"\n"


def _json(event: Event) -> bytes:
    try:
        line = to_json(event, fallback=str)
    except (PydanticSerializationError, ValueError):
        line = json.dumps(event, default=str, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if line.isascii() and b"\x7f" not in line:
        return line  # JSON has escaped everything below 0x20 already
    text = line.decode("utf-8", "surrogatepass")
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _redact(event: Event) -> None:
    if not _SECRET_FIELDS.isdisjoint(event):
        for name in _SECRET_FIELDS.intersection(event):
            event[name] = "[redacted]"


def _shortened(event: Event) -> Event:
    short: dict[str, Any] = {"truncated": True}
    for name, value in list(event.items())[:_MAX_FIELDS]:
        # Six bytes of JSON for a character at worst, so a few long values still fit.
        if name == "exception":  # its end names the error, so the end is kept
            short[name] = str(value)[-_MAX_EXCEPTION_CHARS:]
        elif value is None or isinstance(value, int | float):
            short[name] = value
        else:
            short[name[:64]] = str(value)[:_MAX_VALUE_CHARS]
    while len(_json(short)) >= MAX_LINE_BYTES:
        longest = max(short, key=lambda name: len(str(short[name])))
        text = str(short[longest])
        half = len(text) // 2
        short[longest] = text[half:] if longest == "exception" else text[:half]
    return short


def _writer(stream: BinaryIO) -> Callable[[bytes], None]:
    lock = threading.Lock()

    def write(line: bytes) -> None:
        try:
            with lock:
                stream.write(line)
                stream.flush()
        except (OSError, ValueError):
            return  # a full disk or a closed pipe must not fail the request that is being logged

    return write


class _LineLogger:
    """What structlog calls with the finished line, by the name of the level."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.msg = self.debug = self.info = self.warning = self.error = self.critical = write
        self.exception = self.fatal = write


class _LineLoggers:
    """What structlog calls to make its loggers."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.write = write

    def __call__(self, *args: object) -> _LineLogger:
        return _LineLogger(self.write)


class _StandardHandler(logging.Handler):
    """Records of the standard library's `logging`, as events in the same form."""

    def __init__(self, write: Callable[[bytes], None], render: Callable[[object, str, Event], bytes]) -> None:
        super().__init__()
        self._write = write
        self._render = render

    def emit(self, record: logging.LogRecord) -> None:
        try:
            event: Event = {"event": record.getMessage(), "logger": record.name}
            if record.exc_info:
                event["exception"] = "".join(traceback.format_exception(*record.exc_info))
            self._write(self._render(None, record.levelname.lower(), event))
        except Exception:  # noqa: BLE001 (logging never fails what it logs; handleError reports it)
            self.handleError(record)


def _not_aborted(record: logging.LogRecord) -> bool:
    """False for the server's report of a response that `Errors` has cut and logged."""
    return not (record.exc_info and isinstance(record.exc_info[1], ResponseAbortedError))
