"""Settings of providers at which people sign in: OAuth 2.0 and OpenID Connect."""

from typing import TypeGuard
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ProviderSettings(BaseModel):
    """`[auth.providers.<name>]`, `BACKSTAY_AUTH__PROVIDERS__<NAME>__…`. A provider with a client id is switched on.

    Attributes:
        issuer: where a provider of OpenID Connect is found; known for the presets.
        scopes: asked for beside those that identity needs.
        team_id, key_id, private_key: of Apple, whose client secret is a token that these sign (ES256, PEM).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str | None = None
    client_secret: SecretStr | None = None
    issuer: str | None = None
    scopes: tuple[str, ...] = ()
    team_id: str | None = None
    key_id: str | None = None
    private_key: SecretStr | None = None

    @property
    def enabled(self) -> bool:
        """Whether people can sign in there."""
        return bool(self.client_id)

    @field_validator("issuer")
    @classmethod
    def _secure(cls, issuer: str | None) -> str | None:
        if issuer is None:
            return None
        if not is_secure(issuer):
            raise ValueError("is not https")
        return issuer.rstrip("/")


class ProvidersSettings(BaseModel):
    """Presets by name, and `oidc` for any other provider of OpenID Connect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    google: ProviderSettings = Field(default=ProviderSettings())
    github: ProviderSettings = Field(default=ProviderSettings())
    microsoft: ProviderSettings = Field(default=ProviderSettings())
    apple: ProviderSettings = Field(default=ProviderSettings())
    gitlab: ProviderSettings = Field(default=ProviderSettings())
    oidc: ProviderSettings = Field(default=ProviderSettings())

    @field_validator("google", "github", "apple", "oidc")
    @classmethod
    def _complete(cls, one: ProviderSettings, info: ValidationInfo) -> ProviderSettings:
        """What no sign-in could do without; GitLab and Microsoft take clients without a secret too."""
        if not one.enabled:
            return one
        if info.field_name == "oidc" and not one.issuer:
            raise ValueError("issuer: is not set, and the provider is found there")
        if info.field_name in ("google", "github") and one.client_secret is None:
            raise ValueError("client_secret: is not set, and the provider asks for it")
        signs = one.team_id and one.key_id and one.private_key
        if info.field_name == "apple" and one.client_secret is None and not signs:
            raise ValueError(
                "team_id, key_id and private_key: one is not set, and together they sign the secret"
            )
        return one


def is_secure(url: object) -> TypeGuard[str]:
    """Whether this is an address of https, or one of this machine."""
    if not isinstance(url, str) or not url.isascii():
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
