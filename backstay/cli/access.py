"""`backstay access`: the access rules read aloud, for one question or for all of them."""

from __future__ import annotations

import typer

from backstay.cli import explain, matrix

commands = typer.Typer(
    help="Access rules read aloud: who may do what, and which clause says so.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
commands.command("explain")(explain.explain)
commands.command("matrix")(matrix.matrix)
