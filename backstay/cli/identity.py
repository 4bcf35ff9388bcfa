"""What commands on the database share: the application without a server, and in whose name they act."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import typer

from backstay.app import Backstay
from backstay.app.identity import IdentityParts
from backstay.cli.project import load_app
from backstay.errors import BackstayError
from backstay.middleware.log import configure_logging
from backstay.models.auth.account import Account
from backstay.services.auth.audit import CLI
from backstay.services.context import Context

T = TypeVar("T")

OPERATOR = Context(CLI)


def with_identity(context: typer.Context, work: Callable[[IdentityParts], Awaitable[T]]) -> T:
    """Do the work on the project's database, and leave nothing open."""
    app = load_app(context.obj)
    return running(app, lambda: work(app.identity))


async def account_of(identity: IdentityParts, who: str) -> Account:
    """The account with this address or, since not everybody has one, with this id.

    Raises:
        BackstayError: `user_not_found`, `email_address_invalid`.
    """
    try:
        user_id = UUID(who)
    except ValueError:
        return await identity.administration.by_email(OPERATOR, who)
    return await identity.administration.get(OPERATOR, user_id)


def running(app: Backstay, work: Callable[[], Awaitable[T]], *, reads: bool = False) -> T:
    """Do the work with an application that serves nobody, and leave nothing open.

    Args:
        reads: the work reads by statements of its own, so the database's door is open.

    Raises:
        BackstayError: `not_ready`, when it failed and migrations are pending.
    """
    # What a command prints may be read by a program.
    configure_logging(app.settings.log, app.settings.is_development, sys.stderr.buffer)

    async def run() -> T:
        try:
            if not reads:
                return await work()
            await app.database.open()
            try:
                return await work()
            finally:
                await app.database.close()
        except BackstayError as error:
            # What a table that is not there yet comes out as.
            if error.code != "internal_error" or await app.migrations.is_current():
                raise
            raise BackstayError("not_ready", "Migrations are pending; run `backstay migrate up`") from error
        finally:
            await app.identity.close()
            await app.sessions.close()

    return asyncio.run(run())
