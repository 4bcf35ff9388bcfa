"""Schemas by kind of caller, made as they are first needed and kept."""

from __future__ import annotations

from collections.abc import Hashable

from graphql import GraphQLSchema

from backstay.controllers.resources.graphql.schema import SchemaMaker
from backstay.models.access.caller import Caller
from backstay.services.resources.kinds import CallerKinds
from backstay.utils.bounded import BoundedDict

# A schema of 20 tables takes about 20 ms to make and 2 MB to keep.
KEPT_SCHEMAS = 64


class Schemas:
    """The schema that a caller sees."""

    def __init__(self, maker: SchemaMaker, kinds: CallerKinds) -> None:
        self._maker = maker
        self._kinds = kinds
        self._schemas: BoundedDict[Hashable, GraphQLSchema] = BoundedDict(KEPT_SCHEMAS)

    def kind(self, caller: Caller) -> Hashable:
        """Equal for callers who see the same schema."""
        return self._kinds.of(caller)

    def of(self, caller: Caller) -> GraphQLSchema:
        """The schema of callers of this kind."""
        kind = self._kinds.of(caller)
        schema = self._schemas.get(kind)
        if schema is None:
            schema = self._schemas[kind] = self._maker.schema(caller)
        return schema
