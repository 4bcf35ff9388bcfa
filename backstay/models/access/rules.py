"""Access rules: a boolean SQLAlchemy expression over a model's columns and the caller, and its folding.

`Rule.fold(caller)` answers true or false when the row does not matter for this caller, and a `Predicate` when it
does. Folding follows SQL's three-valued logic: a term of the caller that is absent is null, a comparison with null
is null, and a rule that comes out null does not hold.

Both steps are cached by the caller's *signature* (which tests hold, which values are absent), so for the thousandth
caller of a kind a fold is one dictionary look-up, and all callers of a kind share one compiled statement.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, not_, null, or_, true
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import (
    AsBoolean,
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ExpressionClauseList,
    False_,
    Grouping,
    Null,
    True_,
    UnaryExpression,
)
from sqlalchemy.sql.util import _deep_deannotate
from sqlalchemy.types import NullType, String

from backstay.models.access.caller import Caller
from backstay.models.access.terms import CallerTerm

Signature = tuple[bool, ...]
Expression = ColumnElement[Any]
RuleSource = bool | Expression | Callable[[], "bool | Expression"]

_bind_numbers = itertools.count()
_NULL_IS_DECISIVE = frozenset(
    {operators.is_, operators.is_not, operators.is_distinct_from, operators.is_not_distinct_from}
)


class Predicate:
    """What is left of a rule for one kind of caller: a condition on the row.

    A value to be combined and passed on; only the SQL compiler opens it. Two predicates are the same when they are
    the same object, which folding's cache makes true for the same rule and kind of caller.
    """

    __slots__ = ("binds", "expression", "reads_other_rows")

    def __init__(self, expression: Expression, binds: Mapping[str, CallerTerm]) -> None:
        self.expression = expression
        self.binds = tuple(binds.items())
        self.reads_other_rows = any(
            isinstance(part, Select) or part.__visit_name__ in {"select", "exists", "scalar_select"}
            for part in visitors.iterate(expression)
        )

    def values(self, caller: Caller) -> dict[str, Any]:
        """The values of this caller that the predicate's bind parameters stand for."""
        return {name: term_value(term, caller) for name, term in self.binds}

    def __repr__(self) -> str:
        return f"Predicate({self.expression})"


class Rule:
    """One access rule: true, false, or an expression over columns and the caller.

    Raises:
        TypeError: when the source is no boolean and no SQL expression.
    """

    def __init__(self, source: RuleSource) -> None:
        self.expression = _as_expression(source)
        self.terms = _terms(self.expression)
        self._folds: dict[Signature, bool | Predicate] = {}

    def fold(self, caller: Caller) -> bool | Predicate:
        """True, false, or the condition on the row that is left for this caller."""
        if caller.bypasses_rules:
            return True
        return self.fold_where(tuple(signature_of(term, caller) for term in self.terms))

    def fold_where(self, signature: Signature) -> bool | Predicate:
        """The same for all callers for whom each of the rule's terms holds, or has a value, as `signature` says."""
        outcome = self._folds.get(signature)
        if outcome is None:
            outcome = self._folds[signature] = self._fold(signature)
        return outcome

    def judge(self, known: Callable[[CallerTerm], bool | None]) -> bool | Predicate | None:
        """Fold for whoever `known` tells of: does the test hold, is the value there; None leaves a term as it is.

        None where SQL's logic gives null, which under a negation is not false. For people: not cached, and a predicate
        with terms in it is no SQL.
        """
        folding = _Folding({id(term): known(term) for term in self.terms})
        left = folding.fold(self.expression)
        if isinstance(left, True_ | False_ | Null):
            return None if isinstance(left, Null) else isinstance(left, True_)
        return Predicate(left, folding.binds)

    @property
    def is_never(self) -> bool:
        """True when it holds for nobody and no row."""
        return isinstance(self.expression, False_)

    def _fold(self, signature: Signature) -> bool | Predicate:
        folding = _Folding(dict(zip(map(id, self.terms), signature, strict=True)))
        left = folding.fold(self.expression)
        if isinstance(left, True_):
            return True
        if isinstance(left, False_ | Null):
            return False
        return Predicate(left, folding.binds)

    def __repr__(self) -> str:
        return f"Rule({self.expression})"


class Conjunction(Rule):
    """Several rules that must all hold. Each is folded by itself: one that cannot hold for a caller settles it."""

    def __init__(self, parts: Sequence[Rule]) -> None:
        self.parts = tuple(parts)
        self.expression = and_(*(part.expression for part in self.parts))
        self.terms = tuple({id(term): term for part in self.parts for term in part.terms}.values())
        self._folds = {}

    @property
    def is_never(self) -> bool:
        """True when one of them holds for nobody and no row."""
        return any(part.is_never for part in self.parts)

    def _fold(self, signature: Signature) -> bool | Predicate:
        known = dict(zip(map(id, self.terms), signature, strict=True))
        outcomes = [part._fold(tuple(known[id(term)] for term in part.terms)) for part in self.parts]
        left = [outcome for outcome in outcomes if isinstance(outcome, Predicate)]
        if any(outcome is False for outcome in outcomes):
            return False
        if not left:
            return True
        binds = {name: term for predicate in left for name, term in predicate.binds}
        return Predicate(and_(*(predicate.expression for predicate in left)), binds)


class _Folding:
    """One folding: which terms hold or are absent, and the bind parameters made for those that are neither."""

    def __init__(self, signature: Mapping[int, bool | None]) -> None:
        self.signature = signature
        self.binds: dict[str, CallerTerm] = {}

    def fold(self, element: Expression) -> Expression:
        if isinstance(element, CallerTerm):
            return self._term(element)
        if isinstance(element, Grouping):
            return self.fold(cast(Expression, element.element))
        if isinstance(element, BooleanClauseList | ExpressionClauseList):
            return self._clauses(element)
        if isinstance(element, AsBoolean):
            return self._as_boolean(element)
        if isinstance(element, UnaryExpression) and element.operator is operators.inv:
            return _negate(self.fold(element.element))
        if isinstance(element, BinaryExpression):
            return self._comparison(element)
        return self._substitute(element)

    def _term(self, term: CallerTerm) -> Expression:
        known = self.signature[id(term)]
        if known is None:
            return term
        if term.is_test:
            return true() if known else false()
        if not known:
            return null()
        name = f"caller_{next(_bind_numbers)}"
        self.binds[name] = term
        return bindparam(name, type_=term.type)

    def _clauses(self, element: Any) -> Expression:
        parts = [self.fold(clause) for clause in element.clauses]
        if element.operator is operators.and_:
            return _conjunction(parts)
        if element.operator is operators.or_:
            return _disjunction(parts)
        return self._substitute(element)

    def _as_boolean(self, element: AsBoolean) -> Expression:
        inner = self.fold(element.element)
        if isinstance(inner, True_ | False_ | Null):
            return _negate(inner) if element.operator is operators.is_false else inner
        return element if inner is element.element else self._substitute(element)

    def _comparison(self, element: BinaryExpression[Any]) -> Expression:
        sides = [self.fold(element.left), self.fold(element.right)]
        absent = [isinstance(side, Null) for side in sides]
        if element.operator not in _NULL_IS_DECISIVE:
            if any(absent):
                return null()
        elif all(absent):
            holds = element.operator in (operators.is_, operators.is_not_distinct_from)
            return true() if holds else false()
        return self._rebuild(element, sides)

    def _rebuild(self, element: BinaryExpression[Any], sides: list[Expression]) -> Expression:
        if sides[0] is element.left and sides[1] is element.right:
            return element
        copy = element._clone()
        copy.left = sides[0]
        copy.right = sides[1]
        return cast(Expression, copy)

    def _substitute(self, element: Expression) -> Expression:
        def replace(part: Any, **_: Any) -> Any:
            return self._term(part) if isinstance(part, CallerTerm) else None

        return visitors.replacement_traverse(element, {}, cast(Any, replace))


def _negate(element: Expression) -> Expression:
    if isinstance(element, True_):
        return false()
    if isinstance(element, False_):
        return true()
    return element if isinstance(element, Null) else not_(element)


def _conjunction(parts: Iterable[Expression]) -> Expression:
    left = [part for part in parts if not isinstance(part, True_)]
    if any(isinstance(part, False_) for part in left):
        return false()
    if not left:
        return true()
    if all(isinstance(part, Null) for part in left):
        return null()
    return left[0] if len(left) == 1 else and_(*left)


