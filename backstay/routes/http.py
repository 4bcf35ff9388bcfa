"""Every address of the platform, and the controller that answers there. What is not here goes to users' routers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp

REST = "/rest/v1/"
RPC = "/rest/v1/rpc/"
BATCH = f"{REST}$batch"
OPENAPI = "/openapi.json"
DOCS = "/docs"
GRAPHQL = "/graphql/v1"


@dataclass(frozen=True, slots=True)
class Controllers:
    """The controllers of one application, by what they answer for."""

    live: ASGIApp
    ready: ASGIApp
    rest_root: ASGIApp
    tables: ASGIApp
    rows: ASGIApp
    rpc: ASGIApp
    functions: ASGIApp
    batch: ASGIApp
    openapi: ASGIApp
    docs: ASGIApp
    identity: ASGIApp
    mail_pages: ASGIApp
    nothing: ASGIApp
    graphql: Mapping[str, ASGIApp]
    assets: Mapping[str, ASGIApp]


def exact(controllers: Controllers) -> dict[str, ASGIApp]:
    """Controllers by whole path."""
    return {
        "/health/live": controllers.live,
        "/health/ready": controllers.ready,
        "/rest/v1": controllers.rest_root,
        REST: controllers.rest_root,
        BATCH: controllers.batch,
        OPENAPI: controllers.openapi,
        DOCS: controllers.docs,
        **controllers.assets,
        **controllers.graphql,
    }


def trees(controllers: Controllers) -> Sequence[tuple[str, ASGIApp, ASGIApp]]:
    """Prefix, controller for one segment after it, controller for two."""
    return ((RPC, controllers.rpc, controllers.nothing), (REST, controllers.tables, controllers.rows))


def below(controllers: Controllers) -> Sequence[tuple[str, ASGIApp]]:
    """A path, and the controller of it and of everything below it."""
    return (
        ("/auth/v1", controllers.identity),
        ("/functions/v1", controllers.functions),
        ("/dev/mails", controllers.mail_pages),
    )
