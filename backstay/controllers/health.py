"""`/health/live` and `/health/ready`."""

from __future__ import annotations

import json

from starlette.types import Receive, Scope, Send

from backstay.controllers.http import Header, respond
from backstay.errors import BackstayError
from backstay.services.health import Health

_METHODS = ("GET", "HEAD")


def _check_method(scope: Scope) -> bool:
    if scope["method"] not in _METHODS:
        raise BackstayError("method_not_allowed", allow=_METHODS)
    return bool(scope["method"] == "HEAD")


class Live:
    """200 as long as the process answers at all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _check_method(scope)
        await _answer(send, 200, {"status": "live"}, head=head)


class Ready:
    """200 when requests should come here, 503 when not, with what is missing."""

    def __init__(self, health: Health) -> None:
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _check_method(scope)
        found = await self._health.readiness()
        checks = {"database": found.database, "migrations": found.migrations, "draining": found.draining}
        if not found.ready:
            missing = [name for name, holds in checks.items() if holds is (name == "draining")]
            raise BackstayError(
                "not_ready", details=f"Not ready: {', '.join(missing)}.", retry_after_seconds=5
            )
        await _answer(send, 200, {"status": "ready", "checks": checks}, head=head)


async def _answer(send: Send, status: int, value: object, *, head: bool) -> None:
    headers: list[Header] = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"cache-control", b"no-store"),
    ]
    await respond(send, status, headers, json.dumps(value).encode(), head=head)
