"""JSON bodies: the language, the limits, and rows."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.controllers.resources.json_body import decode_json, rows_of
from backstay.errors import BackstayError

VECTORS = Path(__file__).resolve().parents[5] / "shared" / "vectors" / "json"

# JSON by its grammar, refused as 422 for meaning two things.
REPEATED_KEYS = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}


def refusal(body: bytes) -> BackstayError:
    with pytest.raises(BackstayError) as caught:
        decode_json(body)
    return caught.value


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the public vectors are not here")
@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: str(path.name))
def test_public_vectors(path: Path) -> None:
    code: str | None = None
    try:
        decode_json(path.read_bytes())
    except BackstayError as error:
        code = error.code
    if path.name.startswith("y_"):
        assert code == ("unprocessable" if path.name in REPEATED_KEYS else None)
    elif path.name.startswith("n_"):
        assert code == "PGRST102"
    else:
        assert code in (None, "PGRST102")


def test_numbers_stay_exact() -> None:
    assert decode_json(b"[1, -0, 0.10, 1e2, 12345678901234567890]") == [
        1, 0, Decimal("0.10"), Decimal("1E+2"), 12345678901234567890,
    ]  # fmt: skip
    assert isinstance(decode_json(b"1.0"), Decimal)


@pytest.mark.parametrize(
    "body",
    [b"NaN", b"[Infinity]", b'{"a":-Infinity}', b"1e1000000", b"1e-1000000", b"0e99999", b"1e99999999999999999999999",
     b"9" * 401, b"-" + b"9" * 5000, b"0." + b"1" * 500, b"1." + b"0" * 900_000],
)  # fmt: skip
def test_number_bombs_are_refused(body: bytes) -> None:
    assert refusal(body).code == "PGRST102"


def test_large_but_honest_numbers_are_kept() -> None:
    assert decode_json(b"9" * 400) == 10**400 - 1
    assert decode_json(b"1.7976931348623157e308") == Decimal("1.7976931348623157e308")
    assert decode_json(b"-2.2250738585072014e-308") == Decimal("-2.2250738585072014e-308")


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"\xef\xbb\xbf{}", "{}".encode("utf-16"), '"a"'.encode("utf-16-le"), b'"\xff"', b'"\xc0\x80"',
     b'"\xed\xa0\x80"', b'"\\ud800"', b'{"\\udc00":1}', b'[["\\ud83d x"]]', b'"a\x00"', b"{'a':1}", b'{"a":1,}'],
)  # fmt: skip
def test_other_encodings_and_almost_json_are_refused(body: bytes) -> None:
    error = refusal(body)
    assert (error.code, error.message) == ("PGRST102", "Empty or invalid json")
    assert error.details


def test_escapes_that_are_text_are_accepted() -> None:
    assert decode_json(rb'"\ud83d\ude00\u0000\\ud800\uffff"') == "\U0001f600\x00\\ud800\uffff"


def test_a_repeated_key_is_refused_at_any_depth() -> None:
    for body in (b'{"a":1,"a":2}', b'[{"x":{"a":1,"\\u0061":2}}]'):
        assert refusal(body).code == "unprocessable"


def test_depth_is_limited_to_64_and_brackets_in_strings_do_not_count() -> None:
    assert decode_json(b"[" * 64 + b"]" * 64)
    assert refusal(b"[" * 65 + b"]" * 65).code == "PGRST102"
    assert refusal(b'{"a":' * 65 + b"1" + b"}" * 65).code == "PGRST102"
    assert decode_json(json.dumps(["[" * 500, '\\"{' * 500]).encode())
    assert decode_json(b"[" + b",".join([b"[]"] * 1000) + b"]")


def test_keys_of_an_object_are_limited_to_1000() -> None:
    assert len(decode_json(json.dumps({str(n): n for n in range(1000)}).encode())) == 1000
    assert refusal(json.dumps({str(n): n for n in range(1001)}).encode()).code == "PGRST102"


@pytest.mark.parametrize(
    "unit", [b'"', b'\\"', b"[", b"]", b"[]", b'"[', b"\\", b"{", b'{"a":', b"\\u", b"1", b"1e", b"-"]
)
def test_time_grows_linearly_with_hostile_bodies(unit: bytes) -> None:
    started = time.perf_counter()
    for body in (
        unit * (1_000_000 // len(unit)),
        b'"' + unit * (1_000_000 // len(unit)),
        b"[" * 70 + unit * 100_000,
    ):
        try:
            decode_json(body)
        except BackstayError:
            continue
    # Some 0.2 s at worst; a quadratic search would take hours.
    assert time.perf_counter() - started < 4


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES, st.booleans())
def test_whatever_is_encoded_is_decoded_the_same(value: Any, ascii_only: bool) -> None:
    assert decode_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=80))
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    code = "accepted"
    try:
        decode_json(body)
    except BackstayError as error:
        code = error.code
    assert code in {"accepted", "PGRST102", "unprocessable"}


def test_rows() -> None:
    assert rows_of({"a": 1}) == [{"a": 1}]
    assert rows_of([{"a": 1, "b": 2}, {"b": 3, "a": 4}]) == [{"a": 1, "b": 2}, {"b": 3, "a": 4}]
    assert rows_of([]) == []
    assert rows_of([{}, {}]) == [{}, {}]


def test_rows_have_the_same_keys_unless_columns_are_given() -> None:
    with pytest.raises(BackstayError) as caught:
        rows_of([{"a": 1}, {"b": 1}])
    assert (caught.value.code, caught.value.message) == ("PGRST102", "All object keys must match")
    assert rows_of([{"a": 1}, {"b": 1}], columns=("a",)) == [{"a": 1}, {"b": 1}]


@pytest.mark.parametrize("body", [1, "x", None, True, [1], [{}, 1], [[{}]]])
def test_what_is_not_rows_is_refused(body: Any) -> None:
    for columns in (None, ("a",)):
        with pytest.raises(BackstayError) as caught:
            rows_of(body, columns)
        assert caught.value.code == "PGRST102"
