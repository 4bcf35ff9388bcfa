"""What users' FastAPI controllers ask for: `Current`, the request's context, `Use[SomeService]`, `requires("…")`.

In charge of one session for each request, on which services and repositories are made (`services/construction.py`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Depends, Request

from backstay.repositories.database.sessions import Session
from backstay.services.auth.guards import permission
from backstay.services.construction import Workshop
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork

T = TypeVar("T")

CONTEXT = "backstay.context"


def current_context(request: Request) -> Context:
    """The context that the middleware built for this request."""
    context: Context = request.scope["state"][CONTEXT]
    return context


Current = Annotated[Context, Depends(current_context)]


class Required:
    """A permission that a route takes, as `requires` makes it."""

    def __init__(self, name: str) -> None:
        self.guard = permission(name)

    def __call__(self, context: Current) -> None:
        """Refuse whoever has not got it."""
        self.guard.refuse(context.caller)


def requires(name: str) -> Any:
    """A dependency that lets in only callers with the permission: `dependencies=[requires("trips:publish")]`.

    Raises:
        BackstayError: from the route, `no_authorization` for nobody in particular and `not_admin` for others.
    """
    return Depends(Required(name))


async def request_session(request: Request, context: Current) -> AsyncIterator[Session]:
    """One session for all services of a request; its changes are kept when the controller returns."""
    units: UnitOfWork = request.app.state.units
    async with units.begin(context, reading=request.method in ("GET", "HEAD")) as session:
        yield session


if TYPE_CHECKING:
    Use = Annotated[T, "made for the request"]
else:

    class Use:
        """`Use[ReportService]`: a service, or a repository, made for this request."""

        def __class_getitem__(cls, wanted: type[T]) -> Any:
            return Annotated[wanted, Depends(_maker(wanted))]


def _maker(wanted: type[Any]) -> Callable[..., Any]:
    def make(
        request: Request,
        context: Current,
        session: Annotated[Session, Depends(request_session, scope="function")],
    ) -> Any:
        workshop: Workshop = request.app.state.workshop
        return workshop.make(wanted, context, session)

    return make
