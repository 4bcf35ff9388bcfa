"""Hooks: which methods of which services run around the writes of a table.

In charge of finding them, of refusing at start what would never run or could not be called, and of running them. When
they run is decided by `resources/hooked.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from backstay.errors import ConfigurationError
from backstay.models.catalog import Catalog, Resource
from backstay.repositories.database.sessions import Session
from backstay.services.construction import Workshop
from backstay.services.context import Context
from backstay.services.service import Service

# What each takes after the context.
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "validate": ("values",),
    "before_create": ("values",),
    "after_create": ("row",),
    "before_update": ("row", "values"),
    "after_update": ("row", "old"),
    "before_delete": ("row",),
    "after_delete": ("row",),
}
# A hook that writes leads to hooks again. More levels than this are a circle.
MOST_LEVELS = 16

_level: ContextVar[int] = ContextVar("backstay_hook_level", default=0)


@dataclass(frozen=True, slots=True)
class Hook:
    """One method of one service.

    Attributes:
        takes: how many of its `ARGUMENTS` it takes; `after_update` may leave `old` out.
    """

    service: type[Service]
    name: str
    takes: int

    @property
    def words(self) -> str:
        """Its name for people."""
        return f"{self.service.__name__}.{self.name}"


class TableHooks:
    """The hooks of one table, by name, each in the order in which the services were defined."""

    def __init__(self, resource: Resource, hooks: Sequence[Hook], workshop: Workshop) -> None:
        self.resource = resource
        self._workshop = workshop
        self._by_name = {name: tuple(hook for hook in hooks if hook.name == name) for name in ARGUMENTS}

    def has(self, *names: str) -> bool:
        """True when there is a hook of one of those names."""
        return any(self._by_name[name] for name in names)

    @property
    def wants_old(self) -> bool:
        """True when an `after_update` takes the values before."""
        return any(hook.takes == 2 for hook in self._by_name["after_update"])

    async def run(self, name: str, context: Context, session: Session, *arguments: Any) -> None:
        """Run the hooks of that name one after another."""
        for hook in self._by_name[name]:
            service = self._workshop.make(hook.service, context, session)
            if await getattr(service, name)(context, *arguments[: hook.takes]) is not None:
                raise TypeError(f"{hook.words} returned something; it changes `values` in place or raises")

    @contextmanager
    def level(self) -> Iterator[None]:
        """Inside are the hooks of one write.

        Raises:
            RecursionError: when writes that hooks made led to this one, `MOST_LEVELS` deep.
        """
        level = _level.get() + 1
        if level > MOST_LEVELS:
            raise RecursionError(
                f"writes made by hooks led to this one of '{self.resource.name}', {MOST_LEVELS} deep"
            )
        token = _level.set(level)
        try:
            yield
        finally:
            _level.reset(token)


def read_hooks(
    services: Iterable[type[Service]], catalog: Catalog, workshop: Workshop
) -> dict[str, TableHooks]:
    """The hooks of every table that has some, by the table's name.

    Raises:
        ConfigurationError: for each hook that would never run or cannot be called.
    """
    by_model = {resource.model: resource for resource in catalog.resources.values()}
    problems: list[str] = []
    found: dict[str, list[Hook]] = {}
    for service in services:
        hooks = list(_hooks_of(service, problems))
        # Who inherits from a service with a model does not hook a second time.
        if not hooks or "model" not in vars(service):
            continue
        resource = by_model.get(service.model) if service.model is not None else None
        if resource is None:
            problems.append(f"{service.__name__} has hooks, and its model is none of those that are served")
        else:
            found.setdefault(resource.name, []).extend(hooks)
    if problems:
        raise ConfigurationError(problems)
    return {name: TableHooks(catalog.resources[name], hooks, workshop) for name, hooks in found.items()}


def _hooks_of(service: type[Service], problems: list[str]) -> Iterator[Hook]:
    for name in dir(service):
        if name not in ARGUMENTS and not name.startswith(("before_", "after_")):
            continue
        words = f"{service.__name__}.{name}"
        if service.model is None:
            # Without a model, methods of these names are methods.
            continue
        if name not in ARGUMENTS:
            problems.append(f"{words} is no hook; those are {', '.join(ARGUMENTS)}")
            continue
        takes = _takes(service, name)
        if takes is None:
            shown = ", ".join(("self", "ctx", *ARGUMENTS[name]))
            problems.append(f"{words} must be `async def {name}({shown})`")
        else:
            yield Hook(service, name, takes)


def _takes(service: type[Service], name: str) -> int | None:
    """How many arguments after the context it takes; None when it cannot be called as a hook is."""
    method = inspect.getattr_static(service, name)
    if not inspect.iscoroutinefunction(method):
        return None
    wanted = len(ARGUMENTS[name])
    for takes in (wanted, wanted - 1) if name == "after_update" else (wanted,):
        try:
            inspect.signature(method).bind(*range(2 + takes))
        except TypeError:
            continue
        return takes
    return None
