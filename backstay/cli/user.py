"""`backstay user`: make, list and disable users, and let them in again."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer
from rich.markup import escape

from backstay.app.identity import IdentityParts
from backstay.cli.identity import OPERATOR, account_of, with_identity
from backstay.cli.terminal import OUT, table_of
from backstay.errors import BackstayError
from backstay.services.auth.administration import UserValues
from backstay.services.auth.client import NOBODYS
from backstay.services.auth.invitations import WantedLink
from backstay.utils.clock import utc_now

# Long enough to count as a ban for good.
_FOREVER = "876000h"
_GENERATED_BYTES = 15

commands = typer.Typer(help="Users of the application.", no_args_is_help=True, rich_markup_mode="markdown")

Email = Annotated[str, typer.Argument(help="The user's e-mail address.", show_default=False)]
Who = Annotated[str, typer.Argument(help="The user's e-mail address or id.", show_default=False)]


@commands.command()
def create(
    context: typer.Context,
    email: Email,
    role: Annotated[list[str] | None, typer.Option(help="A role to give; may be repeated.")] = None,
    generate: Annotated[
        bool, typer.Option("--generate", help="Make a password and print it, instead of asking for one.")
    ] = False,
) -> None:
    """Make a user whose address counts as confirmed. The password is asked for, never taken from the command line.

    Examples:

        backstay user create alice@example.com --role admin

        backstay user create bot@example.com --generate

        backstay user create bot@example.com < password.txt
    """
    password = secrets.token_urlsafe(_GENERATED_BYTES) if generate else _asked()

    async def work(identity: IdentityParts) -> str:
        known = {one.name for one in await identity.roles.all(OPERATOR)}
        if not known.issuperset(role or ()):
            # Before there is a user, whose password would be shown to nobody.
            raise BackstayError("role_not_found")
        values = UserValues(email=email, password=password, email_confirmed=True)
        account = await identity.administration.create(OPERATOR, values)
        for name in role or ():
            await identity.roles.grant(OPERATOR, account.user.id, name)
        return str(account.user.id)

    user_id = with_identity(context, work)
    OUT.print(f"made {escape(email)} ({user_id})")
    if generate:
        OUT.print(f"password: {password}", markup=False)


@commands.command("list")
def list_users(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1, max=1000)] = 100,
) -> None:
    """List users, the newest first.

    Examples:

        backstay user list

        backstay user list --limit 10
    """

    async def work(identity: IdentityParts) -> None:
        found, count = await identity.administration.page(OPERATOR, 1, limit)
        table = table_of("id", "email", "confirmed", "roles", "last sign-in", "state")
        for account in found:
            user = account.user
            names, _ = await identity.roles.of_user(OPERATOR, user.id)
            table.add_row(
                str(user.id),
                escape(user.email or "(anonymous)"),
                "yes" if user.email_confirmed_at else "no",
                ", ".join(names),
                f"{user.last_sign_in_at:%Y-%m-%d %H:%M}" if user.last_sign_in_at else "never",
                "disabled" if user.is_banned(utc_now()) else "",
            )
        OUT.print(table)
        OUT.print(f"{len(found)} of {count} users")

    with_identity(context, work)


@commands.command()
def disable(context: typer.Context, who: Who) -> None:
    """Keep a user out: every session ends, everywhere within a second.

    Examples:

        backstay user disable mallory@example.com
    """
    _ban(context, who, _FOREVER)
    OUT.print(f"disabled {escape(who)}")


@commands.command()
def enable(context: typer.Context, who: Who) -> None:
    """Let a disabled user in again.

    Examples:

        backstay user enable alice@example.com
    """
    _ban(context, who, "none")
    OUT.print(f"enabled {escape(who)}")


@commands.command("reset-password")
def reset_password(
    context: typer.Context,
    who: Who,
    link: Annotated[
        bool, typer.Option("--link", help="Print a link to hand over, instead of asking for a password.")
    ] = False,
) -> None:
    """Give a user a new password, which ends their sessions; or print a link by which they set one themselves.

    Examples:

        backstay user reset-password alice@example.com

        backstay user reset-password alice@example.com --link
    """
    password = None if link else _asked()

    async def work(identity: IdentityParts) -> str:
        account = await account_of(identity, who)
        if password is not None:
            await identity.administration.update(OPERATOR, account.user.id, UserValues(password=password))
            return f"the password of {who} is set, and their sessions have ended"
        _, letter = await identity.invitations.link(
            OPERATOR,
            WantedLink("recovery", account.user.email or ""),
            NOBODYS,
            identity.redirects.choose(None),
        )
        return letter.link

    OUT.print(with_identity(context, work), markup=False)


def _ban(context: typer.Context, who: str, duration: str) -> None:
    async def work(identity: IdentityParts) -> None:
        account = await account_of(identity, who)
        await identity.administration.update(OPERATOR, account.user.id, UserValues(ban_duration=duration))

    with_identity(context, work)


def _asked() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer
