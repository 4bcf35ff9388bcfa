"""The addresses of identity for administrators, each with the permission that it takes."""

from __future__ import annotations

from collections.abc import Sequence

from backstay.controllers.auth.access_admin import AccessAdmin, ApiKeyBody, RoleBody
from backstay.controllers.auth.admin import AdminUserBody, DeleteUserBody, InviteBody, LinkBody, UserAdmin
from backstay.controllers.endpoints import Endpoint
from backstay.services.auth.guards import permission

ADMIN = "/auth/v1/admin"
_USER = f"{ADMIN}/users/{{user_id}}"
_PAGE = ("page", "per_page")

_READ_USERS, _WRITE_USERS = permission("users:read"), permission("users:write")
_READ_ROLES, _WRITE_ROLES = permission("roles:read"), permission("roles:write")
_READ_KEYS, _WRITE_KEYS = permission("api_keys:read"), permission("api_keys:write")
_READ_AUDIT = permission("audit:read")


def user_endpoints(on: UserAdmin) -> Sequence[Endpoint]:
    """Users, and letters to them."""
    return (
        Endpoint("POST", "/auth/v1/invite", on.invite, _WRITE_USERS, "Invite somebody", InviteBody),
        Endpoint("POST", f"{ADMIN}/generate_link", on.link, _WRITE_USERS, "A link to hand over", LinkBody),
        Endpoint("GET", f"{ADMIN}/users", on.list, _READ_USERS, "Users, the newest first", query=_PAGE),
        Endpoint("POST", f"{ADMIN}/users", on.create, _WRITE_USERS, "Make a user", AdminUserBody),
        Endpoint("GET", _USER, on.get, _READ_USERS, "One user"),
        Endpoint("PUT", _USER, on.update, _WRITE_USERS, "Change a user", AdminUserBody),
        Endpoint("DELETE", _USER, on.delete, _WRITE_USERS, "Delete a user", DeleteUserBody),
        Endpoint("GET", f"{_USER}/sessions", on.sessions, _READ_USERS, "Where a user is signed in"),
        Endpoint(
            "DELETE", f"{_USER}/sessions", on.end_sessions, _WRITE_USERS, "Sign a user out", answer="204"
        ),
        Endpoint("GET", f"{_USER}/factors", on.factors, _READ_USERS, "A user's second factors"),
        Endpoint(
            "DELETE",
            f"{_USER}/factors/{{factor_id}}",
            on.delete_factor,
            _WRITE_USERS,
            "Remove a user's second factor",
        ),
    )


def access_endpoints(on: AccessAdmin) -> Sequence[Endpoint]:
    """Roles, API keys and the audit log."""
    role, grant = f"{ADMIN}/roles/{{name}}", f"{_USER}/roles/{{name}}"
    return (
        Endpoint("GET", f"{ADMIN}/roles", on.list_roles, _READ_ROLES, "Every role"),
        Endpoint("PUT", role, on.put_role, _WRITE_ROLES, "Make or change a role", RoleBody),
        Endpoint("DELETE", role, on.delete_role, _WRITE_ROLES, "Remove a role", answer="204"),
        Endpoint("GET", f"{_USER}/roles", on.roles_of, _READ_ROLES, "A user's roles"),
        Endpoint("PUT", grant, on.grant, _WRITE_ROLES, "Give a user a role", answer="204"),
        Endpoint("DELETE", grant, on.revoke, _WRITE_ROLES, "Take a role from a user", answer="204"),
        Endpoint("GET", f"{ADMIN}/api_keys", on.list_keys, _READ_KEYS, "Every API key"),
        Endpoint(
            "POST",
            f"{ADMIN}/api_keys",
            on.create_key,
            _WRITE_KEYS,
            "Make an API key",
            ApiKeyBody,
            answer="201",
        ),
        Endpoint(
            "DELETE",
            f"{ADMIN}/api_keys/{{key_id}}",
            on.revoke_key,
            _WRITE_KEYS,
            "End an API key",
            answer="204",
        ),
        Endpoint(
            "GET",
            f"{ADMIN}/audit",
            on.audit,
            _READ_AUDIT,
            "What happened",
            query=(*_PAGE, "event", "user_id", "since", "until"),
        ),
    )
