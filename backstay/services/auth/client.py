"""What a client says of itself, beside who it is: nothing here proves anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """The program that somebody uses.

    Attributes:
        agent: its `User-Agent`.
        language: its `Accept-Language`, in which mails are written if there is a translation.
    """

    agent: str = ""
    language: str = ""


NOBODYS = Client()
