"""What the checks of `doctor` look at: the models' catalog beside the database's structure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backstay.models.catalog import Catalog, Resource
from backstay.models.structure import Structure, TableFacts


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """One application on one database.

    Attributes:
        structure: of the application's own tables alone.
        pending: titles of migrations that are not applied.
    """

    catalog: Catalog
    structure: Structure
    pending: tuple[str, ...] = ()

    def served(self) -> Iterator[tuple[Resource, TableFacts]]:
        """Every served table that is there, by name."""
        for name, resource in sorted(self.catalog.resources.items()):
            facts = self.structure.tables.get(name)
            if facts is not None:
                yield resource, facts

    def tables(self) -> Iterator[TableFacts]:
        """Every table of the application that is there, by name."""
        for _, facts in sorted(self.structure.tables.items()):
            yield facts

    def leads_with(self, table: str, columns: tuple[str, ...]) -> bool:
        """Whether rows are found by an index; so for a table that is not there, of which something else is said."""
        facts = self.structure.tables.get(table)
        return facts is None or facts.leads_with(columns)
