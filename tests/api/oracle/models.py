"""Random models: tables, keys between them, access rules and rows, and the mapped classes that say the same.

A `Schema` is plain data for the oracle. `MappedSchema` is what the application gets; while it has one, its names are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.api.oracle.rules import (
    Always,
    Both,
    Claim,
    Either,
    Equals,
    Flag,
    HasRole,
    Not,
    Owner,
    Related,
    Row,
    Rule,
    State,
)
from tests.api.oracle.values import Kind, Random, random_value

ROLES = ("editor", "auditor")
ROWS = 16
VERBS = ("read", "create", "update", "delete")

_WORDS = (
    "amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath", "islet", "jetty", "knoll", "lagoon",
    "marsh", "north", "orchard", "prairie", "quarry", "ridge", "strait", "tundra", "upland", "valley", "wharf",
)  # fmt: skip
_NAMES = ("apple", "cherry", "damson", "fig", "guava", "lemon", "mango", "olive")


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `nullable` for keys too."""

    name: str
    kind: Kind
    nullable: bool


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key of `source`. Column names are in the order of the target's primary key."""

    name: str
    source: str
    target: str
    pairs: tuple[tuple[str, str], ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """A field worked out from columns: one of them again, whether it is null, or two texts put together."""

    name: str
    kind: Kind
    form: str
    reads: tuple[str, ...]

    def of(self, row: Row) -> Any:
        """Its value for a row."""
        values = [row[name] for name in self.reads]
        if self.form == "lacks":
            return values[0] is None
        if self.form == "joined":
            return None if None in values else f"{values[0]}~{values[1]}"
        return values[0]

    def sql(self, model: Any) -> Any:
        """The same in SQLAlchemy."""
        columns = [getattr(model, name) for name in self.reads]
        if self.form == "lacks":
            return columns[0].is_(None)
        return columns[0] + "~" + columns[1] if self.form == "joined" else columns[0]


@dataclass(slots=True)
class TableSpec:
    """A table with its rules."""

    name: str
    columns: dict[str, Column]
    primary_key: tuple[str, ...]
    keys: list[Key] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)
    fields: dict[str, Rule] = field(default_factory=dict)
    computed: dict[str, Computed] = field(default_factory=dict)

    @property
    def readable(self) -> dict[str, Column]:
        """Everything that can be selected by name."""
        return self.columns | {one.name: Column(one.name, one.kind, True) for one in self.computed.values()}

    def rules_of(self, name: str) -> list[Rule]:
        """The rules that must hold for a column or computed field to be seen: its own, and those of what it reads."""
        names = (name, *self.computed[name].reads) if name in self.computed else (name,)
        return [self.fields[one] for one in names if one in self.fields]

    def key_of(self, row: Row) -> tuple[Any, ...]:
        """The row's primary key."""
        return tuple(row[name] for name in self.primary_key)


Schema = Mapping[str, TableSpec]


def random_schema(random: Random, number: int) -> Schema:
    """Two or three tables, perhaps a junction, with rules; `number` tells their names from other schemas'."""
    names = random.sample(_NAMES, 4)
    tables: dict[str, TableSpec] = {}
    for name in names[: random.choice((2, 2, 3))]:
        spec = _random_table(random, f"o{number}{name}", tables)
        tables[spec.name] = spec
    if random.random() < 0.7:
        spec = _random_junction(random, f"o{number}{names[3]}", tables)
        tables[spec.name] = spec
    for spec in tables.values():
        _add_rules(random, spec, tables)
    return tables


def _random_table(random: Random, name: str, earlier: Schema) -> TableSpec:
    words = iter(random.sample(_WORDS, len(_WORDS)))
    columns = [_key_column(random, next(words)) for _ in range(random.choice((1, 1, 1, 2)))]
    primary_key = tuple(column.name for column in columns)
    columns += [Column("owner", Kind.UUID, True), Column("open", Kind.BOOLEAN, random.random() < 0.5)]
    for _ in range(random.randint(2, 4)):
        columns.append(Column(next(words), random.choice(list(Kind)), random.random() < 0.7))
    spec = TableSpec(name, {column.name: column for column in columns}, primary_key)
    for _ in range(random.choice((1, 1, 2)) if earlier else random.choice((0, 1))):
        target = random.choice([spec, *earlier.values(), *earlier.values()])
        _add_key(random, spec, target, words, nullable=target is spec or random.random() < 0.6)
    for _ in range(random.choice((0, 1, 2))):
        computed = _random_computed(random, next(words), list(spec.columns.values()))
        spec.computed[computed.name] = computed
    return spec


def _random_computed(random: Random, name: str, columns: list[Column]) -> Computed:
    texts = [column.name for column in columns if column.kind is Kind.TEXT]
    column = random.choice(columns)
    form = random.choice(("same", "lacks", "joined"))
    if form == "joined" and texts:
        return Computed(name, Kind.TEXT, form, (random.choice(texts), random.choice(texts)))
    return Computed(
        name, Kind.BOOLEAN if form == "lacks" else column.kind, form.replace("joined", "same"), (column.name,)
    )


def _key_column(random: Random, name: str) -> Column:
    return Column(name, random.choice((Kind.INTEGER, Kind.INTEGER, Kind.TEXT, Kind.UUID)), nullable=False)


def _add_key(
    random: Random, spec: TableSpec, target: TableSpec, words: Iterator[str], *, nullable: bool
) -> Key:
    pairs = []
    for name in target.primary_key:
        column = Column(next(words), target.columns[name].kind, nullable)
        spec.columns[column.name] = column
        pairs.append((column.name, name))
    constraint = f"{spec.name}_{'_'.join(near for near, _ in pairs)}_fkey"
    unique = nullable and random.random() < 0.2
    key = Key(constraint, spec.name, target.name, tuple(pairs), unique)
    spec.keys.append(key)
    return key


