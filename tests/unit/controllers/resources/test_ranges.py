"""Row ranges, `Content-Range` and the status of reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.controllers.resources.query_string import QueryStringParser
from backstay.controllers.resources.ranges import (
    RowRange,
    content_range,
    parse_range,
    read_status,
    with_range,
)
from backstay.errors import BackstayError

REVERSED = "The lower boundary must be lower than or equal to the upper boundary in the Range header."


def test_ranges_of_items() -> None:
    assert parse_range(None) is None
    assert parse_range(b"0-9", b"items") == RowRange(0, 9)
    assert parse_range(b"10-") == RowRange(10, None)
    assert parse_range(b"items=5-5") == RowRange(5, 5)
    assert parse_range(b"0-9999999999999999999") == RowRange(0, 2**63 - 1)


def test_ranges_of_other_units_are_ignored() -> None:
    assert parse_range(b"bytes=0-100") is None
    assert parse_range(b"0-9", b"bytes") is None


@pytest.mark.parametrize("header", [b"", b"-5", b"a-b", b"0-9,20-29", b"0..9", b"0-9\n", b"9999999999999999999-",
                                    b"0" * 20 + b"-", b"1-" + b"9" * 5000, b"\xb2-3"])  # fmt: skip
def test_what_is_no_range_is_refused(header: bytes) -> None:
    with pytest.raises(BackstayError) as caught:
        parse_range(header)
    assert caught.value.code == "PGRST103"


def test_a_reversed_range_is_refused() -> None:
    with pytest.raises(BackstayError) as caught:
        parse_range(b"9-0")
    assert (caught.value.code, caught.value.details) == ("PGRST103", REVERSED)


@pytest.mark.parametrize(
    ("query", "rows", "offset", "limit"),
    [
        (b"", RowRange(0, 9), 0, 10),
        (b"", RowRange(7, None), 7, None),
        (b"limit=5", RowRange(0, 9), 0, 5),
        (b"limit=20&offset=5", RowRange(0, 9), 5, 5),
        (b"offset=3", RowRange(10, 12), 10, 3),
        (b"a=eq.x&limit=20", RowRange(15, None), 15, 5),
        (b"", RowRange(0, 2**63 - 1), 0, 2**63 - 1),
    ],
)
def test_a_range_and_the_window_of_the_query_are_intersected(
    query: bytes, rows: RowRange, offset: int, limit: int | None
) -> None:
    parsed = with_range(QueryStringParser().parse(query), rows)
    assert parsed.query.offset is not None
    assert parsed.values[parsed.query.offset] == offset
    assert (None if parsed.query.limit is None else parsed.values[parsed.query.limit]) == limit


def test_ranges_of_the_same_kind_give_equal_structures() -> None:
    parsed = QueryStringParser().parse(b"a=eq.1")
    one, two = with_range(parsed, RowRange(0, 9)), with_range(parsed, RowRange(10, 19))
    assert one.query == two.query
    assert one.shape_hash == two.shape_hash
    assert with_range(parsed, None) is parsed


def test_nothing_in_common_is_refused_but_limit_zero_is_legal() -> None:
    parser = QueryStringParser()
    with pytest.raises(BackstayError) as caught:
        with_range(parser.parse(b"limit=5"), RowRange(5, 9))
    assert (caught.value.code, caught.value.details) == ("PGRST103", REVERSED)
    nothing = parser.parse(b"limit=0")
    assert with_range(nothing, RowRange(5, 9)) is nothing


def test_content_range_and_status() -> None:
    cases = [
        (0, 10, 100, "0-9/100", 206), (0, 10, None, "0-9/*", 200), (0, 0, 0, "*/0", 200), (0, 0, None, "*/*", 200),
        (90, 10, 100, "90-99/100", 206), (0, 3, 3, "0-2/3", 200), (100, 0, 100, "*/100", 206), (0, 0, 5, "*/5", 206),
    ]  # fmt: skip
    for offset, returned, total, header, status in cases:
        assert content_range(offset, returned, total) == header
        assert read_status(offset, returned, total) == status


def test_an_offset_beyond_the_last_row_is_refused() -> None:
    with pytest.raises(BackstayError) as caught:
        read_status(101, 0, 100)
    assert caught.value.code == "PGRST103"
    assert caught.value.details == "An offset of 101 was requested, but there are only 100 rows."


@given(st.binary(max_size=60))
def test_any_bytes_are_a_range_or_refused(header: bytes) -> None:
    code = "accepted"
    try:
        parse_range(header)
    except BackstayError as error:
        code = error.code
    assert code in {"accepted", "PGRST103"}
