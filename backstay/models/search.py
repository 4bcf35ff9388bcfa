"""Text search as a model declares it: `search = Search("name", "city")`, a name that filters can ask for words.

In charge of the declaration and of what a table remembers of it. Migrations keep the index behind it
(`repositories/migrations/searches.py`), and the planner decides who may ask it. docs/decisions/0026-search.md says
what a search answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Table

CONFIGURATIONS = ("simple", "english")
SEARCH_PREFIX = "backstay_search_"
# Where `Table.info` has a table's searches.
KEPT_IN = "backstay_searches"
# PostgreSQL cuts longer names off without a word.
_MAX_NAME_BYTES = 63


class Search:
    """A search over text columns of a model, by the name of the attribute it is bound to.

    Args:
        columns: attributes that hold text, in the order in which their words follow one another.
        config: how words are made of text. `simple` folds case; `english` also takes words to their stem and leaves
            out those that say nothing, such as "the".

    Raises:
        TypeError: without a column, with what is no attribute's name, or with an unknown configuration.
    """

    def __init__(self, *columns: str, config: str = "simple") -> None:
        if not columns or not all(isinstance(column, str) for column in columns):
            raise TypeError('a search names the attributes it looks through: Search("name", "city")')
        if config not in CONFIGURATIONS:
            raise TypeError(f"a search's config is one of {', '.join(CONFIGURATIONS)}, not {config!r}")
        self.columns = columns
        self.config = config

    def __repr__(self) -> str:
        return f"Search({', '.join(map(repr, self.columns))}, config={self.config!r})"


@dataclass(frozen=True, slots=True)
class TableSearch:
    """A search of one table, by the names that the database knows.

    Attributes:
        name: what filters call it.
        columns: more than one are one text, in which an absent value is empty; a single one that is null has no
            words to be asked for.
    """

    table: str
    name: str
    columns: tuple[str, ...]
    config: str

    @property
    def stored_as(self) -> str:
        """The name of its index, and of the tables that are one on SQLite."""
        name = f"{SEARCH_PREFIX}{self.table}_{self.name}"
        if len(name.encode()) <= _MAX_NAME_BYTES:
            return name
        return f"{SEARCH_PREFIX}{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def attach_searches(model: type, table: Table) -> list[str]:
    """Let a table remember the searches that its mapped class declares; returns what is wrong with them."""
    problems: list[str] = []
    found = tuple(_declared(model, table, problems))
    if found:
        table.info[KEPT_IN] = found
    return problems


def searches_of(table: Table) -> tuple[TableSearch, ...]:
    """The searches of a table, in the order of their declaration."""
    found: tuple[TableSearch, ...] = table.info.get(KEPT_IN, ())
    return found


def _declared(model: type, table: Table, problems: list[str]) -> Iterator[TableSearch]:
    # By attribute; to ask for the attributes themselves would configure mappers, whose targets may come later.
    mapped = model.__mapper__.columns  # type: ignore[attr-defined]  # every mapped class has one
    columns = {key: str(column.name) for key, column in mapped.items()}
    named = {
        name: value
        for part in reversed(model.__mro__)
        for name, value in vars(part).items()
        if isinstance(value, Search)
    }
    for name, search in named.items():
        unknown = [column for column in search.columns if column not in columns]
        problems += [
            f"{model.__name__}.{name}: there is no column '{column}' to search" for column in unknown
        ]
        if name in table.columns:
            problems.append(f"{model.__name__}.{name}: a search cannot be called like a column")
        if not unknown:
            yield TableSearch(
                str(table.name), name, tuple(columns[column] for column in search.columns), search.config
            )
