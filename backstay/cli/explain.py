"""`backstay access explain`: which clause of which rule allows or denies something, to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from backstay.app import Backstay
from backstay.cli.explanation import explanation_json, show_explanation
from backstay.cli.identity import OPERATOR, running
from backstay.cli.project import load_app
from backstay.cli.terminal import problems
from backstay.errors import BackstayError
from backstay.models.access.caller import ANONYMOUS, SERVICE, Caller
from backstay.models.access.explanation import Action, Explanation, Verdict
from backstay.models.catalog import Resource
from backstay.services.access.explain import Question
from backstay.services.access.explain import explain as explain_rules

_KEYS = {"anonymous": ANONYMOUS, "service": SERVICE}
_WRONG_WORDS = 2

Who = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="A user by e-mail or id; or `anonymous`, or `service`.",
        show_default="nobody who exists, with the roles of --role",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--id", help="Key of one row (`a,b` for a composite one), which is then asked.", show_default=False
    ),
]
Columns = Annotated[list[str] | None, typer.Option(help="A column that is read or set; may be repeated.")]
Roles = Annotated[list[str] | None, typer.Option(help="As if the user had this role too; may be repeated.")]
Permissions = Annotated[
    list[str] | None,
    typer.Option(help="As if a role permitted this too (`subject:verb`); may be repeated."),
]
SecondFactor = Annotated[
    bool, typer.Option("--second-factor", help="As if the session was proven with a second factor.")
]


def explain(
    context: typer.Context,
    table: Annotated[str, typer.Option(help="The table.", show_default=False)],
    action: Annotated[Action, typer.Option(help="What is done with it.")] = Action.READ,
    who: Who = None,
    key: Key = None,
    column: Columns = None,
    role: Roles = None,
    permission: Permissions = None,
    second_factor: SecondFactor = False,
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
    asked = _Asked(
        _resource(app, table, column or []),
        action,
        tuple(column or ()),
        key,
        _Who(who, tuple(role or ()), tuple(permission or ()), second_factor).checked(),
    )
    try:
        explanation = running(app, lambda: asked.explained(app), reads=key is not None)
    except BackstayError as error:
        problems([f"{error.message} ({error.code})"])
        raise typer.Exit(_WRONG_WORDS) from error
    if json:
        typer.echo(explanation_json(explanation, key))
    else:
        show_explanation(explanation, key)
    raise typer.Exit(1 if explanation.verdict is Verdict.DENIED else 0)


@dataclass(frozen=True, slots=True)
class _Who:
    """The caller that the options describe."""

    user: str | None
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    second_factor: bool

    def checked(self) -> _Who:
        """The same, when it is somebody."""
        more = self.roles or self.permissions or self.second_factor
        if self.user in _KEYS and more:
            raise typer.BadParameter(f"{self.user} has no roles, permissions or factors", param_hint="--as")
        if self.user is None and not more:
            raise typer.BadParameter("say who asks, or which --role", param_hint="--as")
        return self

    async def caller(self, app: Backstay) -> Caller:
        known, level = app.identity.known_callers, 2 if self.second_factor else 1
        if self.user is None:
            return await known.of_roles(OPERATOR, self.roles, self.permissions, level)
        if self.user in _KEYS:
            return _KEYS[self.user]
        return await known.of_user(
            OPERATOR, self.user, roles=self.roles, permissions=self.permissions, aal=level
        )

    @property
    def words(self) -> str:
        more = [
            *(f"the role {name}" for name in self.roles),
            *(f"the permission {one}" for one in self.permissions),
        ]
        who = self.user or "a user"
        return f"{who} with {' and '.join(more)}" if more else who


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question of the options."""

    resource: Resource
    action: Action
    columns: tuple[str, ...]
    key: str | None
    who: _Who

    async def explained(self, app: Backstay) -> Explanation:
        question = Question(
            self.resource,
            self.action,
            await self.who.caller(app),
            self.who.words,
            self.columns,
            about_row=self.key is not None,
        )
        return (
            explain_rules(question) if self.key is None else await app.explainer.explain(question, self.key)
        )


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
