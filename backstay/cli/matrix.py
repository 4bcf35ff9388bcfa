"""`backstay access matrix`: what everyone may, from the rules alone; and what a change of the rules opens and closes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from backstay.app import catalog_of
from backstay.app.identity import IdentityParts
from backstay.cli.identity import OPERATOR, with_identity
from backstay.cli.matrix_table import (
    changes_json,
    changes_markdown,
    matrix_markdown,
    show_changes,
    show_matrix,
)
from backstay.cli.project import PACKAGE, enter
from backstay.cli.terminal import OUT
from backstay.errors import BackstayError
from backstay.models.access.matrix import Change, Matrix
from backstay.models.auth.role import DEFAULT_ROLES
from backstay.services.access.matrix import caller_kinds, compare, matrix_of
from backstay.services.access.matrix_document import document_of, read_document


def matrix(
    context: typer.Context,
    form: Annotated[
        Literal["table", "markdown", "json"], typer.Option("--format", help="How to print it.")
    ] = "table",
    save: Annotated[
        Path | None,
        typer.Option(help="Write it as JSON, for --diff.", dir_okay=False, show_default=False),
    ] = None,
    diff: Annotated[
        Path | None,
        typer.Option(
            help="Print only what differs from this saved file; exit with 1 when anything does.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    stored: Annotated[
        bool, typer.Option("--stored", help="With the roles of the database too, and what they permit.")
    ] = False,
) -> None:
    """Print what every kind of caller may do with every table and column.

    A cell is `always`, `never`, or the rule that decides by the row. Callers who may the same share a column; a column of
    a table that is as open as its row has no line of its own (in JSON it is `*`). It is read from the rules alone, without
    a database: roles are those of a new project and those that rules name (`--stored` asks for more). Kept beside the code, it shows in a review
    what a change of a rule opens and closes.

    Examples:

        backstay access matrix

        backstay access matrix --stored

        backstay access matrix --save access.json

        backstay access matrix --diff access.json --format markdown
    """
    enter(context.obj)
    catalog = catalog_of(PACKAGE)
    roles = {**DEFAULT_ROLES, **(_stored(context) if stored else {})}
    found = matrix_of(catalog, caller_kinds(catalog, roles))
    changes = [] if diff is None else _changes(diff, found)
    if diff is None:
        _show(found, form)
    else:
        _show_changes(changes, form, diff)
    if save is not None:
        save.write_text(document_of(found), "utf-8")
    raise typer.Exit(1 if changes else 0)


def _stored(context: typer.Context) -> Mapping[str, Sequence[str]]:
    async def work(identity: IdentityParts) -> Mapping[str, Sequence[str]]:
        return {role.name: role.permissions for role in await identity.roles.all(OPERATOR)}

    return with_identity(context, work)


def _changes(file: Path, found: Matrix) -> list[Change]:
    try:
        return compare(read_document(file.read_text("utf-8")), found)
    except (BackstayError, OSError, UnicodeDecodeError) as error:
        said = error.message if isinstance(error, BackstayError) else str(error)
        raise typer.BadParameter(said, param_hint="--diff") from error


def _show(found: Matrix, form: str) -> None:
    if form == "table":
        show_matrix(found)
    else:
        typer.echo(matrix_markdown(found) if form == "markdown" else document_of(found), nl=False)


def _show_changes(changes: list[Change], form: str, file: Path) -> None:
    if form == "json":
        typer.echo(changes_json(changes))
    elif not changes:
        OUT.print(f"nobody may more or less than {file} says", markup=False)
    elif form == "markdown":
        typer.echo(changes_markdown(changes), nl=False)
    else:
        show_changes(changes)
