"""Rules on writes: the verb's rule on the row as it is and as it will be, for every kind of caller."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.api.seed import ALICE, BOB, voyage_id
from tests.callers import CallerClient

SHOWN = "return=representation"
STATUS = {"anonymous": 401, "publishable": 401, "alice": 403, "bob": 403}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/rest/v1/ports", {"code": "GBLON", "name": "London"}),
        ("POST", "/rest/v1/ports", [{"code": "GBLON", "name": "London"}]),
        ("PATCH", "/rest/v1/ports?code=eq.DEHAM", {"name": "x"}),
        ("DELETE", "/rest/v1/ports?code=eq.XXNOW", None),
        ("PATCH", "/rest/v1/ports/DEHAM", {"name": "x"}),
        ("PUT", "/rest/v1/ports/DEHAM", {"name": "x"}),
        ("PUT", "/rest/v1/ports/GBLON", {"name": "x"}),
        ("DELETE", "/rest/v1/ports/XXNOW", None),
    ],
)
def test_only_editors_write_ports(
    stranger: CallerClient, service: CallerClient, method: str, path: str, body: object
) -> None:
    before = service.rows("/rest/v1/ports")
    response = stranger.request(method, path, json=body)
    problem(response, STATUS[stranger.name], "42501")
    if response.status_code == 401:
        assert "www-authenticate" in response.headers
    assert service.rows("/rest/v1/ports") == before


@pytest.mark.parametrize("name", ["editor", "service"])
def test_editors_and_the_service_do(clients: dict[str, CallerClient], name: str) -> None:
    client = clients[name]
    assert client.post("/rest/v1/ports", {"code": "GBLON", "name": "London"}).status_code == 201
    assert client.patch("/rest/v1/ports?code=eq.GBLON", {"name": "x"}).status_code == 204
    assert client.delete("/rest/v1/ports?code=eq.GBLON").status_code == 204


def test_an_anonymous_caller_owns_nothing(anonymous: CallerClient, service: CallerClient) -> None:
    for body in ({"start_code": "DEHAM"}, {"start_code": "DEHAM", "owner_id": str(ALICE)}):
        assert anonymous.post("/rest/v1/voyages", body).status_code in (400, 401)
    assert len(service.rows("/rest/v1/voyages")) == 4


def test_one_forbidden_row_undoes_all(alice: CallerClient, service: CallerClient) -> None:
    rows = [{"start_code": "DEHAM", "owner_id": str(ALICE)}, {"start_code": "DEHAM", "owner_id": str(BOB)}]
    problem(alice.post("/rest/v1/voyages", rows), 403, "42501")
    assert len(service.rows("/rest/v1/voyages")) == 4


def test_a_stop_belongs_to_whoever_owns_its_voyage(
    alice: CallerClient, bob: CallerClient, service: CallerClient
) -> None:
    stop = {"voyage_id": str(voyage_id(2)), "port_code": "DEBRV"}
    assert alice.post("/rest/v1/stops", stop).status_code == 201
    problem(bob.post("/rest/v1/stops", stop), 403, "42501")
    moved = {"voyage_id": str(voyage_id(4))}
    problem(alice.patch("/rest/v1/stops?id=eq.2", moved), 403, "42501")
    assert service.values("/rest/v1/stops?id=eq.2", "voyage_id") == [str(voyage_id(2))]


def test_a_row_that_leans_on_a_hidden_row_is_refused_without_a_word_about_it(bob: CallerClient) -> None:
    response = bob.post("/rest/v1/stops", {"voyage_id": str(voyage_id(2)), "port_code": "DEBRV"})
    problem(response, 403, "42501")
    assert str(voyage_id(2)) not in response.text
    response = bob.post("/rest/v1/stops", {"voyage_id": str(voyage_id(99)), "port_code": "DEBRV"})
    assert response.status_code in (403, 409)


def test_a_column_rule_guards_what_is_set(bob: CallerClient, service: CallerClient) -> None:
    response = bob.post("/rest/v1/voyages", {"start_code": "DEHAM", "cost": 5}, prefer=SHOWN)
    assert response.json()[0]["cost"] == 5
    response = bob.patch(f"/rest/v1/voyages?id=eq.{voyage_id(1)}", {"cost": 1}, prefer="count=exact")
    assert response.headers["content-range"] == "*/0"
    assert service.values(f"/rest/v1/voyages?id=eq.{voyage_id(1)}", "cost") == [100.50]


def test_a_unique_constraint_among_hidden_rows_tells_no_values(bob: CallerClient) -> None:
    response = bob.post("/rest/v1/voyages", {"start_code": "DEHAM", "title": "alices secret"})
    assert response.status_code == 201
    response = bob.post("/rest/v1/voyages", {"id": str(voyage_id(2)), "start_code": "DEHAM"})
    assert "alices" not in response.text
    assert str(ALICE) not in response.text
