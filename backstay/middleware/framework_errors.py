"""FastAPI's and Starlette's own exceptions, answered in the same form as everything else.

In charge of what users' routers raise inside FastAPI, whose own handlers would otherwise answer in another form:
`HTTPException`, failed validation, and our own errors before FastAPI's 500 page sees them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from backstay.errors import BackstayError, FieldProblem
from backstay.middleware.errors import problem_of_exception
from backstay.middleware.exchange import Header, exchange_of
from backstay.middleware.problem import Problem, problem_of, problem_response

_CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "no_authorization",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    412: "precondition_failed",
    413: "body_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    422: "unprocessable",
    428: "precondition_required",
    429: "rate_limited",
    431: "headers_too_large",
    500: "internal_error",
    503: "overloaded",
    504: "deadline_exceeded",
}


def install_handlers(app: FastAPI) -> None:
    """Make `app` answer every exception as a problem document. Unknown ones are still raised, so that `Errors`
    logs them."""
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(BackstayError, _on_error_of_the_catalogue)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, BackstayError):  # FastAPI wraps what reading the body raised
        return _response(problem_of_exception(error.__cause__, request.scope), request)
    if isinstance(error.__cause__, ClientDisconnect):
        return await _on_disconnect(request, error)
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    return _response(_problem_of_http(error), request)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [
        FieldProblem(".".join(map(str, item["loc"])), item["type"], item["msg"]) for item in error.errors()
    ]
    return _response(problem_of(BackstayError("unprocessable", details=problems)), request)


async def _on_error_of_the_catalogue(request: Request, error: Exception) -> Response:
    problem = problem_of_exception(error, request.scope)
    if problem.status >= 500:
        raise error  # so that it is logged with its cause
    return _response(problem, request)


async def _on_error(request: Request, error: Exception) -> Response:
    return _response(problem_of_exception(error, request.scope), request)


async def _on_disconnect(request: Request, error: Exception) -> Response:
    return _response(problem_of(BackstayError("body_incomplete")), request)


def _problem_of_http(error: HTTPException) -> Problem:
    code = _CODES.get(error.status_code)
    phrase = _phrase(error.status_code)
    # FastAPI allows any JSON here, which is no message.
    detail: Any = error.detail
    message = detail if isinstance(detail, str) else phrase
    details = None if isinstance(detail, str) else detail
    given = _encoded(error.headers)
    headers: Sequence[Header] = given
    if code is not None:
        base = problem_of(BackstayError(code))
        if detail == phrase:  # nobody wrote it: ours says more
            message = base.message
        names = {name for name, _ in given}
        headers = [*given, *(header for header in base.headers if header[0] not in names)]
    return Problem(
        error.status_code, code or phrase.lower().replace(" ", "_"), message, details, headers=tuple(headers)
    )


def _encoded(headers: Mapping[str, str] | None) -> list[Header]:
    pairs = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()
    ]
    return [pair for pair in pairs if pair[0] not in (b"content-length", b"content-type")]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _response(problem: Problem, request: Request) -> Response:
    exchange = exchange_of(request.scope)
    headers, body = problem_response(
        problem,
        request_id=exchange.request_id,
        instance=request.scope["path"],
        accept=exchange.headers.get(b"accept"),
    )
    response = Response(b"" if request.method == "HEAD" else body, status_code=problem.status)
    response.raw_headers = headers
    return response
