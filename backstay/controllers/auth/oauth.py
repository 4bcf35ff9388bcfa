"""`/authorize`, `/callback` and `/user/identities`: to a provider and back."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from backstay.controllers.auth.carry import Carry
from backstay.controllers.auth.documents import session_fields
from backstay.controllers.auth.requests import client_of, path_id, user_id_of
from backstay.controllers.endpoints import Ask, Body, Reply
from backstay.services.auth.flows import Challenge
from backstay.services.auth.linking import Linking
from backstay.services.auth.oauth import Answer, Arrival, Departure, OAuth
from backstay.services.auth.redirects import Redirects, with_fragment, with_query

_COOKIE = "__Host-backstay-oauth"
_SECONDS = 600
_MOST_SCOPES = 20
# What a departure reads; the rest of the query is for the provider.
OWN_QUERY = (
    "provider",
    "redirect_to",
    "scopes",
    "code_challenge",
    "code_challenge_method",
    "skip_http_redirect",
    "session",
)


class CallbackForm(Body):
    """`POST /callback`, as a provider lets the browser post it (OAuth 2.0 Form Post Response Mode)."""

    state: Annotated[str, Field(max_length=5000)] | None = None
    code: Annotated[str, Field(max_length=5000)] | None = None
    iss: Annotated[str, Field(max_length=1000)] | None = None
    error: Annotated[str, Field(max_length=1000)] | None = None


class AtProviders:
    """Handlers."""

    def __init__(self, oauth: OAuth, linking: Linking, redirects: Redirects, carry: Carry) -> None:
        self._oauth = oauth
        self._linking = linking
        self._redirects = redirects
        self._carry = carry

    async def authorize(self, ask: Ask[Any]) -> Reply:
        """303 to the provider."""
        return await self._depart(ask, link=False)

    async def link(self, ask: Ask[Any]) -> Reply:
        """303 to the provider, or its address, to add an identity to the caller's account."""
        self._carry.require_own_page(ask)
        return await self._depart(ask, link=True)

    async def _depart(self, ask: Ask[Any], *, link: bool) -> Reply:
        query = ask.query
        scopes = tuple(query.get("scopes", "").replace(",", " ").split())[:_MOST_SCOPES]
        departure = await self._oauth.depart(
            ask.context,
            query.get("provider", ""),
            self._redirects.choose(query.get("redirect_to")),
            Challenge.read(query.get("code_challenge"), query.get("code_challenge_method")),
            scopes,
            {name: value for name, value in query.items() if name not in OWN_QUERY},
            link=link,
            carries_cookie=self._carry.wants_cookie(ask),
        )
        cookie = (b"set-cookie", _cookie(departure).encode())
        if query.get("skip_http_redirect") == "true":
            return Reply({"url": departure.url}, headers=(cookie,))
        return Reply(status=303, headers=((b"location", departure.url.encode("ascii")), cookie))

    async def callback(self, ask: Ask[Any]) -> Reply:
        """303 back to the site."""
        query = ask.query
        answer = Answer(
            query.get("state"), query.get("code"), query.get("iss"), query.get("error"), _browser(ask)
        )
        return await self._arrived(ask, await self._oauth.arrive(ask.context, answer, client_of(ask)))

    async def posted(self, ask: Ask[CallbackForm]) -> Reply:
        """The same, posted."""
        form = ask.body
        answer = Answer(form.state, form.code, form.iss, form.error, _browser(ask))
        return await self._arrived(ask, await self._oauth.arrive(ask.context, answer, client_of(ask)))

    async def _arrived(self, ask: Ask[Any], arrival: Arrival) -> Reply:
        target, cookies = arrival.redirect_to, [(b"set-cookie", _dropped().encode())]
        if arrival.error is not None:
            values = {
                "error": "access_denied",
                "error_code": arrival.error.code,
                "error_description": arrival.error.message,
            }
            target = with_fragment(with_query(target, values) if arrival.is_flow else target, values)
        elif arrival.code is not None:
            target = with_query(target, {"code": arrival.code})
        elif arrival.signed is not None and arrival.carries_cookie:
            cookies.append(await self._carry.header(ask, arrival.signed))
        elif arrival.signed is not None:
            target = with_fragment(target, session_fields(arrival.signed))
        return Reply(status=303, headers=((b"location", target.encode("ascii")), *cookies))

    async def unlink(self, ask: Ask[Any]) -> Reply:
        """200, and the identity is gone."""
        identity_id = path_id(ask, "identity_id", "identity_not_found")
        await self._linking.unlink(ask.context, user_id_of(ask), identity_id)
        return Reply({})


def _cookie(departure: Departure) -> str:
    # A form that another site's page posts comes with no cookie but such a one.
    site = "None" if departure.posts_back else "Lax"
    return f"{_COOKIE}={departure.browser}; Max-Age={_SECONDS}; Path=/; Secure; HttpOnly; SameSite={site}"


def _dropped() -> str:
    return f"{_COOKIE}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"


def _browser(ask: Ask[Any]) -> str | None:
    """What the browser has kept since it left; None when it is another one."""
    pairs = [pair.strip().partition("=") for pair in ask.header(b"cookie").split(";")]
    found = [value for name, _, value in pairs if name == _COOKIE]
    return found[0] if len(found) == 1 else None
