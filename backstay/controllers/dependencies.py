"""What users' FastAPI controllers ask for: `Current`, the request's context, `Use[SomeService]`, `requires("…")`.

In charge of making services and repositories for one request, from the types their constructors name, on one session.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

from fastapi import Depends, Request

from backstay.models.access.caller import Caller
from backstay.repositories.database.sessions import Session
from backstay.services.auth.guards import permission
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
        context: Current, session: Annotated[Session, Depends(request_session, scope="function")]
    ) -> Any:
        return build(wanted, {Context: context, Session: session, Caller: context.caller})

    return make


def build(wanted: type[Any], made: dict[Any, Any]) -> Any:
    """An instance of `wanted`, with each argument of its constructor taken from `made` or built the same way.

    Raises:
        TypeError: when a constructor's argument has no type to build it from.
    """
    if wanted in made:
        return made[wanted]
    hints = get_type_hints(wanted.__init__)
    arguments: dict[str, Any] = {}
    for name, parameter in list(inspect.signature(wanted.__init__).parameters.items())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if not isinstance(hints.get(name), type):
            raise TypeError(f"{wanted.__name__}: the argument '{name}' needs a class as its type")
        arguments[name] = build(hints[name], made)
    made[wanted] = wanted(**arguments)
    return made[wanted]
