"""Weak tags of lists: 304 while the very same list would be answered, and another tag otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

PORTS = "/rest/v1/ports?select=code,name&limit=3"


def test_a_list_that_did_not_change_is_304_without_a_body(anonymous: CallerClient) -> None:
    first = anonymous.get(PORTS, prefer="cursor")
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    assert first.headers["cache-control"] == "private, no-cache"
    again = anonymous.get(PORTS, prefer="cursor", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary", "content-location"):
        assert again.headers[name] == first.headers[name]
    assert "link" in again.headers
    assert "content-type" not in again.headers
    assert anonymous.get(PORTS, headers={"If-None-Match": tag.removeprefix("W/")}).status_code == 304
    assert anonymous.get(PORTS, headers={"If-None-Match": "*"}).status_code == 304
    assert anonymous.head(PORTS, headers={"If-None-Match": tag}).status_code == 304
    assert anonymous.head(PORTS).headers["etag"] == tag
    problem(anonymous.get(PORTS, headers={"If-None-Match": "no tag"}), 400, "bad_request")


def test_what_is_shown_differently_has_another_tag(anonymous: CallerClient, editor: CallerClient) -> None:
    options: tuple[dict[str, Any], ...] = (
        {},
        {"prefer": "count=exact"},
        {"headers": {"Accept": "text/csv"}},
        {"headers": {"Accept": "application/vnd.pgrst.array+json;nulls=stripped"}},
    )
    tags = [anonymous.get(PORTS, **each).headers["etag"] for each in options]
    tags.append(anonymous.get(f"{PORTS}&offset=1").headers["etag"])
    assert len(set(tags)) >= 4
    assert tags[0] not in tags[1:3]
    assert editor.patch("/rest/v1/ports?code=eq.DEHAM", {"name": "Hafen"}).status_code == 204
    changed = anonymous.get(PORTS, headers={"If-None-Match": tags[0]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tags[0]


@pytest.mark.parametrize("path", ["ports?order=name", "voyages?select=id"])
def test_equal_tags_tell_no_more_than_equal_lists(clients: dict[str, CallerClient], path: str) -> None:
    seen: dict[str, bytes] = {}
    for client in clients.values():
        response = client.get(f"/rest/v1/{path}")
        assert seen.setdefault(response.headers["etag"], response.content) == response.content
