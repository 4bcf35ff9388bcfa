"""Providers of OpenID Connect, found by discovery.

In charge of metadata, keys, the exchange of a code with PKCE, and of proving an ID token (OpenID Connect Core 1.0
section 3.1.3.7). A token that is not proven in every point is no token.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, KeySet

from backstay.config.providers import ProviderSettings, is_secure
from backstay.errors import BackstayError
from backstay.repositories.auth.providers import Exchange, ProvenIdentity
from backstay.repositories.auth.providers.transport import (
    asked,
    json_at,
    oauth_client,
    plain_client,
    with_options,
)

# Every asymmetric algorithm that providers use; never one with a shared secret, and never none.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
METADATA_SECONDS = 3600.0
# A token signed by a key that is not known makes us ask again, at most this often.
KEYS_PAUSE_SECONDS = 60.0
LEEWAY_SECONDS = 60
MAX_TOKEN_BYTES = 16_384
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_APPLE_SECRET_SECONDS = 300
_SHOWN = (
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "nickname",
    "picture",
    "locale",
    "profile",
)
_TENANT = "{tenantid}"


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known of a provider beforehand.

    Attributes:
        vouches: it says of an address truthfully whether it is its user's.
        posts_back: its answer comes as a form that the browser posts.
    """

    issuer: str | None
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    vouches: bool = True
    posts_back: bool = False


PRESETS: Mapping[str, Preset] = {
    "google": Preset("https://accounts.google.com"),
    # Administrators of a tenant write what addresses they like.
    "microsoft": Preset("https://login.microsoftonline.com/common/v2.0", vouches=False),
    "apple": Preset("https://appleid.apple.com", ("openid", "email", "name"), posts_back=True),
    "gitlab": Preset("https://gitlab.com"),
    "oidc": Preset(None),
}


