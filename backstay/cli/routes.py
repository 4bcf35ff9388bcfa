"""`backstay routes`: every route with the rule that guards it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from backstay.cli.project import load_app
from backstay.cli.terminal import OUT, table_of


def routes(
    context: typer.Context,
    public: Annotated[bool, typer.Option("--public", help="Only routes that are open to everyone.")] = False,
) -> None:
    """List every route and the rule that guards it; then name the ones that are open to everyone.

    Examples:

        backstay routes

        backstay routes --public
    """
    lines = load_app(context.obj).routes()
    table = table_of("method", "path", "rule")
    for line in lines:
        if line.public or not public:
            style = "yellow" if line.public else None
            table.add_row(line.method, escape(line.path), escape(line.rule), style=style)
    OUT.print(table)
    count = sum(line.public for line in lines)
    OUT.print(f"{count} of {len(lines)} routes are open to everyone")
