"""What requests to identity have in common: who calls, with which program, and where links shall lead."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from backstay.controllers.endpoints import Ask, Body
from backstay.errors import BackstayError
from backstay.services.auth.client import Client
from backstay.services.auth.flows import Challenge

# Longer ones are refused by the rules for addresses and passwords, with an error of their own.
Email = Annotated[str, Field(max_length=1000)]
Password = Annotated[str, Field(max_length=20_000)]
Token = Annotated[str, Field(max_length=10_000)]
Url = Annotated[str, Field(max_length=2000)]
Metadata = dict[str, Any]


class WithChallenge(Body):
    """A body that may begin a PKCE flow (RFC 7636)."""

    code_challenge: Annotated[str, Field(max_length=1000)] | None = None
    code_challenge_method: Annotated[str, Field(max_length=20)] | None = None

    def challenge(self) -> Challenge | None:
        """The challenge, if there is one."""
        return Challenge.read(self.code_challenge, self.code_challenge_method)


def client_of(ask: Ask[Any]) -> Client:
    """The program that asks."""
    return Client(ask.header(b"user-agent"), ask.header(b"accept-language"))


def user_id_of(ask: Ask[Any]) -> UUID:
    """The signed-in user that asks; the guard has seen to it that there is one."""
    if ask.caller.id is None:
        raise BackstayError("no_authorization")
    return ask.caller.id


def path_id(ask: Ask[Any], name: str, missing: str) -> UUID:
    """An id in the path; one that is none is as good as one that does not exist.

    Raises:
        BackstayError: with the code `missing`.
    """
    text = ask.path[name]
    try:
        found = UUID(text)
    except ValueError:
        raise BackstayError(missing) from None
    if str(found) != text.lower():
        raise BackstayError(missing)
    return found
