"""What makes a configuration unsafe to serve with: one list of checks, for `backstay check` and for the start itself.

In charge of judging values that are well-formed. Knows nothing of where they came from.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from backstay.config.settings import Settings

LEAST_SECRET_BYTES = 32
LEAST_KEY_BYTES = 24
# Random bytes as hex or base64 carry 128 bits and more by this measure; a repeated word or a keyboard row does not.
LEAST_SECRET_BITS = 96
_OPENSSL = "for example from `openssl rand -base64 48`"


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """What the checks need to know of the models: names of those without access rules."""

    without_rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason not to serve: the setting's variable (or the model), what is wrong, and the fix."""

    name: str
    problem: str
    fix: str


def unsafe(settings: Settings, facts: CatalogFacts) -> list[Finding]:
    """Everything that staging and production refuse, whatever the environment of these settings is."""
    return [
        *_secret(settings),
        *_api_keys(settings),
        *_debug(settings),
        *_cors(settings),
        *_proxies(settings),
        *_database(settings),
        *_identity(settings),
        *_models(facts),
    ]


def refusals(settings: Settings, facts: CatalogFacts) -> list[Finding]:
    """The findings that forbid serving in the environment of these settings: none in development."""
    return [] if settings.is_development else unsafe(settings, facts)


def _secret(settings: Settings) -> Iterator[Finding]:
    name = "BACKSTAY_TOKENS__SECRET"
    fix = f"put at least {LEAST_SECRET_BYTES} random bytes in a file, {_OPENSSL}, and name it in {name}_FILE"
    secret = _revealed(settings.tokens.secret)
    if not secret:
        yield Finding(name, "there is no secret to sign access tokens with", fix)
    elif len(secret.encode()) < LEAST_SECRET_BYTES:
        yield Finding(name, f"the secret is shorter than {LEAST_SECRET_BYTES} bytes", fix)
    elif entropy_bits(secret) < LEAST_SECRET_BITS:
        yield Finding(name, "the secret is easy to guess: too few different characters", fix)


def _api_keys(settings: Settings) -> Iterator[Finding]:
    """Keys are optional; one that is set must be hard to guess, and say by its prefix what it is."""
    tokens = settings.tokens
    for setting, key, prefix in (
        ("PUBLISHABLE_KEY", tokens.publishable_key, "sb_publishable_"),
        ("SECRET_KEY", tokens.secret_key, "sb_secret_"),
    ):
        name, value = f"BACKSTAY_TOKENS__{setting}", _revealed(key)
        fix = f"use {prefix} followed by at least {LEAST_KEY_BYTES} random characters, or leave it out"
        if value and not value.startswith(prefix):
            yield Finding(name, f"the key does not start with {prefix}", fix)
        elif value and (
            len(value) - len(prefix) < LEAST_KEY_BYTES or entropy_bits(value[len(prefix) :]) < 64
        ):
            yield Finding(name, "the key is easy to guess", fix)


def _debug(settings: Settings) -> Iterator[Finding]:
    if settings.debug:
        yield Finding(
            "BACKSTAY_DEBUG", "debug is on, so errors show internals", "set it to false, or remove it"
        )


def _cors(settings: Settings) -> Iterator[Finding]:
    http, name = settings.http, "BACKSTAY_HTTP__CORS_ORIGINS"
    for origin in http.cors_origins:
        if origin in {"*", "null"}:
            if http.cors_credentials:
                problem = f"any site may send its visitors' credentials ({origin} with BACKSTAY_HTTP__CORS_CREDENTIALS)"
                yield Finding(name, problem, "list the origins that may, such as https://app.example.com")
        elif not _is_origin(origin):
            yield Finding(
                name, f"{origin!r} is not an origin, so it never matches", "use scheme://host[:port]"
            )


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            bool(parts.hostname)
            and text == f"{parts.scheme}://{parts.netloc}"
            and "@" not in text
            and "*" not in text
        )
    except ValueError:
        return False


def _proxies(settings: Settings) -> Iterator[Finding]:
    for proxy in settings.http.trusted_proxies:
        if proxy == "*" or proxy.endswith("/0"):
            yield Finding(
                "BACKSTAY_HTTP__TRUSTED_PROXIES",
                f"{proxy} lets every client choose the address and scheme it appears to have",
                "list the addresses or networks of your own load balancers",
            )


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database.engine == "sqlite" and settings.http.workers > 1:
        yield Finding(
            "BACKSTAY_HTTP__WORKERS",
            f"{settings.http.workers} processes would write one SQLite file, whose writer belongs to one process",
            "use one worker, or PostgreSQL in BACKSTAY_DATABASE__URL",
        )


def _identity(settings: Settings) -> Iterator[Finding]:
    """Addresses and mail, as far as identity uses them: without mail it neither sends links nor needs the addresses."""
    if settings.mail.backend == "folder":
        if "backend" in settings.mail.model_fields_set:
            yield Finding(
                "BACKSTAY_MAIL__BACKEND",
                "mails are written into a folder and reach nobody",
                "set it to smtp, with BACKSTAY_MAIL__HOST and the like, or remove it to do without mail",
            )
        return
    for name, url in (("PUBLIC_URL", settings.auth.public_url), ("SITE_URL", settings.auth.site_url)):
        if not url.startswith("https://"):
            yield Finding(
                f"BACKSTAY_AUTH__{name}",
                f"{url} is not https, so whoever is on the way can use the links in mails",
                "set it to the address at which browsers reach it, such as https://app.example.com",
            )


def _models(facts: CatalogFacts) -> Iterator[Finding]:
    for model in facts.without_rules:
        yield Finding(
            model,
            "the model has no access rules, so nobody can reach it",
            f"declare a class with `Access, model=…` for {model}; `read = False` says that this is meant",
        )


def entropy_bits(text: str) -> float:
    """An upper bound, in bits, on what a guesser faces: what repeats counts once, and steps as much as characters."""
    size = len(text)
    period = next((step for step in range(1, size) if text[step:] == text[: size - step]), size)
    once = [ord(character) for character in text[:period]]
    steps = [after - before for before, after in itertools.pairwise(once)]
    return min(_shannon_bits(once), _shannon_bits(steps))


def _shannon_bits(values: Sequence[int]) -> float:
    """Entropy of the values' frequencies, times how many there are."""
    size = len(values)
    return -sum(count * math.log2(count / size) for count in Counter(values).values())


def _revealed(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""