def _disjunction(parts: Iterable[Expression]) -> Expression:
    parts = list(parts)
    if any(isinstance(part, True_) for part in parts):
        return true()
    # Null and false differ only under a negation, where null must stay null.
    left = [part for part in parts if not isinstance(part, False_)]
    if not left:
        return false()
    if all(isinstance(part, Null) for part in left):
        return null()
    return left[0] if len(left) == 1 else or_(*left)


def _as_expression(source: RuleSource) -> Expression:
    if (
        callable(source)
        and not hasattr(source, "__clause_element__")
        and not isinstance(source, ColumnElement)
    ):
        source = source()
    if isinstance(source, bool):
        return true() if source else false()
    element = source.__clause_element__() if hasattr(source, "__clause_element__") else source
    if not isinstance(element, ColumnElement):
        raise TypeError(f"a rule is True, False or an expression over columns and the caller, not {source!r}")
    # The ORM marks what `has()` and `any()` return as not to be rewritten; folding and aliasing must reach into it.
    # Removing the marks leaves parts shared with the user's expression, which may stand in several rules: copy them.
    return _typed(visitors.cloned_traverse(_deep_deannotate(element), {}, {}))


def _typed(element: Expression) -> Expression:
    """Give a claim that is compared with a column the column's type, so that it is read and bound as one."""
    for part in visitors.iterate(element):
        if isinstance(part, BinaryExpression):
            for one, other in ((part.left, part.right), (part.right, part.left)):
                is_typed = not isinstance(other, BindParameter) and not isinstance(other.type, NullType)
                if isinstance(one, CallerTerm) and isinstance(one.type, String) and is_typed:
                    one.type = other.type
    return element


def _terms(element: Expression) -> tuple[CallerTerm, ...]:
    found = {id(part): part for part in visitors.iterate(element) if isinstance(part, CallerTerm)}
    return tuple(found.values())


def signature_of(term: CallerTerm, caller: Caller) -> bool:
    """Whether the test holds for the caller, or they have the value."""
    value = term_value(term, caller)
    return bool(value) if term.is_test else value is not None


def term_value(term: CallerTerm, caller: Caller) -> Any:
    """The caller's value for a term in the term's own type; None when absent or of another type."""
    value = term.read(caller)
    if value is None:
        return None
    wanted = term.type.python_type
    if wanted is UUID and isinstance(value, str):
        try:
            return UUID(value)
        except ValueError:
            return None
    return value if isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool)) else None


class Access:
    """The access rules of one model: `class TripAccess(Access, model=Trip)`.

    Attributes:
        read, create, update, delete: true, false, an expression, or a function without arguments that returns one
            (for rules that name a model defined later). What is not given is false. `create` holds for the row as
            it will be; `update` for the row as it is and as it will be.
        fields: expression by column; where it does not hold, the column is hidden (false for this caller) or masked
            with null (false for this row).
    """

    model: ClassVar[type]
    read: ClassVar[Any] = False
    create: ClassVar[Any] = False
    update: ClassVar[Any] = False
    delete: ClassVar[Any] = False
    fields: ClassVar[Mapping[Any, Any]] = {}

    registry: ClassVar[dict[type, type[Access]]] = {}

    def __init_subclass__(cls, *, model: type | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if model is None:
            return
        other = Access.registry.get(model)
        if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(
                f"{model.__name__} has access rules already, in {other.__module__}.{other.__name__}"
            )
        cls.model = model
        Access.registry[model] = cls


class AccessRules:
    """The rules of one model, ready to fold. `DENY_ALL` for a model that has none."""

    def __init__(self, source: type[Access] | None) -> None:
        declared = source or Access
        self.declared = source is not None
        self.read = Rule(declared.__dict__.get("read", declared.read))
        self.create = Rule(declared.__dict__.get("create", declared.create))
        self.update = Rule(declared.__dict__.get("update", declared.update))
        self.delete = Rule(declared.__dict__.get("delete", declared.delete))
        self.fields = {attribute.key: Rule(rule) for attribute, rule in declared.fields.items()}
