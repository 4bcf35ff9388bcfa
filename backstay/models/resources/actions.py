"""Actions: what can be called by name, as plain values: which arguments, under which rule, with which answer.

Every door that offers actions (functions, rpc, GraphQL, descriptions) works from these. They are read from services in
`services/resources/action_reading.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, TypeAdapter

from backstay.models.access.caller import Caller
from backstay.models.access.rules import Rule
from backstay.models.catalog import Resource
from backstay.models.resources.typed import Function


class Takes(StrEnum):
    """Which bodies an argument can be filled from, besides JSON."""

    JSON = "json"
    TEXT = "text"
    BYTES = "bytes"
    UPLOAD = "upload"


class Gives(StrEnum):
    """What an action answers with."""

    NOTHING = "nothing"
    VALUE = "value"
    ROW = "row"
    ROWS = "rows"
    FILE = "file"
    STREAM = "stream"
    EVENTS = "events"


@dataclass(frozen=True, slots=True, eq=False)
class ActionArgument:
    """One named argument.

    Attributes:
        schema: JSON Schema; what `#/$defs/NAME` means in it is in the function's `definitions`.
    """

    name: str
    takes: Takes
    required: bool
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """One action.

    Attributes:
        method: the HTTP method that the functions door takes; GET for one that only reads.
        rule: who may call it; it never depends on a row.
        words: the rule, for people.
        arguments: validates all of them together, strictly.
        textual: the same without those that are filled from files: for what came as texts.
        resource: of the rows that it gives.
        adapter: writes the value that it gives.
        function: the same for programs that call it.
        service, attribute: where it is.
    """

    name: str
    method: str
    rule: Rule
    words: str
    parameters: tuple[ActionArgument, ...]
    arguments: type[BaseModel]
    textual: type[BaseModel]
    gives: Gives
    resource: Resource | None
    adapter: TypeAdapter[Any] | None
    function: Function
    service: type[Any]
    attribute: str

    @property
    def only_reads(self) -> bool:
        """True when it cannot write."""
        return self.method == "GET"

    @property
    def is_public(self) -> bool:
        """True when everyone may call it."""
        return self.words == "everyone"

    def may_be_called_by(self, caller: Caller) -> bool:
        """True when the rule holds for the caller."""
        return self.rule.fold(caller) is True


@dataclass(frozen=True, slots=True, eq=False)
class ActionCatalog:
    """Every action by name."""

    actions: Mapping[str, Action]

    def all(self) -> list[Action]:
        """Each of them, by name."""
        return [action for _, action in sorted(self.actions.items())]

    def called_by(self, caller: Caller) -> list[Action]:
        """Those that exist for this caller, by name."""
        return [action for action in self.all() if action.may_be_called_by(caller)]


NO_ACTIONS = ActionCatalog({})
