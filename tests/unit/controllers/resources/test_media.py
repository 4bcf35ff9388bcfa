"""`Accept` and `Content-Type`."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.controllers.resources.media import (
    CSV_LINES,
    JSON_ARRAY,
    JSON_OBJECT,
    STRIPPED_ARRAY,
    STRIPPED_OBJECT,
    AnswerMedia,
    BodyForm,
    body_form,
    negotiate,
)
from backstay.errors import BackstayError


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, JSON_ARRAY), (b"", JSON_ARRAY), (b"*/*", JSON_ARRAY), (b"application/*", JSON_ARRAY),
        (b"Application/JSON", JSON_ARRAY), (b"application/json; charset=utf-8", JSON_ARRAY),
        (b"application/vnd.pgrst.array+json", JSON_ARRAY), (b"text/csv", CSV_LINES), (b"text/*", CSV_LINES),
        (b"application/vnd.pgrst.object+json", JSON_OBJECT), (b"application/vnd.pgrst.object", JSON_OBJECT),
        (b"text/html, */*;q=0.1", JSON_ARRAY), (b"text/csv;q=0.5, application/json;q=0.4", CSV_LINES),
        (b"text/csv, application/json", CSV_LINES), (b"application/json, text/csv", JSON_ARRAY),
        (b"application/json;q=0, */*", CSV_LINES), (b"application/json;q=0.2, */*;q=0.9", CSV_LINES),
        (b"application/vnd.pgrst.object+json;nulls=stripped, application/json", STRIPPED_OBJECT),
        (b"application/vnd.pgrst.array+json; Nulls=stripped", STRIPPED_ARRAY),
        (b"application/vnd.pgrst.object;nulls=stripped;q=0.2, application/json", JSON_ARRAY),
        (b"garbage, ;;, application/json", JSON_ARRAY),
        (b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON_ARRAY),
    ],
)  # fmt: skip
def test_the_best_available_form_is_chosen(accept: bytes | None, media: AnswerMedia) -> None:
    assert negotiate(accept) is media


@pytest.mark.parametrize(
    "accept",
    [b"text/html", b"application/json;q=0", b"application/json;q=2", b"*/*;q=0.0", b"application/geo+json", b"garbage",
     b"application/vnd.pgrst.array+json;nulls=kept", b"text/csv;nulls=stripped", b"application/vnd.pgrst.plan+json", b"application/ json"],
)  # fmt: skip
def test_what_is_not_available_is_named(accept: bytes) -> None:
    with pytest.raises(BackstayError) as caught:
        negotiate(accept)
    assert caught.value.code == "PGRST107"
    assert caught.value.message == f"None of these media types are available: {accept.decode()}"


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"application/json; charset=utf-8", b'Application/JSON;charset="UTF-8"',
     b"application/vnd.pgrst.object+json", b"application/vnd.pgrst.array", b"application/problem+json"],
)  # fmt: skip
def test_json_in_utf8_is_accepted(content_type: bytes) -> None:
    assert body_form(content_type) is BodyForm.JSON


def test_csv_and_forms_are_told_apart() -> None:
    assert body_form(b"text/csv; charset=utf-8; header=present") is BodyForm.CSV
    assert body_form(b"application/x-www-form-urlencoded") is BodyForm.FIELDS


@pytest.mark.parametrize(
    "content_type",
    [None, b"", b"text/plain", b"text/csv;charset=latin-1", b"multipart/form-data; boundary=x", b"text/json",
     b"application/json; charset=latin-1", b"application/json;charset=utf-8;charset=utf-16", b"application/jsonp",
     b"text/plain, application/json", b"application/json, text/plain", b"json", b"text/x+json", b"application/"],
)  # fmt: skip
def test_other_bodies_are_refused(content_type: bytes | None) -> None:
    with pytest.raises(BackstayError) as caught:
        body_form(content_type)
    assert caught.value.code == "unsupported_media_type"


@given(st.binary(max_size=100))
def test_any_bytes_are_negotiated_or_refused(value: bytes) -> None:
    for check in (negotiate, body_form):
        code, message = "accepted", ""
        try:
            check(value)
        except BackstayError as error:
            code, message = error.code, error.message
        assert code in {"accepted", "PGRST107", "unsupported_media_type"}
        assert message.isprintable()


@pytest.mark.parametrize("unit", [b",", b";", b"a/b,", b"a/b;q=0.1,", b"=", b'"'])
def test_time_grows_linearly_with_hostile_headers(unit: bytes) -> None:
    started = time.perf_counter()
    for check in (negotiate, body_form):
        with pytest.raises(BackstayError):
            check(unit * 30_000)
    assert time.perf_counter() - started < 1
