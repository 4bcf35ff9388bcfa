"""Settings of access tokens and API keys."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class TokenSettings(BaseModel):
    """`[tokens]` in the TOML files, `BACKSTAY_TOKENS__…` in the environment or `*_FILE` secret files.

    Attributes:
        secret: HS256 key of at least 32 bytes; development makes one in its data folder.
        publishable_key, secret_key: opaque API keys (`sb_publishable_…`, `sb_secret_…`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: SecretStr | None = None
    publishable_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    issuer: str = "backstay"
    audience: str = "authenticated"
    leeway_seconds: int = Field(default=30, ge=0, le=60)
    lifetime_seconds: int = Field(default=600, ge=60, le=86_400)
