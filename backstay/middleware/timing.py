"""`Server-Timing` (W3C) in development: the time spent in each stage of a request, for any browser to draw.

In charge of opening the list that stages are marked in (`backstay.utils.stages.mark`) and of the header.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.middleware.exchange import Header, exchange_of
from backstay.utils.stages import STAGES, mark


class OpenStages:
    """Opens the list of stages, so that what follows can be measured. Outermost of the measured layers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            stages: list[tuple[str, float]] = [("", perf_counter())]
            scope["state"][STAGES] = stages
            exchange_of(scope).at_start = lambda: _server_timing(stages)
        await self._app(scope, receive, send)


class EndOfMiddleware:
    """Marks where the middleware ends and the application begins. Innermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            mark(scope["state"], "middleware")
        await self._app(scope, receive, send)


def _server_timing(stages: list[tuple[str, float]]) -> Iterable[Header]:
    now = perf_counter()
    parts: list[str] = []
    before = stages[0][1]
    for name, ended_at in stages[1:]:
        parts.append(f"{name};dur={(ended_at - before) * 1000:.3f}")
        before = ended_at
    parts.append(f"response;dur={(now - before) * 1000:.3f}")
    parts.append(f"total;dur={(now - stages[0][1]) * 1000:.3f}")
    return ((b"server-timing", ", ".join(parts).encode()),)
