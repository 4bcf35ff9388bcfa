"""The door to what a database says of itself: two backends, `sqlite.py` and `postgres.py`, behind one protocol."""

from __future__ import annotations

from typing import Protocol

from backstay.models.structure import Structure


class Inspection(Protocol):
    """Reads a database's structure, and changes nothing."""

    async def read(self) -> Structure:
        """Every table of the application's schema.

        Raises:
            BackstayError: what the database's door raises.
        """
