"""`backstay graphql`: the schema of the GraphQL door, from the models and their access rules."""

from __future__ import annotations

from typing import Annotated

import typer
from graphql import print_schema

from backstay.cli.project import load_app
from backstay.controllers.resources.graphql.schema import SchemaMaker
from backstay.services.resources.typed import audience_named

commands = typer.Typer(help="The GraphQL door.", no_args_is_help=True, rich_markup_mode="markdown")


@commands.callback()
def group() -> None:
    """The GraphQL door."""


@commands.command()
def schema(
    context: typer.Context,
    as_: Annotated[
        str,
        typer.Option(
            "--as",
            help="Whose: `anonymous`, `user` (signed in, without a role), the name of a role, or `service`.",
        ),
    ] = "anonymous",
) -> None:
    """Print the schema in GraphQL's own language. What those callers cannot see is not in it.

    Examples:

        backstay graphql schema

        backstay graphql schema --as editor > schema.graphql
    """
    app = load_app(context.obj)
    caller = audience_named(app.catalog, as_, [each.rule for each in app.actions.catalog.all()]).member
    maker = SchemaMaker(
        app.catalog, app.actions.catalog, app.settings.rest, app.settings.graphql.default_rows
    )
    typer.echo(print_schema(maker.schema(caller)))
