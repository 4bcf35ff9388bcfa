"""Users, sessions and factors as the clients of the GoTrue protocol expect them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from backstay.controllers.http import Header
from backstay.models.auth.account import Account
from backstay.models.auth.factor import Factor
from backstay.models.auth.identity import Identity
from backstay.models.auth.user import User
from backstay.services.auth.claims import USER_ROLE
from backstay.services.auth.sessions import Signed

REUSE_HEADER = b"sb-auth-refresh-token-reuse-cause"


def session_document(signed: Signed) -> dict[str, Any]:
    """A session with its user."""
    return {
        "access_token": signed.access_token,
        "token_type": "bearer",
        "expires_in": signed.expires_in,
        "expires_at": signed.expires_at,
        "refresh_token": signed.refresh_token,
        "user": user_document(signed.account),
    }


def session_fields(signed: Signed) -> dict[str, str]:
    """A session for the fragment of a redirect."""
    return {
        "access_token": signed.access_token,
        "expires_at": str(signed.expires_at),
        "expires_in": str(signed.expires_in),
        "refresh_token": signed.refresh_token,
        "token_type": "bearer",
    }


def reuse_headers(signed: Signed) -> tuple[Header, ...]:
    """Why a spent refresh token was answered."""
    return ((REUSE_HEADER, signed.reuse_cause.encode()),) if signed.reuse_cause else ()


def user_document(account: Account) -> dict[str, Any]:
    """A user. Moments that never came are left out, as the clients' types have it."""
    user = account.user
    document: dict[str, Any] = {
        "id": str(user.id),
        "aud": USER_ROLE,
        "role": USER_ROLE,
        "email": user.email or "",
        "phone": "",
        "app_metadata": user.app_metadata,
        "user_metadata": user.user_metadata,
        "identities": [identity_document(identity) for identity in account.identities],
        "created_at": _moment(user.created_at),
        "updated_at": _moment(user.updated_at or user.created_at),
        "is_anonymous": bool(user.is_anonymous),
    }
    if account.factors:
        document["factors"] = [factor_document(factor) for factor in account.factors]
    for name, moment in _moments(user).items():
        if moment is not None:
            document[name] = _moment(moment)
    if user.new_email:
        document["new_email"] = user.new_email
    return document


def _moments(user: User) -> dict[str, dt.datetime | None]:
    return {
        "email_confirmed_at": user.email_confirmed_at,
        "confirmed_at": user.email_confirmed_at,
        "confirmation_sent_at": user.confirmation_sent_at,
        "recovery_sent_at": user.recovery_sent_at,
        "reauthentication_sent_at": user.reauthentication_sent_at,
        "invited_at": user.invited_at,
        "email_change_sent_at": user.email_change_sent_at,
        "last_sign_in_at": user.last_sign_in_at,
        "banned_until": user.banned_until,
        "deleted_at": user.deleted_at,
    }


def identity_document(identity: Identity) -> dict[str, Any]:
    """An identity: `id` is the provider's, `identity_id` ours."""
    return {
        "identity_id": str(identity.id),
        "id": identity.subject,
        "user_id": str(identity.user_id),
        "identity_data": identity.data,
        "provider": identity.provider,
        "email": identity.email or "",
        "last_sign_in_at": None if identity.last_sign_in_at is None else _moment(identity.last_sign_in_at),
        "created_at": _moment(identity.created_at),
        "updated_at": _moment(identity.updated_at),
    }


def factor_document(factor: Factor) -> dict[str, Any]:
    """A second factor, without its secret."""
    document = {
        "id": str(factor.id),
        "friendly_name": factor.friendly_name or "",
        "factor_type": factor.kind,
        "status": factor.status,
        "created_at": _moment(factor.created_at),
        "updated_at": _moment(factor.updated_at),
    }
    if factor.last_challenged_at is not None:
        document["last_challenged_at"] = _moment(factor.last_challenged_at)
    return document


def _moment(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
