"""A question as a value, and how it is written in a query string."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.api.oracle.values import Kind, literal


@dataclass(frozen=True, slots=True)
class Path:
    """A column, or a place inside a JSON column: each step a key, and whether it ends in text."""

    column: str
    steps: tuple[tuple[str | int, bool], ...] = ()

    def __str__(self) -> str:
        return self.column + "".join(f"->{'>' if as_text else ''}{key}" for key, as_text in self.steps)

    @property
    def label(self) -> str:
        """What it is called in an answer."""
        return next((key for key, _ in reversed(self.steps) if isinstance(key, str)), self.column)


@dataclass(frozen=True, slots=True)
class Compare:
    """`path=not.operator(any).value`; `values` has one value, or those of a list. `bad` is a literal of no type."""

    path: Path
    kind: Kind
    operator: str
    values: tuple[Any, ...]
    negated: bool = False
    quantifier: str | None = None
    bad: str | None = None

    @property
    def is_list(self) -> bool:
        """True when the literal is written as a list."""
        return self.operator == "in" or self.quantifier is not None


@dataclass(frozen=True, slots=True)
class IsTest:
    """`path=not.is.null` and its kind."""

    path: Path
    word: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class EmbedTest:
    """`label=is.null`: whether an embed is empty."""

    label: str
    empty: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """`not.and(...)`."""

    conjunction: bool
    items: tuple[Condition, ...]
    negated: bool = False


Condition = Compare | IsTest | EmbedTest | Tree


@dataclass(frozen=True, slots=True)
class Star:
    """Every column that can be seen."""


@dataclass(frozen=True, slots=True)
class Shown:
    """`alias:path::cast`."""

    path: Path
    alias: str | None = None
    cast: str | None = None

    @property
    def label(self) -> str:
        """Its name in the answer."""
        return self.alias or self.path.label


@dataclass(frozen=True, slots=True)
class Agg:
    """`alias:path.function()`; `count()` without a path."""

    function: str
    path: Path | None
    kind: Kind
    alias: str | None = None

    @property
    def label(self) -> str:
        """Its name in the answer."""
        return self.alias or self.function


@dataclass(frozen=True, slots=True)
class Embedded:
    """`alias:relation!hint!inner(query)`, or `...relation!hint!inner(query)`."""

    relation: str
    query: Query
    alias: str | None = None
    hint: str | None = None
    inner: bool = False
    spread: bool = False

    @property
    def label(self) -> str:
        """Its name in the answer and in filters."""
        return self.alias or self.relation


Item = Star | Shown | Agg | Embedded


@dataclass(frozen=True, slots=True)
class Term:
    """One term of an order; `relation` is the label of an embed."""

    path: Path
    kind: Kind
    descending: bool = False
    nulls_first: bool | None = None
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of one table. No items stand for the default, everything."""

    items: tuple[Item, ...] = ()
    where: tuple[Condition, ...] = ()
    order: tuple[Term, ...] = ()
    limit: int | None = None
    offset: int | None = None


def depth(query: Query) -> int:
    """How deep embeds are nested."""
    return max((1 + depth(item.query) for item in query.items if isinstance(item, Embedded)), default=0)


def query_string(query: Query) -> str:
    """The query string, percent-encoded."""
    parameters = []
    if query.items:
        parameters.append(("select", _select(query.items)))
    parameters += _parameters(query, "")
    return "&".join(f"{quote(key, safe='.')}={quote(value, safe='.,()*:')}" for key, value in parameters)


def _select(items: tuple[Item, ...]) -> str:
    return ",".join(map(_item, items))


def _item(item: Item) -> str:
    if isinstance(item, Star):
        return "*"
    alias = f"{item.alias}:" if item.alias else ""
    if isinstance(item, Shown):
        return f"{alias}{item.path}" + (f"::{item.cast}" if item.cast else "")
    if isinstance(item, Agg):
        return f"{alias}{f'{item.path}.' if item.path else ''}{item.function}()"
    if item.spread:
        alias = "..."
    hint = f"!{item.hint}" if item.hint else ""
    return f"{alias}{item.relation}{hint}{'!inner' if item.inner else ''}({_select(item.query.items)})"


def _parameters(query: Query, prefix: str) -> Iterator[tuple[str, str]]:
    for condition in query.where:
        yield _parameter(condition, prefix)
    if query.order:
        yield f"{prefix}order", ",".join(map(_term, query.order))
    if query.limit is not None:
        yield f"{prefix}limit", str(query.limit)
    if query.offset is not None:
        yield f"{prefix}offset", str(query.offset)
    for item in query.items:
        if isinstance(item, Embedded):
            yield from _parameters(item.query, f"{prefix}{item.label}.")


def _parameter(condition: Condition, prefix: str) -> tuple[str, str]:
    if isinstance(condition, Tree):
        word = f"{'not.' if condition.negated else ''}{'and' if condition.conjunction else 'or'}"
        return f"{prefix}{word}", _branch(condition)
    name, operation = _operation(condition, quoted=False)
    return f"{prefix}{name}", operation


def _branch(tree: Tree) -> str:
    return "(" + ",".join(map(_branch_item, tree.items)) + ")"


def _branch_item(condition: Condition) -> str:
    if isinstance(condition, Tree):
        negation = "not." if condition.negated else ""
        return f"{negation}{'and' if condition.conjunction else 'or'}{_branch(condition)}"
    name, operation = _operation(condition, quoted=True)
    return f"{name}.{operation}"


def _operation(condition: Compare | IsTest | EmbedTest, *, quoted: bool) -> tuple[str, str]:
    if isinstance(condition, EmbedTest):
        return condition.label, "is.null" if condition.empty else "not.is.null"
    negation = "not." if condition.negated else ""
    if isinstance(condition, IsTest):
        return str(condition.path), f"{negation}is.{condition.word}"
    texts = [literal(value, condition.kind) for value in condition.values]
    if condition.bad is not None:
        texts = [condition.bad]
    if condition.operator == "in":
        written = "(" + ",".join(map(_quoted, texts)) + ")"
    elif condition.quantifier is not None:
        written = "{" + ",".join(map(_quoted, texts)) + "}"
    else:
        written = _quoted(texts[0]) if quoted else texts[0]
    quantifier = f"({condition.quantifier})" if condition.quantifier else ""
    return str(condition.path), f"{negation}{condition.operator}{quantifier}.{written}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _term(term: Term) -> str:
    name = f"{term.relation}({term.path})" if term.relation else str(term.path)
    nulls = {None: "", True: ".nullsfirst", False: ".nullslast"}[term.nulls_first]
    return f"{name}{'.desc' if term.descending else '.asc'}{nulls}"
