"""How providers are asked: over verified TLS, without redirects and proxies, and never for long or for much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from backstay.errors import BackstayError

SECONDS = 5.0
MAX_BYTES = 256 * 1024

# They change how the answer comes, or stand for the whole query (RFC 9101).
_NEVER = frozenset({"nonce", "response_mode", "request", "request_uri"})

T = TypeVar("T")


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for part in self._stream:
            received += len(part)
            if received > MAX_BYTES:
                raise httpx2.ReadError("the answer is too large")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class BoundedTransport(httpx2.AsyncHTTPTransport):
    """Ends an answer that is too large where it becomes so."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request."""
        # Not compressed: what is small on the wire stays so.
        request.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(request)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream)
        return response


def plain_client() -> httpx2.AsyncClient:
    """A client for what a provider publishes."""
    return httpx2.AsyncClient(
        transport=BoundedTransport(), timeout=SECONDS, follow_redirects=False, trust_env=False
    )


def oauth_client(client_id: str, client_secret: str | None, **options: Any) -> AsyncOAuth2Client:
    """A client of Authlib for one exchange."""
    return AsyncOAuth2Client(
        client_id,
        client_secret,
        transport=BoundedTransport(),
        timeout=SECONDS,
        follow_redirects=False,
        trust_env=False,
        **options,
    )


def with_options(url: str, options: Mapping[str, str]) -> str:
    """A provider's address with more in its query: nothing that is there already or would undo it."""
    there = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)} | _NEVER
    more = {name: value for name, value in options.items() if name not in there}
    return f"{url}&{urlencode(more)}" if more else url


async def asked(work: Awaitable[T]) -> T:
    """The provider's answer.

    Raises:
        BackstayError: `bad_oauth_callback` when it refuses, `provider_unavailable` when it does not answer properly.
            Neither says what it answered.
    """
    try:
        return await asyncio.wait_for(work, 2 * SECONDS)
    except OAuthError as error:
        raise BackstayError("bad_oauth_callback") from error
    except (httpx2.HTTPError, TimeoutError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BackstayError("provider_unavailable") from error


async def json_at(client: httpx2.AsyncClient, url: str) -> Any:
    """The JSON document at an address of the provider.

    Raises:
        BackstayError: `provider_unavailable`.
    """
    response = await asked(client.get(url))
    try:
        if response.status_code == 200:
            return response.json()
    except (ValueError, RecursionError) as error:
        raise BackstayError("provider_unavailable") from error
    raise BackstayError("provider_unavailable")
