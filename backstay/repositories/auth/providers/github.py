"""GitHub, which speaks OAuth 2.0 and has an interface of its own for who somebody is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backstay.config.providers import ProviderSettings
from backstay.errors import BackstayError
from backstay.repositories.auth.providers import Exchange, ProvenIdentity
from backstay.repositories.auth.providers.transport import asked, json_at, oauth_client, with_options

ISSUER = "https://github.com"
_SCOPES = ("read:user", "user:email")


class GithubProvider:
    """github.com."""

    name = "github"
    posts_back = False

    def __init__(
        self, settings: ProviderSettings, base: str = ISSUER, api: str = "https://api.github.com"
    ) -> None:
        self._settings = settings
        self._base = base
        self._api = api

    async def address(
        self, state: str, exchange: Exchange, scopes: tuple[str, ...], options: Mapping[str, str]
    ) -> str:
        """Where to send the browser."""
        wanted = dict.fromkeys((*_SCOPES, *self._settings.scopes, *scopes))
        async with oauth_client(
            self._settings.client_id or "",
            None,
            scope=" ".join(wanted),
            redirect_uri=exchange.redirect_uri,
            code_challenge_method="S256",
        ) as client:
            url, _ = client.create_authorization_url(
                f"{self._base}/login/oauth/authorize", state=state, code_verifier=exchange.verifier
            )
        return with_options(str(url), options)

    async def identity(self, code: str, exchange: Exchange) -> ProvenIdentity:
        """Who the code is about."""
        secret = self._settings.client_secret
        async with oauth_client(
            self._settings.client_id or "",
            secret.get_secret_value() if secret else None,
            redirect_uri=exchange.redirect_uri,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the name of a method
        ) as client:
            await asked(
                client.fetch_token(
                    f"{self._base}/login/oauth/access_token",
                    code=code,
                    code_verifier=exchange.verifier,
                    grant_type="authorization_code",
                    headers={"Accept": "application/json"},
                )
            )
            user = await json_at(client, f"{self._api}/user")
            emails = await json_at(client, f"{self._api}/user/emails")
        return self._proven(user, emails)

    async def identity_of_token(self, id_token: str, nonce: str | None) -> ProvenIdentity:
        """GitHub has no such tokens."""
        raise BackstayError("oauth_provider_not_supported")

    def _proven(self, user: Any, emails: Any) -> ProvenIdentity:
        if not isinstance(user, Mapping) or type(user.get("id")) is not int or not isinstance(emails, list):
            raise BackstayError("provider_unavailable")
        primary = next((one for one in emails if isinstance(one, Mapping) and one.get("primary") is True), {})
        email = primary.get("email")
        shown = {
            name: user[source]
            for name, source in (("name", "name"), ("preferred_username", "login"), ("picture", "avatar_url"))
            if isinstance(user.get(source), str)
        }
        verified = primary.get("verified") is True
        return ProvenIdentity(
            ISSUER, str(user["id"]), email if isinstance(email, str) else None, verified, shown
        )
