"""`backstay access`: the access rules read aloud, for one question or for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from backstay.app import Backstay, catalog_of
from backstay.cli.explanation import explanation_json, show_explanation
from backstay.cli.identity import OPERATOR, running
from backstay.cli.matrix_table import (
    changes_json,
    changes_markdown,
    matrix_markdown,
    show_changes,
    show_matrix,
)
from backstay.cli.project import PACKAGE, enter, load_app
from backstay.cli.terminal import OUT, problems
from backstay.errors import BackstayError
from backstay.models.access.caller import ANONYMOUS, SERVICE, Caller
from backstay.models.access.explanation import Action, Explanation, Verdict
from backstay.models.access.matrix import Matrix
from backstay.models.auth.role import DEFAULT_ROLES
from backstay.models.catalog import Resource
from backstay.services.access.explain import Question, explain
from backstay.services.access.matrix import caller_kinds, compare, matrix_of
from backstay.services.access.matrix_document import document_of, read_document

commands = typer.Typer(
    help="Access rules read aloud: who may do what, and which clause says so.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_KEYS = {"anonymous": ANONYMOUS, "service": SERVICE}
_WRONG_WORDS = 2


@commands.command("explain")
def explain_one(
    context: typer.Context,
    table: Annotated[str, typer.Option(help="The table.", show_default=False)],
    action: Annotated[Action, typer.Option(help="What is done with it.")] = Action.READ,
    who: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="A user by e-mail or id; or `anonymous`, or `service`.",
            show_default="a user who has only the roles of --role",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--id",
            help="Key of one row (`a,b` for a composite key), which is then asked.",
            show_default=False,
        ),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="A column that is read or set; may be repeated.")
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="As if the user had this role too; may be repeated.")
    ] = None,
    permission: Annotated[
        list[str] | None,
        typer.Option(help="As if a role permitted this too (`subject:verb`); may be repeated."),
    ] = None,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="As if the session was proven with a second factor.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which clause of which rule allows or denies something, to whom.

    Each clause is marked: `yes`, `no` or `null` (it compares with something absent, and does not hold) when the caller
    alone decides, `row` when the row does. With `--id` that row is asked, by one statement that only reads. Exits with
    0 for allowed (for some rows at least), 1 for denied, 2 for words that mean nothing here.

    Examples:

        backstay access explain --as alice@example.com --table trips --action update

        backstay access explain --as alice@example.com --table trips --action delete --id 0198c0de-…

        backstay access explain --as anonymous --table trips --column cost

        backstay access explain --role editor --table airports --action create --json
    """
    app = load_app(context.obj)
    resource = _resource(app, table, column or [])
    known = _KEYS.get(who or "")
    if known is not None and (role or permission or second_factor):
        raise typer.BadParameter(f"{who} has no roles, permissions or factors")
    if known is None and who is None and not (role or permission):
        raise typer.BadParameter("say who asks: --as, or --role", param_hint="--as")
    who_says = _Who(who, role or [], permission or [], 2 if second_factor else 1)

    async def work() -> Explanation:
        caller = known or await who_says.caller(app)
        question = Question(resource, action, caller, who_says.words, tuple(column or ()), key is not None)
        return explain(question) if key is None else await app.explainer.explain(question, key)

    try:
        explanation = running(app, work, reads=key is not None)
    except BackstayError as error:
        problems([f"{error.message} ({error.code})"])
        raise typer.Exit(_WRONG_WORDS) from error
    if json:
        typer.echo(explanation_json(explanation, key))
    else:
        show_explanation(explanation, key)
    raise typer.Exit(1 if explanation.verdict is Verdict.DENIED else 0)


@commands.command()
def matrix(
    context: typer.Context,
    form: Annotated[
        Literal["table", "markdown", "json"], typer.Option("--format", help="How to print it.")
    ] = "table",
    save: Annotated[
        Path | None, typer.Option(help="Write it as JSON, for --diff.", dir_okay=False, show_default=False)
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
) -> None:
    """Print what every kind of caller may do with every table and column.

    A cell is `always`, `never`, or the rule that decides by the row. Callers who may the same share a column; a column of
    a table that is as open as its row has no line of its own (in JSON it is `*`). It is read from the rules alone, without
    a database: roles are those of a new project and those that rules name. Kept beside the code, it shows in a review
    what a change of a rule opens and closes.

    Examples:

        backstay access matrix

        backstay access matrix --save access.json

        backstay access matrix --diff access.json --format markdown
    """
    enter(context.obj)
    catalog = catalog_of(PACKAGE)
    found = matrix_of(catalog, caller_kinds(catalog, DEFAULT_ROLES))
    differs = False
    if diff is not None:
        differs = _show_difference(diff, found, form)
    else:
        _show(found, form)
    if save is not None:
        save.write_text(document_of(found), "utf-8")
    raise typer.Exit(1 if differs else 0)


class _Who:
    """The caller that the options describe."""

    def __init__(self, user: str | None, roles: list[str], permissions: list[str], aal: int) -> None:
        self.user = user
        self.roles = roles
        self.permissions = permissions
        self.aal = aal

    async def caller(self, app: Backstay) -> Caller:
        known = app.identity.known_callers
        if self.user is None:
            return await known.of_roles(OPERATOR, self.roles, self.permissions, self.aal)
        return await known.of_user(
            OPERATOR, self.user, roles=self.roles, permissions=self.permissions, aal=self.aal
        )

    @property
    def words(self) -> str:
        more = [
            *(f"the role {name}" for name in self.roles),
            *(f"the permission {one}" for one in self.permissions),
        ]
        who = self.user or "a user"
        return f"{who} with {' and '.join(more)}" if more else who


def _resource(app: Backstay, table: str, columns: list[str]) -> Resource:
    resource = app.catalog.resources.get(table)
    if resource is None:
        known = ", ".join(sorted(app.catalog.resources))
        raise typer.BadParameter(f"there is no table {table!r}; there are {known}", param_hint="--table")
    for name in columns:
        if name not in resource.fields:
            known = ", ".join(resource.fields)
            raise typer.BadParameter(f"{table} has no column {name!r}; it has {known}", param_hint="--column")
    return resource


def _show(found: Matrix, form: str) -> None:
    if form == "table":
        show_matrix(found)
    else:
        typer.echo(matrix_markdown(found) if form == "markdown" else document_of(found), nl=False)


def _show_difference(file: Path, found: Matrix, form: str) -> bool:
    try:
        changes = compare(read_document(file.read_text("utf-8")), found)
    except (BackstayError, OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(getattr(error, "message", str(error)), param_hint="--diff") from error
    if form == "json":
        typer.echo(changes_json(changes))
    elif not changes:
        OUT.print(f"nobody may more or less than {file} says", markup=False)
    elif form == "markdown":
        typer.echo(changes_markdown(changes), nl=False)
    else:
        show_changes(changes)
    return bool(changes)
