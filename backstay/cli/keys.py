"""`backstay keys`: the keys that sign access tokens."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from backstay.app.identity import IdentityParts
from backstay.cli.identity import OPERATOR, with_identity
from backstay.cli.terminal import OUT, table_of

commands = typer.Typer(
    help="The keys that sign access tokens.", no_args_is_help=True, rich_markup_mode="markdown"
)


@commands.command("list")
def list_keys(context: typer.Context) -> None:
    """List the keys: which one signs, which one will, and which still verify.

    Examples:

        backstay keys list
    """

    async def work(identity: IdentityParts) -> None:
        table = table_of("kid", "state", "made", "retired")
        for key in await identity.authority.stored_keys():
            retired = f"{key.retired_at:%Y-%m-%d %H:%M}" if key.retired_at else ""
            table.add_row(key.kid, key.state, f"{key.created_at:%Y-%m-%d %H:%M}", retired)
        OUT.print(table)

    with_identity(context, work)


@commands.command()
def rotate(context: typer.Context) -> None:
    """Sign with the next key. Nobody is signed out: the old one verifies until its last token has expired.

    Examples:

        backstay keys rotate
    """

    async def work(identity: IdentityParts) -> str:
        return (await identity.authority.rotate_keys(OPERATOR)).kid

    OUT.print(f"{with_identity(context, work)} signs from now on")


@commands.command()
def revoke(
    context: typer.Context,
    kid: Annotated[str, typer.Argument(help="The key's id, as `list` shows it.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Refuse everything that a key has signed, on every node within a second. Its users have to refresh.

    Examples:

        backstay keys revoke 3ZcW… --yes
    """
    if not yes:
        typer.confirm("Access tokens signed by this key are refused at once. Go on?", abort=True)

    async def work(identity: IdentityParts) -> None:
        await identity.authority.revoke_key(OPERATOR, kid)

    with_identity(context, work)
    OUT.print(f"revoked {escape(kid)}")
