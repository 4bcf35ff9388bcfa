"""`python -m backend.load`: fills the atlas with countries, subdivisions and airports.

Adds the rows that are missing and touches no other, so loading twice changes nothing, and what editors corrected
stays. All of it is one transaction: a load that is cut off leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backstay import Backstay, BackstayError, Context
from backstay.errors import ConfigurationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy import Table, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend import sources
from backend.models.airports import Airport
from backend.models.countries import Country
from backend.models.subdivisions import Subdivision

# Few round trips, and each far from any statement timeout.
BATCH_ROWS = 1000

Report = Callable[[str, int, int], None]
"""Told a table's name, how many of its rows are there, and how many there will be."""


@dataclass(frozen=True)
class Loaded:
    """How many rows are new, by table, and the countries that nobody lists, whose airports were left out."""

    new: Mapping[str, int]
    unknown_countries: frozenset[str]


async def load(app: Backstay, report: Report = lambda table, done, total: None) -> Loaded:
    """Add what is missing. The application must be running.

    Raises:
        ConfigurationError: migrations are pending.
    """
    if not await app.migrations.is_current():
        raise ConfigurationError(["the database is not up to date: run `backstay migrate up`"])
    countries = sources.countries()
    airports, unknown = sources.airports({row["code"] for row in countries})
    loads = ((Country, countries), (Subdivision, sources.subdivisions()), (Airport, airports))
    tables = [(app.metadata.tables[model.__tablename__], rows) for model, rows in loads]
    async with app.units.begin(Context()) as session:
        new = {table.name: await add_missing(session, table, rows, report) for table, rows in tables}
    return Loaded(new, unknown)


async def add_missing(
    session: AsyncSession, table: Table, rows: Sequence[sources.Row], report: Report
) -> int:
    """Insert the rows whose primary key the table does not have yet; returns how many."""
    (key,) = table.primary_key.columns
    present = set(await session.scalars(select(key)))
    new = [row for row in rows if row[key.name] not in present]
    total = len(rows)
    done = total - len(new)
    report(table.name, done, total)
    for start in range(0, len(new), BATCH_ROWS):
        batch = new[start : start + BATCH_ROWS]
        await session.execute(insert(table), batch)
        done += len(batch)
        report(table.name, done, total)
    return len(new)


async def load_with_progress(app: Backstay, console: Console) -> None:
    """Load, and show how far it is."""
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as progress:

        def show(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = progress.add_task(table)
            progress.update(tasks[table], completed=done, total=total)

        async with app.running():
            loaded = await load(app, show)
    console.print(", ".join(f"{table}: {count} new" for table, count in loaded.new.items()))
    if loaded.unknown_countries:
        codes = ", ".join(sorted(loaded.unknown_countries))
        console.print(f"Airports in {codes} were left out: add these countries to {sources.UNLISTED.name}.")


def main() -> int:
    """The command; 1 when it could not load."""
    try:
        from backend.app import app

        asyncio.run(load_with_progress(app, Console()))
    except (BackstayError, ConfigurationError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
