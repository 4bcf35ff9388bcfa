"""What staging and production refuse to serve with."""

from __future__ import annotations

import secrets

import pytest
from pydantic import SecretStr

from backstay.config.database import DatabaseSettings
from backstay.config.environment import Environment
from backstay.config.http import HttpSettings
from backstay.config.report import CatalogFacts, refusals, unsafe
from backstay.config.settings import Settings
from backstay.config.tokens import TokenSettings

GOOD = TokenSettings(secret=SecretStr(secrets.token_urlsafe(48)))
POSTGRES = DatabaseSettings(url="postgresql://db/app")


def settings(
    *,
    tokens: TokenSettings = GOOD,
    http: HttpSettings | None = None,
    database: DatabaseSettings | None = None,
    debug: bool = False,
    environment: Environment = Environment.PRODUCTION,
    docs: bool | None = None,
) -> Settings:
    return Settings(
        environment=environment,
        tokens=tokens,
        http=http or HttpSettings(),
        database=database or DatabaseSettings(),
        debug=debug,
        docs=docs,
    )


def names(value: Settings, facts: CatalogFacts | None = None) -> list[str]:
    found = unsafe(value, facts or CatalogFacts())
    assert all(finding.problem and finding.fix for finding in found)
    return [finding.name for finding in found]


def test_a_sound_configuration_has_no_finding() -> None:
    assert names(settings()) == []
    assert names(settings(http=HttpSettings(workers=4), database=POSTGRES)) == []


@pytest.mark.parametrize(
    "secret",
    [
        None,
        "",
        "hunter2",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "a" * 64,
        "changeme" * 8,
        "secret" * 10,
        "0123456789" * 5,
        "password" * 5,
        " " * 40,
        "ab" * 32,
    ],
)
def test_a_missing_or_guessable_secret_is_refused(secret: str | None) -> None:
    tokens = TokenSettings(secret=None if secret is None else SecretStr(secret))
    found = unsafe(settings(tokens=tokens), CatalogFacts())
    assert [finding.name for finding in found] == ["BACKSTAY_TOKENS__SECRET"]
    assert "BACKSTAY_TOKENS__SECRET_FILE" in found[0].fix
    if secret:
        assert secret not in found[0].problem + found[0].fix


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe])
def test_no_random_secret_is_taken_for_a_weak_one(make: object) -> None:
    assert callable(make)
    for _ in range(2000):
        assert names(settings(tokens=TokenSettings(secret=SecretStr(make(32))))) == []


def test_debug_is_refused() -> None:
    assert names(settings(debug=True)) == ["BACKSTAY_DEBUG"]


def test_documentation_that_is_asked_for_is_allowed() -> None:
    assert names(settings(docs=True)) == []


@pytest.mark.parametrize("origin", ["*", "null"])
def test_credentials_for_every_site_are_refused(origin: str) -> None:
    http = HttpSettings(cors_origins=(origin,), cors_credentials=True)
    assert names(settings(http=http)) == ["BACKSTAY_HTTP__CORS_ORIGINS"]
    assert names(settings(http=HttpSettings(cors_origins=("*",)))) == []


@pytest.mark.parametrize(
    "origin", ["https://app.example/", "app.example", "https://*.example", "https://a@b.example"]
)
def test_an_origin_that_can_never_match_is_named(origin: str) -> None:
    assert names(settings(http=HttpSettings(cors_origins=(origin,)))) == ["BACKSTAY_HTTP__CORS_ORIGINS"]


@pytest.mark.parametrize("proxy", ["0.0.0.0/0", "::/0"])
def test_trusting_every_proxy_is_refused(proxy: str) -> None:
    http = HttpSettings(trusted_proxies=(proxy,))
    assert names(settings(http=http)) == ["BACKSTAY_HTTP__TRUSTED_PROXIES"]


def test_sqlite_with_several_processes_is_refused() -> None:
    assert names(settings(http=HttpSettings(workers=2))) == ["BACKSTAY_HTTP__WORKERS"]


def test_each_model_without_rules_is_named() -> None:
    assert names(settings(), CatalogFacts(("ships", "crews"))) == ["ships", "crews"]


@pytest.mark.parametrize("key", ["sb_secret_", "sb_secret_short", "sb_secret_" + "a" * 40, "no-prefix" * 8])
def test_a_guessable_api_key_is_refused(key: str) -> None:
    tokens = GOOD.model_copy(update={"secret_key": SecretStr(key)})
    assert names(settings(tokens=tokens)) == ["BACKSTAY_TOKENS__SECRET_KEY"]


def test_every_finding_is_listed_not_the_first_alone() -> None:
    http = HttpSettings(workers=2, cors_origins=("*",), cors_credentials=True)
    found = names(settings(tokens=TokenSettings(), http=http, debug=True), CatalogFacts(("ships",)))
    assert len(found) == 5


@pytest.mark.parametrize(
    ("environment", "refused"),
    [(Environment.DEVELOPMENT, False), (Environment.STAGING, True), (Environment.PRODUCTION, True)],
)
def test_development_serves_with_what_the_others_refuse(environment: Environment, refused: bool) -> None:
    assert bool(refusals(settings(debug=True, environment=environment), CatalogFacts())) is refused
