"""What the commands about identity share: the application without a server, and in whose name they act."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from backstay.app.identity import IdentityParts
from backstay.cli.project import load_app
from backstay.middleware.log import configure_logging
from backstay.services.auth.audit import CLI
from backstay.services.context import Context

T = TypeVar("T")

OPERATOR = Context(CLI)


def with_identity(context: typer.Context, work: Callable[[IdentityParts], Awaitable[T]]) -> T:
    """Do the work on the project's database, and leave nothing open."""
    app = load_app(context.obj)
    # What a command prints may be read by a program.
    configure_logging(app.settings.log, app.settings.is_development, sys.stderr.buffer)

    async def run() -> T:
        try:
            return await work(app.identity)
        finally:
            await app.identity.close()
            await app.sessions.close()

    return asyncio.run(run())
