"""`limit`, `offset`, `Range`, counts and `Content-Range`."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.api.harbour import Harbour
from tests.callers import CallerClient

PORTS = "/rest/v1/ports"
EXACT = "count=exact"


@pytest.mark.parametrize(
    ("query", "prefer", "status", "place", "codes"),
    [
        ("", None, 200, "0-5/*", 6),
        ("limit=2", None, 200, "0-1/*", 2),
        ("limit=2&offset=3", None, 200, "3-4/*", 2),
        ("limit=0", None, 200, "*/*", 0),
        ("offset=6", None, 200, "*/*", 0),
        ("offset=100", None, 200, "*/*", 0),
        ("", EXACT, 200, "0-5/6", 6),
        ("limit=2", EXACT, 206, "0-1/6", 2),
        ("limit=2&offset=4", EXACT, 206, "4-5/6", 2),
        ("limit=0", EXACT, 206, "*/6", 0),
        ("offset=6", EXACT, 206, "*/6", 0),
        ("nation_code=eq.DE", EXACT, 200, "0-1/2", 2),
        ("nation_code=eq.ZZ", EXACT, 200, "*/0", 0),
    ],
)
def test_content_range_and_status_say_what_was_returned(
    anonymous: CallerClient, query: str, prefer: str | None, status: int, place: str, codes: int
) -> None:
    response = anonymous.get(f"{PORTS}?{query}", prefer=prefer)
    assert (response.status_code, response.headers["content-range"]) == (status, place)
    assert len(response.json()) == codes
    assert ("preference-applied" in response.headers) is (prefer is not None)


def test_an_offset_beyond_a_counted_end_is_416(anonymous: CallerClient) -> None:
    document = problem(anonymous.get(f"{PORTS}?offset=7", prefer=EXACT), 416, "PGRST103")
    assert document["details"] == "An offset of 7 was requested, but there are only 6 rows."


@pytest.mark.parametrize("query", ["limit=-1", "offset=-1"])
def test_negative_pages_are_416(anonymous: CallerClient, query: str) -> None:
    problem(anonymous.get(f"{PORTS}?{query}"), 416, "PGRST103")


@pytest.mark.parametrize(
    "query", ["limit=x", "limit=1.5", "limit=", "offset=1e3", "limit=99999999999999999999"]
)
def test_pages_that_are_no_numbers_are_refused(anonymous: CallerClient, query: str) -> None:
    assert anonymous.get(f"{PORTS}?{query}").status_code in (400, 416)


@pytest.mark.parametrize(
    "query", [f"limit={2**63 - 1}", f"offset={2**63 - 1}", f"limit={2**63 - 1}&offset={2**63 - 1}"]
)
def test_the_largest_numbers_are_numbers(anonymous: CallerClient, query: str) -> None:
    assert anonymous.get(f"{PORTS}?{query}").status_code == 200


@pytest.mark.parametrize(
    ("header", "query", "status", "place"),
    [
        ("0-1", "", 200, "0-1/*"),
        ("2-", "", 200, "2-5/*"),
        ("0-9", "limit=3", 200, "0-2/*"),
        ("items=1-2", "", 200, "1-2/*"),
        ("bytes=0-1", "", 200, "0-5/*"),
        ("3-1", "", 416, None),
        ("a-b", "", 416, None),
        ("0-1,3-4", "", 416, None),
    ],
)
def test_a_range_header_asks_for_rows(
    anonymous: CallerClient, header: str, query: str, status: int, place: str | None
) -> None:
    response = anonymous.get(f"{PORTS}?{query}", headers={"Range": header})
    assert response.status_code == status
    if place is None:
        problem(response, 416, "PGRST103")
    else:
        assert response.headers["content-range"] == place


def test_a_count_obeys_the_rules_of_the_caller(clients: dict[str, CallerClient]) -> None:
    totals = {
        name: client.get("/rest/v1/voyages", prefer=EXACT).headers["content-range"]
        for name, client in clients.items()
    }
    assert totals == {
        "anonymous": "0-1/2", "publishable": "0-1/2", "alice": "0-2/3", "bob": "0-2/3", "editor": "0-1/2",
        "service": "0-3/4",
    }  # fmt: skip


@pytest.mark.parametrize("count", ["planned", "estimated"])
def test_other_counts_are_exact_on_sqlite_and_a_number_on_postgresql(
    anonymous: CallerClient, app: Harbour, count: str
) -> None:
    response = anonymous.get(f"{PORTS}?limit=2", prefer=f"count={count}")
    total = response.headers["content-range"].partition("/")[2]
    assert total.isdigit()
    assert response.status_code in (200, 206)
    assert response.headers["preference-applied"] == f"count={count}"
    if app.engine == "sqlite":
        assert total == "6"


def test_an_estimate_does_not_count_what_the_caller_may_not_see(anonymous: CallerClient) -> None:
    total = anonymous.get("/rest/v1/voyages", prefer="count=estimated").headers["content-range"]
    assert total.endswith("/2")


def test_reads_say_where_they_came_from_and_what_they_vary_by(anonymous: CallerClient) -> None:
    response = anonymous.get(f"{PORTS}?select=code&limit=1")
    assert response.headers["content-location"] == f"{PORTS}?limit=1&select=code"
    for name in ("accept", "authorization", "prefer", "range"):
        assert name in response.headers["vary"].lower()


def test_one_question_has_one_location(anonymous: CallerClient) -> None:
    asked = ("name=eq.a+b&code=gt.A&code=lt.Z", "code=gt%2EA&name=eq.a%20b&&code=lt.Z")
    locations = {anonymous.get(f"{PORTS}?{query}").headers["content-location"] for query in asked}
    assert locations == {f"{PORTS}?code=gt.A&code=lt.Z&name=eq.a%20b"}
    assert anonymous.get(PORTS).headers["content-location"] == PORTS
