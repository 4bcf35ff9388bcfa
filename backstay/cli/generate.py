"""`backstay generate`: types for client programs, from the models and their access rules."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from backstay.app import catalogs_of
from backstay.cli.project import PACKAGE, enter
from backstay.cli.terminal import OUT, problems
from backstay.controllers.openapi.python import build_python
from backstay.controllers.openapi.typescript import build_typescript
from backstay.errors import ConfigurationError
from backstay.models.resources.typed import TypedCatalog
from backstay.services.resources.typed import audience_named, typed_catalog

SHOWN_LINES = 20

commands = typer.Typer(help="Types for client programs.", no_args_is_help=True, rich_markup_mode="markdown")

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write.", show_default="standard output", dir_okay=False),
]
Check = Annotated[
    bool,
    typer.Option("--check", help="Write nothing; exit with 1 when the file at --output is not up to date."),
]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="Whose types: `anonymous`, `user` (signed in, without a role), the name of a role, or `service`.",
        show_default="what any signed-in caller might see",
    ),
]


@commands.command()
def typescript(context: typer.Context, output: Output = None, check: Check = False, as_: As = None) -> None:
    """Make the types that `createClient<Database>` of supabase-js takes.

    What the callers in question cannot see is not in them. A column that only some of them have is optional, and one
    that a rule masks in some rows can be null.

    Examples:

        backstay generate typescript --output web/src/database.ts

        backstay generate typescript --output web/src/database.ts --check

        backstay generate typescript --as anonymous
    """
    _generate(context, "typescript", build_typescript, output, check, as_)


@commands.command()
def python(context: typer.Context, output: Output = None, check: Check = False, as_: As = None) -> None:
    """Make Pydantic models of rows, and TypedDicts of what is sent, for supabase-py.

    A table `trips` becomes PublicTrips, PublicTripsInsert and PublicTripsUpdate.

    Examples:

        backstay generate python --output reports/database.py

        backstay generate python --output reports/database.py --check

        backstay generate python --as service
    """
    _generate(context, "python", build_python, output, check, as_)


def _generate(
    context: typer.Context,
    language: str,
    build: Callable[[TypedCatalog, str], str],
    output: Path | None,
    check: bool,
    as_: str | None,
) -> None:
    if check and output is None:
        raise typer.BadParameter("names no file to check without --output", param_hint="--check")
    enter(context.obj)
    catalog, actions = catalogs_of(PACKAGE)
    # The same words wherever the file lies, so that the file says the same.
    command = f"backstay generate {language}" + (f" --as {shlex.quote(as_)}" if as_ is not None else "")
    audience = audience_named(catalog, as_, [each.rule for each in actions.all()])
    functions = [each.function for each in actions.all() if audience.outlook(each.rule).may_hold]
    text = build(typed_catalog(catalog, audience, functions), command)
    if output is None:
        typer.echo(text, nl=False)
    elif check:
        _compare(output, text, command)
    else:
        _write(output, text)


def _write(output: Path, text: str) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError([f"{output} cannot be written: {error.strerror}"]) from error
    OUT.print(f"wrote {output}", markup=False)


def _compare(output: Path, text: str, command: str) -> None:
    try:
        known = output.read_text("utf-8")
    except FileNotFoundError:
        known = ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{output} cannot be read as text: {error}"]) from error
    if known == text:
        OUT.print(f"{output} is up to date", markup=False)
        return
    lines = list(difflib.unified_diff(known.splitlines(), text.splitlines(), n=1, lineterm=""))[2:]
    for line in lines[:SHOWN_LINES]:
        OUT.print(line, markup=False)
    if len(lines) > SHOWN_LINES:
        OUT.print(f"… and {len(lines) - SHOWN_LINES} more lines")
    problems([f"{output} is not up to date; run: {command} --output {output}"])
    raise typer.Exit(1)
