"""Opaque API keys: the publishable one names the application, the secret one stands above the rules.

In charge of comparing what was sent with what is configured, in a time that does not tell how much of it was right.
API keys that are JWTs are tokens (`tokens.py`).
"""

from __future__ import annotations

import re
from hmac import compare_digest

from pydantic import SecretStr

from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError, ConfigurationError
from backstay.models.access.caller import ANONYMOUS, SERVICE, Caller


class ApiKeys:
    """The configured keys. One that is unset or empty matches nothing.

    Raises:
        ConfigurationError: the two are equal or exchanged, or hold more than letters, digits, `_` and `-`.
    """

    __slots__ = ("_known",)

    def __init__(self, settings: TokenSettings) -> None:
        publishable = _plain(settings.publishable_key)
        secret = _plain(settings.secret_key)
        problems = _problems(publishable, secret)
        if problems:
            raise ConfigurationError(problems)
        pairs = ((publishable, ANONYMOUS), (secret, SERVICE))
        self._known = tuple((key.encode("ascii"), caller) for key, caller in pairs if key)

    def find(self, key: bytes) -> Caller | None:
        """The caller of this key, or None when it is not one of ours."""
        found: Caller | None = None
        for known, caller in self._known:
            if compare_digest(key, known):
                found = caller
        return found

    def verify(self, key: bytes) -> Caller:
        """The caller of this key.

        Raises:
            BackstayError: `bad_api_key`.
        """
        caller = self.find(key)
        if caller is None:
            raise BackstayError("bad_api_key")
        return caller


def _plain(value: SecretStr | None) -> str:
    return "" if value is None else value.get_secret_value()


def _problems(publishable: str, secret: str) -> list[str]:
    problems = []
    for name, key in (("publishable_key", publishable), ("secret_key", secret)):
        # A dot would make it look like a JWT, anything else does not survive a header.
        if key and re.fullmatch(r"[A-Za-z0-9_-]+", key) is None:
            problems.append(f"tokens.{name}: may hold only letters, digits, '_' and '-'")
    if publishable and publishable == secret:
        problems.append("tokens.publishable_key: must differ from tokens.secret_key")
    if publishable.startswith("sb_secret_"):
        problems.append("tokens.publishable_key: is a secret key, which must not be published")
    if secret.startswith("sb_publishable_"):
        problems.append("tokens.secret_key: is a publishable key, which everybody knows")
    return problems
