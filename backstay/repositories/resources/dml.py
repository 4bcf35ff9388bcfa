"""The statements of a write, compiled once per plan: insert, update, delete, lock, verify, answer.

Values of parameters come in this order: the plan's parameters, then the statement's own (a row's values, the document
of rows, or the document of keys).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Select,
    Table,
    and_,
    column,
    delete,
    func,
    literal_column,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import operators, visitors
from sqlalchemy.types import JSON, Text

from backstay.models.access.rules import Predicate
from backstay.models.catalog import Field, ValueKind
from backstay.models.resources.plan import Form, Parameter, WritePlan
from backstay.models.resources.request import Conflict, WriteKind
from backstay.repositories.resources.compile import Build, CompiledStatement
from backstay.repositories.resources.dialects import Dialect, Encoder, Expression, fragment, stored
from backstay.utils import json_text

_BELIEVED = frozenset(
    {"binary", "bindparam", "column", "expression_clauselist", "grouping", "unary", "true", "false", "null"}
)
_IS = frozenset({operators.is_, operators.is_not, operators.is_distinct_from, operators.is_not_distinct_from})


class WriteStatements:
    """Makes and keeps the statements of one plan."""

    def __init__(self, plan: WritePlan, dialect: Dialect) -> None:
        self.plan = plan
        self.dialect = dialect
        self.table: Table = plan.resource.table
        self._made: dict[Any, CompiledStatement | None] = {}

    def insert(self, names: tuple[str, ...]) -> CompiledStatement:
        """Insert rows with those columns; returns key, passes as new, passes as changed, is new."""
        made = self._made.get(("insert", names))
        if made is None:
            made = self._made["insert", names] = self._insert(names)
        return made

    def existing(self, names: tuple[str, ...]) -> CompiledStatement:
        """Whether there is a row that an upsert of these values would meet."""
        made = self._made.get(("existing", names))
        if made is None:
            build = self._build(0)
            places = {name: number for number, name in enumerate(names)}
            same = [
                self.table.c[field.column.key] == self._own(build, places[field.name], field)
                for field in self.plan.on_conflict
                if field.name in places
            ]
            made = build.finish(select(literal_column("1")).select_from(self.table).where(*same))
            self._made["existing", names] = made
        return made

    def update(self, names: tuple[str, ...]) -> CompiledStatement:
        """Set those columns in the target's rows; returns key, passes."""
        made = self._made.get(("update", names))
        if made is None:
            made = self._made["update", names] = self._update(names)
        return made

    def delete(self) -> CompiledStatement:
        """Delete the target's rows; returns their keys."""
        made = self._made.get("delete")
        if made is None:
            build = self._build(len(self.plan.parameters))
            statement = delete(self.table).where(*self._target(build)).returning(*self._key(self.table))
            made = self._made["delete"] = build.finish(statement)
        return made

    def lock(self) -> CompiledStatement:
        """The keys of the target's rows, locked until the transaction ends."""
        made = self._made.get("lock")
        if made is None:
            build = self._build(len(self.plan.parameters))
            made = self._made["lock"] = build.finish(self._locked(build))
        return made

    def verify(self, *, is_new: bool, is_one: bool) -> CompiledStatement | None:
        """How many of the rows of those keys pass the checks that are asked afterwards; None when there are none.

        `is_one`: there is one key, which the database is told to plan for.
        """
        place = ("verify", is_new, is_one)
        if place not in self._made:
            checks = [check for check in self._checks(is_new) if not self._tells_when_written(check)]
            self._made[place] = self._verify(checks, is_one) if checks else None
        return self._made[place]

    def answer(self, *, is_one: bool) -> CompiledStatement:
        """The rows of those keys as the caller sees them, in the order of the keys unless another was asked for."""
        place = ("answer", is_one)
        made = self._made.get(place)
        if made is None:
            made = self._made[place] = self._answer(is_one)
        return made

    def encoder(self, field: Field) -> Encoder:
        """From a value that a column is set to, which may be None, to what the driver takes."""
        if self.dialect.engine == "sqlite":
            return lambda value: stored(value, field)
        encode = self.dialect.encoder(Parameter(0, Form.SCALAR, field))
        if encode is None:
            return lambda value: value
        return lambda value: None if value is None else encode(value)

    def _build(self, literals: int) -> Build:
        plan = self.plan
        return Build(self.dialect, plan.parameters, plan.predicates, own_from=literals, zone=plan.zone)

    def _own(self, build: Build, number: int, field: Field) -> Expression:
        """The value of a column that the statement sets."""
        return build.own(f"v{number}", number, Parameter(number, Form.SCALAR, field))

    def _key(self, source: Any) -> list[Expression]:
        return [source.c[field.column.key] for field in self.plan.resource.primary_key]

    def _checks(self, is_new: bool) -> tuple[Predicate, ...]:
        plan = self.plan
        if plan.kind is WriteKind.DELETE:
            return ()
        checks = plan.checks if is_new or plan.kind is WriteKind.UPDATE else plan.conflict_checks
        return (*checks, *plan.readable)

    def _tells_when_written(self, check: Predicate) -> bool:
        """True when RETURNING can say whether the row passes. Rules that read other rows need all rows in place.

        In RETURNING, SQLite 3.40 takes every column for one that is never null: `x IS NULL` is false whatever x is,
        and `x IS NOT NULL` true. So there only what has no IS in it is believed.
        """
        if check.reads_other_rows:
            return False
        return self.dialect.engine != "sqlite" or all(
            part.__visit_name__ in _BELIEVED and getattr(part, "operator", None) not in _IS
            for part in visitors.iterate(check.expression)
        )

    def _passes(self, is_new: bool) -> Expression:
        checks = [check.expression for check in self._checks(is_new) if self._tells_when_written(check)]
        return and_(true(), *checks) if checks else literal_column("1")

    def inserting(self, names: tuple[str, ...], *, by_values: bool) -> tuple[Build, Any]:
        """An insert of those columns that returns nothing yet: of one row by its values, or of a document of rows."""
        build = self._build(0)
        fields = [self.plan.resource.fields[name] for name in names]
        into: Any = (postgresql if self.dialect.engine == "postgresql" else sqlite).insert(self.table)
        if fields and not by_values:
            into = self._from_document(into, build, fields)
        elif fields:
            into = into.values(
                {field.column.key: self._own(build, number, field) for number, field in enumerate(fields)}
            )
        return build, into

    def key(self) -> list[Expression]:
        """The columns of the primary key."""
        return self._key(self.table)

    def _insert(self, names: tuple[str, ...]) -> CompiledStatement:
        build, into = self.inserting(names, by_values=self.dialect.engine == "sqlite")
        into = self._on_conflict(into)
        returned = [*self.key(), self._passes(True), self._passes(False)]
        if self.dialect.engine == "postgresql":
            returned.append(literal_column("(xmax = 0)"))
        # Without a value for any column it is an INSERT ... DEFAULT VALUES.
        return build.finish(into.returning(*returned), column_keys=None if names else [])

    def _from_document(self, into: Any, build: Build, fields: Sequence[Field]) -> Any:
        document = sql_cast(build.own("rows", 0, None), JSON())
        rows = func.json_to_recordset(document).table_valued(
            *(column(field.name, _bare(field)) for field in fields), name="r"
        )
        rows = rows.render_derived(with_types=True)
        return into.from_select(
            [field.column.key for field in fields],
            select(*(rows.c[field.name] for field in fields)),
            include_defaults=False,
        )

    def _on_conflict(self, into: Any) -> Any:
        plan = self.plan
        if plan.conflict is None:
            return into
        target = [field.column for field in plan.on_conflict]
        if plan.conflict is Conflict.IGNORE:
            return into.on_conflict_do_nothing(index_elements=target)
        keys = {field.name for field in plan.on_conflict}
        # A default of a column that nobody named is for new rows; what exists keeps what it has.
        changed = [field for field in plan.fields if field.name not in keys] or list(plan.on_conflict)
        return into.on_conflict_do_update(
            index_elements=target,
            set_={field.column.key: into.excluded[field.column.key] for field in changed},
            where=and_(true(), *map(self._about_existing, plan.conflict_target)),
        )

    def _about_existing(self, predicate: Predicate) -> Expression:
        """The predicate about the row that an insert meets, which also its subqueries mean by the table's name.

        SQLAlchemy correlates no subquery with the table of an INSERT: it would read the whole table instead, and the
        rule would hold for every row as soon as it holds for one.
        """
        if not predicate.reads_other_rows:
            return predicate.expression
        return self.by_name(predicate.expression, self.table)

    def by_name(self, expression: Expression, source: Any) -> Expression:
        """The expression with the columns of `source`, the table or an alias of it, spelled by the table's name."""
        names = self.dialect.sql.identifier_preparer

        def name(element: Any, **_: Any) -> Any:
            if isinstance(element, Column) and element.table is source:
                return literal_column(
                    f"{names.format_table(self.table)}.{names.format_column(element)}", element.type
                )
            return None

        return visitors.replacement_traverse(expression, {}, name)

    def _update(self, names: tuple[str, ...]) -> CompiledStatement:
        build = self._build(len(self.plan.parameters))
        fields = [self.plan.resource.fields[name] for name in names]
        changes = {field.column.key: self._own(build, number, field) for number, field in enumerate(fields)}
        if not changes:
            # Nothing to set still touches the rows, so that the answer and the count are those of an update.
            unchanged = self.plan.resource.primary_key[0].column
            changes = {unchanged.key: unchanged}
        statement = update(self.table).where(*self._target(build)).values(changes)
        return build.finish(statement.returning(*self._key(self.table), self._passes(False)))

    def _target(self, build: Build) -> list[Expression]:
        """The condition that a row is one to touch. Rules that read other rows see the table under another name."""
        target = self.plan.target
        assert target is not None
        if not any(predicate.reads_other_rows for predicate in self.plan.predicates) and not target.embeds:
            return list(build.conditions(target, self.table))
        return [tuple_(*self._key(self.table)).in_(self._locked(build))]

    def _locked(self, build: Build) -> Select[Any]:
        target = self.plan.target
        assert target is not None
        alias = build.alias(target)
        found = select(*self._key(alias)).select_from(alias).where(*build.conditions(target, alias))
        return found.with_for_update(of=alias) if self.dialect.engine == "postgresql" else found

    def _verify(self, checks: Sequence[Predicate], is_one: bool) -> CompiledStatement:
        build = self._build(0)
        alias = self.table.alias("w")
        keys, same, _ = self._keys(build, alias, is_one)
        passing = [build.predicate(check, alias) for check in checks]
        return build.finish(select(func.count()).select_from(keys).join(alias, same).where(*passing))

    def _answer(self, is_one: bool) -> CompiledStatement:
        build = self._build(len(self.plan.parameters))
        query = self.plan.answer
        assert query is not None
        alias = build.alias(query)
        keys, same, position = self._keys(build, alias, is_one)
        conditions = [same, *build.conditions(query, alias)]

        def found(shown: Select[Any]) -> Select[Any]:
            return shown.select_from(keys).where(*conditions)

        if query.grouped:
            page = build.groups(found, query, alias).subquery("q")
        else:
            rows = found(build.shown(query, alias))
            page = rows.order_by(*build.order(query, alias), position).subquery("q")
        return build.finish(select(func.count(), self.dialect.document(page)).select_from(page))

    def _keys(self, build: Build, alias: Any, is_one: bool) -> tuple[Any, Expression, Expression]:
        """A document of keys as a table, when a row has one of them, and the place of each in the document."""
        fields = self.plan.resource.primary_key
        keys, parts, place = keys_table(build, fields, 0, is_one=is_one)
        return keys, same_key(alias, fields, parts), place


