"""The forms of an answer: JSON, CSV, one object, HEAD."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

PORTS = "/rest/v1/ports"
CSV = {"Accept": "text/csv"}
OBJECT = {"Accept": "application/vnd.pgrst.object+json"}


def test_json_is_the_usual_form(anonymous: CallerClient) -> None:
    for accept in ("*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8"):
        response = anonymous.get(PORTS, headers={"Accept": accept})
        assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_csv_has_a_header_and_quotes_what_needs_it(anonymous: CallerClient) -> None:
    response = anonymous.get(f"{PORTS}?select=code,name,depth,tags&code=in.(DEHAM,XXNOW)", headers=CSV)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.text.splitlines() == [
        "code,name,depth,tags",
        'DEHAM,Hamburg,15.1,"[""river"",""a b"",""c,d""]"',
        "XXNOW,100% Nowhere_\\,,",
    ]


def test_csv_shows_no_column_that_json_does_not(anonymous: CallerClient, alice: CallerClient) -> None:
    text = anonymous.get("/rest/v1/voyages", headers=CSV).text
    assert "100.50" not in text
    assert "secret" not in text
    assert "earnings" not in anonymous.get(PORTS, headers=CSV).text
    assert "100.50" in alice.get("/rest/v1/voyages", headers=CSV).text


def test_csv_of_no_rows_has_no_rows(anonymous: CallerClient) -> None:
    response = anonymous.get(f"{PORTS}?code=eq.NOPE", headers=CSV)
    assert response.status_code == 200
    assert "DEHAM" not in response.text


def test_one_row_is_an_object_when_asked_for(anonymous: CallerClient) -> None:
    response = anonymous.get(f"{PORTS}?code=eq.DEHAM&select=code", headers=OBJECT)
    assert response.text == '{"code":"DEHAM"}'
    assert response.headers["content-type"].startswith("application/vnd.pgrst.object+json")


@pytest.mark.parametrize(("query", "count"), [("code=eq.NOPE", 0), ("nation_code=eq.DE", 2)])
def test_no_row_and_two_rows_are_no_object(anonymous: CallerClient, query: str, count: int) -> None:
    document = problem(anonymous.get(f"{PORTS}?{query}", headers=OBJECT), 406, "PGRST116")
    assert document["details"] == f"The result contains {count} rows"


@pytest.mark.parametrize("accept", ["application/xml", "image/png", "text/plain", "application/json;q=0"])
def test_what_cannot_be_made_is_406(anonymous: CallerClient, accept: str) -> None:
    problem(anonymous.get(PORTS, headers={"Accept": accept}), 406, "PGRST107")


@pytest.mark.parametrize("query", ["", "?select=code&limit=2", "?code=eq.NOPE"])
def test_head_has_the_headers_of_get_and_no_body(anonymous: CallerClient, query: str) -> None:
    get, head = anonymous.get(PORTS + query), anonymous.head(PORTS + query)
    assert head.content == b""
    for name in ("content-type", "content-range", "content-length", "vary"):
        assert head.headers.get(name) == get.headers.get(name), name
    assert head.status_code == get.status_code


def test_head_of_a_refusal_has_no_body(anonymous: CallerClient) -> None:
    response = anonymous.head(f"{PORTS}?nonsense=eq.1")
    assert (response.status_code, response.content) == (400, b"")
    assert anonymous.head("/rest/v1/nothing").status_code == 404


def test_the_schema_public_is_always_a_valid_name(anonymous: CallerClient) -> None:
    assert anonymous.get(PORTS, headers={"Accept-Profile": "public"}).status_code == 200
    problem(anonymous.get(PORTS, headers={"Accept-Profile": "private"}), 406, "PGRST106")


def test_options_says_what_is_allowed(anonymous: CallerClient) -> None:
    response = anonymous.request("OPTIONS", PORTS)
    assert response.status_code == 200
    assert {"GET", "POST", "PATCH", "DELETE"} <= set(response.headers["allow"].replace(" ", "").split(","))


def test_other_methods_are_405_with_allow(anonymous: CallerClient) -> None:
    response = anonymous.put(PORTS, {})
    assert response.status_code in (405, 400)
    assert response.json()["code"] in ("PGRST117", "PGRST105")
