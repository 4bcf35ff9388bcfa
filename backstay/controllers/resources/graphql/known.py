"""Documents that are known by their hash: those that come with the project, and those that clients registered.

The protocol is that of automatic persisted queries: `extensions.persistedQuery.sha256Hash`, with the text once. What
clients register is remembered in this process only, and asked for again elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from backstay.errors import BackstayError
from backstay.utils.bounded import BoundedDict

_HASH_CHARACTERS = 64


class KnownDocuments:
    """Finds the text of a request's document.

    Args:
        trusted: texts that come with the project.
        trusted_only: no others are run.
        most: how many texts of clients are remembered; none when 0.
    """

    def __init__(self, trusted: Iterable[str], *, trusted_only: bool, most: int) -> None:
        self._trusted = {hash_of(text): text for text in trusted}
        self._texts = frozenset(self._trusted.values())
        self._trusted_only = trusted_only
        self._registered: BoundedDict[str, str] = BoundedDict(max(1, most))
        self._registers = most > 0 and not trusted_only

    def text(self, query: str | None, extensions: Mapping[str, Any]) -> str:
        """The text of the document.

        Raises:
            BackstayError: `persisted_query_not_found`, `persisted_query_mismatch`, `document_not_trusted`;
                `bad_request` when nothing says which document.
        """
        digest = _digest(extensions)
        if query is None:
            if digest is None:
                raise BackstayError("bad_request", "There is no query.")
            found = self._trusted.get(digest) or self._registered.get(digest)
            if found is None:
                raise BackstayError("persisted_query_not_found")
            return found
        if digest is not None and not hmac.compare_digest(digest, hash_of(query)):
            raise BackstayError("persisted_query_mismatch")
        if self._trusted_only and query not in self._texts:
            raise BackstayError("document_not_trusted")
        return query

    def register(self, text: str, extensions: Mapping[str, Any]) -> None:
        """Remember a document that its client named by its hash, and that is valid."""
        digest = _digest(extensions)
        if digest is not None and self._registers and digest not in self._trusted:
            self._registered[digest] = text


def hash_of(text: str) -> str:
    """The SHA-256 of a document, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _digest(extensions: Mapping[str, Any]) -> str | None:
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or len(digest) != _HASH_CHARACTERS:
        raise BackstayError("bad_request", "persistedQuery needs a sha256Hash of 64 hexadecimal digits.")
    return digest.lower()
