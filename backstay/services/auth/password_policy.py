"""Which passwords may be chosen: long enough, not among those that attackers try first, not made of the user's name.

In charge of the rules of NIST SP 800-63B-4 section 3.1.1.2 and of nothing that costs time: hashing is in
`passwords.py`. There is no rule about kinds of characters, and none that looks for a listed word inside a password.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Collection, Iterable
from importlib.resources import files
from typing import Final

from backstay.config.passwords import PasswordSettings
from backstay.errors import BackstayError, FieldProblem
from backstay.models.auth.addresses import Address
from backstay.services.auth.passwords import composed_password

_BLOCKLIST: Final = "blocked_passwords.txt.gz"
# Repetitions, runs and decorated words are refused up to here. No list of passwords in use has longer ones.
_LONGEST_PATTERN: Final = 32
# A unit shorter than any password, repeated: `dragondragondragon`.
_LONGEST_UNIT: Final = 7
# What keyboards and alphabets read along a line. A password that stands in one of them, either way round, is a run.
_LINES: Final = (
    "abcdefghijklmnopqrstuvwxyz" * 2,
    "1234567890" * 5,
    "0123456789" * 5,
    "1234567890qwertyuiopasdfghjklzxcvbnm",
    "`1234567890-=qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p[-]=",
    "q1w2e3r4t5y6u7i8o9p0",
)
# Shorter words of an address stand in half of all passwords by chance.
_SHORTEST_WORD: Final = 3


class PasswordPolicy:
    """What every new password is held to, whoever sets it.

    Args:
        blocklist: whole passwords in lower case; `shipped_blocklist()`, or one's own.
        words: what everybody who attacks this application knows, such as its name.
    """

    def __init__(
        self, settings: PasswordSettings, blocklist: Collection[str], words: Iterable[str] = ()
    ) -> None:
        self._settings = settings
        self._blocked = frozenset(blocklist)
        self._runs = tuple(line for one in _LINES for line in (one, one[::-1]))
        self._words = frozenset(part for word in words for part in _parts(word))

    def check(self, password: str, *, address: Address | None = None) -> None:
        """Accept the password, or say everything that is wrong with it.

        Args:
            address: of the user it is for.

        Raises:
            BackstayError: `weak_password`, with a problem of code `length`, `characters`, `common` or `context`
                for each rule it breaks.
        """
        problems = self._problems(password, address)
        if problems:
            message = " ".join(problem.message for problem in problems)
            raise BackstayError("weak_password", message, details=problems)

    def _problems(self, password: str, address: Address | None) -> list[FieldProblem]:
        least, most = self._settings.minimum_length, self._settings.maximum_length
        composed = composed_password(password, most)
        if composed is None and len(password) <= most:
            return [_problem("characters", "Password holds what is no Unicode character.")]
        if composed is None:
            return [_problem("length", f"Password should be at most {most} characters.")]
        problems = []
        if len(composed) < least:
            problems.append(_problem("length", f"Password should be at least {least} characters."))
        folded = composed.casefold()
        if self._is_tried_first(folded):
            problems.append(_problem("common", "Password is one of those that are guessed first."))
        if _is_made_of(folded, self._words_with(address)):
            problems.append(
                _problem("context", "Password is made of your address or of this application's name.")
            )
        return problems

    def _is_tried_first(self, folded: str) -> bool:
        if folded in self._blocked:
            return True
        if len(folded) > _LONGEST_PATTERN:
            return False
        bare = "".join(folded.split())
        forms = {folded, bare, _without_around(bare, str.isalnum), _without_around(bare, str.isalpha)}
        return any(self._is_pattern(form) for form in forms if len(form) > 1)

    def _is_pattern(self, form: str) -> bool:
        unit = _unit(form)
        if form in self._blocked or unit in self._blocked:
            return True
        if len(unit) <= _LONGEST_UNIT and 2 * len(unit) <= len(form):
            return True
        return len(form) >= self._settings.minimum_length and any(form in run for run in self._runs)

    def _words_with(self, address: Address | None) -> frozenset[str]:
        if address is None:
            return self._words
        typed_domain = address.typed.rpartition("@")[2]
        spelled = (address.typed, address.key, address.local_part, address.domain, typed_domain)
        return self._words.union(part for text in spelled for part in _parts(text))


def shipped_blocklist() -> frozenset[str]:
    """16,000 passwords of 8 characters or more, in lower case, that attackers try first (decision 0016)."""
    packed = files("backstay.services.auth").joinpath(_BLOCKLIST).read_bytes()
    return frozenset(gzip.decompress(packed).decode("ascii").split("\n")[:-1])


def _unit(text: str) -> str:
    """The shortest text that this one repeats, cut off or not: `abc` of `abcabcab`; itself when it repeats none."""
    return next((text[:size] for size in range(1, len(text)) if text.startswith(text[size:])), text)


def _without_around(text: str, is_kept: Callable[[str], bool]) -> str:
    """From the first character that is kept to the last: `password` of `!!password2024`, for letters."""
    kept = [index for index, character in enumerate(text) if is_kept(character)]
    return text[kept[0] : kept[-1] + 1] if kept else ""


def _parts(text: str) -> set[str]:
    """The text, its words, and its words without what stands between them, in lower case."""
    folded = text.casefold()
    spaced = "".join(character if character.isalnum() else " " for character in folded)
    words = spaced.split()
    return {part for part in (folded, "".join(words), *words) if part}


def _is_made_of(folded: str, words: Collection[str]) -> bool:
    """True when it is one of the words, or has no letter left when they are taken out of it."""
    if folded in words:
        return True
    rest = folded
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _SHORTEST_WORD and not word.isdigit():
            rest = rest.replace(word, " ")
    return rest != folded and not any(character.isalpha() for character in rest)


def _problem(code: str, message: str) -> FieldProblem:
    return FieldProblem("password", code, message)
