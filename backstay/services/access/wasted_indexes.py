"""Checks for indexes that cost more than they give: half made, twice there, contained in another, never used."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backstay.models.access.finding import Finding, Fix, Level
from backstay.models.structure import IndexFacts, TableFacts
from backstay.services.access.examined import Examined
from backstay.services.access.fixes import again_fix, drop_fix, model_name
from backstay.services.access.missing_indexes import (
    missing_for_foreign_keys,
    missing_for_relations,
    missing_for_rules,
)

# Reads of a table from which an index that none of them used is likely not to be needed.
_ENOUGH_READS = 1_000
# What `REINDEX CONCURRENTLY` leaves when it is interrupted.
_LEFT_OVER = re.compile(r"_cc(?:new|old)\d*$")


def invalid(examined: Examined) -> Iterator[Finding]:
    """Left by a `CREATE INDEX CONCURRENTLY` that was interrupted: kept up to date by each write, used by no read."""
    for facts in examined.tables():
        for index in facts.indexes:
            if index.is_valid:
                continue
            fix: Fix | None = drop_fix(facts.name, index)
            advice = "drop it"
            if not _LEFT_OVER.search(index.name):
                fix = again_fix(facts.name, index) if index.is_plain and not index.serves else None
                advice = f'make it again, or REINDEX INDEX CONCURRENTLY "{index.name}"'
            problem = f"{index.name} was left half made: writes keep it, and no read can use it"
            yield Finding("index_invalid", Level.WARNING, facts.name, index.columns, problem, advice, fix)


def duplicate(examined: Examined) -> Iterator[Finding]:
    """Two indexes of the same columns; the one that is a key, a constraint or unique stays."""
    for facts, index, other in _pairs(examined):
        if other.parts == index.parts:
            problem = f"{index.name} is the same index as {other.name}, and each write pays for both"
            yield _to_drop(examined, "index_duplicate", Level.WARNING, facts, index, problem)


def redundant(examined: Examined) -> Iterator[Finding]:
    """An index whose columns another one begins with."""
    for facts, index, other in _pairs(examined):
        if len(index.parts) < len(other.parts) and not index.is_unique:
            problem = f"{other.name} begins with the columns of {index.name}, and can do what it does"
            yield _to_drop(examined, "index_redundant", Level.INFO, facts, index, problem)


def unused(examined: Examined) -> Iterator[Finding]:
    """An index that nobody used since the counters began, on a table that is read; not one that a check asks for."""
    if not examined.structure.counts_use:
        return
    for facts in examined.tables():
        for index in facts.indexes:
            if index.scans != 0 or index.serves or index.is_unique or not index.is_valid:
                continue
            if (facts.scans or 0) >= _ENOUGH_READS and not _is_asked_for(examined, facts, index):
                problem = f"{index.name} was never used in {facts.scans:,} reads of the table (replicas count apart)"
                yield _to_drop(examined, "index_unused", Level.INFO, facts, index, problem)


def _pairs(examined: Examined) -> Iterator[tuple[TableFacts, IndexFacts, IndexFacts]]:
    """Each index that can be done without, with the one that does its work; the weaker one first."""
    for facts in examined.tables():
        gone: set[str] = set()
        for index in sorted(facts.indexes, key=_worth):
            for other in facts.indexes:
                contains = other.kind == index.kind and other.parts[: len(index.parts)] == index.parts
                is_other = other is not index and other.name not in gone and other.is_valid
                if not index.serves and index.is_valid and contains and is_other:
                    gone.add(index.name)
                    yield facts, index, other
                    break


def _worth(index: IndexFacts) -> tuple[bool, bool, int]:
    """What is given up first: one that keeps nothing unique, and the shorter one."""
    return bool(index.serves), index.is_unique, len(index.parts)


def _to_drop(
    examined: Examined, code: str, level: Level, facts: TableFacts, index: IndexFacts, problem: str
) -> Finding:
    declared = f"{model_name(examined.catalog, facts.name)}({', '.join(index.columns)})"
    advice = f"take the index of {declared} out of the models, if it stands there"
    return Finding(code, level, facts.name, index.columns, problem, advice, drop_fix(facts.name, index))


def _is_asked_for(examined: Examined, facts: TableFacts, index: IndexFacts) -> bool:
    """Whether something would be missing without it."""
    without = Examined(examined.catalog, examined.structure.without(facts.name, index))
    return any(
        next(check(without), None) is not None
        for check in (missing_for_foreign_keys, missing_for_relations, missing_for_rules)
    )
