"""`backstay doctor`: the database beside the models and their rules, by one table of checks.

In charge of the order and the words of what it could not see. Each check is pure, and knows neither engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from backstay.models.access.finding import Diagnosis, Finding, Level
from backstay.models.catalog import Catalog
from backstay.models.structure import Structure
from backstay.repositories.inspection import Inspection
from backstay.services.access.examined import Examined
from backstay.services.access.fixes import analyze_fix, model_name
from backstay.services.access.missing_indexes import (
    missing_for_filters,
    missing_for_foreign_keys,
    missing_for_relations,
    missing_for_rules,
    missing_for_uniques,
)
from backstay.services.access.wasted_indexes import duplicate, invalid, redundant, unused


def pending_migrations(examined: Examined) -> Iterator[Finding]:
    """The database is not what the models say, so what follows may be mended by them."""
    if examined.pending:
        yield Finding(
            "migrations_pending",
            Level.WARNING,
            "",
            (),
            f"{len(examined.pending)} not applied: {', '.join(examined.pending)}",
            "backstay migrate up, and ask again",
        )


def missing_tables(examined: Examined) -> Iterator[Finding]:
    """A model whose table is not there."""
    for name in sorted(examined.catalog.resources):
        if name not in examined.structure.tables:
            problem = f"{model_name(examined.catalog, name)} has no table in the database"
            advice = "backstay migrate make, then backstay migrate up"
            yield Finding("table_missing", Level.WARNING, name, (), problem, advice)


def without_rules(examined: Examined) -> Iterator[Finding]:
    """A model that is served to nobody, and that production refuses to start with."""
    for name in examined.catalog.without_rules():
        model = model_name(examined.catalog, name)
        advice = f"class {model}Access(Access, model={model}): read = False says that this is meant"
        problem = "it has no access rules, so nobody can reach it, and production does not start"
        yield Finding("table_without_rules", Level.WARNING, name, (), problem, advice)


def missing_statistics(examined: Examined) -> Iterator[Finding]:
    """Without statistics the planner guesses, and guesses wrong about rules and filters."""
    level = Level.WARNING if examined.structure.engine == "postgresql" else Level.INFO
    for facts in examined.tables():
        if not facts.is_analyzed:
            problem = "it was never analyzed, so the planner guesses how many rows a condition finds"
            advice = f'ANALYZE "{facts.name}", and let autovacuum or a job do so regularly'
            yield Finding(
                "statistics_missing", level, facts.name, (), problem, advice, analyze_fix(facts.name)
            )


Check = Callable[[Examined], Iterable[Finding]]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("migrations_pending", pending_migrations),
    ("table_missing", missing_tables),
    ("table_without_rules", without_rules),
    ("statistics_missing", missing_statistics),
    ("index_invalid", invalid),
    ("index_missing_foreign_key", missing_for_foreign_keys),
    ("index_missing_rule", missing_for_rules),
    ("index_missing_unique", missing_for_uniques),
    ("relation_unbounded", missing_for_relations),
    ("index_missing_filter", missing_for_filters),
    ("index_duplicate", duplicate),
    ("index_redundant", redundant),
    ("index_unused", unused),
)


class Doctor:
    """Looks at one database. Changes nothing.

    Args:
        tables: names of the application's own tables; all others are somebody else's.
    """

    def __init__(self, catalog: Catalog, inspection: Inspection, tables: Iterable[str]) -> None:
        self._catalog = catalog
        self._inspection = inspection
        self._tables = frozenset(tables)

    async def examine(self, pending: Iterable[str] = ()) -> Diagnosis:
        """Everything that is wrong, warnings first."""
        structure = await self._inspection.read()
        own = {name: facts for name, facts in structure.tables.items() if name in self._tables}
        structure = Structure(structure.engine, own, structure.counts_use, structure.counted_since)
        return diagnose(Examined(self._catalog, structure, tuple(pending)))


def diagnose(examined: Examined) -> Diagnosis:
    """Run every check."""
    found = [finding for _, check in CHECKS for finding in check(examined)]
    found.sort(key=lambda finding: finding.level is not Level.WARNING)
    return Diagnosis(tuple(found), tuple(_notes(examined.structure)))


def _notes(structure: Structure) -> Iterator[str]:
    if not structure.counts_use:
        yield "SQLite does not count how often an index is used, so unused ones are not named"
    elif structure.counted_since is not None:
        yield f"use of indexes is counted since {structure.counted_since:%Y-%m-%d}"
