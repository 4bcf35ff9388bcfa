"""What one kind of caller can see: tables, columns and relations, with the access rules folded in.

Every name in a request is looked up here, and a name that the caller may not know gives the very answer that a name
nobody has gives, down to the hint.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.access.rules import Predicate
from backstay.models.catalog import Catalog, Relation, Resource
from backstay.models.resources.plan import Reference


class Sight:
    """One caller's view of the catalog."""

    def __init__(self, catalog: Catalog, caller: Caller) -> None:
        self.catalog = catalog
        self.caller = caller

    def resource(self, name: str) -> Resource:
        """The table, which exists for whoever may do anything with it.

        Raises:
            BackstayError: `PGRST205`.
        """
        resource = self.catalog.resources.get(name)
        if resource is None or not self.exists(resource):
            raise self._no_table(name)
        return resource

    def exists(self, resource: Resource) -> bool:
        """True when at least one verb is possible for this caller."""
        rules = resource.access
        return any(
            rule.fold(self.caller) is not False
            for rule in (rules.read, rules.create, rules.update, rules.delete)
        )

    def is_readable(self, resource: Resource) -> bool:
        """True when this caller may see some row."""
        return resource.access.read.fold(self.caller) is not False

    def readable(self, name: str) -> Resource:
        """The table, which exists for whoever may read some of it."""
        resource = self.catalog.resources.get(name)
        if resource is None or not self.is_readable(resource):
            raise self._no_table(name)
        return resource

    def reference(self, resource: Resource, name: str) -> Reference | None:
        """The column, with its mask; None when it does not exist for this caller."""
        field = resource.fields.get(name)
        if field is None:
            return None
        rule = resource.access.fields.get(name)
        outcome = True if rule is None else rule.fold(self.caller)
        if outcome is False:
            return None
        return Reference(field, mask=outcome if isinstance(outcome, Predicate) else None)

    def columns(self, resource: Resource) -> list[Reference]:
        """Every stored column that exists for this caller, in the table's order: what `*` stands for."""
        stored = (name for name, field in resource.fields.items() if field.expression is None)
        seen = (self.reference(resource, name) for name in stored)
        return [reference for reference in seen if reference is not None]

    def every_field(self, resource: Resource) -> list[Reference]:
        """Every field that exists for this caller, the computed ones after the columns."""
        seen = (self.reference(resource, name) for name in resource.fields)
        return [reference for reference in seen if reference is not None]

    def relations(self, source: Resource) -> list[Relation]:
        """The relations that exist for this caller."""
        return [relation for relation in source.relations if self._follows(relation)]

    def relation(self, source: Resource, name: str, hint: str | None) -> Relation:
        """The one relation that `name!hint` means.

        Raises:
            BackstayError: `PGRST200` for none, `PGRST201` for several.
        """
        visible = self.relations(source)
        found = [relation for relation in visible if name in relation.attributes]
        if not found:
            found = [relation for relation in visible if self._is_called(relation, name)]
        if hint is not None:
            found = [relation for relation in found if self._is_hinted(relation, hint)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise self._no_relation(source, name, hint)
        raise _ambiguous(source, name, found)

    def _follows(self, relation: Relation) -> bool:
        """A relation exists when its target, the table between, and the key's columns all do."""
        middle = relation.junction
        if not self.is_readable(relation.target):
            return False
        if middle is None:
            return all(
                self.reference(relation.source, near.name) and self.reference(relation.target, far.name)
                for near, far in relation.pairs
            )
        sides = ((relation.source, middle.near), (relation.target, middle.far))
        return self.is_readable(middle.resource) and all(
            self.reference(side, outer.name) and self.reference(middle.resource, inner.name)
            for side, pairs in sides
            for outer, inner in pairs
        )

    def _is_called(self, relation: Relation, name: str) -> bool:
        if relation.source is relation.target and relation.junction is None:
            # A table that points at itself: its name means the many, a column or constraint the one.
            by_table = not relation.key_on_source and name == relation.target.name
            by_key = relation.key_on_source and name in (_key_column(relation), relation.constraint)
            return by_table or by_key
        return name in (relation.target.name, relation.constraint) or (
            relation.key_on_source and name == _key_column(relation)
        )

    def _is_hinted(self, relation: Relation, hint: str) -> bool:
        middle = relation.junction
        if middle is not None:
            return hint in (middle.resource.name, *middle.constraints)
        near, far = zip(*relation.pairs, strict=True)
        names = {relation.constraint, *relation.attributes}
        if len(near) == 1:
            names |= {near[0].name, far[0].name}
        return hint in names

    def _no_relation(self, source: Resource, name: str, hint: str | None) -> BackstayError:
        using = f" using the hint '{hint}'" if hint is not None else ""
        known = {relation.target.name for relation in source.relations if self._follows(relation)}
        return BackstayError(
            "PGRST200",
            f"Could not find a relationship between '{source.name}' and '{name}' in the schema cache",
            details=f"Searched for a foreign key relationship between '{source.name}' and '{name}'{using}"
            " in the schema 'public', but no matches were found.",
            hint=self._perhaps(name, "'{}' instead of '" + name + "'", known),
        )

    def _no_table(self, name: str) -> BackstayError:
        known = [other for other, resource in self.catalog.resources.items() if self.is_readable(resource)]
        return BackstayError(
            "PGRST205",
            f"Could not find the table 'public.{name[:200]}' in the schema cache",
            hint=self._perhaps(name, "the table 'public.{}'", known),
        )

    def _perhaps(self, name: str, form: str, known: Iterable[str]) -> str | None:
        near = difflib.get_close_matches(name[:64], sorted(known), n=1, cutoff=0.7)
        return f"Perhaps you meant {form.format(near[0])}" if near else None


def _key_column(relation: Relation) -> str | None:
    if len(relation.pairs) != 1:
        return None
    near, far = relation.pairs[0]
    return near.name if relation.key_on_source else far.name


def _ambiguous(source: Resource, name: str, found: list[Relation]) -> BackstayError:
    hints = ", ".join(f"'{name}!{_best_hint(relation)}'" for relation in found)
    return BackstayError(
        "PGRST201",
        f"Could not embed because more than one relationship was found for '{source.name}' and '{name}'",
        details=[
            {
                "cardinality": relation.cardinality.value,
                "embedding": f"{source.name} with {relation.target.name}",
                "relationship": _describe(relation),
            }
            for relation in found
        ],
        hint=f"Try changing '{name}' to one of the following: {hints}."
        " Find the desired relationship in the 'details' key.",
    )


def _best_hint(relation: Relation) -> str:
    return relation.junction.resource.name if relation.junction else relation.constraint


def _describe(relation: Relation) -> str:
    if relation.junction is not None:
        middle = relation.junction
        return f"{middle.resource.name} using {middle.constraints[0]} and {middle.constraints[1]}"
    near = ", ".join(field.name for field, _ in relation.pairs)
    far = ", ".join(field.name for _, field in relation.pairs)
    return f"{relation.constraint} using {relation.source.name}({near}) and {relation.target.name}({far})"
