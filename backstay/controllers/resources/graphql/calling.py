"""A field that calls an action: its arguments, what is selected of its answer, and the form of that.

In charge of translation. Rows become a question that the reader answers among the rows that the action gives; values
are taken apart as they are selected. Nothing is called here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
)
from graphql.language import FieldNode

from backstay.controllers.resources.graphql.answers import decoded
from backstay.controllers.resources.graphql.filters import orders
from backstay.controllers.resources.graphql.meaning import Calling, meaning_of
from backstay.controllers.resources.graphql.pages import window_of
from backstay.controllers.resources.graphql.reading import Reading
from backstay.controllers.resources.graphql.rows import Get, Items, constant, object_of
from backstay.controllers.resources.graphql.scalars import BIG_FLOAT, shown_as
from backstay.controllers.resources.graphql.writing import Step
from backstay.models.resources.actions import Action, Gives
from backstay.models.resources.request import Query
from backstay.services.resources.together import CallStep
from backstay.utils import json_text


def read_call(reading: Reading, definition: GraphQLField, nodes: Sequence[FieldNode]) -> Step:
    """A field at the root that calls an action.

    Raises:
        BackstayError: as any other selection of rows.
    """
    meaning: Calling = meaning_of(definition)
    action = meaning.action
    args = reading.selections.arguments(definition, nodes[0])
    reading.budget.spend(1)
    arguments = _document(action, definition, args)
    if action.resource is None:
        shape = _value(reading, definition.type, nodes)
        return Step(CallStep(action, arguments), lambda outcome: shape(_decoded(outcome.document)))
    items = Items()
    row_type = get_named_type(definition.type)
    if action.gives is Gives.ROW:
        row = reading.row(row_type, nodes, items, 1)
        query = Query(select=items.select())
        return Step(CallStep(action, arguments, query), lambda outcome: _first(row, outcome.page.body))
    # An argument of the action's own has the place of the reader's.
    own = {each.name for each in action.parameters}
    asked = {name: value for name, value in args.items() if name not in own}
    window = window_of(asked, reading.settings, reading.max_rows)
    row = reading.row(row_type, nodes, items, max(1, window.size))
    query = Query(
        select=items.select(),
        where=reading.found(action.resource, asked.get("filter")),
        order=orders(asked.get("orderBy")),
        limit=reading.slot(window.size),
        offset=None if window.offset is None else reading.slot(window.offset),
    )
    return Step(
        CallStep(action, arguments, query), lambda outcome: [row(one) for one in decoded(outcome.page.body)]
    )


def _document(action: Action, definition: GraphQLField, args: Mapping[str, Any]) -> bytes:
    """The action's arguments as the JSON object that it is called with elsewhere. A default is left to the action."""
    own = {}
    for each in action.parameters:
        argument = definition.args[each.name]
        if each.name in args and args[each.name] != argument.default_value:
            own[each.name] = _given(args[each.name], argument.type)
    return json_text.canonical(own).encode()


def _given(value: Any, type_: Any) -> Any:
    """An argument's value as JSON has it: exact numbers are texts, which keep their digits."""
    if value is None:
        return None
    type_ = get_nullable_type(type_)
    if isinstance(type_, GraphQLList):
        return [_given(one, type_.of_type) for one in value]
    if isinstance(type_, GraphQLInputObjectType):
        return {name: _given(one, type_.fields[name].type) for name, one in value.items()}
    return format(value, "f") if type_ is BIG_FLOAT and isinstance(value, Decimal) else value


def _value(reading: Reading, type_: Any, nodes: Sequence[FieldNode]) -> Get:
    """What the answer shows of a value."""
    type_ = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(type_, GraphQLList):
        each = _value(reading, type_.of_type, nodes)
        return lambda value: None if value is None else [each(one) for one in value]
    if isinstance(type_, GraphQLObjectType):
        shape = object_of(_fields(reading, type_, nodes))
        return lambda value: None if value is None else shape(value)
    form = shown_as(type_)
    if form is None:
        return lambda value: value
    convert = form
    return lambda value: None if value is None else convert(value)


def _fields(reading: Reading, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> list[tuple[str, Get]]:
    pairs: list[tuple[str, Get]] = []
    for key, same in reading.selections.fields(type_, nodes).items():
        name = same[0].name.value
        reading.budget.spend(1)
        if name == "__typename":
            pairs.append((key, constant(type_.name)))
        else:
            pairs.append((key, _part(name, _value(reading, type_.fields[name].type, same))))
    return pairs


def _part(name: str, get: Get) -> Get:
    return lambda value: get(value.get(name))


def _first(row: Get, body: bytes) -> Any:
    found = decoded(body)
    return row(found[0]) if found else None


def _decoded(document: bytes | None) -> Any:
    return None if document is None else decoded(document)
