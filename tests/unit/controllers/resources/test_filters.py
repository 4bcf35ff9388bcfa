"""Filter values and logic trees."""

from __future__ import annotations

from typing import Any

import pytest

from backstay.controllers.resources.filters import Operation, parse_logic, parse_operation
from backstay.models.resources.request import ColumnPath, Filter, IsValue, Logic, Operator, Quantifier


@pytest.mark.parametrize(
    ("text", "operation", "literal"),
    [
        ("eq.", Operation(Operator.EQ), ""),
        ('eq."x"', Operation(Operator.EQ), '"x"'),
        ("not.eq.a.b,c)", Operation(Operator.EQ, negated=True), "a.b,c)"),
        ("eq.not.null", Operation(Operator.EQ), "not.null"),
        ("cs.{a,b}", Operation(Operator.CONTAINS), "{a,b}"),
        ('cd.{"a": [1]}', Operation(Operator.CONTAINED), '{"a": [1]}'),
        ("ov.[1,3)", Operation(Operator.OVERLAPS), "[1,3)"),
        ("isdistinct.5", Operation(Operator.ISDISTINCT), "5"),
        ("fts.a & b", Operation(Operator.FTS), "a & b"),
        ("not.wfts(english).x y", Operation(Operator.WEB_FTS, negated=True, config="english"), "x y"),
        ("in.()", Operation(Operator.IN), ()),
        ("in.( )", Operation(Operator.IN), ()),
        ('in.("")', Operation(Operator.IN), ("",)),
        ("in.(,)", Operation(Operator.IN), ("", "")),
        ("in.(a,b c,(d)", Operation(Operator.IN), ("a", "b c", "(d")),
        ('not.in.("a,b",")",c)', Operation(Operator.IN, negated=True), ("a,b", ")", "c")),
        (r'in.("a\"b","c\\d")', Operation(Operator.IN), ('a"b', r"c\d")),
        ('in.("x" y,z"w)', Operation(Operator.IN), ('"x" y', 'z"w')),
        ('in.("é\n")', Operation(Operator.IN), ("é\n",)),
        ("like(any).{a*,b c}", Operation(Operator.LIKE, quantifier=Quantifier.ANY), ("a*", "b c")),
        (r'eq(all).{ "a,b" , c\,d}', Operation(Operator.EQ, quantifier=Quantifier.ALL), ("a,b", "c,d")),
        ("eq(any).{}", Operation(Operator.EQ, quantifier=Quantifier.ANY), ()),
        ('not.gt(any).{""}', Operation(Operator.GT, negated=True, quantifier=Quantifier.ANY), ("",)),
        ("is.NULL", Operation(Operator.IS, is_value=IsValue.NULL), None),
        ("not.is.Not_Null", Operation(Operator.IS, negated=True, is_value=IsValue.NOT_NULL), None),
        ("is.unknown", Operation(Operator.IS, is_value=IsValue.UNKNOWN), None),
    ],
)
def test_a_filter_is_an_operation_and_a_literal(
    text: str, operation: Operation, literal: str | tuple[str, ...] | None
) -> None:
    assert parse_operation(text) == (operation, literal)


@pytest.mark.parametrize("operator", [item for item in Operator if item not in (Operator.IN, Operator.IS)])
def test_every_operator_of_the_protocol_takes_a_text(operator: Operator) -> None:
    assert parse_operation(f"not.{operator}.v") == (Operation(operator, negated=True), "v")


def a_filter(name: str, operator: Operator, slot: int | None, **more: Any) -> Filter:
    return Filter(ColumnPath(name), operator, slot, **more)


def test_a_tree_counts_its_slots_from_the_first_one_given() -> None:
    text = '(a.eq.1,not.and(b.not.in.(x,"y,)"),c.is.null), or(d.like(any).{p,"q)"},e.cs.{"k":{"l":[1,2]}}))'
    logic, literals = parse_logic(text, conjunction=False, negated=True, first_slot=7)
    assert literals == ["1", ("x", "y,)"), ("p", "q)"), '{"k":{"l":[1,2]}}']
    assert logic == Logic(
        conjunction=False,
        negated=True,
        items=(
            a_filter("a", Operator.EQ, 7),
            Logic(
                conjunction=True,
                negated=True,
                items=(
                    a_filter("b", Operator.IN, 8, negated=True),
                    a_filter("c", Operator.IS, None, is_value=IsValue.NULL),
                ),
            ),
            Logic(
                conjunction=False,
                items=(
                    a_filter("d", Operator.LIKE, 9, quantifier=Quantifier.ANY),
                    a_filter("e", Operator.CONTAINS, 10),
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("(a.eq.)", ""), ('(a.eq."")', ""), ('(a.eq."x,)(")', "x,)("), (r'(a.eq."\"\\")', '"\\'), ("(a.eq.x.y:z)", "x.y:z"),
        ('(a.eq."x"y)', '"x"y'), ("(a.cs.{1,2})", "{1,2}"), ('(a.cs.{"}"})', '{"}"}'), ("(a.eq.(x)", "(x"),
        ("(a.eq. x )", " x "), ("(and.eq.1)", "1"), ("(not.eq.1)", "1"),
    ],
)  # fmt: skip
def test_a_value_in_a_tree_ends_at_a_delimiter_unless_quoted_or_in_braces(text: str, literal: str) -> None:
    assert parse_logic(text, conjunction=True, negated=False, first_slot=0)[1] == [literal]
