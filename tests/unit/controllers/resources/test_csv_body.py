"""CSV and forms as bodies."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.controllers.resources.csv_body import csv_rows
from backstay.controllers.resources.form_body import form_row
from backstay.errors import BackstayError


def test_nothing_and_a_bare_null_are_null_and_quoted_ones_are_text() -> None:
    rows = csv_rows(b'\xef\xbb\xbfa,b,c\r\n,"",x\n\n\rNULL,"NULL",null\r"1,\r\n""2""",  , y')
    assert rows == [
        {"a": None, "b": "", "c": "x"},
        {"a": None, "b": "NULL", "c": "null"},
        {"a": '1,\r\n"2"', "b": "  ", "c": " y"},
    ]


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2), max_size=5))
def test_what_is_written_is_read(table: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *table])
    assert csv_rows(text.getvalue().encode()) == [{"a": one, "b": other} for one, other in table]


@given(st.binary(max_size=60))
def test_any_bytes_give_rows_or_a_refusal(body: bytes) -> None:
    for read in (csv_rows, form_row):
        code = "accepted"
        try:
            read(body)
        except BackstayError as error:
            code = error.code
        assert code in {"accepted", "PGRST102", "unprocessable"}


@pytest.mark.parametrize("unit", ["a", ",", '"', '""', "\n", "a\n", '"a', ",\n", "\r", "%", "&", "a=&", "+"])
def test_hostile_bodies_take_linear_time(unit: str) -> None:
    started = time.perf_counter()
    for head in ("", "name\n", 'name\n"'):
        body = (head + unit * (1_000_000 // len(unit))).encode()
        for read in (csv_rows, form_row):
            code = "accepted"
            try:
                read(body)
            except BackstayError as error:
                code = error.code
            assert code in {"accepted", "PGRST102", "unprocessable"}
    assert time.perf_counter() - started < 2
