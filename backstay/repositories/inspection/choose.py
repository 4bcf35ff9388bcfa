"""Which inspection a database needs."""

from __future__ import annotations

from backstay.repositories.database import Database
from backstay.repositories.inspection import Inspection
from backstay.repositories.inspection.postgres import PostgresInspection
from backstay.repositories.inspection.sqlite import SqliteInspection


def inspection_of(database: Database) -> Inspection:
    """The one for this database's engine."""
    return SqliteInspection(database) if database.engine == "sqlite" else PostgresInspection(database)
