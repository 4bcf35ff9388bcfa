"""Users as the callers they would be if they signed in now, for tools that explain what those may do.

In charge of making a caller from what the database says of a user, by a token that is signed with a key of the moment,
never leaves the process, and is read as any other. Proves nothing to anybody.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from uuid import UUID

from pydantic import SecretStr

from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.auth.addresses import read_address
from backstay.models.auth.role import DEFAULT_ROLES, Role
from backstay.models.auth.user import User
from backstay.repositories.auth.roles import RoleRepository
from backstay.repositories.auth.users import UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.sessions import said_of
from backstay.services.auth.tokens import AccessTokens
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork

# Of a user who does not exist, for questions about what somebody with a role could do.
NOBODYS_ID = UUID(int=0)


class KnownCallers:
    """Makes callers of users and of roles."""

    def __init__(self, units: UnitOfWork, settings: TokenSettings) -> None:
        self._units = units
        secret = SecretStr(secrets.token_urlsafe(48))
        self._tokens = AccessTokens(settings.model_copy(update={"secret": secret}))

    async def of_user(
        self,
        context: Context,
        user: str,
        *,
        roles: Sequence[str] = (),
        permissions: Sequence[str] = (),
        aal: int = 1,
    ) -> Caller:
        """The caller that a user, by address or id, would be; with roles and permissions beside their own.

        Raises:
            BackstayError: `user_not_found`.
        """
        async with self._units.begin(context, reading=True) as session:
            found = await _user(session, user)
            own, permitted = await RoleRepository(session).of_user(found.id)
            permitted = [*permitted, *permissions, *await self._permitted(session, roles)]
            token = self._tokens.mint(
                found.id,
                roles=sorted({*own, *roles}),
                permissions=sorted(set(permitted)),
                aal=aal,
                **said_of(found),
            )
        return self._tokens.verify(token)

    async def of_roles(
        self, context: Context, roles: Sequence[str], permissions: Sequence[str] = (), aal: int = 1
    ) -> Caller:
        """A caller with these roles, who is no user that exists."""
        async with self._units.begin(context, reading=True) as session:
            permitted = {*permissions, *await self._permitted(session, roles)}
        token = self._tokens.mint(NOBODYS_ID, roles=roles, permissions=sorted(permitted), aal=aal)
        return self._tokens.verify(token)

    async def _permitted(self, session: Session, roles: Sequence[str]) -> list[str]:
        """What roles permit: as stored, or else as a new project has them."""
        stored = {role.name: role for role in await RoleRepository(session).all()} if roles else {}
        return [one for name in roles for one in _permissions(stored.get(name), name)]


def _permissions(role: Role | None, name: str) -> Sequence[str]:
    return DEFAULT_ROLES.get(name, ()) if role is None else role.permissions


async def _user(session: Session, text: str) -> User:
    users = UserRepository(session)
    found = await users.by_key(read_address(text).key) if "@" in text else await _by_id(users, text)
    if found is None:
        raise BackstayError("user_not_found", f"There is no user {text}.")
    return found


async def _by_id(users: UserRepository, text: str) -> User | None:
    try:
        return await users.by_id(UUID(text))
    except ValueError:
        return None
