"""Reading a selection: its fields by their key in the answer, fragments spread, directives followed (GraphQL
specification, 6.3.2), and the values of arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values
from graphql.language import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)
from graphql.type import is_abstract_type

Grouped = dict[str, list[FieldNode]]


@dataclass(frozen=True, slots=True)
class Selections:
    """The selections of one operation, with its fragments and variables."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    def fields(self, type_: GraphQLObjectType, nodes: Iterable[FieldNode]) -> Grouped:
        """What is selected below some fields of the same key, together."""
        return self.grouped(type_, (node.selection_set for node in nodes if node.selection_set is not None))

    def grouped(self, type_: GraphQLObjectType, selection_sets: Iterable[SelectionSetNode]) -> Grouped:
        """The fields of selections on one type, by key, in the order in which each first appears."""
        found: Grouped = {}
        for selection_set in selection_sets:
            for node in self._spread(type_, selection_set):
                found.setdefault((node.alias or node.name).value, []).append(node)
        return found

    def arguments(self, definition: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """The values of a field's arguments; those that are not given are left out.

        Raises:
            GraphQLError: for a value that is none of its type, which only a variable can still be.
        """
        return get_argument_values(definition, node, self.variables, hide_suggestions=True)

    def _spread(self, type_: GraphQLObjectType, selection_set: SelectionSetNode) -> Iterator[FieldNode]:
        for node in selection_set.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._fits(type_, node.type_condition.name.value):
                    yield from self._spread(type_, node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                if self._fits(type_, fragment.type_condition.name.value):
                    yield from self._spread(type_, fragment.selection_set)

    def _is_included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))

    def _fits(self, type_: GraphQLObjectType, condition: str) -> bool:
        if condition == type_.name:
            return True
        wanted = self.schema.get_type(condition)
        return wanted is not None and is_abstract_type(wanted) and self.schema.is_sub_type(wanted, type_)
