"""What every answer of the API must look like: assertions shared by the API tests."""

from __future__ import annotations

from typing import Any

import httpx

SECURITY_HEADERS = (
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-resource-policy",
    "x-frame-options",
)
FOUR_KEYS = ("code", "message", "details", "hint")
PROBLEM_MEMBERS = ("type", "title", "status", "detail", "instance", "request_id")
# Words of a driver, a dialect or a traceback: none belongs in an answer.
INTERNALS = (
    "sqlite3",
    "asyncpg",
    "sqlalchemy",
    "Traceback",
    'File "',
    "backstay/",
    "SELECT ",
    "INSERT INTO",
    "$1",
)


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a refusal with that status and code, all of its form checked."""
    shown = f"{response.request.method} {response.request.url}: {response.status_code} {response.text[:500]}"
    assert response.status_code == status, shown
    assert response.headers["content-type"] in ("application/problem+json", "application/json"), shown
    document: dict[str, Any] = response.json()
    assert document["code"] == code, shown
    for key in (*FOUR_KEYS, *PROBLEM_MEMBERS):
        assert key in document, f"{key} is missing: {shown}"
    assert document["status"] == status
    assert document["message"] == document["detail"]
    assert document["request_id"] == response.headers["x-request-id"]
    assert document["instance"] == response.request.url.raw_path.decode().partition("?")[0] or "%" in str(
        response.request.url
    )
    for header in SECURITY_HEADERS:
        assert header in response.headers, f"{header} is missing: {shown}"
    for word in INTERNALS:
        assert word not in response.text, shown
    return document


def details_of(document: dict[str, Any]) -> dict[str, str]:
    """Code by path of a validation problem, each with a sentence."""
    assert all(item["message"] for item in document["details"])
    return {item["path"]: item["code"] for item in document["details"]}
