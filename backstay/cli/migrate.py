"""`backstay migrate`: make, apply and undo migrations, and say how far the database has come."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from backstay.cli.project import load_app
from backstay.cli.terminal import OUT
from backstay.repositories.migrations import Migrations, Step

commands = typer.Typer(
    help="Make, apply and undo migrations: the project's own, and the platform's tables.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@commands.command()
def make(
    context: typer.Context,
    message: Annotated[str, typer.Option("--message", "-m", help="What the migration does, in a few words.")],
) -> None:
    """Write the migration that takes the database to what the models say.

    Examples:

        backstay migrate make -m "add trips"
    """
    path = asyncio.run(_migrations(context).make(message))
    OUT.print("nothing to do: the database agrees with the models" if path is None else f"wrote {path}")


@commands.command()
def up(context: typer.Context) -> None:
    """Apply every migration that is pending. Any number of nodes may do so at once.

    Examples:

        backstay migrate up
    """
    done = asyncio.run(_migrations(context).up(tell))
    OUT.print(f"{len(done)} applied; the database is current")


@commands.command()
def down(
    context: typer.Context,
    steps: Annotated[int, typer.Option(help="How many of the last migrations to undo.", min=1)] = 1,
) -> None:
    """Undo the last migrations of the project.

    Examples:

        backstay migrate down

        backstay migrate down --steps 2
    """
    done = asyncio.run(_migrations(context).down(steps, tell))
    OUT.print(f"{len(done)} undone")


@commands.command()
def status(context: typer.Context) -> None:
    """Show what has been applied and what is pending; exit with 1 when something is.

    Examples:

        backstay migrate status
    """
    found = asyncio.run(_migrations(context).status())
    table = Table("", "chain", "revision", "title")
    for mark, steps in (("[green]applied[/]", found.applied), ("[yellow]pending[/]", found.pending)):
        for step in steps:
            table.add_row(mark, step.chain, step.revision, step.title)
    OUT.print(table)
    if found.pending:
        raise typer.Exit(1)


def tell(step: Step) -> None:
    """Say which migration has been run."""
    OUT.print(f"  {step.chain} {step.revision}  {step.title}", markup=False)


def _migrations(context: typer.Context) -> Migrations:
    return load_app(context.obj).migrations
