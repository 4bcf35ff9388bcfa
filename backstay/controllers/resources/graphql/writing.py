"""The fields of a mutation become writes, in their order, and the form of what they answer.

In charge of arguments and of the records that are shown. Everything is known before anything is written; all writes of
an operation are one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType, get_named_type
from graphql.language import FieldNode

from backstay.controllers.resources.graphql.answers import decoded
from backstay.controllers.resources.graphql.meaning import Deletion, Insertion, Update, meaning_of
from backstay.controllers.resources.graphql.reading import Reading
from backstay.controllers.resources.graphql.rows import Get, Items, constant, object_of
from backstay.controllers.resources.graphql.scalars import written
from backstay.errors import BackstayError
from backstay.models.catalog import Resource
from backstay.models.resources.request import Query, Rows, Write, WriteKind
from backstay.repositories.resources.write import Written
from backstay.services.resources.together import AnyStep, WriteStep


@dataclass(frozen=True, slots=True)
class Step:
    """One write or call, and the form of its answer, which takes a `Written` or an `Outcome`."""

    work: AnyStep
    shape: Get


def read_step(reading: Reading, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Step:
    """A field at the root of a mutation.

    Raises:
        BackstayError: `21000` for an update or a deletion without a filter; `22023` for a negative number of rows.
    """
    definition = type_.fields[nodes[0].name.value]
    meaning, args = meaning_of(definition), reading.selections.arguments(definition, nodes[0])
    reading.budget.spend(1)
    resource: Resource = meaning.resource
    if isinstance(meaning, Insertion):
        rows = Rows(
            tuple(_row(resource, given) for given in args["objects"]), missing_default=True, single=False
        )
        write = Write(resource.name, WriteKind.INSERT)
        return _finish(reading, get_named_type(definition.type), nodes, write, rows, len(rows.items))
    most = args["atMost"]
    if most < 0:
        raise BackstayError("22023", "atMost must not be negative")
    where = reading.found(resource, args.get("filter"))
    if isinstance(meaning, Update):
        rows = Rows((_row(resource, args["set"]),))
        write = Write(resource.name, WriteKind.UPDATE, Query(select=(), where=where), max_affected=most)
    else:
        assert isinstance(meaning, Deletion)
        rows = Rows(())
        write = Write(resource.name, WriteKind.DELETE, Query(select=(), where=where), max_affected=most)
    return _finish(reading, get_named_type(definition.type), nodes, write, rows, most)


def _finish(
    reading: Reading, type_: Any, nodes: Sequence[FieldNode], write: Write, rows: Rows, most: int
) -> Step:
    """The write with what its answer shows."""
    items = Items()
    pairs: list[tuple[str, Get]] = []
    shows = False
    for key, same in reading.selections.fields(type_, nodes).items():
        name = same[0].name.value
        reading.budget.spend(1)
        if name == "__typename":
            pairs.append((key, constant(type_.name)))
        elif name == "affectedCount":
            pairs.append((key, lambda answered: answered[0]))
        else:
            shows = True
            row = reading.row(get_named_type(type_.fields[name].type), same, items, max(1, most))
            pairs.append((key, _records(row)))
    query = Query(select=items.select(), where=write.query.where)
    shown = Write(write.resource, write.kind, query, representation=shows, max_affected=write.max_affected)
    shape = object_of(pairs)

    def answer(written: Written) -> Any:
        return shape((written.count, [] if written.body is None else decoded(written.body)))

    return Step(WriteStep(shown, rows), answer)


def _records(row: Get) -> Get:
    return lambda answered: [row(one) for one in answered[1]]


def _row(resource: Resource, given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: written(value, resource.fields[name]) for name, value in given.items()}
