"""The fields of one schema that call actions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from graphql import GraphQLArgument, GraphQLField, GraphQLList, GraphQLNonNull, GraphQLObjectType

from backstay.controllers.resources.graphql.action_shapes import ActionShape
from backstay.controllers.resources.graphql.action_types import ActionTypes
from backstay.controllers.resources.graphql.meaning import Calling
from backstay.controllers.resources.graphql.scalars import VOID
from backstay.models.catalog import Resource
from backstay.models.resources.actions import Gives

Arguments = dict[str, GraphQLArgument]


class ActionFields:
    """Makes them.

    Args:
        shapes: the actions that exist for the callers of the schema.
        taken: names of types that are no action's.
        rows: the types of tables' rows by table.
        question: the arguments by which something is asked about rows of a table.
    """

    def __init__(
        self,
        shapes: Sequence[ActionShape],
        taken: Collection[str],
        rows: Mapping[str, GraphQLObjectType],
        question: Callable[[Resource], Arguments],
    ) -> None:
        self._shapes = shapes
        self._types = ActionTypes(shapes, taken)
        self._rows = rows
        self._question = question

    def fields(self, *, reading: bool) -> dict[str, GraphQLField]:
        """Those that only read, or those that may write."""
        return {
            shape.field: self._field(shape) for shape in self._shapes if shape.action.only_reads is reading
        }

    def _field(self, shape: ActionShape) -> GraphQLField:
        args = self._types.arguments(shape)
        resource = shape.action.resource
        if resource is not None and shape.action.gives is Gives.ROWS:
            # The action's own arguments come before those of the reader, as they do in rpc.
            args = args | {name: each for name, each in self._question(resource).items() if name not in args}
        return GraphQLField(
            self._type(shape),
            args=args,
            description=shape.action.function.description or None,
            extensions={"meaning": Calling(shape.action)},
        )

    def _type(self, shape: ActionShape) -> Any:
        action = shape.action
        if action.resource is not None:
            row = self._rows[action.resource.name]
            return row if action.gives is Gives.ROW else GraphQLNonNull(GraphQLList(GraphQLNonNull(row)))
        return VOID if action.gives is Gives.NOTHING else self._types.value(shape)
