"""Every address of identity: who may use it, and which controller answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backstay.controllers.auth.access_admin import AccessAdmin
from backstay.controllers.auth.admin import UserAdmin
from backstay.controllers.auth.factors import EnrollBody, FactorEndpoints, FactorVerifyBody, RecoveryCodeBody
from backstay.controllers.auth.mail import ByMail, OtpBody, RecoverBody, ResendBody, UserBody, VerifyBody
from backstay.controllers.auth.meta import Meta
from backstay.controllers.auth.oauth import OWN_QUERY, AtProviders, CallbackForm
from backstay.controllers.auth.sign_in import SignIn, SignUpBody, TokenBody
from backstay.controllers.endpoints import Endpoint
from backstay.routes.auth_admin import access_endpoints, user_endpoints
from backstay.services.auth.guards import EVERYONE, USER

AUTH = "/auth/v1"


@dataclass(frozen=True, slots=True)
class AuthControllers:
    """The controllers of identity, by what they answer for."""

    meta: Meta
    sign_in: SignIn
    by_mail: ByMail
    factors: FactorEndpoints
    at_providers: AtProviders
    users: UserAdmin
    access: AccessAdmin


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
        Endpoint(
            "GET",
            f"{AUTH}/.well-known/oauth-authorization-server",
            on.meta.openid_configuration,
            EVERYONE,
            "The same, where RFC 8414 has it",
        ),
        Endpoint("POST", f"{AUTH}/signup", on.sign_in.sign_up, EVERYONE, "Sign up", SignUpBody),
        Endpoint("POST", f"{AUTH}/token", on.sign_in.token, EVERYONE, "Sign in, or refresh", TokenBody),
        Endpoint("POST", f"{AUTH}/otp", on.by_mail.otp, EVERYONE, "Mail a code and a link", OtpBody),
        Endpoint("POST", f"{AUTH}/magiclink", on.by_mail.otp, EVERYONE, "The same", OtpBody),
        Endpoint("POST", f"{AUTH}/recover", on.by_mail.recover, EVERYONE, "Mail a way back in", RecoverBody),
        Endpoint("POST", f"{AUTH}/resend", on.by_mail.resend, EVERYONE, "Mail it once more", ResendBody),
        Endpoint("POST", f"{AUTH}/verify", on.by_mail.verify, EVERYONE, "Use a mailed code", VerifyBody),
        Endpoint(
            "GET",
            f"{AUTH}/verify",
            on.by_mail.follow,
            EVERYONE,
            "Use a mailed link",
            query=("token", "type", "redirect_to"),
            answer="303",
            uses=True,
        ),
        Endpoint("GET", f"{AUTH}/reauthenticate", on.by_mail.reauthenticate, USER, "Mail a proof of owner"),
        Endpoint("PUT", f"{AUTH}/user", on.by_mail.update, USER, "Change the account", UserBody),
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
        *_factors(on.factors),
        *_providers(on.at_providers),
        *user_endpoints(on.users),
        *access_endpoints(on.access),
    )


def _factors(on: FactorEndpoints) -> Sequence[Endpoint]:
    """Second factors and recovery codes."""
    return (
        Endpoint("POST", f"{AUTH}/factors", on.enroll, USER, "Begin a second factor", EnrollBody),
        Endpoint(
            "POST",
            f"{AUTH}/factors/{{factor_id}}/challenge",
            on.challenge,
            USER,
            "Ask for a factor's code",
        ),
        Endpoint(
            "POST",
            f"{AUTH}/factors/{{factor_id}}/verify",
            on.verify,
            USER,
            "Prove a factor: a session at aal2",
            FactorVerifyBody,
        ),
        Endpoint("DELETE", f"{AUTH}/factors/{{factor_id}}", on.remove, USER, "Remove a factor"),
        Endpoint(
            "POST",
            f"{AUTH}/factors/recovery-codes",
            on.make_recovery_codes,
            USER,
            "New recovery codes, instead of the earlier ones",
        ),
        Endpoint(
            "POST",
            f"{AUTH}/factors/recovery-codes/verify",
            on.use_recovery_code,
            USER,
            "Use a recovery code: a session at aal2",
            RecoveryCodeBody,
        ),
    )


def _providers(on: AtProviders) -> Sequence[Endpoint]:
    """Sign-in at providers."""
    answered = ("state", "code", "iss", "error")
    return (
        Endpoint(
            "GET",
            f"{AUTH}/authorize",
            on.authorize,
            EVERYONE,
            "To a provider",
            query=OWN_QUERY,
            answer="303",
            uses=True,
        ),
        Endpoint(
            "GET",
            f"{AUTH}/callback",
            on.callback,
            EVERYONE,
            "And back",
            query=answered,
            answer="303",
            uses=True,
        ),
        Endpoint(
            "POST", f"{AUTH}/callback", on.posted, EVERYONE, "And back", CallbackForm, form=True, answer="303"
        ),
        Endpoint(
            "GET",
            f"{AUTH}/user/identities/authorize",
            on.link,
            USER,
            "Link an identity to the caller",
            query=OWN_QUERY,
            uses=True,
        ),
        Endpoint(
            "DELETE", f"{AUTH}/user/identities/{{identity_id}}", on.unlink, USER, "Unlink one of the caller's"
        ),
    )
