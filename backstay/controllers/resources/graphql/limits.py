"""Limits on a document, before it is validated: its cost is known without a schema and in time linear in its length.

In charge of depth, aliases, directives, fields, root fields, repetitions and cycles of fragments, each counted where a
fragment is spread. Not in charge of bytes and tokens, which the parser bounds, or of rows, which depend on arguments
(`budget.py`).

A fragment is measured once, however often it is spread, so a document cannot make this work harder than its length.
Repetitions are counted in the document as it is when its fragments are spread, which the first pass has bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from backstay.config.graphql import GraphQLSettings
from backstay.errors import BackstayError

# The two wrappers of a connection are no level of their own.
_WRAPPERS = frozenset({"edges", "node"})
_INTROSPECTION = frozenset({"__schema", "__type"})

Fragments = dict[str, FragmentDefinitionNode]


@dataclass(slots=True)
class Measure:
    """What a selection comes to with its fragments spread. A fragment counts as a field, each time."""

    fields: int = 0
    aliases: int = 0
    directives: int = 0
    depth: int = 0

    def add(self, other: Measure, levels: int = 0) -> None:
        """Take in a selection that stands `levels` deeper."""
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.depth = max(self.depth, other.depth + levels)


def check_limits(document: DocumentNode, settings: GraphQLSettings) -> int:
    """Refuse a document that is too large when its fragments are spread.

    Returns:
        how many nodes were looked at; at most a constant times those of the document, plus `max_fields`.

    Raises:
        BackstayError: `54000`.
    """
    counting = _Counting(document, settings)
    for operation in counting.operations:
        counting.check(operation)
    return counting.visited


class _Counting:
    def __init__(self, document: DocumentNode, settings: GraphQLSettings) -> None:
        self.settings = settings
        self.visited = 0
        self.operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        self._fragments: Fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._measured: dict[str, Measure | None] = {}
        for name in self._fragments:
            self._fragment(name)

    def check(self, operation: OperationDefinitionNode) -> None:
        """All limits on one operation, sizes first: what comes later relies on them."""
        settings = self.settings
        measure = self._selection(operation.selection_set)
        measure.directives += len(operation.directives or ())
        for number, most, words in (
            (measure.fields, settings.max_fields, "fields and fragments"),
            (measure.depth, settings.max_depth, "levels of fields"),
            (measure.aliases, settings.max_aliases, "aliases"),
            (measure.directives, settings.max_directives, "directives"),
        ):
            if number > most:
                raise _too_much(most, words)
        roots = sum(1 for _ in self._spread(operation.selection_set))
        if roots > settings.max_root_fields:
            raise _too_much(settings.max_root_fields, "root fields")
        self._check_repeats(operation.selection_set)

    def _fragment(self, name: str) -> Measure:
        """The measure of a fragment, made once; a fragment that is not there is for validation to tell."""
        known = self._measured.get(name)
        if known is not None:
            return known
        if name in self._measured:
            raise BackstayError("54000", "a fragment may not spread itself")
        fragment = self._fragments.get(name)
        if fragment is None:
            return Measure()
        self._measured[name] = None
        measure = self._selection(fragment.selection_set)
        measure.directives += len(fragment.directives or ())
        self._measured[name] = measure
        return measure

    def _selection(self, selection_set: SelectionSetNode) -> Measure:
        total = Measure()
        for node in selection_set.selections:
            self.visited += 1
            total.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                name = node.name.value
                total.fields += 1
                total.aliases += node.alias is not None
                inner = Measure() if node.selection_set is None else self._selection(node.selection_set)
                if name in _INTROSPECTION:
                    # It has a limit of its own: validation bounds the lists in it.
                    inner.depth = 0
                total.add(inner, 0 if name in _WRAPPERS else 1)
            elif isinstance(node, InlineFragmentNode):
                total.fields += 1
                total.add(self._selection(node.selection_set))
            elif isinstance(node, FragmentSpreadNode):
                total.fields += 1
                total.add(self._fragment(node.name.value))
            self._check_early(total)
        return total

    def _check_early(self, total: Measure) -> None:
        """Numbers that double with each fragment must not grow past what a machine adds at once."""
        if total.fields > self.settings.max_fields:
            raise _too_much(self.settings.max_fields, "fields and fragments")
        if total.directives > self.settings.max_directives:
            raise _too_much(self.settings.max_directives, "directives")

    def _spread(self, selection_set: SelectionSetNode) -> Iterator[FieldNode]:
        """The fields of a selection with its fragments in place."""
        for node in selection_set.selections:
            self.visited += 1
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._spread(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value in self._fragments:
                yield from self._spread(self._fragments[node.name.value].selection_set)

    def _check_repeats(self, selection_set: SelectionSetNode) -> None:
        """Validation compares each field with every other one of its name at its place."""
        waiting: list[tuple[int, SelectionSetNode]] = [(0, selection_set)]
        places: dict[tuple[int, str], int] = {}
        repeats: Counter[tuple[int, str]] = Counter()
        while waiting:
            place, selection = waiting.pop()
            for node in self._spread(selection):
                key = (place, (node.alias or node.name).value)
                repeats[key] += 1
                if repeats[key] > self.settings.max_repeats:
                    raise _too_much(self.settings.max_repeats, f"times '{key[1][:63]}' at one place")
                if node.selection_set is not None:
                    waiting.append((places.setdefault(key, len(places) + 1), node.selection_set))


def _too_much(most: int, words: str) -> BackstayError:
    return BackstayError("54000", f"a document may have at most {most} {words}")
