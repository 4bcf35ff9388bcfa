"""What happens to every request before routing and after the response: pure ASGI, one effect per file.

In charge of the order, which is the one list below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from starlette.types import ASGIApp

from backstay.config.http import HttpSettings
from backstay.config.log import LogSettings
from backstay.middleware.access_log import AccessLog
from backstay.middleware.body import BodyLimits
from backstay.middleware.cors import Cors
from backstay.middleware.deadline import Deadline
from backstay.middleware.errors import Errors
from backstay.middleware.guard import Guard
from backstay.middleware.request_id import RequestId
from backstay.middleware.security_headers import SecurityHeaders
from backstay.middleware.timing import EndOfMiddleware, OpenStages

Layer = Callable[[ASGIApp], ASGIApp]


def stack(
    app: ASGIApp,
    http: HttpSettings,
    log: LogSettings,
    *,
    authenticate: Layer | None = None,
    cookies: Layer | None = None,
    users: Sequence[Layer] = (),
    development: bool = False,
    debug: bool = False,
    identity: str = "",
    graphql: str = "",
) -> ASGIApp:
    """`app` behind every layer. A request passes them from top to bottom, its response from bottom to top.

    `authenticate` and `cookies` are layers ready but for their application, as in `partial(Authenticate,
    callers=callers)`. `users` are the application's own: they see a request that is lawful and whose caller is known,
    and whatever they raise becomes a problem document. `debug`
    shows clients the causes of errors, in development only. `identity` is the path below which errors have the words
    of the GoTrue protocol; at `graphql` they have the member `errors`.
    """
    order: tuple[Layer | None, ...] = (
        partial(Guard, settings=http),
        partial(RequestId, settings=http),
        OpenStages if development else None,
        AccessLog if log.access else None,
        partial(Errors, debug=debug and development, identity=identity, graphql=graphql),
        SecurityHeaders,
        partial(Cors, settings=http) if http.cors_origins else None,
        partial(Deadline, seconds=http.request_timeout_seconds),
        partial(BodyLimits, settings=http),
        authenticate,
        cookies,
        *users,
        EndOfMiddleware if development else None,
    )
    for layer in reversed(order):
        if layer is not None:
            app = layer(app)
    return app
