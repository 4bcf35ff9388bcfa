"""The door to providers: `oidc.py` for those of OpenID Connect, `github.py` for the one that has a way of its own.

In charge of the protocol with a provider and of believing nothing that is not proven. Which account somebody gets is
decided in `services/auth/oauth.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ProvenIdentity:
    """Who a provider says that somebody is.

    Attributes:
        email_verified: the provider says that the address is its user's. Not every provider that tells an address
            can say so.
        claims: what it tells of the person, for the application to show.
    """

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one sign-in has to keep until the provider answers.

    Attributes:
        verifier: of PKCE (RFC 7636), between us and the provider.
        nonce: that its token has to repeat.
        issuer: `iss` of the answer (RFC 9207), if there was one.
    """

    redirect_uri: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    issuer: str | None = None


class Provider(Protocol):
    """One provider. Every method raises `bad_oauth_callback`, `provider_unavailable` and nothing of the provider's."""

    name: str
    posts_back: bool

    async def address(
        self, state: str, exchange: Exchange, scopes: tuple[str, ...], options: Mapping[str, str]
    ) -> str:
        """Where to send the browser.

        Args:
            options: more for its query, such as `prompt`; what the protocol sets stays as it is.
        """

    async def identity(self, code: str, exchange: Exchange) -> ProvenIdentity:
        """Who the code is about."""

    async def identity_of_token(self, id_token: str, nonce: str | None) -> ProvenIdentity:
        """Who a token is about that an application on a device got by itself.

        Args:
            nonce: that it was asked for with; its SHA-256 is taken as well.
        """
