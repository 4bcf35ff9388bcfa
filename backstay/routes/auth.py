"""Every address of identity: who may use it, and which controller answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backstay.controllers.auth.meta import Meta
from backstay.controllers.auth.sign_in import SignIn, SignUpBody, TokenBody
from backstay.controllers.endpoints import Endpoint
from backstay.services.auth.guards import EVERYONE, USER

AUTH = "/auth/v1"


@dataclass(frozen=True, slots=True)
class AuthControllers:
    """The controllers of identity, by what they answer for."""

    meta: Meta
    sign_in: SignIn


def endpoints(on: AuthControllers) -> Sequence[Endpoint]:
    """The table."""
    return (
        Endpoint("GET", f"{AUTH}/health", on.meta.health, EVERYONE, "Is identity there?"),
        Endpoint("GET", f"{AUTH}/settings", on.meta.settings, EVERYONE, "How to sign in here"),
        Endpoint("GET", f"{AUTH}/.well-known/jwks.json", on.meta.jwks, EVERYONE, "The public signing keys"),
        Endpoint(
            "GET",
            f"{AUTH}/.well-known/openid-configuration",
            on.meta.openid_configuration,
            EVERYONE,
            "Who issues tokens, and where its keys are",
        ),
        Endpoint("POST", f"{AUTH}/signup", on.sign_in.sign_up, EVERYONE, "Sign up", SignUpBody),
        Endpoint("POST", f"{AUTH}/token", on.sign_in.token, EVERYONE, "Sign in, or refresh", TokenBody),
        Endpoint("POST", f"{AUTH}/logout", on.sign_in.sign_out, USER, "Sign out", answer="204"),
        Endpoint("GET", f"{AUTH}/csrf", on.sign_in.csrf_token, USER, "What proves pages, with a cookie"),
        Endpoint("GET", f"{AUTH}/user", on.sign_in.user, USER, "The caller's account"),
        Endpoint("GET", f"{AUTH}/sessions", on.sign_in.list_sessions, USER, "Where the caller is signed in"),
        Endpoint(
            "DELETE",
            f"{AUTH}/sessions/{{session_id}}",
            on.sign_in.end_session,
            USER,
            "End one of the caller's sessions",
            answer="204",
        ),
    )
