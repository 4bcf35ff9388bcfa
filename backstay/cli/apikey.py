"""`backstay apikey`: keys for programs."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer
from rich.markup import escape

from backstay.app.identity import IdentityParts
from backstay.cli.identity import OPERATOR, with_identity
from backstay.cli.terminal import OUT, table_of
from backstay.errors import BackstayError
from backstay.models.auth.role import ApiKey
from backstay.utils.clock import utc_now

commands = typer.Typer(help="API keys for programs.", no_args_is_help=True, rich_markup_mode="markdown")


@commands.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the key is for.", show_default=False)],
    role: Annotated[list[str] | None, typer.Option(help="A role it has; may be repeated.")] = None,
    permission: Annotated[
        list[str] | None, typer.Option(help="A permission (`subject:verb`) it has; may be repeated.")
    ] = None,
    above_rules: Annotated[
        bool, typer.Option("--above-rules", help="It may do everything, like the secret key.")
    ] = False,
    days: Annotated[
        int | None, typer.Option(help="Days until it expires.", min=1, max=3650, show_default="never")
    ] = None,
) -> None:
    """Make a key and print it, this once.

    Examples:

        backstay apikey create reports --role editor --days 90

        backstay apikey create importer --permission trips:import
    """

    async def work(identity: IdentityParts) -> str:
        made = await identity.api_keys.create(
            OPERATOR,
            name,
            roles=role or [],
            permissions=permission or [],
            above_rules=above_rules,
            lifetime=None if days is None else dt.timedelta(days=days),
        )
        return made.text

    typer.echo(with_identity(context, work))


@commands.command("list")
def list_keys(context: typer.Context) -> None:
    """List every key, without its text.

    Examples:

        backstay apikey list
    """

    async def work(identity: IdentityParts) -> None:
        table = table_of("name", "begins with", "may", "made", "expires", "last used", "state")
        for key, roles in await identity.api_keys.all(OPERATOR):
            may = ["everything"] if key.above_rules else [*roles, *key.permissions]
            table.add_row(
                escape(key.name),
                key.prefix,
                escape(", ".join(may)),
                _day(key.created_at),
                _day(key.expires_at),
                _day(key.last_used_at),
                _state(key),
            )
        OUT.print(table)

    with_identity(context, work)


@commands.command()
def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The key's name.", show_default=False)],
) -> None:
    """End a key; it is refused everywhere within a second.

    Examples:

        backstay apikey revoke reports
    """

    async def work(identity: IdentityParts) -> None:
        for key, _ in await identity.api_keys.all(OPERATOR):
            if key.name == name:
                await identity.api_keys.revoke(OPERATOR, key.id)
                return
        raise BackstayError("not_found", "There is no such API key.")

    with_identity(context, work)
    OUT.print(f"revoked {escape(name)}")


def _state(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= utc_now() else ""


def _day(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""
