"""Making services and repositories: each argument of a constructor is built from its type, on one session.

In charge of what one transaction's services share: they are made once for each context, so a hook and the action that
led to it meet in the same objects.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from backstay.models.access.caller import Caller
from backstay.repositories.database.sessions import Session
from backstay.services.context import Context

T = TypeVar("T")
Maker = Callable[[Context, Session], Any]

_MADE = "backstay.made"


class Workshop:
    """Makes what users' classes name."""

    def __init__(self) -> None:
        self._offers: dict[type[Any], Maker] = {}

    def offer(self, wanted: type[T], make: Callable[[Context, Session], T]) -> None:
        """From now on constructors may name `wanted`."""
        self._offers[wanted] = make

    def make(self, wanted: type[T], context: Context, session: Session) -> T:
        """The one instance of `wanted` for this context on this session.

        Raises:
            TypeError: when a constructor's argument has no type to build it from.
        """
        by_context: dict[Context, dict[type[Any], Any]] = session.info.setdefault(_MADE, {})
        made = by_context.get(context)
        if made is None:
            made = {Context: context, Session: session, Caller: context.caller}
            by_context[context] = made
        built: T = self._build(wanted, context, session, made)
        return built

    def _build(
        self, wanted: type[Any], context: Context, session: Session, made: dict[type[Any], Any]
    ) -> Any:
        if wanted in made:
            return made[wanted]
        offer = self._offers.get(wanted)
        if offer is not None:
            made[wanted] = offer(context, session)
            return made[wanted]
        arguments = {
            name: self._build(type_, context, session, made) for name, type_ in needs_of(wanted).items()
        }
        made[wanted] = wanted(**arguments)
        return made[wanted]


def needs_of(wanted: type[Any]) -> dict[str, type[Any]]:
    """The arguments that the constructor of `wanted` has to be given, with their types.

    Raises:
        TypeError: for one that has no class as its type.
    """
    if wanted.__init__ is object.__init__:
        return {}
    hints = get_type_hints(wanted.__init__)
    found: dict[str, type[Any]] = {}
    for name, parameter in list(inspect.signature(wanted.__init__).parameters.items())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if not isinstance(hints.get(name), type):
            raise TypeError(f"{wanted.__name__}: the argument '{name}' needs a class as its type")
        found[name] = hints[name]
    return found
