"""Checks for indexes that are not there: of foreign keys, rules, unique columns, relations, and filters on large tables."""

from __future__ import annotations

from collections.abc import Iterator

from backstay.models.access.clauses import clauses_of
from backstay.models.access.finding import Finding, Fix, Level
from backstay.models.catalog import Field, Relation, Resource, ValueKind
from backstay.models.structure import TableFacts
from backstay.services.access.examined import Examined
from backstay.services.access.fixes import index_advice, index_fix
from backstay.services.access.rule_indexes import lacking

# Rows from which reading a whole table is more than a matter of milliseconds.
LARGE_ROWS = 10_000
# Longer text is searched, not compared.
_LONGEST_FILTER = 255
_FILTERED = frozenset({ValueKind.ENUM, ValueKind.TIMESTAMP, ValueKind.DATETIME, ValueKind.DATE})

Place = tuple[str, tuple[str, ...]]


def missing_for_foreign_keys(examined: Examined) -> Iterator[Finding]:
    """A key without an index: deleting a row of its target, and embedding, read the whole table."""
    for table, columns in _bare_keys(examined):
        facts = examined.structure.tables[table]
        targets = {key.target for key in facts.foreign_keys if key.columns == columns}
        problem = f"a row of {', '.join(sorted(targets))} is deleted or changed by reading all of {table}"
        embedding = [
            each for each in _many(examined) if (_target(each), _key_columns(each)) == (table, columns)
        ]
        if embedding:
            sources = ", ".join(dict.fromkeys(each.source.name for each in embedding))
            problem += f"; so are its rows embedded in {sources}"
        yield _missing(examined, "index_missing_foreign_key", table, columns, problem)


def missing_for_relations(examined: Examined) -> Iterator[Finding]:
    """A relation to many whose key has no index, where no foreign key of the database tells of it."""
    said = set(_bare_keys(examined))
    for relation in _many(examined):
        place = _target(relation), _key_columns(relation)
        if place in said or examined.leads_with(*place):
            continue
        said.add(place)
        problem = (
            f"embedding {relation.target.name} in {relation.source.name} reads all of {place[0]} for each row"
        )
        yield _missing(examined, "relation_unbounded", *place, problem)


def missing_for_rules(examined: Examined) -> Iterator[Finding]:
    """A rule that decides by a column without an index reads the whole table."""
    told: dict[Place, list[str]] = {}
    for resource, facts in examined.served():
        for verb in ("read", "update", "delete"):
            clause = clauses_of(getattr(resource.access, verb), resource.table)
            for use in lacking(clause, resource.name, examined.leads_with):
                # An index of two values finds half of the rows: worth its price on large tables at most.
                if not use.is_boolean or (facts.rows or 0) >= LARGE_ROWS:
                    place = use.table, (use.column,)
                    told.setdefault(place, []).append(f"{resource.name}.{verb}")
    for (table, columns), rules in told.items():
        if (table, columns) in set(_bare_keys(examined)):
            continue
        is_boolean = _is_boolean(examined, table, columns[0])
        problem = f"the rules {', '.join(dict.fromkeys(rules))} decide by it, and read all of {table}"
        level = Level.INFO if is_boolean else Level.WARNING
        yield _missing(examined, "index_missing_rule", table, columns, problem, level)


def missing_for_uniques(examined: Examined) -> Iterator[Finding]:
    """What the models call unique and the database does not keep so."""
    for resource, facts in examined.served():
        for unique in resource.uniques:
            wanted = set(unique.fields)
            if not any(index.is_unique and set(index.columns) == wanted for index in facts.indexes):
                yield Finding(
                    code="index_missing_unique",
                    level=Level.WARNING,
                    table=resource.name,
                    columns=unique.fields,
                    problem=f"the models say that no two rows have the same {', '.join(unique.fields)}",
                    advice="backstay migrate make -m 'unique columns', which makes the constraint",
                )


def missing_for_filters(examined: Examined) -> Iterator[Finding]:
    """On a large table: columns that callers can filter and order by, and that no index helps with."""
    for resource, facts in examined.served():
        if facts.rows is None or facts.rows < LARGE_ROWS or resource.access.read.is_never:
            continue
        columns = tuple(
            name for name, field in resource.fields.items() if _is_exposed(resource, field, facts)
        )
        if columns:
            made = [index_fix(resource.name, (column,)) for column in columns]
            problem = f"callers can filter and order by it, and read all of about {facts.rows:,} rows then"
            advice = "index=True in the models, of those that callers use"
            yield Finding(
                "index_missing_filter", Level.INFO, resource.name, columns, problem, advice, _joined(made)
            )


def _missing(
    examined: Examined,
    code: str,
    table: str,
    columns: tuple[str, ...],
    problem: str,
    level: Level = Level.WARNING,
) -> Finding:
    advice = index_advice(examined.catalog, table, columns)
    return Finding(code, level, table, columns, problem, advice, index_fix(table, columns))


def _bare_keys(examined: Examined) -> Iterator[Place]:
    """Foreign keys that no index leads with, each set of columns once."""
    for facts in examined.tables():
        for columns in dict.fromkeys(key.columns for key in facts.foreign_keys):
            if not facts.leads_with(columns):
                yield facts.name, columns


def _many(examined: Examined) -> Iterator[Relation]:
    """Relations that somebody can embed, of which a row has many."""
    for resource, _ in examined.served():
        for relation in resource.relations:
            if not relation.cardinality.is_one and not relation.target.access.read.is_never:
                yield relation


def _target(relation: Relation) -> str:
    """The table that is searched by a key: the one between, where there is one."""
    return relation.target.name if relation.junction is None else relation.junction.resource.name


def _key_columns(relation: Relation) -> tuple[str, ...]:
    pairs = relation.pairs if relation.junction is None else relation.junction.near
    return tuple(far.name for _, far in pairs)


def _is_exposed(resource: Resource, field: Field, facts: TableFacts) -> bool:
    rule = resource.access.fields.get(field.name)
    is_readable = rule is None or not rule.is_never
    is_short = field.kind is ValueKind.TEXT and field.length is not None and field.length <= _LONGEST_FILTER
    return is_readable and (is_short or field.kind in _FILTERED) and not facts.leads_with((field.name,))


def _is_boolean(examined: Examined, table: str, column: str) -> bool:
    resource = examined.catalog.resources.get(table)
    return resource is not None and resource.fields[column].kind is ValueKind.BOOLEAN


def _joined(fixes: list[Fix]) -> Fix:
    return Fix(
        tuple(line for fix in fixes for line in fix.upgrade),
        tuple(line for fix in fixes for line in fix.downgrade),
    )
