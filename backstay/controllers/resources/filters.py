"""Conditions: the value of a filter parameter (`not.eq.5`), and the trees of `and` and `or`.

In charge of telling an operator from its literal, and of the quoting inside lists and trees. Not in charge of what a
literal means: the planner knows the column's type. Literals leave here as text, or as tuples of text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backstay.controllers.resources.scan import QUOTED, Scanner, unescaped
from backstay.models.resources.request import (
    ColumnPath,
    Condition,
    Filter,
    IsValue,
    Logic,
    Operator,
    Quantifier,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """Everything of a filter but its column and its literal."""

    operator: Operator
    negated: bool = False
    quantifier: Quantifier | None = None
    is_value: IsValue | None = None
    config: str | None = None

    @property
    def has_literal(self) -> bool:
        """False for `is` alone, whose right side is part of the structure."""
        return self.is_value is None


# The operators that take their literal as it stands, by the word before the first dot of a filter.
PLAIN_OPERATIONS: Mapping[str, Operation] = {
    str(operator): Operation(operator) for operator in Operator if operator not in (Operator.IN, Operator.IS)
}

_OPERATORS: Mapping[str, Operator] = {str(operator): operator for operator in Operator}
_QUANTIFIED = frozenset(
    {
        Operator.EQ,
        Operator.GT,
        Operator.GTE,
        Operator.LT,
        Operator.LTE,
        Operator.LIKE,
        Operator.ILIKE,
        Operator.MATCH,
        Operator.IMATCH,
    }
)
_SEARCHES = frozenset({Operator.FTS, Operator.PLAIN_FTS, Operator.PHRASE_FTS, Operator.WEB_FTS})
_IS_VALUES: Mapping[str, IsValue] = {str(value): value for value in IsValue}

_WORD = re.compile(r"[a-z]++")
_IS_WORD = re.compile(r"[A-Za-z_]++")
_QUANTIFIER = re.compile(r"any|all")
_CONFIG = re.compile(r"[A-Za-z0-9_]++")
_LIST_TEXT = re.compile(r"[^,)]*+")
_ARRAY_TEXT = re.compile(r'(?:[^,{}"\\]++|\\.)*+', re.DOTALL)
_BRACE = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}"]', re.DOTALL)
_BRANCH = re.compile(r"(not\.)?(and|or)(?=\()")


def parse_operation(text: str) -> tuple[Operation, str | tuple[str, ...] | None]:
    """A filter parameter's value, as its operation and its literal (None for `is`).

    Raises:
        BackstayError: PGRST100.
    """
    scanner = Scanner("filter", text)
    operation = _operation(scanner)
    if not operation.has_literal:
        scanner.expect_end()
        return operation, None
    if operation.operator is Operator.IN:
        literal = _list(scanner)
    elif operation.quantifier is not None:
        literal = _array(scanner)
    else:
        return operation, text[scanner.position :]
    scanner.expect_end()
    return operation, literal


def parse_logic(text: str, conjunction: bool, negated: bool, first_slot: int) -> tuple[Logic, list[Any]]:
    """The tree of an `and` or `or` parameter, `(a.eq.1,or(b.lt.2,c.is.null))`, and its literals in slot order.

    Raises:
        BackstayError: PGRST100 for its grammar, 54000 for its size.
    """
    scanner = Scanner("logic tree", text)
    literals: list[Any] = []
    items = _branch(scanner, literals, first_slot, depth=1)
    scanner.expect_end()
    return Logic(conjunction, items, negated), literals


def placed(operation: Operation, column: ColumnPath, slot: int | None) -> Filter:
    """The filter that applies `operation` to `column`, its literal in `slot`."""
    return Filter(
        column,
        operation.operator,
        slot,
        operation.negated,
        operation.quantifier,
        operation.is_value,
        operation.config,
    )


def _operation(scanner: Scanner) -> Operation:
    start = scanner.position
    negated = scanner.take("not.")
    word = scanner.match(_WORD)
    operator = _OPERATORS.get(word.group()) if word else None
    if operator is None or not (scanner.next_is(".") or scanner.next_is("(")):
        scanner.position = start
        raise scanner.error("an operator (eq, gt, in, is, ...) and a dot")
    if operator is Operator.IS:
        return Operation(operator, negated, is_value=_is_value(scanner))
    quantifier: Quantifier | None = None
    config: str | None = None
    if scanner.take("("):
        if operator in _QUANTIFIED:
            quantifier = Quantifier(_word(scanner, _QUANTIFIER, "'any' or 'all'"))
        elif operator in _SEARCHES:
            config = _word(scanner, _CONFIG, "a text search configuration")
        else:
            raise scanner.error("'.'")
        scanner.expect(")")
    scanner.expect(".")
    return Operation(operator, negated, quantifier, None, config)


def _word(scanner: Scanner, pattern: re.Pattern[str], expected: str) -> str:
    found = scanner.match(pattern)
    if found is None:
        raise scanner.error(expected)
    return found.group()


def _is_value(scanner: Scanner) -> IsValue:
    scanner.expect(".")
    start = scanner.position
    word = scanner.match(_IS_WORD)
    value = _IS_VALUES.get(word.group().lower()) if word else None
    if value is None:
        scanner.position = start
        raise scanner.error("null, not_null, true, false or unknown")
    return value


def _list(scanner: Scanner) -> tuple[str, ...]:
    """`(a,"b,c",d)`. Only `()` is empty: `("")` holds one empty text."""
    scanner.expect("(")
    scanner.skip_spaces()
    text, start = scanner.text, scanner.position
    end = text.find(")", start)
    if end < 0:
        scanner.position = len(text)
        raise scanner.error("')'")
    if text.find('"', start, end) < 0:
        scanner.position = end + 1
        scanner.skip_spaces()
        return tuple(text[start:end].split(",")) if end > start else ()
    elements = [_delimited(scanner)]
    while scanner.take(","):
        elements.append(_delimited(scanner))
    scanner.expect(")")
    scanner.skip_spaces()
    return tuple(elements)


def _delimited(scanner: Scanner) -> str:
    """A quoted text, or everything before the next `,` or `)`.

    A quoted text with something after it counts as bare: clients quote only what holds a delimiter. Looking twice
    stays linear, because the quote that opens an element always closes a quoted text begun before it.
    """
    text, start = scanner.text, scanner.position
    quoted = QUOTED.match(text, start)
    if quoted is not None and text[quoted.end() : quoted.end() + 1] in (",", ")"):
        scanner.position = quoted.end()
        return unescaped(quoted.group(1))
    bare = scanner.match(_LIST_TEXT)
    return bare.group() if bare else ""


def _array(scanner: Scanner) -> tuple[str, ...]:
    """`{a,"b c"}`, as the database writes a flat array."""
    scanner.expect("{")
    scanner.skip_spaces()
    if scanner.take("}"):
        return ()
    elements = [_array_element(scanner)]
    while scanner.take(","):
        elements.append(_array_element(scanner))
    if not scanner.take("}"):
        raise scanner.error("',' or '}'")
    return tuple(elements)


def _array_element(scanner: Scanner) -> str:
    scanner.skip_spaces()
    quoted = scanner.match(QUOTED)
    if quoted is not None:
        scanner.skip_spaces()
        return unescaped(quoted.group(1))
    bare = scanner.match(_ARRAY_TEXT)
    element = unescaped(bare.group().strip(" ")) if bare else ""
    if not element:
        raise scanner.error("a value")
    return element


def _branch(scanner: Scanner, literals: list[Any], first_slot: int, depth: int) -> tuple[Condition, ...]:
    scanner.skip_spaces()
    scanner.expect("(")
    items = [_item(scanner, literals, first_slot, depth)]
    while scanner.take(","):
        items.append(_item(scanner, literals, first_slot, depth))
    if not scanner.take(")"):
        raise scanner.error("',' or ')'")
    scanner.skip_spaces()
    return tuple(items)


def _item(scanner: Scanner, literals: list[Any], first_slot: int, depth: int) -> Condition:
    scanner.count_item(depth)
    scanner.skip_spaces()
    branch = scanner.match(_BRANCH)
    if branch is not None:
        items = _branch(scanner, literals, first_slot, depth + 1)
        return Logic(branch.group(2) == "and", items, negated=branch.group(1) is not None)
    column = scanner.column()
    scanner.expect(".")
    operation = _operation(scanner)
    slot: int | None = None
    if operation.has_literal:
        slot = first_slot + len(literals)
        literals.append(_tree_literal(scanner, operation))
    scanner.skip_spaces()
    return placed(operation, column, slot)


def _tree_literal(scanner: Scanner, operation: Operation) -> str | tuple[str, ...]:
    if operation.operator is Operator.IN:
        return _list(scanner)
    if operation.quantifier is not None:
        return _array(scanner)
    if scanner.next_is("{"):
        return _braced(scanner)
    return _delimited(scanner)


def _braced(scanner: Scanner) -> str:
    """An array or a JSON object inside a tree, as it stands: everything up to the brace that closes the first."""
    start, depth = scanner.position, 0
    for token in _BRACE.finditer(scanner.text, start):
        mark = token.group()
        if mark == '"':
            break
        depth += (mark == "{") - (mark == "}")
        if depth == 0:
            scanner.position = token.end()
            return scanner.text[start : token.end()]
    raise scanner.error("'{' with the '}' that closes it")
