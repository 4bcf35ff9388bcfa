"""What a database is like, as plain values: tables, their foreign keys, indexes, size and use.

The same for both engines. Read by `repositories/inspection`, judged by `services/access/doctor.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """One index.

    Attributes:
        columns: names, in order; an expression stands as its SQL in brackets.
        parts: each column with everything that tells two indexes of it apart: direction, collation, operators.
        kind: method, condition and included columns; two indexes of one kind and the same parts are the same.
        is_plain: a b-tree of columns and of all rows, or of those in which its columns are not null.
        serves: `primary`, `constraint` or nothing: what the database keeps it for, apart from reading.
        definition: the statement that makes it; empty for one that comes with its table.
        scans: how often it was used; None when the engine does not count.
    """

    name: str
    columns: tuple[str, ...]
    parts: tuple[str, ...]
    kind: str
    is_unique: bool
    is_plain: bool
    serves: str = ""
    is_valid: bool = True
    definition: str = ""
    scans: int | None = None

    def leads_with(self, columns: Iterable[str]) -> bool:
        """Whether rows are found in it by those columns, in any order among them."""
        wanted = set(columns)
        return self.is_plain and set(self.columns[: len(wanted)]) == wanted


@dataclass(frozen=True, slots=True)
class ForeignKeyFacts:
    """One foreign key."""

    name: str
    columns: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table.

    Attributes:
        rows: about how many, by the database's own statistics; None when it has none.
        is_analyzed: it has statistics of the columns' values.
        scans: how often it was read in any way; None when the engine does not count.
    """

    name: str
    rows: int | None
    is_analyzed: bool
    indexes: tuple[IndexFacts, ...]
    foreign_keys: tuple[ForeignKeyFacts, ...]
    scans: int | None = None

    def leads_with(self, columns: Iterable[str]) -> bool:
        """Whether some index finds rows by those columns."""
        wanted = tuple(columns)
        return any(index.leads_with(wanted) for index in self.indexes)


@dataclass(frozen=True, slots=True)
class Structure:
    """One database.

    Attributes:
        counts_use: whether it counts how often indexes are used.
        counted_since: since when; None for as long as the database is there.
    """

    engine: str
    tables: Mapping[str, TableFacts]
    counts_use: bool
    counted_since: dt.datetime | None = None

    def without(self, table: str, index: IndexFacts) -> Structure:
        """The same, had that index never been made."""
        facts = self.tables[table]
        left = tuple(each for each in facts.indexes if each is not index)
        return replace(self, tables={**self.tables, table: replace(facts, indexes=left)})