def same_key(source: Any, fields: Sequence[Field], parts: Sequence[Expression]) -> Expression:
    """The condition that a row of `source` has that key."""
    return and_(*(source.c[field.column.key] == part for field, part in zip(fields, parts, strict=True)))


def keys_table(
    build: Build, fields: Sequence[Field], number: int, *, is_one: bool
) -> tuple[Any, list[Expression], Expression]:
    """The document of keys that is the own parameter of that number, as a table: that, the parts of a key in it, and
    the place of each.

    PostgreSQL takes any document for one of 100 keys, and may read the whole table to find their rows: 2,400 µs
    for one of 28,000 rows, 84 when it is told that there is one key.
    """
    document = build.own("keys", number, None)
    if build.dialect.engine == "sqlite":
        keys: Any = func.json_each(document).table_valued("key", "value", name="k")
        places = range(len(fields))
        return (
            keys,
            [func.json_extract(keys.c.value, literal_column(f"'$[{n}]'")) for n in places],
            keys.c.key,
        )
    each = func.json_array_elements(sql_cast(document, JSON()))
    keys = each.table_valued("value", with_ordinality="place", name="k").render_derived()
    if is_one:
        keys = select(keys.c.value, keys.c.place).limit(literal_column("1")).subquery("k1")
    parts: list[Expression] = [
        sql_cast(keys.c.value.op("->>")(literal_column(str(n))), _bare(field))
        for n, field in enumerate(fields)
    ]
    return keys, parts, keys.c.place


def _bare(field: Field) -> Any:
    """The column's type without a length, which a cast would cut to without a word."""
    return Text() if field.kind is ValueKind.TEXT else field.column.type


def rows_document(rows: Sequence[Mapping[str, Any]], fields: Sequence[Field]) -> str:
    """Rows as the JSON document that PostgreSQL reads them from."""
    names = [json_text.canonical(field.name) for field in fields]
    lines = (
        ",".join(
            f"{name}:{fragment(row[field.name], field)}" for name, field in zip(names, fields, strict=True)
        )
        for row in rows
    )
    return "[" + ",".join("{" + line + "}" for line in lines) + "]"


def keys_document(keys: Sequence[Sequence[Any]]) -> str:
    """Primary keys as the driver gave them, as a JSON document."""
    return json_text.canonical(
        [[part if isinstance(part, int | str) else str(part) for part in key] for key in keys]
    )
