"""The command line: a second front door, with one file per command.

In charge of arguments, of what a person at a terminal is shown, and of exit codes: 0 for done, 1 for a problem that
is told in one line each, 2 for words that are no command.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from backstay.cli import (
    access,
    apikey,
    check,
    dev,
    doctor,
    eject,
    generate,
    graphql,
    keys,
    migrate,
    role,
    routes,
    serve,
    token,
    user,
)
from backstay.cli.terminal import problems
from backstay.errors import BackstayError, ConfigurationError

application = typer.Typer(
    name="backstay",
    help="A complete production backend around your SQLAlchemy models, access rules and business logic.",
    epilog="Start with `backstay dev` in a folder that has backend/app.py. Each command has --help with examples.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
application.command("dev")(dev.dev)
application.command("serve")(serve.serve)
application.command("check")(check.check)
application.command("doctor")(doctor.doctor)
application.command("routes")(routes.routes)
application.command("eject")(eject.eject)
application.add_typer(access.commands, name="access")
application.add_typer(migrate.commands, name="migrate")
application.command("token")(token.token)
application.add_typer(generate.commands, name="generate")
application.add_typer(graphql.commands, name="graphql")
application.add_typer(user.commands, name="user")
application.add_typer(role.commands, name="role")
application.add_typer(apikey.commands, name="apikey")
application.add_typer(keys.commands, name="keys")


@application.callback()
def project_option(
    context: typer.Context,
    project: Annotated[
        Path,
        typer.Option(
            "--project", "-C", help="Folder of the project, which holds `backend/`.", show_default="here"
        ),
    ] = Path("."),
) -> None:
    """Options that come before the command."""
    context.obj = project.resolve()


def main() -> None:
    """Run the command that the arguments name. What is expected to go wrong is told without a traceback."""
    try:
        application()
    except ConfigurationError as error:
        problems(error.problems)
        sys.exit(1)
    except BackstayError as error:
        problems([f"{error.message} ({error.code})"])
        sys.exit(1)
