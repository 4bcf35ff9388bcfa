"""Settings of outgoing mail."""

from email.headerregistry import Address
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class MailSettings(BaseModel):
    """`[mail]` in the TOML files, `BACKSTAY_MAIL__…` in the environment or `*_FILE` secret files.

    Attributes:
        backend: `folder` writes mails as files into the data folder, for development; `smtp` sends them.
        tls: `starttls` upgrades the connection before anything is said (port 587), `tls` encrypts from the first
            byte (port 465), `none` never. Certificates are always verified.
        ca_file: PEM certificates of authorities to trust instead of the system's, for a relay with its own.
        sender_address: ASCII; its domain also names this side to the server.
        timeout_seconds: for one mail, from the connection to the server's last answer.
        language: of mails to people who asked for none that is there, as a folder of templates is named.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: Literal["smtp", "folder"] = "folder"
    host: str | None = None
    port: int = Field(default=587, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    sender_address: str = "no-reply@localhost"
    sender_name: str = Field(default="", max_length=100)
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    language: str = Field(default="en", pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")

    @field_validator("sender_address")
    @classmethod
    def _one_address(cls, address: str) -> str:
        try:
            parsed = Address(addr_spec=address)
        except Exception:  # noqa: BLE001 - the standard library's parser raises IndexError and more on bad text
            raise ValueError("is not an e-mail address") from None
        if not address.isascii() or not address.isprintable() or not parsed.username or not parsed.domain:
            raise ValueError("is not an ASCII e-mail address with a domain")
        return address

    @field_validator("sender_name")
    @classmethod
    def _one_line(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("holds a line break or a control character")
        return name

    @model_validator(mode="after")
    def _complete(self) -> "MailSettings":
        if self.backend == "smtp" and not self.host:
            raise ValueError("host: is not set, and the backend is smtp")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password: one is set without the other")
        if self.password is not None and self.tls == "none" and self.host not in _LOOPBACK:
            raise ValueError("tls: a password is never sent in clear; use starttls or tls")
        return self
