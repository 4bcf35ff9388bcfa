"""Reading names, quoted texts and JSON paths from left to right: the tokens that every parameter's grammar shares.

In charge of where the reader stands, of the size limits and of the words of a grammar error. Not in charge of what
any parameter means. Every pattern is possessive, so no text can make a match take more than linear time.
"""

from __future__ import annotations

import re

from backstay.errors import BackstayError
from backstay.models.resources.request import ColumnPath, JsonStep

MAX_DEPTH = 20
MAX_ITEMS = 1000
MAX_STEPS = 20
MAX_INDEX = 2**31 - 1
SHOWN_CHARACTERS = 100

QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_NAME = re.compile(r"[\w $]++(?:-(?!>)[\w $]++)*+")
_INDEX = re.compile(r"(-?[0-9]++) *+(?=->|::|[.,)]|\Z)")
_SPACES = re.compile(r"[ \t\r\n]*+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def malformed(what: str, text: str, expected: str, position: int) -> BackstayError:
    """PGRST100: `text` is not a `what`; `position` counts characters from 0."""
    shown = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
    return BackstayError(
        "PGRST100",
        f"failed to parse {what} ({shown})",
        details=f"expected {expected} at position {position + 1}",
    )


def too_much(what: str, limit: str) -> BackstayError:
    """54000: the request asks for more structure than is ever read."""
    return BackstayError("54000", details=f"The {what} has more than {limit}.")


def unescaped(text: str) -> str:
    r"""The inside of a quoted text: a backslash stands for the character after it."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


class Scanner:
    """A text and a place in it.

    Attributes:
        what: what the text should be, for error messages.
        position: index of the next character.
    """

    __slots__ = ("_items", "position", "text", "what")

    def __init__(self, what: str, text: str) -> None:
        self.what = what
        self.text = text
        self.position = 0
        self._items = 0

    def error(self, expected: str) -> BackstayError:
        """The grammar error for the place where the scanner stands."""
        return malformed(self.what, self.text, expected, self.position)

    def next_is(self, token: str) -> bool:
        """True when `token` comes next. Consumes nothing."""
        return self.text.startswith(token, self.position)

    def take(self, token: str) -> bool:
        """Consumes `token` if it comes next, and says whether it did."""
        if not self.text.startswith(token, self.position):
            return False
        self.position += len(token)
        return True

    def expect(self, token: str) -> None:
        """Consumes `token`, which must come next."""
        if not self.take(token):
            raise self.error(f"'{token}'")

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Consumes what `pattern` matches here, if it does."""
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()
        return found

    def skip_spaces(self) -> None:
        """Consumes white space, if any."""
        self.match(_SPACES)

    def expect_end(self) -> None:
        """Refuses anything after the place where the scanner stands."""
        if self.position < len(self.text):
            raise self.error("the end")

    def count_item(self, depth: int) -> None:
        """Counts one more item of a list at that depth of nesting; both are limited."""
        self._items += 1
        if self._items > MAX_ITEMS:
            raise too_much(self.what, f"{MAX_ITEMS} items")
        if depth > MAX_DEPTH:
            raise too_much(self.what, f"{MAX_DEPTH} levels")

    def name(self, expected: str = "a name") -> str:
        """A bare name (letters, digits, `_`, `$`, inner spaces and dashes) or a quoted one, and spaces around it."""
        self.skip_spaces()
        start = self.position
        quoted = self.match(QUOTED)
        if quoted is None:
            bare = self.match(_NAME)
            name = bare.group().strip(" ") if bare else ""
        else:
            name = unescaped(quoted.group(1))
        if not name or _CONTROL.search(name):
            self.position = start
            raise self.error(expected)
        self.skip_spaces()
        return name

    def column(self) -> ColumnPath:
        """A name and the JSON path after it, if any."""
        return self.column_named(self.name("a column name"))

    def column_named(self, name: str) -> ColumnPath:
        """The column of that name, which was read already, and the JSON path after it, if any."""
        return ColumnPath(name, self.steps())

    def steps(self) -> tuple[JsonStep, ...]:
        """`->key`, `->>key`, `->0` and so on; empty when no arrow comes next."""
        steps: list[JsonStep] = []
        while self.take("->"):
            as_text = self.take(">")
            steps.append(JsonStep(self._step_key(), as_text))
            if len(steps) > MAX_STEPS:
                raise too_much(self.what, f"{MAX_STEPS} steps in one JSON path")
        return tuple(steps)

    def _step_key(self) -> str | int:
        start = self.position
        index = self.match(_INDEX)
        if index is None:
            return self.name("a JSON key or index")
        digits = index.group(1)
        if len(digits) > 11 or abs(int(digits)) > MAX_INDEX:
            self.position = start
            raise self.error("a JSON index below 2147483648")
        return int(digits)


def parse_names(what: str, text: str) -> tuple[str, ...]:
    """`a,"b c",d`: at least one name; one that is repeated counts once."""
    scanner = Scanner(what, text)
    names = [scanner.name("a column name")]
    while scanner.take(","):
        scanner.count_item(depth=1)
        names.append(scanner.name("a column name"))
    scanner.expect_end()
    return tuple(dict.fromkeys(names))
