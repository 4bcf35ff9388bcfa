"""Classes that say of which table they are."""

from __future__ import annotations

from typing import Any, ClassVar


class OfTable:
    """A base of what is generated for every table, and may be written by hand for one: `class Own(Base, table="trips")`.

    A subclass that names no table is of none: a base for others, or a part of one that is of its table already.
    """

    table: ClassVar[str | None] = None

    def __init_subclass__(cls, table: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.table = table