class OidcProvider:
    """One provider."""

    def __init__(
        self,
        name: str,
        settings: ProviderSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        preset = PRESETS[name]
        self.name = name
        self.posts_back = preset.posts_back
        self._preset = preset
        self._settings = settings
        self._issuer = settings.issuer or preset.issuer or ""
        self._client_id = settings.client_id or ""
        self._clock = clock
        self._metadata: Mapping[str, Any] = {}
        self._metadata_at = 0.0
        self._keys: KeySet | None = None
        self._keys_at = 0.0

    async def address(
        self, state: str, exchange: Exchange, scopes: tuple[str, ...], options: Mapping[str, str]
    ) -> str:
        """Where to send the browser (OpenID Connect Core 1.0 section 3.1.2.1)."""
        metadata = await self._discovered()
        wanted = dict.fromkeys((*self._preset.scopes, *self._settings.scopes, *scopes))
        asked_for: dict[str, str] = {"nonce": exchange.nonce}
        if self.posts_back:
            asked_for["response_mode"] = "form_post"
        async with oauth_client(
            self._client_id,
            None,
            scope=" ".join(wanted),
            redirect_uri=exchange.redirect_uri,
            code_challenge_method="S256",
        ) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], state=state, code_verifier=exchange.verifier, **asked_for
            )
        return with_options(str(url), options)

    async def identity(self, code: str, exchange: Exchange) -> ProvenIdentity:
        """Who the code is about: it is exchanged, and the ID token proven."""
        metadata = await self._discovered()
        self._check_issuer_of_answer(metadata, exchange.issuer)
        async with oauth_client(
            self._client_id,
            self._secret(),
            redirect_uri=exchange.redirect_uri,
            token_endpoint_auth_method=self._method(metadata),
        ) as client:
            tokens = await asked(
                client.fetch_token(
                    metadata["token_endpoint"],
                    code=code,
                    code_verifier=exchange.verifier,
                    grant_type="authorization_code",
                )
            )
            id_token = tokens.get("id_token") if isinstance(tokens, Mapping) else None
            if not isinstance(id_token, str):
                raise BackstayError("bad_oauth_callback")
            claims = await self._claims(id_token)
            proven = self._proven(claims, (exchange.nonce,))
            endpoint = metadata.get("userinfo_endpoint")
            if "email" in claims or not is_secure(endpoint):
                return proven
            # Many providers tell of the person only there (OpenID Connect Core 1.0 section 5.4).
            told = await json_at(client, endpoint)
        if not isinstance(told, dict) or told.get("sub") != proven.subject:
            raise BackstayError("bad_oauth_callback")
        return self._proven({**told, **claims}, (exchange.nonce,))

    async def identity_of_token(self, id_token: str, nonce: str | None) -> ProvenIdentity:
        """Who the token is about."""
        claims = await self._claims(id_token)
        if nonce is None and "nonce" in claims:
            raise BackstayError("bad_oauth_callback")
        accepted = () if nonce is None else (nonce, hashlib.sha256(nonce.encode()).hexdigest())
        return self._proven(claims, accepted)

    def _check_issuer_of_answer(self, metadata: Mapping[str, Any], issuer: str | None) -> None:
        """RFC 9207 section 2.4: the answer comes from whom the browser was sent to."""
        announced = metadata.get("authorization_response_iss_parameter_supported") is True
        if issuer is None and not announced:
            return
        if issuer is None or not self._is_issuer(issuer):
            raise BackstayError("bad_oauth_callback")

    def _is_issuer(self, issuer: str, tenant: Any = None) -> bool:
        expected = str(self._metadata.get("issuer", self._issuer))
        if _TENANT in expected and isinstance(tenant, str):
            expected = expected.replace(_TENANT, tenant)
        return hmac.compare_digest(issuer.encode(), expected.encode())

    def _method(self, metadata: Mapping[str, Any]) -> str:
        if self._settings.client_secret is None and self._settings.private_key is None:
            return "none"
        supported = metadata.get("token_endpoint_auth_methods_supported")
        is_told = isinstance(supported, list) and "client_secret_basic" not in supported
        return "client_secret_post" if is_told else "client_secret_basic"

    def _secret(self) -> str | None:
        settings = self._settings
        if settings.private_key is None:
            return settings.client_secret.get_secret_value() if settings.client_secret else None
        now = int(self._clock())
        claims = {
            "iss": settings.team_id,
            "iat": now,
            "exp": now + _APPLE_SECRET_SECONDS,
            "aud": self._issuer,
            "sub": self._client_id,
        }
        key = ECKey.import_key(settings.private_key.get_secret_value())
        return jws.serialize_compact(
            {"alg": "ES256", "kid": settings.key_id}, json.dumps(claims), key, algorithms=["ES256"]
        )

    async def _discovered(self) -> Mapping[str, Any]:
        now = self._clock()
        if self._metadata and now - self._metadata_at < METADATA_SECONDS:
            return self._metadata
        metadata = await self._json(f"{self._issuer}/.well-known/openid-configuration")
        issuer = metadata.get("issuer")
        own = issuer == self._issuer or (isinstance(issuer, str) and _TENANT in issuer)
        if not own or not all(is_secure(metadata.get(name)) for name in _NEEDED):
            raise BackstayError("provider_unavailable")
        self._metadata, self._metadata_at = metadata, now
        return metadata

    async def _json(self, url: str) -> Mapping[str, Any]:
        async with plain_client() as client:
            value = await json_at(client, url)
        if not isinstance(value, dict):
            raise BackstayError("provider_unavailable")
        return value

    async def _claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token whose signature is one of the provider's keys'."""
        if len(token) > MAX_TOKEN_BYTES:
            raise BackstayError("bad_oauth_callback")
        await self._discovered()
        for attempt in range(2):
            keys = await self._known_keys(again=attempt == 1)
            try:
                return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            except (JoseError, ValueError, TypeError):
                if attempt == 1 or self._clock() - self._keys_at < KEYS_PAUSE_SECONDS:
                    break
        raise BackstayError("bad_oauth_callback")

    async def _known_keys(self, *, again: bool) -> KeySet:
        if self._keys is None or again or self._clock() - self._keys_at >= METADATA_SECONDS:
            stored = (await self._json(str(self._metadata["jwks_uri"]))).get("keys")
            keys = [key for one in stored if (key := _key(one))] if isinstance(stored, list) else []
            if not keys:
                raise BackstayError("provider_unavailable")
            self._keys, self._keys_at = KeySet(keys), self._clock()
        return self._keys

    def _proven(self, claims: Mapping[str, Any], nonces: tuple[str, ...]) -> ProvenIdentity:
        issuer, subject, audience = claims.get("iss"), claims.get("sub"), claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        good = (
            isinstance(issuer, str)
            and self._is_issuer(issuer, claims.get("tid"))
            and isinstance(subject, str)
            and 0 < len(subject) <= 255
            and subject.isprintable()
            and isinstance(audiences, list)
            and self._client_id in audiences
            and (len(audiences) == 1 or claims.get("azp") == self._client_id)
            and self._is_now(claims)
            and (not nonces or str(claims.get("nonce", "")) in nonces)
        )
        if not good:
            raise BackstayError("bad_oauth_callback")
        email = claims.get("email")
        verified = claims.get("email_verified") in (True, "true") and self._preset.vouches
        shown = {name: claims[name] for name in _SHOWN if isinstance(claims.get(name), str)}
        return ProvenIdentity(
            str(issuer), str(subject), email if isinstance(email, str) else None, verified, shown
        )

    def _is_now(self, claims: Mapping[str, Any]) -> bool:
        expires, issued, now = claims.get("exp"), claims.get("iat"), self._clock()
        if type(expires) is not int or type(issued) is not int:
            return False
        return now < expires + LEEWAY_SECONDS and issued <= now + LEEWAY_SECONDS


def _key(stored: Any) -> Key | None:
    """A key of a provider; None for one of a kind that is not known here, beside which others are good."""
    try:
        return JWKRegistry.import_key(stored)
    except (JoseError, ValueError, KeyError, TypeError):
        return None
