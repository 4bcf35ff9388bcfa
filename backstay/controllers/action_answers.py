"""What an action answers, as a response: JSON, a file, or a stream that ends when the client leaves."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from typing import Any, cast
from urllib.parse import quote

from starlette.types import Send

from backstay.controllers.action_bodies import MEDIA_TYPE
from backstay.controllers.http import Header, HttpRequest, respond
from backstay.models.resources.actions import Gives
from backstay.services.action import Event, Events, File, Stream
from backstay.services.resources.actions import Outcome

JSON: Header = (b"content-type", b"application/json; charset=utf-8")
PRIVATE: Header = (b"cache-control", b"no-store")
MAX_FILENAME = 150


async def answer(request: HttpRequest, outcome: Outcome, send: Send, headers: list[Header]) -> None:
    """Send what the action gave, unless it gave rows, which each door shows in its own way."""
    headers.append(PRIVATE)
    head = request.method == "HEAD"
    gives = outcome.action.gives
    if gives is Gives.NOTHING:
        await respond(send, 204, headers)
    elif gives is Gives.FILE:
        file: File = outcome.value
        headers.append(_content_type(file.media_type))
        if file.filename:
            headers.append((b"content-disposition", _attachment(file.filename)))
        await respond(send, 200, headers, file.content, head=head)
    elif gives is Gives.STREAM:
        stream: Stream = outcome.value
        headers.append(_content_type(stream.media_type))
        await _stream(request, send, headers, _chunks(stream.parts), at_once=False)
    elif gives is Gives.EVENTS:
        events: Events = outcome.value
        headers.append(_content_type("text/event-stream; charset=utf-8"))
        lines = (_event(event) async for event in _each(events.events))
        await _stream(request, send, headers, lines, at_once=True)
    else:
        headers.append(JSON)
        await respond(send, 200, headers, outcome.document or b"null", head=head)


async def _stream(
    request: HttpRequest, send: Send, headers: list[Header], parts: AsyncIterator[bytes], *, at_once: bool
) -> None:
    """Send parts until they end or the client leaves; then whoever makes them is told.

    The response starts with the first part, so that what fails before it is still a proper error; with `at_once` it
    starts before, since nobody knows when the first event will happen.
    """
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    if request.method == "HEAD":
        await send(start)
        await send({"type": "http.response.body", "body": b""})
        return
    sending = asyncio.ensure_future(_send_parts(send, start, parts, at_once=at_once))
    leaving = asyncio.ensure_future(request.gone())
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        sending.cancel()
        leaving.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


async def _send_parts(
    send: Send, start: dict[str, Any], parts: AsyncIterator[bytes], *, at_once: bool
) -> None:
    started = at_once
    if at_once:
        await send(start)
    async for part in parts:
        if not started:
            await send(start)
            started = True
        if part:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    if not started:
        await send(start)
    await send({"type": "http.response.body", "body": b""})


async def _each(items: Any) -> AsyncIterator[Any]:
    """The items of anything that can be iterated over."""
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in cast(Iterable[Any], items):
            yield item
            await asyncio.sleep(0)


async def _chunks(parts: Any) -> AsyncIterator[bytes]:
    async for part in _each(parts):
        yield part.encode() if isinstance(part, str) else part


def _event(value: Any) -> bytes:
    """One event in the form of the HTML standard, section 9.2.6; no value can end a line that it does not own."""
    event = value if isinstance(value, Event) else Event(value)
    data = (
        event.data if isinstance(event.data, str) else json.dumps(event.data, ensure_ascii=False, default=str)
    )
    lines = [
        f"{name}: {_one_line(text)}" for name, text in (("event", event.event), ("id", event.id)) if text
    ]
    lines += [f"data: {line}" for line in re.split(r"\r\n|\r|\n", data)]
    return ("\n".join(lines) + "\n\n").encode()


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n\0]", "", text)


def _content_type(media_type: str) -> Header:
    if MEDIA_TYPE.fullmatch(media_type) is None:
        raise ValueError("an action answered with something that is no media type")
    return (b"content-type", media_type.encode("ascii"))


def _attachment(filename: str) -> bytes:
    """`Content-Disposition` (RFC 6266) with nothing of the name that could be read as a header or a path."""
    name = re.sub(r"[\x00-\x1f\x7f-\x9f/\\\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "_", filename)[
        :MAX_FILENAME
    ]
    plain = re.sub(r'[^ -~]|["%;]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}".encode("ascii")
