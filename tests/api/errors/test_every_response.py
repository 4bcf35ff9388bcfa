"""Every refusal, from whatever layer, is one problem document with the request id and the security headers."""

from __future__ import annotations

import pytest

from tests.api.answers import FOUR_KEYS, PROBLEM_MEMBERS, SECURITY_HEADERS, problem
from tests.callers import CallerClient

REFUSALS: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("GET", "/nothing", {}, 404),
    ("GET", "/rest/v1/nothing", {}, 404),
    ("GET", "/rest/v1/ports/NOPE", {}, 404),
    ("GET", "/rest/v1/ports?nonsense=eq.1", {}, 400),
    ("GET", "/rest/v1/ports?offset=9", {"Prefer": "count=exact"}, 416),
    ("GET", "/rest/v1/ports", {"Accept": "image/png"}, 406),
    ("GET", "/rest/v1/ports", {"Authorization": "Bearer nonsense"}, 401),
    ("GET", "/rest/v1/voyages?select=id,ports(*)", {}, 300),
    ("GET", "/rest/v1/rpc/nothing", {}, 404),
    ("POST", "/rest/v1/ports/DEHAM", {}, 405),
    ("PUT", "/rest/v1/ports", {}, 405),
    ("TRACE", "/rest/v1/ports", {}, 405),
    ("PROPFIND", "/rest/v1/ports", {}, 405),
    ("POST", "/health/live", {}, 405),
    ("DELETE", "/openapi.json", {}, 405),
    ("POST", "/rest/v1/letters", {"Content-Type": "text/plain"}, 415),
    ("POST", "/rest/v1/ports", {}, 401),
    ("GET", "/rest/v1/ports?name=eq." + "x" * 20_000, {}, 414),
    ("GET", "/rest/v1/ports", {"X-Large": "x" * 40_000}, 431),
    ("GET", "/rest/v1/%2e%2e/secret", {}, 400),
)


@pytest.mark.parametrize(("method", "path", "headers", "status"), REFUSALS)
def test_a_refusal_is_a_problem_document(
    anonymous: CallerClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    body = b"{}" if method in ("POST", "PUT") else None
    response = anonymous.request(method, path, headers=headers, content=body)
    document = problem(response, status, response.json()["code"])
    assert document["title"]
    assert document["type"].startswith("urn:backstay:error:")
    if status == 405:
        assert response.headers["allow"]
    if status == 401:
        assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path", ["/rest/v1/ports", "/rest/v1/ports/DEHAM", "/health/live", "/openapi.json", "/docs"]
)
def test_a_success_has_the_headers_too(anonymous: CallerClient, path: str) -> None:
    response = anonymous.get(path)
    assert response.status_code == 200
    for header in (*SECURITY_HEADERS, "x-request-id"):
        assert header in response.headers


def test_every_request_has_its_own_id(anonymous: CallerClient) -> None:
    ids = {anonymous.get("/rest/v1/nothing").json()["request_id"] for _ in range(5)}
    assert len(ids) == 5


def test_a_client_that_takes_only_json_gets_the_same_document_as_json(anonymous: CallerClient) -> None:
    response = anonymous.get("/rest/v1/nothing", headers={"Accept": "application/json"})
    assert response.headers["content-type"] == "application/json"
    assert set(FOUR_KEYS) | set(PROBLEM_MEMBERS) <= set(response.json())
    response = anonymous.get("/rest/v1/nothing", headers={"Accept": "application/vnd.pgrst.object+json"})
    assert response.headers["content-type"] == "application/problem+json"


def test_what_a_client_sends_comes_back_as_text_and_never_as_a_header(anonymous: CallerClient) -> None:
    response = anonymous.get("/rest/v1/ports?<script>alert(1)</script>=eq.1")
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    response = anonymous.get("/rest/v1/ports?select=code%0d%0aX-Evil:%201")
    assert "x-evil" not in response.headers


def test_a_database_that_fails_is_no_secret_shared(anonymous: CallerClient) -> None:
    """A regular expression that only the database can refuse, a cast that fails on data: both 4xx, no driver text."""
    for path in ("ships?select=name::int", "ports?name=match.[[:nonsense:]]", "ports?name=imatch.(?i)x"):
        response = anonymous.get(f"/rest/v1/{path}")
        assert response.status_code in (200, 400), response.text
        if response.status_code == 400:
            problem(response, 400, response.json()["code"])
