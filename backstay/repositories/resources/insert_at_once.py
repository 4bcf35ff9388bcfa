"""An insert that checks its rows and shows them in its one statement, so that PostgreSQL commits it by itself.

In charge of telling which inserts can be written so, and of their statements. A row that fails a check makes the
statement fail with `REFUSED`; why, is for the program of several statements in `write.py` to find out.

One round trip instead of five, and half of our processor time. docs/decisions/0015-inserts-at-once.md says more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Integer, Text, and_, case, literal_column, true
from sqlalchemy import cast as sql_cast

from backstay.models.access.caller import Caller
from backstay.models.catalog import ValueKind
from backstay.models.resources.plan import PlannedEmbed, PlannedQuery, WritePlan
from backstay.models.resources.request import Shape, WriteKind
from backstay.repositories.database import Statement
from backstay.repositories.resources.compile import Build, CompiledStatement
from backstay.repositories.resources.dialects import Dialect, Encoder, Expression
from backstay.repositories.resources.dml import WriteStatements, rows_document

Row = Mapping[str, Any]
# What a text that is no number is refused with, which a rule of the user's may also come to.
REFUSED = "22P02"
# Kinds whose values mean the same as parameters and in a document of rows.
_ALIKE = frozenset(
    {
        ValueKind.TEXT,
        ValueKind.INTEGER,
        ValueKind.BOOLEAN,
        ValueKind.UUID,
        ValueKind.DATE,
        ValueKind.DATETIME,
        ValueKind.TIMESTAMP,
    }
)


class InsertsAtOnce:
    """Makes and keeps such statements for one plan."""

    def __init__(self, plan: WritePlan, dialect: Dialect, statements: WriteStatements) -> None:
        self.plan = plan
        self.dialect = dialect
        self.statements = statements
        self.possible = dialect.engine == "postgresql" and _is_possible(plan)
        self._made: dict[tuple[tuple[str, ...], bool], tuple[CompiledStatement, Encoder]] = {}

    def statement(self, rows: Sequence[Row], caller: Caller) -> Statement | None:
        """The statement that inserts these rows, or None when it takes a program.

        Each row of its result: the key, then the document of the row as text when the plan shows something.
        """
        if not self.possible or not rows or (self.plan.shape is Shape.OBJECT and len(rows) > 1):
            return None
        names = tuple(rows[0])
        if not names or any(tuple(row) != names for row in rows[1:]):
            return None
        place = (names, len(rows) == 1)
        made = self._made.get(place)
        if made is None:
            made = self._made[place] = self._make(*place)
        statement, encode = made
        return statement.bind(encode(rows), caller)

    def _make(self, names: tuple[str, ...], is_one: bool) -> tuple[CompiledStatement, Encoder]:
        fields = [self.plan.resource.fields[name] for name in names]
        by_values = is_one and all(field.kind in _ALIKE for field in fields)
        build, into = self.statements.inserting(names, by_values=by_values)
        returned = list(self.statements.key())
        if self.plan.answer is not None:
            returned.append(self._document(build, self.plan.answer))
        checks = [check.expression for check in (*self.plan.checks, *self.plan.readable)]
        if checks:
            returned.append(self._refusal(checks))
        statement = build.finish(into.returning(*returned))
        if not by_values:
            return statement, lambda rows: [rows_document(rows, fields)]
        encoders = [self.statements.encoder(field) for field in fields]
        return statement, lambda rows: [
            encode(value) for encode, value in zip(encoders, rows[0].values(), strict=True)
        ]

    def _refusal(self, checks: Sequence[Expression]) -> Expression:
        """1 for a row that passes. The key keeps the planner from working out the failure of another in advance."""
        key = sql_cast(self.statements.key()[0], Text())
        failure = sql_cast(literal_column("'refused: '").concat(key), Integer())
        return case((and_(true(), *checks), literal_column("1")), else_=failure)

    def _document(self, build: Build, answer: PlannedQuery) -> Expression:
        """The row as the caller sees it. SQLAlchemy correlates no subquery with the table of an INSERT."""
        alias = build.alias(answer)
        row = self.dialect.row_json(build.shown(answer, alias), "o").scalar_subquery()
        return sql_cast(self.statements.by_name(row, alias), Text())


def _is_possible(plan: WritePlan) -> bool:
    """Whether nothing that the checks and the answer read depends on the new rows being in place.

    They are not yet, for the statement that inserts them.
    """
    if plan.kind is not WriteKind.INSERT or plan.conflict is not None or plan.max_affected is not None:
        return False
    if plan.parameters or any(predicate.reads_other_rows for predicate in plan.predicates):
        return False
    answer = plan.answer
    if answer is None:
        return True
    if answer.order or answer.grouped or not answer.visible:
        return False
    if any(embed.inner or embed.spread for embed in answer.embeds):
        return False
    return all(plan.resource.table is not table for embed in _embeds(answer) for table in _tables(embed))


def _tables(embed: PlannedEmbed) -> Iterator[Any]:
    yield embed.query.resource.table
    if embed.relation.junction is not None:
        yield embed.relation.junction.resource.table


def _embeds(query: PlannedQuery) -> Iterator[PlannedEmbed]:
    """Every embed below a query, also those that only filter or order."""
    own = [item for item in query.items if isinstance(item, PlannedEmbed)]
    ordering = [term.embed for term in query.order if term.embed is not None]
    for embed in (*own, *query.embeds, *ordering):
        yield embed
        yield from _embeds(embed.query)
