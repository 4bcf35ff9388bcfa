"""Errors become responses here and nowhere else.

In charge of catching whatever the application raises, answering with a problem document, and logging once what is
our own fault, with its cause and the request id. Nothing internal reaches the client. `problem.py` holds the
document and the table of statuses; `framework_errors.py` brings FastAPI's own exceptions here.
"""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import replace
from urllib.parse import unquote_plus

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.errors import BackstayError, Kind
from backstay.middleware.exchange import CONTEXT, Exchange, exchange_of
from backstay.middleware.graphql_errors import in_graphql_words
from backstay.middleware.identity_errors import in_identity_words
from backstay.middleware.problem import Problem, problem_of, problem_response
from backstay.services.context import Context

_SECRET_HEADERS = (b"authorization", b"apikey", b"x-api-key", b"proxy-authorization", b"cookie")
_MIN_SECRET_LENGTH = 6  # shorter values would blank out ordinary words


class ResponseAbortedError(Exception):
    """The response had started when the application failed; the server must cut the connection. Already logged."""


class Errors:
    """Catches everything; the process goes on.

    `debug` adds a `cause` to the problems that are our own fault: what was raised, without the request's secrets.
    Below the path `identity`, errors have the words of its protocol, and at `graphql` the member that its clients read.
    """

    def __init__(self, app: ASGIApp, *, debug: bool = False, identity: str = "", graphql: str = "") -> None:
        self._app = app
        self._debug = debug
        self._identity = identity
        self._graphql = graphql
        self._log = structlog.get_logger("backstay.errors")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        exchange.shows_causes = self._debug
        try:
            await self._app(scope, receive, send)
            if not exchange.started:
                raise RuntimeError("the application returned without a response")
        except ClientDisconnect:
            await self._answer(BackstayError("body_incomplete"), exchange, scope, send)
        except asyncio.CancelledError:
            if not exchange.started:
                await _send_problem(problem_of(BackstayError("draining")), exchange, scope, send)
            raise
        except Exception as error:  # noqa: BLE001 (this is where everything is caught)
            await self._answer(error, exchange, scope, send)

    async def _answer(self, error: Exception, exchange: Exchange, scope: Scope, send: Send) -> None:
        problem = problem_of_exception(error, scope)
        if self._identity and scope["path"].startswith(self._identity):
            problem = in_identity_words(problem, exchange.headers)
        elif self._graphql and scope["path"] == self._graphql:
            problem = in_graphql_words(problem)
        if _is_a_fault(error) or (exchange.started and not isinstance(error, BackstayError)):
            self._log_failure(error, problem, exchange, scope)
        if not exchange.started:
            await _send_problem(problem, exchange, scope, send)
        elif not exchange.complete:
            raise ResponseAbortedError(exchange.request_id)

    def _log_failure(self, error: Exception, problem: Problem, exchange: Exchange, scope: Scope) -> None:
        lines = "".join(traceback.format_exception(error))
        self._log.error(
            "request_failed",
            request_id=exchange.request_id,
            trace_id=exchange.trace_id or None,
            method=scope["method"],
            path=scope["path"],
            status=problem.status,
            code=problem.code,
            response_started=exchange.started or None,
            exception=_without_secrets(lines, scope, exchange),
        )


def _is_a_fault(error: Exception) -> bool:
    """True for what somebody should look into; a refusal for lack of capacity or readiness says all in its code."""
    if not isinstance(error, BackstayError) or error.kind is Kind.INTERNAL:
        return True
    return error.kind in (Kind.UNAVAILABLE, Kind.SLOW) and error.__cause__ is not None


def problem_of_exception(error: Exception, scope: Scope) -> Problem:
    """The problem for any exception; what the catalogue does not know is an internal error and says no more."""
    exchange = exchange_of(scope)
    if exchange.shows_causes and _is_a_fault(error):
        return replace(_problem_of_any(error, scope), cause=_cause_of(error, scope, exchange))
    return _problem_of_any(error, scope)


def _problem_of_any(error: Exception, scope: Scope) -> Problem:
    if not isinstance(error, BackstayError):
        return problem_of(BackstayError("internal_error"))
    context: Context | None = scope["state"].get(CONTEXT)
    caller = context.caller if context is not None else None
    return problem_of(error, anonymous=caller is None or (caller.id is None and caller.role == "anon"))


def _cause_of(error: Exception, scope: Scope, exchange: Exchange) -> str:
    cause = error.__cause__ if isinstance(error, BackstayError) and error.__cause__ is not None else error
    return _without_secrets("".join(traceback.format_exception_only(cause)).strip(), scope, exchange)


async def _send_problem(problem: Problem, exchange: Exchange, scope: Scope, send: Send) -> None:
    headers, body = problem_response(
        problem,
        request_id=exchange.request_id,
        instance=scope["path"],
        accept=exchange.headers.get(b"accept"),
    )
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _without_secrets(text: str, scope: Scope, exchange: Exchange) -> str:
    """`text` without the values of the request's credentials and query, which exceptions like to quote."""
    secrets: set[str] = set()
    for name in _SECRET_HEADERS:
        value = exchange.headers.get(name, b"").decode("latin-1")
        secrets.update(value.replace(";", " ").replace("=", " ").replace(",", " ").split())
        secrets.add(value)
    for pair in scope.get("query_string", b"").decode("latin-1").split("&"):
        raw = pair.partition("=")[2]
        secrets.update((raw, unquote_plus(raw)))
    secrets -= {"Bearer", "Basic"}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _MIN_SECRET_LENGTH:
            text = text.replace(secret, "[redacted]")
    return text
