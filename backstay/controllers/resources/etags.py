"""Entity tags and the conditions that name them (RFC 9110 sections 8.8.3 and 13.1)."""

from __future__ import annotations

import re
from hashlib import blake2b, sha256

from backstay.errors import BackstayError

_TAG = re.compile(rb'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|\Z)')


def etag_of(body: bytes) -> bytes:
    """The strong tag of a representation: equal bytes have equal tags, whoever asks and wherever."""
    return b'"' + blake2b(body, digest_size=16).hexdigest().encode() + b'"'


def weak_etag_of(body: bytes, *parts: bytes) -> bytes:
    """The weak tag of a list: of its body and of the headers that say which rows these are and in which form.

    SHA-256 takes 0.8 µs for a KiB where the processor has instructions for it, BLAKE2b 1.2 µs.
    """
    digest = sha256(body, usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return b'W/"' + digest.hexdigest()[:32].encode() + b'"'


def matches(condition: bytes, tag: bytes | None, *, weakly: bool) -> bool:
    """Whether a condition (`*`, or a list of tags) names the tag; `tag` None when there is no representation.

    Raises:
        BackstayError: `bad_request` for what is no list of tags.
    """
    if condition.strip() == b"*":
        return tag is not None
    opaque = None if tag is None else tag.removeprefix(b"W/")
    position, found = 0, False
    while position < len(condition):
        match = _TAG.match(condition, position)
        if match is None:
            raise BackstayError("bad_request", "If-Match and If-None-Match take entity tags in quotes, or *.")
        is_weak, name = match.groups()
        found = found or (b'"' + name + b'"' == opaque and (weakly or not is_weak))
        position = match.end()
    return found
