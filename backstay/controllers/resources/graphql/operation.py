"""One operation, from its tree to its answer: planned as a whole, then asked of the services at once.

In charge of the order of these steps and of what becomes of errors. Nothing is asked of the database before the whole
operation is known and within its budget.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    execute_sync,
)
from graphql.execution.values import VariableValues, get_variable_values
from graphql.language import (
    DocumentNode,
    FieldNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeNode,
)

from backstay.config.graphql import GraphQLSettings
from backstay.controllers.resources.graphql.answers import FAULTS, decoded, failed, refused
from backstay.controllers.resources.graphql.calling import read_call
from backstay.controllers.resources.graphql.documents import MAX_ERRORS, Document
from backstay.controllers.resources.graphql.meaning import Calling, meaning_of
from backstay.controllers.resources.graphql.places import CallersCursors
from backstay.controllers.resources.graphql.reading import Reading
from backstay.controllers.resources.graphql.rows import Get, constant
from backstay.controllers.resources.graphql.selection import Grouped, Selections
from backstay.controllers.resources.graphql.writing import Step, read_step
from backstay.errors import BackstayError
from backstay.services.context import Context
from backstay.services.resources.together import ResourceTogether, StepError

# Does all of some steps, or none.
Do = Callable[[Context, Sequence[Any], Sequence[Any]], Awaitable[Sequence[Any]]]

_INTROSPECTION = frozenset({"__schema", "__type"})


class Operations:
    """Runs operations.

    Args:
        max_rows: of one array in the answer to a request.
    """

    def __init__(self, together: ResourceTogether, settings: GraphQLSettings, max_rows: int) -> None:
        self._together = together
        self._settings = settings
        self._max_rows = max_rows

    async def run(
        self,
        context: Context,
        schema: GraphQLSchema,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        cursors: CallersCursors,
    ) -> dict[str, Any]:
        """The answer to one operation of a valid document.

        Raises:
            RefusedError: for variables that do not fit.
            BackstayError: for what is wrong before anything is asked of the database, and for faults of ours.
        """
        values = get_variable_values(
            schema,
            operation.variable_definitions or (),
            dict(variables),
            max_errors=MAX_ERRORS,
            hide_suggestions=True,
        )
        if not isinstance(values, VariableValues):
            raise refused("graphql_validation_failed", values)
        selections = Selections(schema, document.fragments, values)
        type_ = schema.get_root_type(operation.operation)
        assert type_ is not None
        fields = selections.grouped(type_, [operation.selection_set])
        reading = Reading(selections, self._settings, self._max_rows, cursors)
        try:
            if operation.operation is OperationType.MUTATION:
                return await self._write(context, reading, type_, fields)
            return await self._read(context, reading, type_, fields, document, operation)
        except GraphQLError as error:
            raise refused("graphql_validation_failed", [error]) from error

    async def _read(
        self,
        context: Context,
        reading: Reading,
        type_: GraphQLObjectType,
        fields: Grouped,
        document: Document,
        operation: OperationDefinitionNode,
    ) -> dict[str, Any]:
        pairs: list[tuple[str, Get]] = []
        calls: dict[str, Step] = {}
        for key, nodes in fields.items():
            name = nodes[0].name.value
            if name == "__typename":
                pairs.append((key, constant(type_.name)))
            elif name in _INTROSPECTION:
                pairs.append(
                    (key, constant(_introspected(reading.selections, document, operation, key, nodes)))
                )
            elif isinstance(meaning_of(type_.fields[name]), Calling):
                calls[key] = read_call(reading, type_.fields[name], nodes)
            else:
                pairs.append((key, reading.root(type_, key, nodes)))
        try:
            bodies = await self._together.read(context, tuple(reading.requests), reading.values)
        except BackstayError as error:
            alone = next(iter(fields.items())) if len(fields) == 1 else None
            return _failed(error, alone)
        called = await self._done(self._together.call, context, calls, reading, fields)
        if "errors" in called:
            return called
        documents = [decoded(body) for body in bodies]
        found = {key: get(documents) for key, get in pairs} | called["data"]
        return {"data": {key: found[key] for key in fields}}

    async def _write(
        self, context: Context, reading: Reading, type_: GraphQLObjectType, fields: Grouped
    ) -> dict[str, Any]:
        steps = {
            key: self._step(reading, type_, nodes)
            for key, nodes in fields.items()
            if nodes[0].name.value != "__typename"
        }
        written = await self._done(self._together.write, context, steps, reading, fields)
        if "errors" in written:
            return written
        return {"data": {key: written["data"].get(key, type_.name) for key in fields}}

    def _step(self, reading: Reading, type_: GraphQLObjectType, nodes: list[FieldNode]) -> Step:
        definition = type_.fields[nodes[0].name.value]
        is_call = isinstance(meaning_of(definition), Calling)
        return read_call(reading, definition, nodes) if is_call else read_step(reading, type_, nodes)

    async def _done(
        self, do: Do, context: Context, steps: Mapping[str, Step], reading: Reading, fields: Grouped
    ) -> dict[str, Any]:
        """What became of the fields that are writes and calls: all of them, or an error."""
        try:
            done = await do(context, [step.work for step in steps.values()], reading.values)
        except StepError as failure:
            key = list(steps)[failure.number]
            return _failed(failure.error, (key, fields[key]))
        return {"data": {key: step.shape(one) for (key, step), one in zip(steps.items(), done, strict=True)}}


def _failed(error: BackstayError, field: tuple[str, list[FieldNode]] | None) -> dict[str, Any]:
    """An operation whose execution failed; a fault of ours goes on instead."""
    if error.kind in FAULTS:
        raise error
    if field is None:
        return {"errors": [failed(error)], "data": None}
    key, nodes = field
    return {"errors": [failed(error, [key], nodes[0])], "data": None}


def _introspected(
    selections: Selections,
    document: Document,
    operation: OperationDefinitionNode,
    key: str,
    nodes: list[FieldNode],
) -> Any:
    """What the schema says of itself: the one thing that graphql-core answers, since it is about its own objects."""
    alone = OperationDefinitionNode(
        operation=OperationType.QUERY,
        selection_set=SelectionSetNode(selections=tuple(nodes)),
        variable_definitions=tuple(
            one for one in operation.variable_definitions or () if _is_plain(one.type)
        ),
        directives=(),
    )
    tree = DocumentNode(definitions=(alone, *document.fragments.values()))
    result = execute_sync(selections.schema, tree, variable_values=selections.variables.coerced)
    if result.errors:
        raise refused("graphql_validation_failed", result.errors)
    assert result.data is not None
    return result.data[key]


def _is_plain(type_: TypeNode) -> bool:
    """Whether a variable can stand in introspection, whose arguments are names and switches."""
    inner = type_.type if isinstance(type_, NonNullTypeNode) else type_
    return isinstance(inner, NamedTypeNode) and inner.name.value in ("String", "Boolean")
