"""What anybody may know of identity: how to sign in here, and which keys sign."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from backstay.config.auth import AuthSettings
from backstay.controllers.endpoints import Ask, Reply
from backstay.controllers.http import Header
from backstay.services.auth.authority import Authority

# As long as a key is published before it signs, and verifies after it has.
_SHARED: tuple[Header, ...] = ((b"cache-control", b"public, max-age=600"),)
_JSON: Header = (b"content-type", b"application/json; charset=utf-8")


class Meta:
    """Handlers.

    Args:
        providers: names of those that somebody can sign in at, and whether they are set up.
    """

    def __init__(
        self, authority: Authority, settings: AuthSettings, providers: Mapping[str, bool], issuer: str
    ) -> None:
        self._authority = authority
        self._settings = settings
        self._providers = dict(providers)
        self._issuer = issuer

    async def health(self, ask: Ask[Any]) -> Reply:
        """200; whether the node is ready is at `/health/ready`."""
        return Reply({"name": "Backstay", "description": "Identity", "version": "1"})

    async def settings(self, ask: Ask[Any]) -> Reply:
        """What sign-in pages show."""
        return Reply(
            {
                "external": {
                    **self._providers,
                    "email": True,
                    "phone": False,
                    "anonymous_users": self._settings.anonymous and self._settings.sign_up,
                },
                "disable_signup": not self._settings.sign_up,
                "mailer_autoconfirm": self._settings.autoconfirm,
                "phone_autoconfirm": False,
                "sms_provider": "",
                "saml_enabled": False,
                "passkeys_enabled": False,
            }
        )

    async def jwks(self, ask: Ask[Any]) -> Reply:
        """The public halves of the signing keys (RFC 7517)."""
        return _shared(self._authority.jwks())

    async def openid_configuration(self, ask: Ask[Any]) -> Reply:
        """OpenID Connect Discovery 1.0, as far as it applies: who issues tokens, and where the keys are."""
        base = f"{self._settings.public_url}/auth/v1"
        return _shared(
            {
                "issuer": self._issuer,
                "jwks_uri": f"{base}/.well-known/jwks.json",
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "userinfo_endpoint": f"{base}/user",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256", "plain"],
            }
        )


def _shared(document: Mapping[str, Any]) -> Reply:
    return Reply(headers=(*_SHARED, _JSON), body=json.dumps(document).encode())
