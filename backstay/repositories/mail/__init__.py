"""The door for outgoing mail: `smtp.py` sends, `folder.py` keeps files for development, `memory.py` keeps a list.

In charge of what a mail is. What it says is written by `services/mail/templates.py`; when it leaves, and how often
that is tried, is decided by whoever calls the door, which gives each mail one try.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Protocol

from backstay.errors import BackstayError

# RFC 5321 section 4.5.3.1.3: a path of 256 octets, with its angle brackets.
MAX_ADDRESS_LENGTH = 254
MAX_SUBJECT_LENGTH = 255

# A dot-atom at a domain: no display name, comment, quoted local part, address literal or list. Letters of any script
# are let through; whether a domain with them exists in ASCII is found out when the message is composed.
_ATOM = r"[^\s@.\"(),:;<>\[\]\\]+"
_LABEL = r"[^\s\x00-,./:-@\[-`{-\x7f]+"
_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
# Header parsers decode it, into an address that nobody has checked (RFC 2047).
_ENCODED_WORD = "=?"
# Controls, bidirectional and zero-width marks, surrogates, and the separators that end a line for `str.splitlines`.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address. Its subject and address can go into headers as they are.

    Args:
        to: `local@domain`, nothing around it.
        text, html: the same message twice; a reader shows one of them.

    Raises:
        BackstayError: `unprocessable`, when the address is no bare address, or when it or the subject could add a
            header, or end one early.
    """

    to: str
    subject: str
    text: str
    html: str

    def __post_init__(self) -> None:
        if not _is_address(self.to):
            raise BackstayError("unprocessable", "The e-mail address is not valid.")
        if len(self.subject) > MAX_SUBJECT_LENGTH or not _is_one_line(self.subject):
            raise BackstayError("unprocessable", "The subject of a mail is one line of printable text.")


class Mailer(Protocol):
    """Where mails leave."""

    async def send(self, mail: Mail) -> None:
        """Hand the mail over: once this returns, someone else answers for it.

        Raises:
            BackstayError: `mail_unavailable`, when the mail may be sent again; `unprocessable`, when that is of no use.
        """


def _is_address(text: str) -> bool:
    if len(text) > MAX_ADDRESS_LENGTH or _ENCODED_WORD in text or not _is_one_line(text):
        return False
    return _ADDRESS.fullmatch(text) is not None


def _is_one_line(text: str) -> bool:
    return all(unicodedata.category(character) not in _UNPRINTABLE for character in text)