def _random_junction(random: Random, name: str, earlier: Schema) -> TableSpec:
    words = iter(random.sample(_WORDS, len(_WORDS)))
    spec = TableSpec(name, {}, ())
    for _ in range(2):
        _add_key(random, spec, random.choice(list(earlier.values())), words, nullable=False)
    spec.primary_key = tuple(spec.columns)
    spec.columns["owner"] = Column("owner", Kind.UUID, True)
    spec.columns["open"] = Column("open", Kind.BOOLEAN, False)
    return spec


def _add_rules(random: Random, spec: TableSpec, tables: Schema) -> None:
    for verb in VERBS:
        spec.rules[verb] = _random_rule(random, spec, tables, depth=2)
    if random.random() < 0.35:
        spec.rules["read"] = Always(True)
    for name in [
        *random.sample(list(spec.columns), random.choice((0, 1, 1, 2, 2, 3))),
        *(name for name in spec.computed if random.random() < 0.2),
    ]:
        if name not in spec.primary_key or random.random() < 0.3:
            spec.fields[name] = random.choice(
                (
                    Always(False),
                    HasRole(ROLES[0]),
                    Owner("owner"),
                    _random_rule(random, spec, tables, depth=1),
                )
            )


def _random_rule(random: Random, spec: TableSpec, tables: Schema, depth: int) -> Rule:
    form = random.random()
    if depth and form < 0.45:
        parts = (
            _random_rule(random, spec, tables, depth - 1),
            _random_rule(random, spec, tables, depth - 1),
        )
        return Both(parts) if form < 0.15 else Either(parts)
    if depth and form < 0.52:
        return Not(_random_rule(random, spec, tables, depth - 1))
    if depth and form < 0.68:
        related = _random_related(random, spec, tables)
        if related is not None:
            return related
    return _random_leaf(random, spec)


def _random_leaf(random: Random, spec: TableSpec) -> Rule:
    texts = [column.name for column in spec.columns.values() if column.kind is Kind.TEXT]
    plain = [column for column in spec.columns.values() if column.kind not in (Kind.JSON, Kind.FLOAT)]
    column = random.choice(plain)
    leaves: list[Rule] = [
        Always(random.random() < 0.7),
        HasRole(random.choice((None, *ROLES))),
        Owner("owner"),
        Owner("owner"),
        Flag("open"),
        Flag("open"),
        Equals(column.name, random_value(random, column.kind)),
        Equals(column.name, None),
    ]
    if texts:
        leaves.append(Claim(random.choice(texts), equal=random.random() < 0.7))
    return random.choice(leaves)


def _random_related(random: Random, spec: TableSpec, tables: Schema) -> Related | None:
    own = [(key, key.target, key.pairs, f"to_{key.name}", False) for key in spec.keys]
    others = [
        (key, other.name, tuple((far, near) for near, far in key.pairs), f"of_{key.name}", not key.unique)
        for other in tables.values()
        for key in other.keys
        if key.target == spec.name
    ]
    if not own and not others:
        return None
    _, target, pairs, attribute, many = random.choice([*own, *others])
    by_attribute = target == spec.name or random.random() < 0.5
    inner = _random_leaf(random, tables[target])
    return Related(target, pairs, inner, attribute if by_attribute else None, many)


def random_state(random: Random, schema: Schema) -> dict[str, list[Row]]:
    """Rows for every table, with no constraint broken."""
    state: dict[str, list[Row]] = {name: [] for name in schema}
    for spec in schema.values():
        for _ in range(random.randint(ROWS // 2, ROWS)):
            row = random_row(random, spec, state)
            if row is not None and not violations(schema, with_row(state, spec.name, row)):
                state[spec.name].append(row)
    return state


def random_row(random: Random, spec: TableSpec, state: State) -> Row | None:
    """A row whose keys point at rows that exist; None when there are none to point at. May be a duplicate."""
    row: Row = {name: random_cell(random, column) for name, column in spec.columns.items()}
    for name in spec.primary_key:
        if spec.columns[name].kind is Kind.INTEGER:
            row[name] = random.randint(1, 40)
    for key in spec.keys:
        nullable = spec.columns[key.pairs[0][0]].nullable
        targets = state[key.target]
        if targets and not (nullable and random.random() < 0.2):
            target = random.choice(targets)
            row.update({near: target[far] for near, far in key.pairs})
        elif nullable:
            row.update({near: None for near, _ in key.pairs})
        else:
            return None
    return row


def random_cell(random: Random, column: Column) -> Any:
    """A value for a column that is no key."""
    if column.nullable and random.random() < 0.25:
        return None
    return random_value(random, column.kind)


def with_row(state: State, table: str, row: Row) -> dict[str, list[Row]]:
    """The state with one more row."""
    return {**state, table: [*state[table], row]}


def violations(schema: Schema, state: State) -> set[str]:
    """The codes of all constraints that a state breaks."""
    broken: set[str] = set()
    for name, spec in schema.items():
        rows = state[name]
        if _repeats([spec.key_of(row) for row in rows]):
            broken.add("23505")
        for key in spec.keys:
            values = [tuple(row[near] for near, _ in key.pairs) for row in rows]
            values = [value for value in values if None not in value]
            if key.unique and _repeats(values):
                broken.add("23505")
            known = {tuple(row[far] for _, far in key.pairs) for row in state[key.target]}
            if not known.issuperset(values):
                broken.add("23503")
        required = [column.name for column in spec.columns.values() if not column.nullable]
        if any(row[column] is None for row in rows for column in required):
            broken.add("23502")
    return broken


def _repeats(values: list[tuple[Any, ...]]) -> bool:
    return len(set(values)) != len(values)
