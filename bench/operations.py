"""What is asked of the contenders: for each operation a few thousand ready requests with different keys.

In charge of the requests' bytes, and of the proof that both stacks answer them alike.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID

from pydantic import SecretStr

from backstay.config.tokens import TokenSettings
from backstay.services.auth.tokens import AccessTokens
from bench.data import AUDIENCE, BACKSTAY, HAND_WRITTEN, HELLO, ISSUER, SECRET, SEED, Row, Rows

REQUESTS = 4096
PAGE = 50
_COMPARED = 5
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, for every contender: method, paths by contender, caller's token and body."""

    method: str
    paths: Mapping[str, str]
    token: str
    body: str = ""

    def encode(self, contender: str) -> bytes:
        """Its bytes on an HTTP/1.1 connection that stays open. The empty endpoint is asked for nothing else."""
        if contender == HELLO:
            return b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n"
        lines = [
            f"{self.method} {self.paths[contender]} HTTP/1.1",
            "host: 127.0.0.1",
            "accept: application/json",
        ]
        lines.append(f"authorization: Bearer {self.token}")
        lines += [f"{name}: {value}" for name, value in self.body_headers().items()]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode("ascii")

    def body_headers(self) -> dict[str, str]:
        """What a body needs; the answer shows the new row, as the hand-written endpoint's does."""
        if not self.body:
            return {}
        length = str(len(self.body))
        return {
            "content-type": "application/json",
            "content-length": length,
            "prefer": "return=representation",
        }


@dataclass(frozen=True, slots=True)
class Operation:
    """A name on the command line, one in the table, and what makes its requests."""

    name: str
    title: str
    make: Callable[[Random, Rows, Mapping[UUID, str]], Ask]

    def asks(self, rows: Rows, tokens: Mapping[UUID, str]) -> list[Ask]:
        """The same requests in every run, but for the tokens' times."""
        random = Random(SEED)
        return [self.make(random, rows, tokens) for _ in range(REQUESTS)]


def _get_one(random: Random, rows: Rows, tokens: Mapping[UUID, str]) -> Ask:
    icao = quote(str(random.choice(rows.airports)["icao"]))
    return _reading(random, tokens, f"/rest/v1/airports/{icao}", f"/airports/{icao}")


def _get_ruled(random: Random, rows: Rows, tokens: Mapping[UUID, str]) -> Ask:
    trip = random.choice(rows.trips)
    user = random.choice(list(tokens)) if trip["public"] else trip["owner_id"]
    path = f"/trips/{trip['id']}"
    return Ask("GET", {BACKSTAY: f"/rest/v1{path}", HAND_WRITTEN: path}, tokens[user])


def _list(random: Random, rows: Rows, tokens: Mapping[UUID, str]) -> Ask:
    after = _page_start(random, rows.airports)
    return _reading(
        random,
        tokens,
        f"/rest/v1/airports?icao=gt.{after}&order=icao&limit={PAGE}",
        f"/airports?after={after}&limit={PAGE}",
    )


def _list_embed(random: Random, rows: Rows, tokens: Mapping[UUID, str]) -> Ask:
    after = _page_start(random, rows.airports)
    return _reading(
        random,
        tokens,
        f"/rest/v1/airports?select=*,country:countries(*)&icao=gt.{after}&order=icao&limit={PAGE}",
        f"/airports-with-country?after={after}&limit={PAGE}",
    )


def _insert(random: Random, rows: Rows, tokens: Mapping[UUID, str]) -> Ask:
    trip = random.choice(rows.trips)
    body = {
        "airport_code": trip["airport_code"],
        "starts_on": str(trip["starts_on"]),
        "public": trip["public"],
        "note": f"trip {random.randrange(10**6)}",
    }
    paths = {BACKSTAY: "/rest/v1/trips", HAND_WRITTEN: "/trips"}
    return Ask("POST", paths, random.choice(list(tokens.values())), json.dumps(body))


OPERATIONS = (
    Operation("get", "get one", _get_one),
    Operation("get-ruled", "get one, row rule", _get_ruled),
    Operation("list", "list 50", _list),
    Operation("list-embed", "list 50 with an embed", _list_embed),
    Operation("insert", "insert", _insert),
)


def make_tokens(users: Sequence[Row]) -> dict[UUID, str]:
    """An access token for each user, good for a day."""
    settings = TokenSettings(secret=SecretStr(SECRET), issuer=ISSUER, audience=AUDIENCE)
    mint = AccessTokens(settings).mint
    return {
        user["id"]: mint(user["id"], email=user["email"], lifetime_seconds=_DAY_SECONDS) for user in users
    }


def check_alike(asks: Sequence[Ask], ports: Mapping[str, int]) -> None:
    """Send a few requests to both stacks.

    Raises:
        RuntimeError: their statuses or documents differ, except for the key that each gives to a new row.
    """
    for ask in asks[:_COMPARED]:
        (ours_status, ours), (theirs_status, theirs) = (
            _answer(ask, contender, ports[contender]) for contender in (BACKSTAY, HAND_WRITTEN)
        )
        if ask.method == "POST" and isinstance(ours, list):
            ours = ours[0]  # PostgREST's protocol answers an insert with an array
        if ask.method == "POST":
            ours, theirs = ({**document, "id": None} for document in (ours, theirs))
        if (ours_status, ours) != (theirs_status, theirs):
            raise RuntimeError(
                f"the stacks do not answer alike to {ask.method} {ask.paths[BACKSTAY]}:\n"
                f"{BACKSTAY}: {ours_status} {ours}\n{HAND_WRITTEN}: {theirs_status} {theirs}"
            )


def _answer(ask: Ask, contender: str, port: int) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"authorization": f"Bearer {ask.token}", **ask.body_headers()}
    connection.request(ask.method, ask.paths[contender], ask.body or None, headers)
    response = connection.getresponse()
    document = json.loads(response.read())
    connection.close()
    return response.status, document


def _reading(random: Random, tokens: Mapping[UUID, str], ours: str, theirs: str) -> Ask:
    token = random.choice(list(tokens.values()))
    return Ask("GET", {BACKSTAY: ours, HAND_WRITTEN: theirs}, token)


def _page_start(random: Random, airports: Sequence[Row]) -> str:
    return quote(str(airports[random.randrange(len(airports) - PAGE - 1)]["icao"]))
