"""A small application to be killed: batches of three rows, each written by one request.

Run as a program it serves at the given database and port: `python -m tests.faults.ledger URL PORT`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import UUID

import uvicorn
from pydantic import SecretStr
from sqlalchemy.orm import Mapped, mapped_column

from backstay import Access, Backstay, Model, primary_key
from backstay.config.database import DatabaseSettings
from backstay.config.http import HttpSettings
from backstay.config.log import LogSettings
from backstay.config.settings import Settings
from backstay.config.tokens import TokenSettings
from backstay.middleware.server import uvicorn_config


class Entry(Model):
    """One of the three rows of a batch."""

    __tablename__ = "ledger_entries"

    id: Mapped[UUID] = primary_key()
    batch: Mapped[UUID] = mapped_column(index=True)
    line: Mapped[int]


class EntryAccess(Access, model=Entry):
    """Open to everyone: this test is about durability."""

    read = create = True


def make_app(url: str, port: int = 0) -> Backstay:
    """The application on the database at `url`."""
    settings = Settings(
        http=HttpSettings(port=port, drain_seconds=0),
        database=DatabaseSettings(url=url),
        tokens=TokenSettings(secret=SecretStr("a secret for the ledger, of no use to anyone else")),
        log=LogSettings(access=False),
        docs=False,
    )
    return Backstay(settings=settings, models=[Entry], project=Path("/"))


if __name__ == "__main__":
    ledger = make_app(sys.argv[1], int(sys.argv[2]))
    uvicorn.Server(uvicorn_config(ledger, ledger.settings.http)).run()
