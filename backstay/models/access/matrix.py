"""The matrix of access: caller × table × action × column, each cell `always`, `never` or a condition in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

ALWAYS = "always"
NEVER = "never"
# Stands for the row as a whole, beside the columns.
WHOLE_ROW = "*"


class Place(NamedTuple):
    """What is done with what: `("trips", "read", "cost")`; the column is `*` for the row as a whole."""

    table: str
    action: str
    column: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Attributes:
    callers: `anonymous`, `authenticated`, `role:…`, `permission:…` and `service`, in the order of columns.
    cells: what each caller may, by place.
    """

    callers: tuple[str, ...]
    cells: Mapping[Place, Mapping[str, str]]


class Effect(StrEnum):
    """Which way a change goes. `other` is one condition in place of another: for people to judge."""

    OPENS = "opens"
    CLOSES = "closes"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Change:
    """One cell that differs; None where a matrix has no such cell."""

    place: Place
    callers: tuple[str, ...]
    before: str | None
    after: str | None

    @property
    def effect(self) -> Effect:
        """Whether more is possible than before, or less."""
        before, after = _rank(self.before), _rank(self.after)
        if before == after:
            return Effect.OTHER
        return Effect.OPENS if before < after else Effect.CLOSES


def _rank(cell: str | None) -> int:
    """How much a cell allows: nothing, something, everything."""
    return {None: 0, NEVER: 0, ALWAYS: 2}.get(cell, 1)
