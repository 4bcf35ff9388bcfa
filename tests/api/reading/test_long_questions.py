"""Questions in a body: `QUERY` at a table, and `POST` to its `query`; answered as the same question in an address."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import pytest
from httpx import Response

from tests.api.answers import problem
from tests.api.harbour import Harbour
from tests.callers import CallerClient

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
QUESTIONS = (
    "",
    "select=code,nations(name)&order=name.desc&limit=2",
    "name=ilike.*b*&depth=not.is.null",
    "name=eq." + quote("100% Nowhere_\\"),
    "or=(depth.gt.14,and(code.eq.XXNOW,depth.is.null))&select=code",
    "code=in.(" + ",".join(f"DE{number:03}" for number in range(2000)) + ",DEHAM)",
)


def asked(
    client: CallerClient,
    form: str,
    question: str,
    address: str = "",
    *,
    prefer: str | None = None,
    headers: Mapping[str, str] = {},  # nobody changes it
) -> Response:
    method, path = ("QUERY", "/rest/v1/ports") if form == "QUERY" else ("POST", "/rest/v1/ports/query")
    sent = {**FORM, **headers}
    return client.request(method, path + address, content=question.encode(), headers=sent, prefer=prefer)


@pytest.mark.parametrize("form", ["QUERY", "POST"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_it_is_answered_as_get_answers_it(
    app: Harbour, clients: dict[str, CallerClient], form: str, question: str
) -> None:
    for name in ("anonymous", "editor"):
        client = clients[name]
        single = client.get(f"/rest/v1/ports?{question}", prefer="count=exact")
        with app.counting() as statements:
            response = asked(client, form, question, prefer="count=exact")
        assert len(statements) == 1
        assert (response.status_code, response.content) == (single.status_code, single.content)
        names = {"content-type", "content-range", "preference-applied", "vary"}
        if len(question) < 8000:
            names.add("content-location")
        assert {name: response.headers.get(name) for name in names} == {
            name: single.headers.get(name) for name in names
        }
        assert ("etag" in response.headers) is (form == "QUERY")


def test_address_and_body_are_one_question_and_pages_follow_by_link(anonymous: CallerClient) -> None:
    for form in ("QUERY", "POST"):
        found, address = [], "?limit=4&$after="
        while address:
            response = asked(anonymous, form, "select=code", address)
            found += [row["code"] for row in response.json()]
            address = response.headers.get("link", "").partition(">")[0].rpartition("?")[2]
            address = f"?{address}" if address else ""
        assert found == anonymous.values("/rest/v1/ports", "code")


def test_a_query_has_a_tag_and_csv_and_one_object(anonymous: CallerClient) -> None:
    first = asked(anonymous, "QUERY", "limit=2")
    again = asked(anonymous, "QUERY", "limit=2", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert (
        asked(anonymous, "POST", "select=code&limit=1", headers={"Accept": "text/csv"}).text == "code\nDEBRV"
    )
    single = {"Accept": "application/vnd.pgrst.object+json"}
    problem(asked(anonymous, "POST", "limit=2", headers=single), 406, "PGRST116")


@pytest.mark.parametrize("form", ["QUERY", "POST"])
def test_what_is_no_question_is_refused(anonymous: CallerClient, form: str) -> None:
    for media in ("application/json", "text/plain", ""):
        problem(
            asked(anonymous, form, "limit=1", headers={"Content-Type": media}), 415, "unsupported_media_type"
        )
    problem(asked(anonymous, form, "depth=deep"), 400, "PGRST100")
    problem(asked(anonymous, form, "earnings=eq.1"), 400, "42703")
    problem(asked(anonymous, form, "name=eq.%00"), 400, "22021")
    problem(asked(anonymous, form, "&".join("code=eq.x" for _ in range(1001))), 400, "54000")
    path = "/rest/v1/vaults" if form == "QUERY" else "/rest/v1/vaults/query"
    problem(anonymous.request(form, path, content=b"", headers=FORM), 404, "PGRST205")


def test_queries_are_for_tables_only_and_rows_called_query_stay_rows(
    anonymous: CallerClient, editor: CallerClient
) -> None:
    problem(anonymous.request("QUERY", "/rest/v1/ports/DEHAM", content=b"", headers=FORM), 405, "PGRST117")
    assert anonymous.request("QUERY", "/health/live", content=b"", headers=FORM).status_code in (404, 405)
    problem(anonymous.post("/rest/v1/ports/DEHAM", {}), 405, "PGRST117")
    assert editor.put("/rest/v1/ports/query", {"name": "Query"}).status_code == 201
    assert anonymous.rows("/rest/v1/ports/query")["name"] == "Query"
    assert editor.delete("/rest/v1/ports/query").status_code == 204
    allowed = anonymous.request("OPTIONS", "/rest/v1/ports")
    assert "QUERY" in allowed.headers["allow"]
    assert allowed.headers["accept-query"] == '"application/x-www-form-urlencoded"'
