"""Asking in GraphQL, for tests."""

from __future__ import annotations

from typing import Any

import httpx

from tests.callers import CallerClient

ADDRESS = "/graphql/v1"
MEDIA = "application/graphql-response+json"


def post(client: CallerClient, query: str | None, accept: str = MEDIA, **more: Any) -> httpx.Response:
    """One request; `variables`, `operationName` and `extensions` by name."""
    body = {**({} if query is None else {"query": query}), **more}
    return client.post(ADDRESS, body, headers={"Accept": accept})


def data(client: CallerClient, query: str, **variables: Any) -> Any:
    """What an operation that must go well answers."""
    response = post(client, query, variables=variables)
    document = response.json()
    assert response.status_code == 200, response.text
    assert "errors" not in document, response.text
    return document["data"]


def errors(client: CallerClient, query: str, **variables: Any) -> list[dict[str, Any]]:
    """The errors of an operation that must fail."""
    response = post(client, query, variables=variables)
    assert response.status_code in (200, 400), response.text
    found: list[dict[str, Any]] = response.json()["errors"]
    assert not response.json().get("data"), response.text
    return found


def code(client: CallerClient, query: str, **variables: Any) -> str:
    """The code of the first of them."""
    found: str = errors(client, query, **variables)[0]["extensions"]["code"]
    return found


def nodes(connection: Any) -> list[Any]:
    """The rows of a connection."""
    return [edge["node"] for edge in connection["edges"]]
