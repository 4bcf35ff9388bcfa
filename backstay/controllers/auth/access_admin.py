"""`/admin/roles`, `/admin/api_keys`, `/admin/audit`: who may do what, and what was done."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from backstay.controllers.auth.admin import moment_of, page_headers, page_of
from backstay.controllers.auth.requests import path_id
from backstay.controllers.endpoints import Ask, Body, Reply
from backstay.errors import BackstayError
from backstay.models.auth.records import AuditEntry, AuditEvent
from backstay.models.auth.role import ApiKey, Role
from backstay.services.auth.audit_log import AuditLog
from backstay.services.auth.roles import Roles
from backstay.services.auth.stored_api_keys import StoredApiKeys

_Word = Annotated[str, Field(max_length=100)]
_Words = Annotated[list[_Word], Field(max_length=100)]


class RoleBody(Body):
    """`PUT /admin/roles/{name}`."""

    permissions: _Words = Field(default_factory=list)
    description: Annotated[str, Field(max_length=500)] = ""


class ApiKeyBody(Body):
    """`POST /admin/api_keys`."""

    name: _Word
    roles: _Words = Field(default_factory=list)
    permissions: _Words = Field(default_factory=list)
    above_rules: bool = False
    expires_in_seconds: Annotated[int, Field(ge=60, le=10 * 366 * 86_400)] | None = None


class AccessAdmin:
    """Handlers."""

    def __init__(self, roles: Roles, api_keys: StoredApiKeys, audit: AuditLog) -> None:
        self._roles = roles
        self._api_keys = api_keys
        self._audit = audit

    async def list_roles(self, ask: Ask[Any]) -> Reply:
        """Every role."""
        return Reply({"roles": [_role(role) for role in await self._roles.all(ask.context)]})

    async def put_role(self, ask: Ask[RoleBody]) -> Reply:
        """The role as it is now."""
        body = ask.body
        role = await self._roles.put(ask.context, ask.path["name"], body.permissions, body.description)
        return Reply(_role(role))

    async def delete_role(self, ask: Ask[Any]) -> Reply:
        """204, and nobody has it any more."""
        await self._roles.delete(ask.context, ask.path["name"])
        return Reply(status=204)

    async def roles_of(self, ask: Ask[Any]) -> Reply:
        """What a user may do."""
        names, permissions = await self._roles.of_user(ask.context, _user_id(ask))
        return Reply({"roles": names, "permissions": permissions})

    async def grant(self, ask: Ask[Any]) -> Reply:
        """204, and the user has the role."""
        await self._roles.grant(ask.context, _user_id(ask), ask.path["name"])
        return Reply(status=204)

    async def revoke(self, ask: Ask[Any]) -> Reply:
        """204, and the user has the role no more."""
        await self._roles.revoke(ask.context, _user_id(ask), ask.path["name"])
        return Reply(status=204)

    async def list_keys(self, ask: Ask[Any]) -> Reply:
        """Every API key, without its text."""
        return Reply({"api_keys": [_key(key, roles) for key, roles in await self._api_keys.all(ask.context)]})

    async def create_key(self, ask: Ask[ApiKeyBody]) -> Reply:
        """The key with its text, which is shown this once."""
        body = ask.body
        seconds = body.expires_in_seconds
        made = await self._api_keys.create(
            ask.context,
            body.name,
            roles=body.roles,
            permissions=body.permissions,
            above_rules=body.above_rules,
            lifetime=None if seconds is None else dt.timedelta(seconds=seconds),
        )
        return Reply({**_key(made.key, body.roles), "api_key": made.text}, status=201)

    async def revoke_key(self, ask: Ask[Any]) -> Reply:
        """204, and the key is good no more."""
        await self._api_keys.revoke(ask.context, path_id(ask, "key_id", "not_found"))
        return Reply(status=204)

    async def audit(self, ask: Ask[Any]) -> Reply:
        """A page of what happened, the newest first."""
        page, per_page = page_of(ask)
        event, user_id = ask.query.get("event"), ask.query.get("user_id")
        if event and event not in set(AuditEvent):
            raise BackstayError("validation_failed", "event: is none that is recorded")
        found, count = await self._audit.page(
            ask.context,
            user_id=_uuid(user_id) if user_id else None,
            event=event or None,
            since=moment_of(ask, "since"),
            until=moment_of(ask, "until"),
            limit=per_page,
            offset=(page - 1) * per_page,
        )
        headers = page_headers(ask, page, per_page, count)
        return Reply({"entries": [_entry(entry) for entry in found]}, headers=headers)


def _user_id(ask: Ask[Any]) -> UUID:
    return path_id(ask, "user_id", "user_not_found")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BackstayError("validation_failed", "user_id: must be a UUID") from None


def _role(role: Role) -> dict[str, Any]:
    return {"name": role.name, "description": role.description, "permissions": role.permissions}


def _key(key: ApiKey, roles: list[str]) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "name": key.name,
        "prefix": key.prefix,
        "roles": sorted(set(roles)),
        "permissions": key.permissions,
        "above_rules": key.above_rules,
        "created_at": _moment(key.created_at),
        "expires_at": _moment(key.expires_at),
        "last_used_at": _moment(key.last_used_at),
        "revoked_at": _moment(key.revoked_at),
    }


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "created_at": _moment(entry.created_at),
        "event": entry.event,
        "actor": entry.actor,
        "user_id": None if entry.user_id is None else str(entry.user_id),
        "session_id": None if entry.session_id is None else str(entry.session_id),
        "request_id": entry.request_id,
        "client_ip": entry.client_ip,
        "details": entry.details,
    }


def _moment(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(dt.UTC).isoformat()
