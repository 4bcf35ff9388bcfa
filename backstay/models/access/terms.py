"""The terms of a rule that read the caller: `caller.id`, `caller.has_role("editor")`, `caller.claim("tenant")`.

Each is a SQLAlchemy expression, so it can be combined with columns by the usual operators, and each can be
evaluated for a caller without a database. They never reach one: folding a rule (`rules.py`) replaces every term by
its value first, and a term that is compiled all the same is an error, so a forgotten fold denies.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, String, Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine

from backstay.models.access.caller import Caller


class Subject(StrEnum):
    """What a term asks about."""

    ID = "id"
    AUTHENTICATED = "authenticated"
    LEVEL = "level"
    ROLE = "role"
    PERMISSION = "permission"
    CLAIM = "claim"
    METADATA = "metadata"


class CallerTerm(ColumnElement[Any]):
    """A value of the caller inside a rule.

    Attributes:
        name: the role, permission, claim or entry that it asks for; empty for the others.
    """

    __visit_name__ = "caller_term"
    inherit_cache = False

    def __init__(
        self,
        label: str,
        read: Callable[[Caller], Any],
        type_: TypeEngine[Any],
        subject: Subject,
        name: str = "",
    ) -> None:
        self.words = label
        self.read = read
        self.type = type_
        self.subject = subject
        self.name = name

    @property
    def is_test(self) -> bool:
        """True when the term is a question about the caller alone, answered with true or false."""
        return isinstance(self.type, Boolean)

    def __repr__(self) -> str:
        return f"caller.{self.words}"


@compiles(CallerTerm)
def _compile_for_people_only(element: CallerTerm, compiler: Any, **options: Any) -> str:
    if compiler.dialect.name != "default":
        raise TypeError(f"{element!r} must be folded for a caller before it is compiled to SQL")
    return repr(element)


class CallerTerms:
    """The name `caller` in rules. Its attributes stand for values of whoever will be asking."""

    @property
    def id(self) -> ColumnElement[UUID]:
        """The caller's user id; null for a caller that is no user."""
        return CallerTerm("id", lambda caller: caller.id, Uuid(), Subject.ID)

    @property
    def is_authenticated(self) -> ColumnElement[bool]:
        """True for a signed-in user."""
        return CallerTerm(
            "is_authenticated", lambda caller: caller.is_authenticated, Boolean(), Subject.AUTHENTICATED
        )

    @property
    def aal2(self) -> ColumnElement[bool]:
        """True when the session was proven with a second factor."""
        return CallerTerm("aal2", lambda caller: caller.aal >= 2, Boolean(), Subject.LEVEL)

    def has_role(self, name: str) -> ColumnElement[bool]:
        """True when the role `name` was granted to the caller."""
        return CallerTerm(
            f"has_role({name!r})", lambda caller: caller.has_role(name), Boolean(), Subject.ROLE, name
        )

    def can(self, permission: str) -> ColumnElement[bool]:
        """True when the permission (`subject:verb`) was granted to the caller."""
        return CallerTerm(
            f"can({permission!r})",
            lambda caller: caller.can(permission),
            Boolean(),
            Subject.PERMISSION,
            permission,
        )

    def claim(self, name: str, type_: TypeEngine[Any] | None = None) -> ColumnElement[Any]:
        """A verified claim of the caller's token, as text unless `type_` says otherwise; null when absent."""
        return CallerTerm(
            f"claim({name!r})",
            lambda caller: caller.claims.get(name),
            type_ or String(),
            Subject.CLAIM,
            name,
        )

    def unverified_metadata(self, name: str) -> ColumnElement[str]:
        """An entry of the user's own metadata, as text. The user can write it: never a base for permission."""
        return CallerTerm(
            f"unverified_metadata({name!r})",
            lambda caller: caller.unverified_metadata.get(name),
            String(),
            Subject.METADATA,
            name,
        )


caller = CallerTerms()
