"""Settings of the HTTP edge: where it listens and what it lets in."""

from pydantic import BaseModel, ConfigDict, Field


class HttpSettings(BaseModel):
    """`[http]` in the TOML files, `BACKSTAY_HTTP__…` in the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=256)
    cors_origins: tuple[str, ...] = ()
    cors_credentials: bool = False
    trusted_proxies: tuple[str, ...] = ()
    max_body_bytes: int = Field(default=1_048_576, ge=1024)
    max_header_bytes: int = Field(default=32_768, ge=4096)
    max_headers: int = Field(default=100, ge=10)
    max_target_bytes: int = Field(default=16_384, ge=1024)
    head_timeout_seconds: float = Field(default=8.0, gt=0)
    body_timeout_seconds: float = Field(default=8.0, gt=0)
    body_bytes_per_second: int = Field(default=1024, ge=1)
    keep_alive_seconds: float = Field(default=10.0, gt=0)
    request_timeout_seconds: float = Field(default=30.0, gt=0)
    drain_seconds: float = Field(default=10.0, ge=0)
