"""The types of actions' arguments and values in one schema, from their JSON Schemas.

In charge of form: models become objects, choices enumerations, and what has no type in GraphQL, such as a union or a
dictionary, the scalar `JSON`. Two models of one name are told apart by the names of their actions; that depends on the
actions of this schema alone. Values are read by the action's own model, whatever is said here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLString,
    Undefined,
)

from backstay.controllers.resources.graphql.action_shapes import DECIMAL, ActionShape, Described, reference
from backstay.controllers.resources.graphql.names import are_choices, is_name
from backstay.controllers.resources.graphql.scalars import (
    BIG_FLOAT,
    BIG_INT,
    DATE,
    DATETIME,
    JSON,
    TIME,
    UUID,
)
from backstay.models.resources.typed import Schema

_TEXTS: Mapping[str, GraphQLScalarType] = {
    DECIMAL: BIG_FLOAT, "uuid": UUID, "date-time": DATETIME, "date": DATE, "time": TIME,
}  # fmt: skip
_SCALARS: Mapping[str, GraphQLScalarType] = {"number": GraphQLFloat, "boolean": GraphQLBoolean}
_ANYTHING: Schema = {}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a schema stands.

    Attributes:
        path: what choices that have no name of their own are called after.
        through: definitions that led here without a level between.
    """

    shape: ActionShape
    described: Described
    is_input: bool
    path: str
    through: frozenset[str] = frozenset()


class ActionTypes:
    """The types of the actions of one schema.

    Args:
        taken: names of other types.
    """

    def __init__(self, shapes: Iterable[ActionShape], taken: Collection[str]) -> None:
        self._taken = frozenset(taken)
        self._meanings: dict[str, set[str]] = {}
        self._types: dict[str, tuple[str, Any]] = {}
        for shape in shapes:
            for described, is_input in _parts(shape):
                for name in described.definitions:
                    claimed = self._meanings.setdefault(_wanted(described, name, is_input=is_input), set())
                    claimed.add(described.closure(name))

    def arguments(self, shape: ActionShape) -> dict[str, GraphQLArgument]:
        """Each argument by its name. Those that may be missing have their default, where it can be written."""
        place = _Place(shape, shape.takes, True, shape.field)
        required = shape.takes.schema.get("required", ())
        found = {}
        for name, schema in shape.takes.schema.get("properties", {}).items():
            type_ = self._given(place, name, schema, is_required=name in required)
            default: Any = Undefined
            shown = schema.get("default")
            if isinstance(shown, str | int | float) and _is_plain(type_):
                type_, default = GraphQLNonNull(type_), shown
            found[name] = GraphQLArgument(type_, default_value=default, description=schema.get("description"))
        return found

    def value(self, shape: ActionShape) -> Any:
        """The type of an action's value."""
        assert shape.gives is not None
        type_, is_nullable = self._type(
            _Place(shape, shape.gives, False, f"{shape.field}_value"), shape.gives.schema
        )
        return type_ if is_nullable else GraphQLNonNull(type_)

    def _given(self, place: _Place, name: str, schema: Schema, *, is_required: bool) -> Any:
        type_, is_nullable = self._type(_below(place, name), schema)
        return GraphQLNonNull(type_) if is_required and not is_nullable else type_

    def _type(self, place: _Place, schema: Schema) -> tuple[Any, bool]:
        """The type of a schema's values, and whether they can be null."""
        options = schema.get("anyOf")
        if options is not None:
            some = [one for one in options if one.get("type") != "null"]
            type_, is_nullable = self._type(place, some[0] if len(some) == 1 else _ANYTHING)
            return type_, is_nullable or len(some) < len(options)
        name = reference(schema)
        if name is not None:
            return self._named(place, name)
        choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if choices is not None and are_choices(choices):
            return self._choices(place.path, choices), False
        if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
            type_, is_nullable = self._type(place, schema["items"])
            return GraphQLList(type_ if is_nullable else GraphQLNonNull(type_)), False
        scalar = _scalar(schema)
        return scalar, scalar is JSON and schema.get("type") not in ("object", "array")

    def _named(self, place: _Place, name: str) -> tuple[Any, bool]:
        schema = place.described.definitions[name]
        choices = schema.get("enum")
        if choices is not None and are_choices(choices):
            return self._choices(self._called(place, name), choices), False
        if _is_object(schema):
            return self._object(place, name), False
        if name in place.through:
            return JSON, True
        return self._type(replace(place, through=place.through | {name}), schema)

    def _called(self, place: _Place, name: str) -> str:
        """The name of a definition's type."""
        wanted = _wanted(place.described, name, is_input=place.is_input)
        is_alone = len(self._meanings[wanted]) == 1 and wanted not in self._taken
        return wanted if is_alone else f"{place.shape.field}_{wanted}"

    def _choices(self, called: str, choices: Sequence[str]) -> Any:
        made = self._made(
            called, repr(choices), lambda: GraphQLEnumType(called, {one: one for one in choices})
        )
        return GraphQLString if made is None else made

    def _object(self, place: _Place, name: str) -> Any:
        called = self._called(place, name)
        inside = replace(place, path=called, through=frozenset())
        make = self._input_object if place.is_input else self._output_object
        meaning = f"{place.is_input} {place.described.closure(name)}"
        made = self._made(called, meaning, lambda: make(inside, place.described.definitions[name]))
        return JSON if made is None else made

    def _made(self, called: str, meaning: str, make: Callable[[], Any]) -> Any:
        """The type of that name, made once; None where the name means something else."""
        if called in self._taken or not is_name(called):
            return None
        if called not in self._types:
            self._types[called] = (meaning, make())
        known, type_ = self._types[called]
        return type_ if known == meaning else None

    def _input_object(self, place: _Place, schema: Schema) -> GraphQLInputObjectType:
        required = schema.get("required", ())

        def field(name: str, inner: Schema) -> GraphQLInputField:
            # Values of which each needs another would have no end.
            is_required = name in required and not _is_endless(place.described, inner)
            type_ = self._given(place, name, inner, is_required=is_required)
            return GraphQLInputField(type_, description=inner.get("description"))

        return GraphQLInputObjectType(
            place.path,
            lambda: {name: field(name, inner) for name, inner in schema["properties"].items()},
            description=schema.get("description"),
        )

    def _output_object(self, place: _Place, schema: Schema) -> GraphQLObjectType:
        required = schema.get("required", ())

        def field(name: str, inner: Schema) -> GraphQLField:
            type_, is_nullable = self._type(_below(place, name), inner)
            shown = GraphQLNonNull(type_) if name in required and not is_nullable else type_
            return GraphQLField(shown, description=inner.get("description"))

        return GraphQLObjectType(
            place.path,
            lambda: {name: field(name, inner) for name, inner in schema["properties"].items()},
            description=schema.get("description"),
        )


