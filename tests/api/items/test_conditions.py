"""Entity tags and the conditions that name them (RFC 9110 section 13)."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.api.seed import voyage_id
from tests.callers import CallerClient

SHIP = "/rest/v1/ships/1"
OTHER_TAG = '"0123456789abcdef"'


def test_the_tag_follows_the_content(editor: CallerClient) -> None:
    first = editor.get(SHIP).headers["etag"]
    assert editor.get(SHIP).headers["etag"] == first
    editor.patch(SHIP, {"tons": 501})
    assert editor.get(SHIP).headers["etag"] != first
    assert editor.get(f"{SHIP}?select=name").headers["etag"] != first


@pytest.mark.parametrize("form", ["{0}", "W/{0}", '"x", {0}', "*", '{0} , "y"'])
def test_what_the_caller_has_already_is_304(anonymous: CallerClient, form: str) -> None:
    tag = anonymous.get(SHIP).headers["etag"]
    response = anonymous.get(SHIP, headers={"If-None-Match": form.format(tag)})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == tag
    assert "cache-control" in response.headers
    assert "vary" in response.headers


def test_what_the_caller_has_not_is_200(anonymous: CallerClient) -> None:
    response = anonymous.get(SHIP, headers={"If-None-Match": OTHER_TAG})
    assert response.status_code == 200
    assert response.json()["name"] == "Anna"


def test_a_304_never_tells_a_stranger_that_a_row_is_there(bob: CallerClient) -> None:
    response = bob.get(f"/rest/v1/voyages/{voyage_id(2)}", headers={"If-None-Match": "*"})
    assert response.status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_a_write_with_another_tag_is_412_and_changes_nothing(editor: CallerClient, method: str) -> None:
    before = editor.get("/rest/v1/ships/4").json()
    body = None if method == "DELETE" else {"name": "Zora"}
    for condition in (OTHER_TAG, f"W/{editor.get('/rest/v1/ships/4').headers['etag']}"):
        response = editor.request(method, "/rest/v1/ships/4", json=body, headers={"If-Match": condition})
        problem(response, 412, "precondition_failed")
    assert editor.get("/rest/v1/ships/4").json() == before


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("any_row", [True, False])
def test_a_write_with_the_rows_tag_is_done(editor: CallerClient, method: str, any_row: bool) -> None:
    tag = "*" if any_row else editor.get("/rest/v1/ships/4").headers["etag"]
    body = None if method == "DELETE" else {"name": "Zora"}
    response = editor.request(method, "/rest/v1/ships/4", json=body, headers={"If-Match": tag})
    assert response.status_code in (200, 204), response.text
    found = editor.values("/rest/v1/ships?id=eq.4", "name")
    assert found == ([] if method == "DELETE" else ["Zora"])


def test_the_tag_of_a_write_is_that_of_the_next_read(editor: CallerClient) -> None:
    response = editor.patch(SHIP, {"tons": 501}, prefer="return=representation")
    assert response.headers["etag"] == editor.get(SHIP).headers["etag"]
    response = editor.put(SHIP, {"name": "Anna"}, prefer="return=representation")
    assert response.headers["etag"] == editor.get(SHIP).headers["etag"]


@pytest.mark.parametrize("condition", ["abc", '"open', "", '"a" "b"', 'w/"a"'])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_malformed_condition_is_refused_or_ignored_and_nothing_is_lost(
    editor: CallerClient, condition: str, method: str
) -> None:
    header = "If-None-Match" if method == "GET" else "If-Match"
    body = {"tons": 3} if method == "PATCH" else None
    response = editor.request(method, SHIP, json=body, headers={header: condition})
    assert response.status_code in ((200, 400) if method == "GET" else (400, 412))
    assert editor.get(SHIP).json()["tons"] == 500


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_if_match_on_a_row_that_is_not_there(editor: CallerClient, method: str) -> None:
    body = None if method == "DELETE" else {"name": "Zora"}
    response = editor.request(method, "/rest/v1/ships/99", json=body, headers={"If-Match": OTHER_TAG})
    assert response.status_code in (404, 412)
    assert editor.rows("/rest/v1/ships?id=eq.99") == []


def test_a_reference_tag_of_somebody_elses_view_does_not_help(alice: CallerClient, bob: CallerClient) -> None:
    path = f"/rest/v1/voyages/{voyage_id(1)}"
    tag = bob.get(path).headers["etag"]
    response = bob.patch(path, {"rank": 3}, headers={"If-Match": tag})
    problem(response, 403, "42501")
    assert alice.get(path).json()["rank"] == 1
