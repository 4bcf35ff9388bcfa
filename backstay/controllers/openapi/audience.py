"""What the description shows: what some caller may see, and what every caller may rely on.

The document is the same for everybody, so it is in charge of the rules only as far as they hold without knowing who
asks. A column or verb whose rule is plainly false is in it for nobody; a column whose rule depends on the caller is
shown in rows, but not promised to be there to select, filter or sort by.
"""

from __future__ import annotations

from collections.abc import Iterator

from backstay.models.access.caller import ANONYMOUS
from backstay.models.access.rules import Rule
from backstay.models.catalog import Catalog, Field, Relation, Resource, SearchedText


def is_never(rule: Rule) -> bool:
    """True when the rule holds for no caller and no row (a secret key, which stands above the rules, apart)."""
    return not rule.terms and rule.fold(ANONYMOUS) is False


def is_public(rule: Rule) -> bool:
    """True when it may hold for a caller that has not signed in."""
    return rule.fold(ANONYMOUS) is not False


def described(catalog: Catalog) -> list[Resource]:
    """Resources with rules that let somebody do something, by name."""
    found = []
    for _, resource in sorted(catalog.resources.items()):
        access = resource.access
        verbs = (access.read, access.create, access.update, access.delete)
        if access.declared and not all(is_never(rule) for rule in verbs):
            found.append(resource)
    return found


def shown_fields(resource: Resource) -> list[Field]:
    """Columns that some caller may see."""
    rules = resource.access.fields
    return [
        field for name, field in resource.fields.items() if name not in rules or not is_never(rules[name])
    ]


def is_masked(resource: Resource, field: Field) -> bool:
    """True when the column is hidden from, or null for, some callers or rows."""
    return field.name in resource.access.fields


def steady_fields(resource: Resource) -> list[Field]:
    """Columns that are there for every caller who may read the table, so that each may select and filter by them."""
    rules = resource.access.fields
    return [
        field
        for field in shown_fields(resource)
        if field.name not in rules or (not rules[field.name].terms and is_public(rules[field.name]))
    ]


def steady_searches(resource: Resource) -> list[SearchedText]:
    """Searches that are there for every caller who may read the table, as all of their columns are."""
    steady = steady_fields(resource)
    return [
        search for search in resource.searches.values() if all(field in steady for field in search.fields)
    ]


def writable_fields(resource: Resource) -> list[Field]:
    """Columns that a body may set."""
    return [field for field in shown_fields(resource) if not field.generated]


def collection_methods(resource: Resource) -> tuple[str, ...]:
    """Methods of the whole table that some caller may use."""
    access = resource.access
    return (
        *(("get", "head") if not is_never(access.read) else ()),
        *(("post",) if not is_never(access.create) and writable_fields(resource) else ()),
        *(("patch",) if not is_never(access.update) and writable_fields(resource) else ()),
        *(("delete",) if not is_never(access.delete) else ()),
    )


def item_methods(resource: Resource) -> tuple[str, ...]:
    """Methods of one row by its key that some caller may use."""
    access = resource.access
    may_update = not is_never(access.update) and bool(writable_fields(resource))
    return (
        *(("get", "head") if not is_never(access.read) else ()),
        *(("patch",) if may_update else ()),
        *(("put",) if may_update and not is_never(access.create) else ()),
        *(("delete",) if not is_never(access.delete) else ()),
    )


def steady_embeds(resource: Resource) -> Iterator[tuple[str, Relation]]:
    """Names by which a related table can be embedded without a hint, by every reader, and the relation they mean."""
    by_target: dict[str, list[Relation]] = {}
    for relation in resource.relations:
        if relation.target is not resource:
            by_target.setdefault(relation.target.name, []).append(relation)
    for name, relations in sorted(by_target.items()):
        if len(relations) == 1 and _is_steady(relations[0]):
            yield name, relations[0]


def _is_steady(relation: Relation) -> bool:
    tables = [relation.source, relation.target]
    pairs = [(relation.source, near) for near, _ in relation.pairs]
    pairs += [(relation.target, far) for _, far in relation.pairs]
    if relation.junction is not None:
        middle = relation.junction
        tables.append(middle.resource)
        pairs += [(middle.resource, inner) for _, inner in (*middle.near, *middle.far)]
    readable = all(table.access.declared and is_public(table.access.read) for table in tables)
    return readable and all(field in steady_fields(table) for table, field in pairs)