def _parts(shape: ActionShape) -> Iterator[tuple[Described, bool]]:
    yield shape.takes, True
    if shape.gives is not None:
        yield shape.gives, False


def _wanted(described: Described, name: str, *, is_input: bool) -> str:
    """What a definition's type is called where nothing else is."""
    is_object = _is_object(described.definitions[name])
    return f"{name}Input" if is_input and is_object else name


def _below(place: _Place, name: str) -> _Place:
    return replace(place, path=f"{place.path}_{name}", through=frozenset())


def _is_endless(described: Described, schema: Schema) -> bool:
    name = reference(schema)
    return name is not None and described.is_recursive(name)


def _is_object(schema: Schema) -> bool:
    """Whether it is an object that GraphQL can tell: its fields are known, and each has a name."""
    properties = schema.get("properties", {})
    return (
        schema.get("type") == "object"
        and bool(properties)
        and not schema.get("additionalProperties")
        and all(map(is_name, properties))
    )


def _is_plain(type_: Any) -> bool:
    return isinstance(type_, GraphQLScalarType | GraphQLEnumType) and type_ is not JSON


def _scalar(schema: Schema) -> GraphQLScalarType:
    kind = schema.get("type")
    if kind == "string":
        return _TEXTS.get(schema.get("format", ""), GraphQLString)
    if kind == "integer":
        least = schema.get("minimum", schema.get("exclusiveMinimum"))
        most = schema.get("maximum", schema.get("exclusiveMaximum"))
        is_small = least is not None and most is not None and least >= -(2**31) and most < 2**31
        return GraphQLInt if is_small else BIG_INT
    return _SCALARS.get(str(kind), JSON)
