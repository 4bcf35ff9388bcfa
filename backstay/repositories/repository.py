"""`Repository`, the base of users' own queries: SQLAlchemy, with the access rules within reach.

In charge of putting the caller's rules into a statement of the user's; not of transactions, which the unit of work
opens, nor of deciding what a caller may do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    false,
    null,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql import visitors
from sqlalchemy.sql.util import _deep_deannotate

from backstay.models.access.caller import Caller
from backstay.models.access.rules import Access, AccessRules, Predicate
from backstay.models.types import portable

M = TypeVar("M")


class Repository:
    """Queries about one subject, on one session, for one caller."""

    def __init__(self, session: AsyncSession, caller: Caller) -> None:
        self.session = session
        self.caller = caller

    def readable(self, model: type[M]) -> Select[M]:
        """`select(model)` of the rows that this caller may read."""
        return select(model).where(self.may_read(model))

    def may_read(self, model: type[Any]) -> ColumnElement[bool]:
        """The condition that a row of the model is one this caller may read."""
        return self._condition(_rules(model).read.fold(self.caller))

    def visible(self, attribute: QueryableAttribute[Any]) -> ColumnElement[Any]:
        """The column as this caller sees it: null where its field rule does not hold.

        What is computed has the rules of the columns that it reads, too.
        """
        model = cast(type[Any], attribute.class_)
        rules = _rules(model).fields
        held = [rules[key] for key in (attribute.key, *_read_by(attribute, model)) if key in rules]
        if not held:
            return attribute.expression
        conditions = [self._condition(rule.fold(self.caller)) for rule in dict.fromkeys(held)]
        return case((and_(*conditions), attribute.expression), else_=null())

    def _condition(self, outcome: bool | Predicate) -> ColumnElement[bool]:
        if isinstance(outcome, Predicate):
            return _bound(outcome.expression, outcome.values(self.caller))
        return true() if outcome else false()


def _rules(model: type[Any]) -> AccessRules:
    return AccessRules(Access.registry.get(model))


def _read_by(attribute: QueryableAttribute[Any], model: type[Any]) -> Iterator[str]:
    """The attributes whose columns an attribute is worked out from."""
    table = model.__table__
    for part in visitors.iterate(_deep_deannotate(attribute.expression)):
        if isinstance(part, Column) and part.table is table:
            yield model.__mapper__.get_property_by_column(part).key


def _bound(expression: ColumnElement[bool], values: Mapping[str, Any]) -> ColumnElement[bool]:
    """A copy of the expression with the caller's values in it, in the form in which columns store them."""

    def replace(part: Any, **_: Any) -> Any:
        if isinstance(part, BindParameter) and part.key in values:
            return bindparam(None, values[part.key], type_=portable(part.type), unique=True)
        return None

    return visitors.replacement_traverse(expression, {}, cast(Any, replace))
