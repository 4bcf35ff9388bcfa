"""Random writes, and what each must do: the codes it may be refused with, or the rows afterwards and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.api.oracle.models import Schema, TableSpec, random_cell, random_row, violations
from tests.api.oracle.oracle import Eye
from tests.api.oracle.queries import Questioner
from tests.api.oracle.rules import Person, Row, State, is_never
from tests.api.oracle.syntax import Query, query_string
from tests.api.oracle.values import Random, sendable

MERGE, IGNORE = "merge-duplicates", "ignore-duplicates"
METHODS = {"create": "POST", "update": "PATCH", "delete": "DELETE"}


@dataclass(frozen=True, slots=True)
class Write:
    """One write.

    Attributes:
        verb: create, update or delete.
        rows: what is sent: rows of one set of columns, or the one row of changes.
        where: the rows meant by an update or delete; in `items`, what the answer shows.
        shows: the rows are asked for in the answer.
    """

    table: str
    verb: str
    rows: tuple[Row, ...]
    where: Query
    shows: bool
    resolution: str | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that are set."""
        return list(self.rows[0]) if self.rows else []

    @property
    def path(self) -> str:
        """The address with its query string."""
        return f"/rest/v1/{self.table}?{query_string(self.where)}"

    @property
    def prefer(self) -> str:
        """The Prefer header."""
        shows = "return=representation" if self.shows else "return=minimal"
        return f"{shows},resolution={self.resolution}" if self.resolution else shows

    @property
    def body(self) -> Any:
        """The body, None for a delete."""
        rows = [{name: sendable(value) for name, value in row.items()} for row in self.rows]
        return None if self.verb == "delete" else rows if self.verb == "create" else rows[0]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a write must do.

    Attributes:
        codes: it is refused with one of these and changes nothing; empty when it must succeed.
        keys: primary keys of the written rows, in the order of the answer.
        body: the answer's rows, None when none are asked for.
    """

    codes: frozenset[str]
    state: dict[str, list[Row]]
    status: int = 0
    keys: tuple[tuple[Any, ...], ...] = ()
    body: list[dict[str, Any]] | None = None


def random_write(random: Random, eye: Eye) -> Write:
    """A write to some table, by preference one that the caller may write to."""
    verb = random.choice(("create", "create", "update", "update", "delete"))
    known = [name for name, spec in eye.schema.items() if eye.fold(spec.rules[verb]) is not False]
    table = random.choice(known if known and random.random() < 0.9 else list(eye.schema))
    questioner = Questioner(random, eye)
    shows = random.random() < 0.5
    shown = questioner.embeds_nothing(table) if shows else Query()
    if verb == "create":
        resolution = random.choice((None, MERGE, MERGE, IGNORE))
        return Write(table, verb, _new_rows(random, eye, table, resolution), shown, shows, resolution)
    where = Query(shown.items, questioner.filter(table).where)
    rows = (_changes(random, eye, table),) if verb == "update" else ()
    return Write(table, verb, rows, where, shows)


def _new_rows(random: Random, eye: Eye, table: str, resolution: str | None) -> tuple[Row, ...]:
    spec = eye.schema[table]
    rows: list[Row] = []
    for _ in range(random.choice((1, 1, 2))):
        row = random_row(random, spec, eye.state)
        if row is None:
            continue
        if eye.state[table] and random.random() < (0.6 if resolution else 0.1):
            row.update(zip(spec.primary_key, spec.key_of(random.choice(eye.state[table])), strict=True))
        if eye.person.id is not None and random.random() < 0.6:
            row["owner"] = eye.person.id
        if spec.key_of(row) not in [spec.key_of(other) for other in rows]:
            rows.append(row)
    curious = random.random() < 0.05
    left_out = {
        name
        for name, column in spec.columns.items()
        if not (curious or eye.visible(table, name)) or (column.nullable and random.random() < 0.2)
    }
    return tuple({name: value for name, value in row.items() if name not in left_out} for row in rows)


def _changes(random: Random, eye: Eye, table: str) -> Row:
    spec = eye.schema[table]
    keys = {near for key in spec.keys for near, _ in key.pairs}
    free = [name for name in spec.columns if name not in spec.primary_key and name not in keys]
    seen = [name for name in free if eye.visible(table, name)]
    names = random.sample(seen, min(len(seen), random.choice((1, 1, 2))))
    if not names or random.random() < 0.04:
        names = [random.choice(free)]
    return {name: random_cell(random, spec.columns[name]) for name in names}


class Clerk:
    """Carries writes out in the oracle's own rows."""

    def __init__(self, schema: Schema, state: State, person: Person) -> None:
        self.schema = schema
        self.before = {name: list(rows) for name, rows in state.items()}
        self.eye = Eye(schema, self.before, person)

    def outcome(self, write: Write) -> Outcome:
        """What the write must do."""
        refused = self._forbidden(write)
        if refused:
            return Outcome(frozenset(refused), self.before)
        if write.verb == "create":
            return self._create(write)
        return self._change(write)

    def _forbidden(self, write: Write) -> set[str]:
        """The codes that follow from names and rules alone."""
        spec = self.schema[write.table]
        if not self.eye.exists(write.table):
            return {"PGRST205"}
        verbs = [write.verb, "update"] if write.resolution == MERGE else [write.verb]
        codes = set()
        if is_never(spec.rules[write.verb]) and not self.eye.person.above_rules:
            codes.add("PGRST117")
        if any(self.eye.fold(spec.rules[verb]) is False for verb in verbs):
            codes.add("42501")
        if not all(self.eye.visible(write.table, name) for name in write.columns):
            codes.add("PGRST204")
        if (write.shows or write.resolution == MERGE) and not self.eye.readable(write.table):
            codes.add("42501")
        if write.verb != "create" and not write.where.where:
            codes.add("21000")
        return codes | set(self.eye.complaints(write.table, write.where))

    def _create(self, write: Write) -> Outcome:
        spec = self.schema[write.table]
        codes = self._missing(spec, write)
        rows = {spec.key_of(row): row for row in self.before[write.table]}
        written: list[tuple[Row, str]] = []
        for sent in write.rows:
            full = {name: sent.get(name) for name in spec.columns}
            old = rows.get(spec.key_of(full))
            if old is not None and write.resolution == IGNORE:
                continue
            if old is not None and write.resolution == MERGE:
                if not self._may(spec, ("read", "update"), write.columns, old, self.eye):
                    codes.add("42501")
                full = {**old, **sent}
                written.append((full, "update"))
            else:
                codes |= {"23505"} if old is not None else set()
                written.append((full, "create"))
            rows[spec.key_of(full)] = full
            # Unique values are compared as each row comes, not when all are there.
            codes |= violations(self.schema, {**self.before, write.table: list(rows.values())}) & {"23505"}
        state = {**self.before, write.table: list(rows.values())}
        codes |= violations(self.schema, state) | self._unchecked(spec, write, written, state)
        status = 200 if written and all(verb == "update" for _, verb in written) else 201
        return self._done(write, codes, state, status, [row for row, _ in written])

    def _missing(self, spec: TableSpec, write: Write) -> set[str]:
        codes = set()
        for name, column in spec.columns.items():
            if write.rows and not column.nullable and name not in write.columns:
                codes.add("validation_failed" if self.eye.visible(spec.name, name) else "23502")
        return codes

    def _change(self, write: Write) -> Outcome:
        spec = self.schema[write.table]
        found = (
            self.eye.matching(write.table, Query(where=write.where.where))
            if self.eye.readable(write.table)
            else []
        )
        touched = [
            seen.raw for seen in found if self._may(spec, (write.verb,), write.columns, seen.raw, self.eye)
        ]
        keys = {spec.key_of(row) for row in touched}
        kept = [row for row in self.before[write.table] if spec.key_of(row) not in keys]
        changed = [] if write.verb == "delete" else [{**row, **write.rows[0]} for row in touched]
        state = {**self.before, write.table: [*kept, *changed]}
        codes = violations(self.schema, state)
        status = 200 if write.shows else 204
        if write.verb == "delete":
            return self._done(write, codes, state, status, touched, shown_in=self.eye)
        if any(value is None and not spec.columns[name].nullable for name, value in write.rows[0].items()):
            codes.add("validation_failed")
        codes |= self._unchecked(spec, write, [(row, "update") for row in changed], state)
        return self._done(write, codes, state, status, changed)

    def _unchecked(
        self, spec: TableSpec, write: Write, written: Sequence[tuple[Row, str]], state: State
    ) -> set[str]:
        """42501 when a row as it will be is not one that the caller may write, or see when it is to be shown."""
        after = Eye(self.schema, state, self.eye.person)
        shown = ("read",) if write.shows else ()
        passes = all(self._may(spec, (verb, *shown), write.columns, row, after) for row, verb in written)
        return set() if passes else {"42501"}

    def _may(self, spec: TableSpec, verbs: Sequence[str], columns: Sequence[str], row: Row, eye: Eye) -> bool:
        """Whether the rules of those verbs hold for a row, and the rules of the columns that are set."""
        rules = [spec.rules[verb] for verb in verbs] + [
            spec.fields[name] for name in columns if name in spec.fields
        ]
        return all(eye.holds(rule, row) for rule in rules)

    def _done(
        self,
        write: Write,
        codes: set[str],
        state: dict[str, list[Row]],
        status: int,
        rows: Sequence[Row],
        shown_in: Eye | None = None,
    ) -> Outcome:
        if codes:
            return Outcome(frozenset(codes), self.before)
        spec = self.schema[write.table]
        keys = [spec.key_of(row) for row in rows]
        if write.verb != "create":
            keys.sort()
        body = None
        if write.shows:
            eye = shown_in or Eye(self.schema, state, self.eye.person)
            seen = {spec.key_of(row.raw): row for row in eye.rows(write.table)}
            shown = Query(write.where.items)
            body = [eye.shape(write.table, shown, seen[key]) for key in keys]
        return Outcome(frozenset(), state, status, tuple(keys), body)
