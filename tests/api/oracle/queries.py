"""Random questions about a schema: mostly about what the caller sees, sometimes about what is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.api.oracle.grouping import ORDERED, SUMMED
from tests.api.oracle.models import Column
from tests.api.oracle.oracle import Eye
from tests.api.oracle.relations import Relation, relations
from tests.api.oracle.syntax import (
    Agg,
    Compare,
    Condition,
    Embedded,
    EmbedTest,
    IsTest,
    Item,
    Path,
    Query,
    Shown,
    Star,
    Term,
    Tree,
)
from tests.api.oracle.values import Kind, Random, random_value

CURIOSITY = 0.04
"""How often a name is taken from all there are, hidden ones included."""

_ORDERED = ("eq", "neq", "gt", "gte", "lt", "lte")
_QUANTIFIED = ("eq", "gt", "gte", "lt", "lte")
_PATTERNS = ("a%", "*b", "%", "_", "a_b", "%\\%", "a\\_b", "Ä%", "*@example.org", "A*", "", "%,%")
_REGEXES = ("^a", "b$", "[A-Z]", "a|b", "^$", "example\\.org", ".")
_STEPS: tuple[str | int, ...] = ("a", "b", 0, 1, -1, 2)
_CASTS = frozenset({Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN, Kind.UUID, Kind.ENUM})
_BAD = {Kind.INTEGER: "1.5", Kind.BOOLEAN: "maybe", Kind.UUID: "x", Kind.ENUM: "tiny", Kind.DECIMAL: "1,0"}


class Questioner:
    """Makes up questions for one caller."""

    def __init__(self, random: Random, eye: Eye) -> None:
        self.random = random
        self.eye = eye

    def table(self) -> str:
        """A table to ask about."""
        known = [name for name in self.eye.schema if self.eye.readable(name)]
        curious = not known or self.random.random() < CURIOSITY
        return self.random.choice(list(self.eye.schema) if curious else known)

    def query(self, table: str, depth: int = 0) -> Query:
        """A question about a table, and what is embedded in it."""
        items = self._items(table, depth)
        if self.random.random() < 0.2:
            return self._grouped(table, items, depth)
        where = tuple(self._condition(table, items, 2) for _ in range(self.random.choice((0, 1, 1, 2))))
        paged = self.random.random() < (0.35 if depth == 0 else 0.2)
        return Query(
            items=items,
            where=where,
            order=tuple(self._terms(table, items)),
            limit=self.random.choice((0, 1, 2, 3, 5, 50)) if paged else None,
            offset=self.random.choice((0, 1, 2, 7)) if paged and self.random.random() < 0.5 else None,
        )

    def _grouped(self, table: str, items: tuple[Item, ...], depth: int) -> Query:
        """The same with aggregates in it, mostly in an order that groups can have."""
        items = tuple(item for item in items if not isinstance(item, Star) or self.random.random() < 0.1)
        items += tuple(
            self._aggregate(table, f"g{number}") for number in range(self.random.choice((1, 1, 2)))
        )
        keys = [item for item in items if isinstance(item, Shown) and item.cast is None]
        terms = []
        if keys and self.random.random() < 0.5:
            chosen = self.random.choice(keys)
            terms.append(self._term(chosen.path, Kind.TEXT))
        elif self.random.random() < 0.03:
            terms.append(self._term(*self._path(table, text_only=True)))
        paged = self.random.random() < 0.25
        return Query(
            items=items,
            where=tuple(self._condition(table, items, 2) for _ in range(self.random.choice((0, 1)))),
            order=tuple(terms),
            limit=self.random.choice((0, 1, 2, 5)) if paged else None,
            offset=self.random.choice((0, 1)) if paged and depth else None,
        )

    def _aggregate(self, table: str, alias: str) -> Agg:
        if self.random.random() < 0.3:
            return Agg("count", None, Kind.INTEGER, alias)
        path, kind = self._path(table)
        functions = ["count"]
        functions += ["sum", "avg"] if kind in SUMMED else []
        functions += ["min", "max"] if kind in ORDERED else []
        return Agg(self.random.choice(functions), path, kind, alias)

    def _spread(self, relation: Relation, depth: int) -> Embedded:
        """What stands in the parent: under names of their own, aggregates only from one row."""
        aliases = f"s{depth}{self.random.randrange(10**6)}x"
        shown = [self._shown(relation.target, f"{aliases}{number}") for number in range(2)]
        items: list[Item] = [replace(one, alias=one.alias or f"{aliases}{n}c") for n, one in enumerate(shown)]
        if self.random.random() < 0.3 and depth < 3:
            nested = self._embed(relation.target, f"{aliases}e", depth + 1, within_many=not relation.is_one)
            items += [nested] if nested is not None else []
        if relation.is_one and self.random.random() < 0.25:
            items.append(self._aggregate(relation.target, f"{aliases}g"))
        found = tuple(items)
        where = (self._condition(relation.target, found, 1),) if self.random.random() < 0.3 else ()
        terms = () if relation.is_one else tuple(self._terms(relation.target, found))
        limit = self.random.choice((None, None, 1, 2)) if not relation.is_one else None
        return Embedded(
            self._relation_name(relation, among_columns=False),
            Query(found, where, terms, limit),
            None,
            self._hint(relation),
            spread=True,
        )

    def filter(self, table: str) -> Query:
        """Only conditions, for a write."""
        return Query(where=tuple(self._condition(table, (), 1) for _ in range(self.random.choice((1, 1, 2)))))

    def embeds_nothing(self, table: str) -> Query:
        """A question whose rows are flat: what a CSV can hold, or the answer to a write."""
        items = [item for item in self._items(table, depth=9) if isinstance(item, Star | Shown)]
        return Query(items=tuple(items))

    def _column(self, table: str) -> Column:
        known = self.eye.schema[table].readable
        seen = self.eye.names(table)
        curious = not seen or self.random.random() < CURIOSITY
        return known[self.random.choice(list(known) if curious else seen)]

    def _path(self, table: str, *, text_only: bool = False) -> tuple[Path, Kind]:
        column = self._column(table)
        if column.kind is not Kind.JSON:
            return Path(column.name), column.kind
        keys = [self.random.choice(_STEPS) for _ in range(self.random.choice((1, 1, 2)))]
        as_text = text_only or self.random.random() < 0.7
        steps = tuple((key, as_text and number == len(keys) - 1) for number, key in enumerate(keys))
        return Path(column.name, steps), Kind.TEXT if as_text else Kind.JSON

    def _items(self, table: str, depth: int) -> tuple[Item, ...]:
        items: list[Item] = []
        if self.random.random() < 0.4:
            items.append(Star())
        for number in range(self.random.choice((0, 1, 2, 3)) if items else self.random.choice((1, 2, 3))):
            items.append(self._shown(table, f"x{number}"))
        if depth < 3:
            for number in range(self.random.choice((0, 1, 1, 2) if depth == 0 else (0, 0, 1))):
                embed = self._embed(table, f"e{number}", depth)
                # A spread has no other name than its relation's.
                if embed is not None and all(
                    not isinstance(one, Embedded) or one.label != embed.label for one in items
                ):
                    items.append(embed)
        return tuple(items)

    def _shown(self, table: str, alias: str) -> Shown:
        column = self._column(table)
        if column.kind is Kind.JSON and self.random.random() < 0.6:
            path, _ = self._path(table)
            return Shown(path, alias)
        cast = "text" if column.kind in _CASTS and self.random.random() < 0.15 else None
        return Shown(Path(column.name), alias if cast or self.random.random() < 0.4 else None, cast)

    def _embed(self, table: str, alias: str, depth: int, *, within_many: bool = False) -> Embedded | None:
        known = relations(self.eye.schema, table)
        followed = [relation for relation in known if self.eye.follows(relation)]
        if not followed or self.random.random() < CURIOSITY:
            followed = known
        if not followed:
            return None
        relation = self.random.choice(followed)
        if not within_many and self.random.random() < 0.3:
            return self._spread(relation, depth)
        query = Query() if self.random.random() < 0.1 else self.query(relation.target, depth + 1)
        if relation.is_one:
            query = Query(query.items, query.where)
        inner = self.random.random() < 0.3 and query.limit is None
        return Embedded(self._relation_name(relation), query, alias, self._hint(relation), inner)

    def _relation_name(self, relation: Relation, *, among_columns: bool = True) -> str:
        """A name for it; in filters, that of a spread would hide a column of the same name."""
        columns = self.eye.schema[relation.source].columns
        names = sorted(
            name for name in relation.names if " " not in name and (among_columns or name not in columns)
        )
        if relation.attribute is not None:
            names.append(relation.attribute)
        return self.random.choice(names)

    def _hint(self, relation: Relation) -> str | None:
        return self.random.choice(sorted(relation.hints)) if self.random.random() < 0.75 else None

    def _condition(self, table: str, items: Sequence[Item], depth: int) -> Condition:
        form = self.random.random()
        embeds = [item for item in items if isinstance(item, Embedded) and item.query.limit is None]
        if embeds and form < 0.15:
            return EmbedTest(self.random.choice(embeds).label, self.random.random() < 0.5)
        if depth and form < 0.35:
            parts = tuple(
                self._condition(table, items, depth - 1) for _ in range(self.random.choice((1, 2, 3)))
            )
            return Tree(self.random.random() < 0.5, parts, self.random.random() < 0.25)
        path, kind = self._path(table)
        if form < 0.5:
            words = ["null", "not_null"] + (["true", "false", "unknown"] if kind is Kind.BOOLEAN else [])
            return IsTest(path, self.random.choice(words), self.random.random() < 0.3)
        return self._compare(path, kind, table)

    def _compare(self, path: Path, kind: Kind, table: str) -> Compare:
        negated = self.random.random() < 0.25
        if kind in _BAD and self.random.random() < 0.03:
            return Compare(path, kind, "eq", (), negated, bad=_BAD[kind])
        if kind is Kind.JSON:
            return Compare(
                path, kind, self.random.choice(("eq", "neq")), (random_value(self.random, kind),), negated
            )
        operators = ["in", "isdistinct", *_ORDERED]
        if kind is Kind.TEXT:
            operators += ["like", "ilike", "match", "imatch"]
        operator = self.random.choice(operators)
        listed = operator == "in" or (
            operator in (*_QUANTIFIED, "like", "ilike", "match", "imatch") and self.random.random() < 0.15
        )
        values = [
            self._literal(operator, path, kind, table)
            for _ in range(self.random.choice((0, 1, 2, 3)) if listed else 1)
        ]
        quantifier = self.random.choice(("any", "all")) if listed and operator != "in" else None
        return Compare(path, kind, operator, tuple(values), negated, quantifier)

    def _literal(self, operator: str, path: Path, kind: Kind, table: str) -> Any:
        if operator in ("like", "ilike"):
            return self.random.choice(_PATTERNS)
        if operator in ("match", "imatch"):
            return self.random.choice(_REGEXES)
        rows = self.eye.state[table]
        computed = self.eye.schema[table].computed
        if not path.steps and rows and self.random.random() < 0.7:
            # Values that exist, among them those of rows and cells that the caller must not see.
            row = self.random.choice(rows)
            value = computed[path.column].of(row) if path.column in computed else row[path.column]
            if value is not None:
                return value
        return random_value(self.random, kind)

    def _terms(self, table: str, items: Sequence[Item]) -> list[Term]:
        terms = []
        for _ in range(self.random.choice((0, 0, 1, 1, 2))):
            path, kind = self._path(table, text_only=True)
            terms.append(self._term(path, kind))
        for item in items:
            if isinstance(item, Embedded) and self.random.random() < 0.3:
                found = self.eye.resolve(table, item)
                if len(found) == 1 and (found[0].is_one or self.random.random() < 0.05):
                    path, kind = self._path(found[0].target, text_only=True)
                    terms.insert(0, self._term(path, kind, item.label))
        return terms

    def _term(self, path: Path, kind: Kind, relation: str | None = None) -> Term:
        return Term(
            path, kind, self.random.random() < 0.5, self.random.choice((None, None, True, False)), relation
        )
