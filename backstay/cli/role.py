"""`backstay role`: what roles permit, and who has them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from backstay.app.identity import IdentityParts
from backstay.cli.identity import OPERATOR, account_of, with_identity
from backstay.cli.terminal import OUT, table_of

commands = typer.Typer(
    help="Roles, what they permit, and who has them.", no_args_is_help=True, rich_markup_mode="markdown"
)

Name = Annotated[str, typer.Argument(help="The role's name.", show_default=False)]
Who = Annotated[str, typer.Argument(help="The user's e-mail address or id.", show_default=False)]


@commands.command()
def create(
    context: typer.Context,
    name: Name,
    permission: Annotated[
        list[str] | None, typer.Option(help="`subject:verb`, or `subject:*`; may be repeated.")
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a role, or change what it permits. Whoever has it can do the new things within a second.

    Examples:

        backstay role create publisher --permission trips:publish

        backstay role create clerk --permission 'trips:*' --permission users:read
    """

    async def work(identity: IdentityParts) -> None:
        await identity.roles.put(OPERATOR, name, permission or [], description)

    with_identity(context, work)
    OUT.print(f"role {escape(name)} permits {escape(', '.join(permission or []) or 'nothing by itself')}")


@commands.command("list")
def list_roles(context: typer.Context) -> None:
    """List every role and what it permits.

    Examples:

        backstay role list
    """

    async def work(identity: IdentityParts) -> None:
        table = table_of("role", "permissions", "description")
        for role in await identity.roles.all(OPERATOR):
            table.add_row(role.name, escape(", ".join(role.permissions)), escape(role.description))
        OUT.print(table)

    with_identity(context, work)


@commands.command()
def grant(context: typer.Context, who: Who, name: Name) -> None:
    """Give a user a role; it is true everywhere within a second.

    Examples:

        backstay role grant alice@example.com editor
    """

    async def work(identity: IdentityParts) -> None:
        account = await account_of(identity, who)
        await identity.roles.grant(OPERATOR, account.user.id, name)

    with_identity(context, work)
    OUT.print(f"{escape(who)} has the role {escape(name)}")


@commands.command()
def revoke(context: typer.Context, who: Who, name: Name) -> None:
    """Take a role from a user; it is true everywhere within a second.

    Examples:

        backstay role revoke alice@example.com editor
    """

    async def work(identity: IdentityParts) -> None:
        account = await account_of(identity, who)
        await identity.roles.revoke(OPERATOR, account.user.id, name)

    with_identity(context, work)
    OUT.print(f"{escape(who)} has the role {escape(name)} no more")
