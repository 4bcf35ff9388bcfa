"""`backstay check`: everything that is unsafe or missing for an environment, with the fix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from backstay.app import catalog_of
from backstay.cli.project import PACKAGE, enter
from backstay.cli.terminal import ERR, OUT, table_of
from backstay.config.environment import Environment
from backstay.config.loader import load_settings
from backstay.config.report import CatalogFacts, Finding, refusals


def check(
    context: typer.Context,
    env: Annotated[
        Environment | None,
        typer.Option("--env", help="Environment to check.", show_default="the current one"),
    ] = None,
) -> None:
    """List every value that is unsafe or missing in the environment, with the fix; exit with 1 when there is one.

    Serving in staging and production makes the same checks and refuses to start.

    Examples:

        backstay check

        backstay check --env production
    """
    found = findings(context.obj, env)
    if found:
        show(found)
        raise typer.Exit(1)
    OUT.print("[bold green]ok:[/] nothing unsafe or missing")


def findings(project: Path, env: Environment | None) -> list[Finding]:
    """What forbids to serve in the environment. A value that cannot even be read ends the command with all such values."""
    enter(project)
    settings = load_settings(project, env.value if env is not None else None)
    catalog = catalog_of(PACKAGE)
    return refusals(settings, CatalogFacts(tuple(catalog.without_rules())))


def show(found: list[Finding]) -> None:
    """The findings as a table."""
    table = table_of("setting", "problem", "fix", show_lines=True)
    for finding in found:
        table.add_row(escape(finding.name), escape(finding.problem), escape(finding.fix))
    ERR.print(table)
    count = len(found)
    ERR.print(f"[bold red]{count} {'problem' if count == 1 else 'problems'}[/]")
