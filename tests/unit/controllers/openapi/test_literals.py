"""What the document says may be sent is what the parser and the reader of literals accept."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backstay.controllers.openapi.literals import filter_pattern, key_pattern, search_pattern
from backstay.controllers.openapi.parameters import component_parameters, filter_fields
from backstay.controllers.resources.filters import parse_operation, placed
from backstay.controllers.resources.ordering import parse_order
from backstay.controllers.resources.select import parse_select
from backstay.models.bounds import check_keywords
from backstay.models.catalog import Field
from backstay.models.resources.plan import Parameter, Reference
from backstay.models.resources.request import ColumnPath
from backstay.services.resources.literals import read_scalar, read_values
from backstay.services.resources.operators import check_operator, form_of, search_form
from tests.unit.controllers.openapi import sample

CATALOG = sample.catalog()
FIELDS = filter_fields(CATALOG.resources["everything"])


@pytest.mark.parametrize("field", FIELDS, ids=[field.name for field in FIELDS])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_every_filter_that_fits_its_pattern_is_accepted(field: Field, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(filter_pattern(field), fullmatch=True))
    operation, literal = parse_operation(text)
    slot = None if literal is None else 0
    filter_ = placed(operation, ColumnPath(field.name), slot)
    reference = Reference(field)
    check_operator(reference, filter_)
    if literal is not None:
        form, of = form_of(reference, filter_)
        read_values([Parameter(0, form, of)], [literal])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_every_search_that_fits_its_pattern_is_accepted(data: st.DataObject) -> None:
    search = CATALOG.resources["airports"].searches["search"]
    operation, literal = parse_operation(data.draw(st.from_regex(search_pattern(search), fullmatch=True)))
    form = search_form(operation.operator)
    assert form is not None
    read_values([Parameter(0, form, None)], [literal])


@settings(max_examples=100, deadline=None, database=None)
@given(data=st.data())
def test_every_composite_key_that_fits_its_pattern_is_two_values(data: st.DataObject) -> None:
    key = CATALOG.resources["reviews"].primary_key
    parts = data.draw(st.from_regex(key_pattern(key), fullmatch=True)).split(",")
    assert len(parts) == len(key)
    for part, field in zip(parts, key, strict=True):
        read_scalar(part, field)


@pytest.mark.parametrize("table", ["airports", "trips", "reviews", "everything"])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_every_select_and_order_that_fits_its_pattern_is_parsed(table: str, data: st.DataObject) -> None:
    parameters = component_parameters(CATALOG.resources[table])
    parse_select(data.draw(st.from_regex(parameters[f"{table}.select"]["schema"]["pattern"], fullmatch=True)))
    parse_order(data.draw(st.from_regex(parameters[f"{table}.order"]["schema"]["pattern"], fullmatch=True)))


@pytest.mark.parametrize("number", [0, 1, -1, 9, 10, 32766, 32767, -32767, 12345, 29999])
def test_every_small_integer_fits_the_pattern_of_its_filter(number: int) -> None:
    small = CATALOG.resources["everything"].fields["small"]
    assert re.match(filter_pattern(small), f"eq.{number}")


@pytest.mark.parametrize("number", [32768, 99999, 100000])
def test_an_integer_out_of_range_does_not_fit(number: int) -> None:
    small = CATALOG.resources["everything"].fields["small"]
    assert not re.match(filter_pattern(small), f"eq.{number}")


def test_check_constraints_are_read_in_their_plain_forms() -> None:
    assert check_keywords(CATALOG.resources["reviews"]) == {
        "rating": {"minimum": 1, "maximum": 5},
        "state": {"enum": ["draft", "published"]},
    }
    assert check_keywords(CATALOG.resources["airports"]) == {"lat": {"minimum": -90, "maximum": 90}}
    assert check_keywords(CATALOG.resources["countries"]) == {"code": {"minLength": 2, "maxLength": 2}}
