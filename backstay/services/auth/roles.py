"""Roles: what they permit, who has them, and who may give them.

In charge of names and of escalation: nobody gives, by a role or a key, what they do not hold themselves. A change is
true on every process within a second, for tokens that exist already too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.role import Role
from backstay.repositories.auth.revocations import RevocationRepository
from backstay.repositories.auth.roles import DEFAULT_ROLE, RoleRepository
from backstay.repositories.auth.users import UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.audit import Audit
from backstay.services.auth.authority import Authority
from backstay.services.auth.claims import MAX_NAMES
from backstay.services.auth.revoked import Grants
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,99}", re.ASCII)
_PERMISSION = re.compile(r"[a-z][a-z0-9_.-]{0,59}:(?:\*|[a-z][a-z0-9_.-]{0,37})", re.ASCII)
Changed = tuple[UUID, int, Grants]


class Roles:
    """Reads and changes roles and grants."""

    def __init__(self, units: UnitOfWork, authority: Authority, audit: Audit) -> None:
        self._units = units
        self._authority = authority
        self._audit = audit

    async def all(self, context: Context) -> Sequence[Role]:
        """Every role, by name."""
        async with self._units.begin(context, reading=True) as session:
            return await RoleRepository(session).all()

    async def put(
        self, context: Context, name: str, permissions: Sequence[str], description: str = ""
    ) -> Role:
        """Make a role, or change what it permits.

        Raises:
            BackstayError: `validation_failed`, `forbidden`.
        """
        check_names((name,), permissions)
        require_held(context.caller, permissions)
        changed: list[Changed] = []
        async with self._units.begin(context) as session:
            roles = RoleRepository(session)
            role = await roles.find(name)
            if role is None:
                role = Role(name=name, permissions=sorted(set(permissions)), description=description)
                await roles.add(role)
                self._audit.record(session, context, AuditEvent.ROLE_CREATED, role=name)
            else:
                require_held(context.caller, role.permissions)
                role.permissions, role.description = sorted(set(permissions)), description
                await roles.save()
                changed = await self._changed(session, await roles.holders(name))
                await RevocationRepository(session).api_key(NO_KEY)
                self._audit.record(session, context, AuditEvent.ROLE_CHANGED, role=name)
        await self._tell(changed)
        return role

    async def delete(self, context: Context, name: str) -> None:
        """Remove a role from everybody who has it.

        Raises:
            BackstayError: `role_not_found`, `forbidden`.
        """
        async with self._units.begin(context) as session:
            roles = RoleRepository(session)
            role = await self._found(session, name)
            require_held(context.caller, role.permissions)
            holders = await roles.holders(name)
            await roles.delete(name)
            changed = await self._changed(session, holders)
            await RevocationRepository(session).api_key(NO_KEY)
            self._audit.record(session, context, AuditEvent.ROLE_DELETED, role=name)
        await self._tell(changed)

    async def of_user(self, context: Context, user_id: UUID) -> tuple[list[str], list[str]]:
        """Names of a user's roles, and what they permit."""
        async with self._units.begin(context, reading=True) as session:
            return await RoleRepository(session).of_user(user_id)

    async def grant(self, context: Context, user_id: UUID, name: str) -> None:
        """Give a user a role. Giving it again changes nothing.

        Raises:
            BackstayError: `user_not_found`, `role_not_found`, `forbidden`.
        """
        async with self._units.begin(context) as session:
            role = await self._found(session, name)
            require_held(context.caller, role.permissions)
            await self._require_user(session, user_id)
            changed: list[Changed] = []
            if await RoleRepository(session).grant(name, user_id=user_id):
                changed = await self._changed(session, (user_id,))
                self._audit.record(session, context, AuditEvent.ROLE_GRANTED, user_id=user_id, role=name)
        await self._tell(changed)

    async def revoke(self, context: Context, user_id: UUID, name: str) -> None:
        """Take a role from a user. Taking it again changes nothing.

        Raises:
            BackstayError: `user_not_found`, `role_not_found`, `forbidden`.
        """
        async with self._units.begin(context) as session:
            role = await self._found(session, name)
            require_held(context.caller, role.permissions)
            await self._require_user(session, user_id)
            changed: list[Changed] = []
            if await RoleRepository(session).revoke(name, user_id=user_id):
                changed = await self._changed(session, (user_id,))
                self._audit.record(session, context, AuditEvent.ROLE_REVOKED, user_id=user_id, role=name)
        await self._tell(changed)

    async def _found(self, session: Session, name: str) -> Role:
        role = await RoleRepository(session).find(name)
        if role is None:
            raise BackstayError("role_not_found")
        return role

    async def _require_user(self, session: Session, user_id: UUID) -> None:
        if await UserRepository(session).by_id(user_id) is None:
            raise BackstayError("user_not_found")

    async def _changed(self, session: Session, user_ids: Iterable[UUID]) -> list[Changed]:
        """Say, for each of these users, what their tokens are to be read with from now on."""
        users, roles = UserRepository(session), RoleRepository(session)
        changed = []
        for user_id in user_ids:
            authority = await users.raise_authority(user_id)
            names, permissions = await roles.of_user(user_id)
            if len(names) > MAX_NAMES or len(permissions) > MAX_NAMES:
                raise BackstayError(
                    "unprocessable", f"A user has at most {MAX_NAMES} roles and {MAX_NAMES} permissions."
                )
            grants: Grants = {"roles": names, "permissions": permissions}
            await RevocationRepository(session).user(user_id, authority, grants)
            changed.append((user_id, authority, grants))
        return changed

    async def _tell(self, changed: Sequence[Changed]) -> None:
        for user_id, authority, grants in changed:
            self._authority.user_changed(user_id, authority, grants)
        await self._authority.api_keys_changed()


# Of no key in particular: all of them are looked at anew.
NO_KEY = UUID(int=0)


def check_names(roles: Sequence[str], permissions: Sequence[str]) -> None:
    """Refuse names that could be mistaken for something else.

    Raises:
        BackstayError: `validation_failed`.
    """
    if not all(_NAME.fullmatch(role) for role in roles):
        raise BackstayError(
            "validation_failed", "role: a name is lower-case letters, digits, '_', '.' and '-'"
        )
    if len(permissions) > MAX_NAMES or not all(_PERMISSION.fullmatch(one) for one in permissions):
        raise BackstayError(
            "validation_failed", "permissions: each is subject:verb, or subject:* for every verb"
        )


def require_held(caller: Caller, permissions: Iterable[str], roles: Iterable[str] = ()) -> None:
    """Refuse a caller who would give, or take, what they do not hold.

    Args:
        roles: rules may ask for one by its name, whatever it permits. Who may grant roles could have each of them,
            and everybody who signs up has the default one.

    Raises:
        BackstayError: `forbidden`.
    """
    if caller.bypasses_rules:
        return
    missing = sorted(one for one in permissions if not caller.can(one))
    if not caller.can("roles:write"):
        missing += sorted(name for name in roles if name != DEFAULT_ROLE and not caller.has_role(name))
    if missing:
        raise BackstayError("forbidden", f"This caller does not hold {', '.join(missing)}.")
