"""`backstay token`: an access token for a user, to try the API with in development."""

from __future__ import annotations

from typing import Annotated

import typer

from backstay.cli.identity import running
from backstay.cli.project import load_app
from backstay.config.environment import Environment
from backstay.errors import ConfigurationError
from backstay.services.auth.users import Users
from backstay.services.context import Context


def token(
    context: typer.Context,
    email: Annotated[str, typer.Option(help="Whose token; the user is made when there is none.")],
    role: Annotated[list[str] | None, typer.Option(help="A role the token carries; may be repeated.")] = None,
    permission: Annotated[
        list[str] | None, typer.Option(help="A permission (`subject:verb`) it carries; may be repeated.")
    ] = None,
    lifetime: Annotated[
        int | None, typer.Option(help="Seconds until it expires.", min=1, show_default="from the settings")
    ] = None,
) -> None:
    """Print an access token for a user. Not in production, where identity is proven, not claimed.

    Examples:

        backstay token --email alice@example.com

        backstay token --email eve@example.com --role editor

        curl -H "Authorization: Bearer $(backstay token --email alice@example.com)" http://127.0.0.1:8000/rest/v1/trips
    """
    app = load_app(context.obj)
    if app.settings.environment is Environment.PRODUCTION:
        raise ConfigurationError(["`backstay token` does not run in production"])
    user_id = running(app, lambda: Users(app.units).ensure(Context(), email))
    typer.echo(
        app.tokens.mint(
            user_id,
            email=email,
            roles=role or [],
            permissions=permission or [],
            lifetime_seconds=lifetime,
        )
    )
