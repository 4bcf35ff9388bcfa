"""Settings of the HTTP edge: where it listens and what it lets in."""

from ipaddress import ip_network
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class HttpSettings(BaseModel):
    """`[http]` in the TOML files, `BACKSTAY_HTTP__…` in the environment.

    Attributes:
        cors_origins: exact origins (`https://app.example`), or `*` alone and without credentials.
        trusted_proxies: addresses or networks whose forwarding headers and request ids are believed.
        forwarding_header: the one header the trusted proxies write; the other one is never read, since a client
            could send it through them. `X-Forwarded-Proto` goes with the first.
        max_connections: open connections of one process; more are answered 503.
        head_timeout_seconds: from the first byte of a connection or request to the end of its head.
        body_timeout_seconds: a body may take this long, and a second more for each `body_bytes_per_second` of it.
        request_timeout_seconds: after the head, until the response starts.
        announce_seconds: after SIGTERM, how long `/health/ready` answers 503 while requests are still taken, so that
            load balancers turn away first; None for 5 in staging and production and 0 in development.
        drain_seconds: after that, how long running requests may take to finish.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=256)
    cors_origins: tuple[str, ...] = ()
    cors_credentials: bool = False
    trusted_proxies: tuple[str, ...] = ()
    forwarding_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    max_connections: int = Field(default=4096, ge=1)
    max_body_bytes: int = Field(default=1_048_576, ge=1024)
    max_header_bytes: int = Field(default=32_768, ge=4096)
    max_headers: int = Field(default=100, ge=10)
    max_target_bytes: int = Field(default=16_384, ge=1024)
    head_timeout_seconds: float = Field(default=8.0, gt=0)
    body_timeout_seconds: float = Field(default=8.0, gt=0)
    body_bytes_per_second: int = Field(default=1024, ge=1)
    keep_alive_seconds: float = Field(default=10.0, gt=0)
    request_timeout_seconds: float = Field(default=30.0, gt=0)
    announce_seconds: float | None = Field(default=None, ge=0)
    drain_seconds: float = Field(default=10.0, ge=0)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(proxy, strict=False)) for proxy in proxies)
