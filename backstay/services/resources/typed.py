"""What an audience has types for: the catalog with the access rules folded in, ahead of any request. Pure.

The same folding as `sight.py`, for all members of an audience at once: a name is in the types when it exists for some
member, and what only some members have, or find null, is marked so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from backstay.errors import ConfigurationError
from backstay.models.access.audience import (
    ABOVE_RULES,
    ALWAYS,
    ANYBODY_ANONYMOUS,
    SIGNED_IN,
    WITHOUT_ROLE,
    Audience,
    Outlook,
    with_role,
)
from backstay.models.access.rules import Rule
from backstay.models.catalog import Cardinality, Catalog, Field, Relation, Resource, ValueKind
from backstay.models.resources.typed import (
    Function,
    Relationship,
    Schema,
    TypedCatalog,
    TypedColumn,
    TypedTable,
)
from backstay.services.resources.kinds import rules_of

AUDIENCES = {"anonymous": ANYBODY_ANONYMOUS, "user": WITHOUT_ROLE, "service": ABOVE_RULES}

_ROLE = re.compile(r"has_role\((['\"])(.*)\1\)")


def audience_named(catalog: Catalog, name: str | None, more: Iterable[Rule] = ()) -> Audience:
    """The audience that a name of `AUDIENCES`, or a role, means; any signed-in caller for None.

    Args:
        more: rules that ask for roles besides those of the tables.

    Raises:
        ConfigurationError: for a role that no rule asks for, which is most likely misspelt.
    """
    if name is None:
        return SIGNED_IN
    if name in AUDIENCES:
        return AUDIENCES[name]
    words = {term.words for rule in (*rules_of(catalog), *more) for term in rule.terms}
    roles = sorted(found[2] for found in map(_ROLE.fullmatch, words) if found)
    if name not in roles:
        known = ", ".join([*AUDIENCES, *roles])
        raise ConfigurationError([f"no rule asks for the role '{name}'; types can be made as {known}"])
    return with_role(name)


def typed_catalog(catalog: Catalog, audience: Audience, functions: Sequence[Function] = ()) -> TypedCatalog:
    """The types of everything that exists for the audience.

    Args:
        functions: those that the audience may call.
    """
    making = _Typing(catalog, audience)
    return TypedCatalog(
        audience=audience.words,
        tables=tuple(making.tables()),
        enums=dict(sorted(making.enums.items())),
        functions=tuple(_told_apart(sorted(functions, key=lambda function: function.name))),
    )


class _Typing:
    def __init__(self, catalog: Catalog, audience: Audience) -> None:
        self.catalog = catalog
        self.audience = audience
        self.enums: dict[str, tuple[str, ...]] = {}

    def tables(self) -> Iterable[TypedTable]:
        for _, resource in sorted(self.catalog.resources.items()):
            access = resource.access
            verbs = (access.read, access.create, access.update, access.delete)
            if any(self.audience.outlook(rule).may_hold for rule in verbs):
                yield self._table(resource)

    def _table(self, resource: Resource) -> TypedTable:
        access, outlook = resource.access, self.audience.outlook
        columns = list(self._columns(resource))
        return TypedTable(
            name=resource.name,
            description=resource.description,
            columns=tuple(column for column in columns if column.field.expression is None),
            computed=tuple(column for column in columns if column.field.expression is not None),
            relationships=tuple(self._relationships(resource)),
            readable=self._is_readable(resource),
            creatable=outlook(access.create).may_hold,
            changeable=outlook(access.update).may_hold,
        )

    def _columns(self, resource: Resource) -> Iterable[TypedColumn]:
        for field in resource.fields.values():
            seen = self._outlook(resource, field)
            if seen.may_hold:
                yield TypedColumn(
                    field=field,
                    nullable=field.nullable or seen.may_depend,
                    sometimes=seen.may_be_never,
                    required=not (field.nullable or field.has_default or seen.may_be_never),
                    enum=self._enum(field),
                )

    def _outlook(self, resource: Resource, field: Field) -> Outlook:
        rule = resource.access.fields.get(field.name)
        return ALWAYS if rule is None else self.audience.outlook(rule)

    def _enum(self, field: Field) -> str | None:
        """The name under which the field's choices are known; None for choices without a name of their own."""
        kept = field.item or field
        if kept.kind is not ValueKind.ENUM or kept.sql_type == "text":
            return None
        return kept.sql_type if self.enums.setdefault(kept.sql_type, kept.choices) == kept.choices else None

    def _relationships(self, resource: Resource) -> Iterable[Relationship]:
        own = [relation for relation in resource.relations if relation.key_on_source]
        for relation in sorted(own, key=lambda relation: relation.constraint):
            if self._exists(relation):
                yield Relationship(
                    constraint=relation.constraint,
                    columns=tuple(near.name for near, _ in relation.pairs),
                    is_one_to_one=relation.cardinality is Cardinality.ONE_TO_ONE,
                    target=relation.target.name,
                    target_columns=tuple(far.name for _, far in relation.pairs),
                )

    def _exists(self, relation: Relation) -> bool:
        """Both tables can be read, and the key's columns exist on both sides."""
        return (
            self._is_readable(relation.source)
            and self._is_readable(relation.target)
            and all(
                self._outlook(relation.source, near).may_hold and self._outlook(relation.target, far).may_hold
                for near, far in relation.pairs
            )
        )

    def _is_readable(self, resource: Resource) -> bool:
        return self.audience.outlook(resource.access.read).may_hold


def _told_apart(functions: Iterable[Function]) -> Iterable[Function]:
    """The functions, each definition meaning one thing: where a name is taken, it gets the function's in front."""
    known: dict[str, Schema] = {}
    for function in functions:
        if any(known.get(name, schema) != schema for name, schema in function.definitions.items()):
            # All of its names, since those that look alike may refer to what differs.
            function = _renamed(function)
        known.update(function.definitions)
        yield function


def _renamed(function: Function) -> Function:
    addresses = {f"#/$defs/{name}": f"#/$defs/{function.name}.{name}" for name in function.definitions}

    def follow(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: follow(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [follow(part) for part in value]
        # No other text in a schema begins as an address does.
        return addresses.get(value, value) if isinstance(value, str) else value

    return replace(
        function,
        arguments=tuple(replace(each, schema=follow(each.schema)) for each in function.arguments),
        returns=follow(function.returns),
        definitions={
            f"{function.name}.{name}": follow(schema) for name, schema in function.definitions.items()
        },
    )
