"""`@action`: a method of a service that clients call by name; and the answers that are more than a value.

In charge of what users write. What it means is read in `resources/action_reading.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from backstay.models.access.rules import RuleSource

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
F = TypeVar("F", bound=Callable[..., Awaitable[Any]])

DECLARED = "backstay_action"


@dataclass(frozen=True, slots=True)
class Declared:
    """What `@action` was given."""

    method: str
    name: str | None
    rule: RuleSource | None
    requires: str | None
    rows: type[Any] | None


def action(
    *,
    method: Method = "POST",
    name: str | None = None,
    rule: RuleSource | None = None,
    requires: str | None = None,
    rows: type[Any] | None = None,
) -> Callable[[F], F]:
    """Offer an async method `(self, ctx, …)` to clients: under `/functions/v1/` and `/rest/v1/rpc/`, and in GraphQL.

    Args:
        method: GET for an action that only reads: it runs in a session that cannot write.
        name: instead of `{service}.{method's name}`.
        rule: who may call it: True for everyone, or made of `caller.is_authenticated`, `caller.has_role(…)`,
            `caller.can(…)` and `caller.aal2`. An action without a rule and `requires` is refused at start.
        requires: a permission that the caller must have, such as `trips:publish`.
        rows: the model whose rows a `Select` finds, which its type does not say when the program runs.
    """

    def declare(function: F) -> F:
        setattr(function, DECLARED, Declared(method, name, rule, requires, rows))
        return function

    return declare


@dataclass(frozen=True, slots=True)
class Upload:
    """An argument that is a file: a part of a form, or a whole body.

    Attributes:
        filename: as the client calls it: text for people, never a path to open.
    """

    content: bytes
    filename: str = ""
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is a file.

    Attributes:
        filename: what a browser saves it as; empty to show it.
    """

    content: bytes
    media_type: str = "application/octet-stream"
    filename: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is sent as it is made. What the action wrote is kept before the first part leaves; the parts
    themselves are made outside of its transaction, and its repositories can no longer be asked."""

    parts: AsyncIterable[str | bytes] | Iterable[str | bytes]
    media_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event. `data` is text, or a JSON-ready value."""

    data: Any
    event: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Events:
    """A `Stream` of server-sent events (`text/event-stream`). What is no `Event` is the data of one."""

    events: AsyncIterable[Event | str | Mapping[str, Any]] | Iterable[Event | str | Mapping[str, Any]]
