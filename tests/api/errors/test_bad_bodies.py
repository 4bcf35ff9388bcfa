"""Bodies that are malformed, too deep, too large, of the wrong type or in the wrong encoding."""

from __future__ import annotations

import gzip

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

SPECIMENS = "/rest/v1/specimens"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "PGRST102"),
        (b"   ", 400, "PGRST102"),
        (b"{", 400, "PGRST102"),
        (b"{}{}", 400, "PGRST102"),
        (b"\xef\xbb\xbf{}", 400, "PGRST102"),
        ("{}".encode("utf-16"), 400, "PGRST102"),
        ("{}".encode("utf-16-be"), 400, "PGRST102"),
        ("{}".encode("utf-32"), 400, "PGRST102"),
        (b'{"text":"\xff"}', 400, "PGRST102"),
        (b'{"text":"\xc0\xaf"}', 400, "PGRST102"),
        (b'{"text":"\xed\xa0\x80"}', 400, "PGRST102"),
        (b'{"text":"\\ud800"}', 400, "PGRST102"),
        (b'{"\\udc00":1}', 400, "PGRST102"),
        (b'{"text":"a","text":"b"}', 422, "unprocessable"),
        (b'{"real":NaN}', 400, "PGRST102"),
        (b'{"real":Infinity}', 400, "PGRST102"),
        (b'{"real":-Infinity}', 400, "PGRST102"),
        (b'{"int64":' + b"9" * 5000 + b"}", 400, "PGRST102"),
        (b'{"exact":1e999999999}', 400, "PGRST102"),
        (b'{"exact":1e-999999999}', 400, "PGRST102"),
        (b"[" * 100_000, 400, "PGRST102"),
        (b'{"data":' + b"[" * 65 + b"]" * 65 + b"}", 400, "PGRST102"),
        (b'{"data":' + b'{"a":' * 500 + b"1" + b"}" * 501, 400, "PGRST102"),
        (b"{" + b",".join(b'"k%d":1' % number for number in range(1001)) + b"}", 400, "PGRST102"),
        (b'{"text":"' + b"x" * 1_100_000 + b'"}', 413, "body_too_large"),
    ],
    ids=lambda value: repr(value)[:30],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_body_that_is_no_body_is_refused(
    alice: CallerClient, method: str, body: bytes, status: int, code: str
) -> None:
    path = {"POST": SPECIMENS, "PATCH": f"{SPECIMENS}?id=eq.1", "PUT": f"{SPECIMENS}/1"}[method]
    problem(alice.request(method, path, content=body), status, code)
    assert alice.rows(SPECIMENS) == []


def test_a_body_just_deep_enough_is_kept(alice: CallerClient) -> None:
    body = b'{"data":' + b"[" * 60 + b"]" * 60 + b"}"
    assert alice.request("POST", SPECIMENS, content=body).status_code == 201
    assert alice.get(SPECIMENS).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "text/csv; charset=latin-1", "multipart/form-data; boundary=x",
     "application/json; charset=utf-16", "application/json; charset=latin-1", "nonsense", "", "text/json"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_body_of_another_type_is_415(alice: CallerClient, method: str, content_type: str) -> None:
    path = {"POST": SPECIMENS, "PATCH": f"{SPECIMENS}?id=eq.1", "PUT": f"{SPECIMENS}/1"}[method]
    response = alice.request(method, path, content=b"{}", headers={"Content-Type": content_type})
    problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "application/ld+json",
    ],
)
def test_json_by_any_of_its_names_is_read(alice: CallerClient, content_type: str) -> None:
    response = alice.request("POST", SPECIMENS, content=b"{}", headers={"Content-Type": content_type})
    assert response.status_code == 201


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "nonsense"])
def test_an_encoded_body_is_415(alice: CallerClient, encoding: str) -> None:
    body = gzip.compress(b"{}" + b" " * 100_000)
    response = alice.request("POST", SPECIMENS, content=body, headers={"Content-Encoding": encoding})
    problem(response, 415, "unsupported_media_type")
