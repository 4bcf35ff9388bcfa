"""E-mail addresses: as somebody typed one, and the key by which two of them are the same.

In charge of which addresses are taken at all and of the key that is stored under a unique constraint. Only keys are
compared, and mail goes only to an address that is stored: the key is no place to send mail to. What is not taken,
though RFC 5321 has it, is what programs read differently: quoted local parts, comments, IP literals, lists.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import idna

from backstay.errors import BackstayError

# RFC 5321 section 4.5.3.1, in octets. A path is at most 256 with its angle brackets.
MAX_ADDRESS_BYTES = 254
MAX_LOCAL_PART_BYTES = 64

# RFC 5322 section 3.2.3, `atext`, and the dot between atoms.
_ATOM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.")
# Past ASCII (RFC 6531): letters, marks and decimal digits, so neither symbols nor the full-width forms of `@`, `.`.
_WORD = frozenset({"Lu", "Ll", "Lt", "Lo", "Lm", "Mn", "Mc", "Nd"})
# Letters and marks that nobody sees: Hangul and Khmer fillers, joiners, variation selectors.
_INVISIBLE = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}.union(
        range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)
    )
)
# Space and the ASCII line ends, which pasting leaves behind. Elsewhere, or of another kind, they are refused.
_TRIMMED = " \t\r\n"
# Header parsers take it for an encoded word (RFC 2047), and the mail door refuses it.
_ENCODED_WORD = "=?"


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox.

    Attributes:
        typed: as it came, without the white space around it; at most 254 octets of UTF-8.
        key: equal for equal mailboxes: the local part in NFC and lower case, tags kept, and the domain as A-labels
            of IDNA 2008 (RFC 5891), in ASCII and lower case.
    """

    typed: str
    key: str

    @property
    def mailbox(self) -> str:
        """The key without what many servers take for a tag of the owner's: where mail to it arrives, as a rule."""
        return f"{self.local_part.partition('+')[0]}@{self.domain}"

    @property
    def local_part(self) -> str:
        """What the key has before the `@`."""
        return self.key.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """What the key has after the `@`: ASCII, at least two labels."""
        return self.key.rpartition("@")[2]


def read_address(text: str) -> Address:
    """The address that a person typed.

    Raises:
        BackstayError: `email_address_invalid`. Its message does not repeat the text.
    """
    typed = text.strip(_TRIMMED)
    # The length first: what follows costs more than linear time in what a stranger sent.
    if len(typed) > MAX_ADDRESS_BYTES or not all(map(_is_visible, typed)):
        raise _invalid()
    local, at, domain = typed.partition("@")
    if not at or _ENCODED_WORD in typed:
        raise _invalid()
    key = f"{_local_key(local)}@{_domain_key(domain)}"
    if max(_octets(typed), _octets(key)) > MAX_ADDRESS_BYTES:
        raise _invalid()
    return Address(typed, key)


def _is_visible(character: str) -> bool:
    if character.isascii():
        return " " < character < "\x7f"
    if ord(character) in _INVISIBLE or unicodedata.category(character)[0] in "CZ":
        return False
    # KELVIN SIGN becomes a K and GREEK QUESTION MARK a semicolon: nobody types them and means that.
    return not unicodedata.normalize("NFC", character).isascii()


def _local_key(local: str) -> str:
    composed = unicodedata.normalize("NFC", local)
    atoms = composed.split(".")
    if not all(atoms) or max(_octets(local), _octets(composed)) > MAX_LOCAL_PART_BYTES:
        raise _invalid()
    if not all(c in _ATOM or (not c.isascii() and unicodedata.category(c) in _WORD) for c in composed):
        raise _invalid()
    # A mark that opens an atom would be drawn onto what stands before it.
    if any(unicodedata.category(atom[0]).startswith("M") for atom in atoms):
        raise _invalid()
    # Lower case and not case folding, which makes one mailbox of two (`straße`, `strasse`). A final sigma is the one
    # letter whose lower case depends on what follows it.
    return unicodedata.normalize("NFC", composed.lower().replace("ς", "σ"))


def _domain_key(domain: str) -> str:
    name = unicodedata.normalize("NFC", domain.lower())
    try:
        encoded = idna.encode(name, strict=True).decode("ascii")
    except idna.IDNAError:
        raise _invalid() from None
    labels = encoded.split(".")
    # One label is a host of some local network; a last label of digits is an IPv4 address (RFC 3696 section 2).
    if len(labels) < 2 or not labels[-1] or labels[-1].isdigit():
        raise _invalid()
    return encoded


def _octets(text: str) -> int:
    return len(text.encode("utf-8"))


def _invalid() -> BackstayError:
    return BackstayError("email_address_invalid")
