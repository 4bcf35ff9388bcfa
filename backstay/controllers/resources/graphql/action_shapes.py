"""Actions as GraphQL tells them: the name of each one's field, and the JSON Schemas of what it takes and gives.

In charge of what is said of all actions once, whoever asks. What GraphQL cannot tell is left out: actions that take or
give files, those that stream, and those with an argument that is no name in GraphQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from backstay.controllers.resources.graphql.names import NODE_FIELD, is_name
from backstay.errors import ConfigurationError
from backstay.models.resources.actions import Action, ActionCatalog, Gives, Takes
from backstay.models.resources.typed import Schema

DECIMAL = "decimal"
_REFERENCE = "#/$defs/"
_TEMPLATE = _REFERENCE + "{model}"
_UNTOLD = frozenset({Gives.FILE, Gives.STREAM, Gives.EVENTS})


class _Described(GenerateJsonSchema):
    """Schemas that tell exact numbers from the floats and texts that they are read from."""

    def decimal_schema(self, schema: Any) -> JsonSchemaValue:
        return {"type": "string", "format": DECIMAL}


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """A schema, and what `#/$defs/NAME` means in it."""

    schema: Schema
    definitions: Mapping[str, Schema]

    def closure(self, name: str) -> str:
        """A definition with all that it refers to, as one text: equal for what means the same."""
        found: dict[str, Schema] = {}
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found[one] = self.definitions[one]
                waiting += references(found[one])
        return json.dumps(found, sort_keys=True, default=str)

    def is_recursive(self, name: str) -> bool:
        """Whether a definition refers to itself, by whatever way."""
        seen: set[str] = set()
        waiting = references(self.definitions[name])
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting += references(self.definitions[one])
        return name in seen


@dataclass(frozen=True, slots=True, eq=False)
class ActionShape:
    """One action.

    Attributes:
        field: the name of its field.
        takes: an object with its arguments.
        gives: its value; None for rows and for nothing.
    """

    action: Action
    field: str
    takes: Described
    gives: Described | None


def read_shapes(catalog: ActionCatalog) -> list[ActionShape]:
    """Every action that GraphQL can tell, by name.

    Raises:
        ConfigurationError: where two actions would be the same field, or one would be `node`.
    """
    shapes = [_shape(action) for action in catalog.all() if _can_be_told(action)]
    owners = {NODE_FIELD: "the field of that name which finds any row"}
    problems = []
    for shape in shapes:
        if shape.field in owners:
            problems.append(
                f"the action '{shape.action.name}' is '{shape.field}' in GraphQL, as is {owners[shape.field]};"
                " give it another name: @action(name=…)"
            )
        owners[shape.field] = f"the action '{shape.action.name}'"
    if problems:
        raise ConfigurationError(problems)
    return shapes


def references(schema: Any) -> list[str]:
    """The names of the definitions that a schema refers to itself."""
    return list(_references(schema))


def reference(schema: Schema) -> str | None:
    """The name of the definition that a schema stands for."""
    target = schema.get("$ref")
    return target.removeprefix(_REFERENCE) if isinstance(target, str) else None


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        named = reference(value)
        if named is not None:
            yield named
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _references(part)


def _can_be_told(action: Action) -> bool:
    takes: Iterable[Takes] = (each.takes for each in action.parameters)
    return (
        action.gives not in _UNTOLD
        and not {Takes.BYTES, Takes.UPLOAD} & set(takes)
        and all(is_name(each.name) for each in action.parameters)
    )


def _shape(action: Action) -> ActionShape:
    takes = action.arguments.model_json_schema(ref_template=_TEMPLATE, schema_generator=_Described)
    gives = None
    if action.adapter is not None:
        # As one of several, since a schema alone would have its model in place of a reference to it.
        schemas, rest = TypeAdapter.json_schemas(
            [("gives", "serialization", action.adapter)], ref_template=_TEMPLATE, schema_generator=_Described
        )
        gives = Described(schemas["gives", "serialization"], rest.get("$defs", {}))
    return ActionShape(action, action.name.replace(".", "_"), Described(takes, takes.get("$defs", {})), gives)
