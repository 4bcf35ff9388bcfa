"""Settings of identity: who may become a user, where mails and providers lead back to, how long sessions last."""

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from backstay.config.providers import ProvidersSettings


class AuthSettings(BaseModel):
    """`[auth]` in the TOML files, `BACKSTAY_AUTH__…` in the environment.

    Attributes:
        public_url: where browsers reach this API; links in mails and the callbacks of providers start with it.
        site_url: of the application's own pages; where links lead in the end unless the client says otherwise.
        redirect_urls: other places where links may lead: whole URLs, or with `*` at the end all that begin so.
        app_name: how mails call the application.
        sign_up: whether strangers can become users; administrators can always make some.
        autoconfirm: take an address as its owner's without a mail.
        anonymous: whether `POST /signup` without an address makes a user who has none yet.
        session_days: after this long somebody has to sign in again, however active they are.
        idle_days: after this long without a refresh, likewise.
        providers: at which people can sign in.
        throttle_factor: multiplies what the throttles of sign-in, sign-up and mail allow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_url: str = "http://127.0.0.1:8000"
    site_url: str = "http://127.0.0.1:3000"
    redirect_urls: tuple[str, ...] = ()
    app_name: str = Field(default="Backstay", min_length=1, max_length=60)
    sign_up: bool = True
    autoconfirm: bool = False
    anonymous: bool = False
    session_days: float = Field(default=90, gt=0, le=3650)
    idle_days: float = Field(default=30, gt=0, le=3650)
    throttle_factor: float = Field(default=1.0, ge=0.1, le=1000)
    providers: ProvidersSettings = ProvidersSettings()

    @field_validator("public_url", "site_url")
    @classmethod
    def _url(cls, url: str) -> str:
        return _checked(url).rstrip("/")

    @field_validator("redirect_urls")
    @classmethod
    def _urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_checked(url) for url in urls)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if not parts.scheme or parts.scheme in ("javascript", "data", "file", "vbscript"):
        raise ValueError("is not a URL")
    if parts.scheme in ("http", "https") and (not parts.hostname or "@" in parts.netloc):
        raise ValueError("is not a URL with a host and without a user")
    if "*" in url[:-1] or (url.endswith("*") and url.count("/") < 3):
        raise ValueError("may have one '*', at its end and after the host")
    return url
