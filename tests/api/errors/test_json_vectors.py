"""JSONTestSuite as bodies of writes: what is no JSON is refused, and nothing is ever an internal error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

# The vectors are public test data beside the repository, not part of it.
VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "json"
FILES = sorted(VECTORS.glob("*.json"))

pytestmark = pytest.mark.skipif(not FILES, reason="the vectors are not here")
SPECIMENS = "/rest/v1/specimens"


def test_what_is_no_json_is_refused_with_a_message(alice: CallerClient) -> None:
    for file in FILES:
        if not file.name.startswith("n_"):
            continue
        for method, path in (
            ("POST", SPECIMENS),
            ("PATCH", f"{SPECIMENS}?id=eq.1"),
            ("PUT", f"{SPECIMENS}/1"),
        ):
            response = alice.request(method, path, content=file.read_bytes())
            assert response.status_code in (400, 422), (file.name, method, response.text)
            assert problem(response, response.status_code, response.json()["code"])["message"], file.name
    assert alice.rows(SPECIMENS) == []


def test_what_is_json_is_read_as_json(alice: CallerClient) -> None:
    """As the value of a JSON column each is accepted, but for limits that say so; bare, it is a row or no row."""
    for file in FILES:
        if not file.name.startswith("y_"):
            continue
        body = file.read_bytes()
        bare = alice.request("POST", SPECIMENS, content=body)
        assert bare.status_code in (201, 400, 422), (file.name, bare.text)
        if bare.status_code != 201:
            problem(bare, bare.status_code, bare.json()["code"])
            assert "not valid JSON" not in bare.text, file.name
        inside = alice.request(
            "POST",
            f"{SPECIMENS}?select=data",
            content=b'{"data":' + body + b"}",
            prefer="return=representation",
        )
        if inside.status_code == 201:
            assert inside.json()[0]["data"] == json.loads(body) or "number" in file.name, file.name
        else:
            document = problem(inside, inside.status_code, inside.json()["code"])
            assert document["code"] in ("validation_failed", "unprocessable"), (file.name, inside.text)


def test_what_may_go_either_way_is_never_an_accident(alice: CallerClient) -> None:
    for file in FILES:
        if not file.name.startswith("i_"):
            continue
        for body in (
            file.read_bytes(),
            b'{"data":' + file.read_bytes() + b"}",
            b'{"real":' + file.read_bytes() + b"}",
        ):
            response = alice.request("POST", SPECIMENS, content=body)
            assert response.status_code in (201, 400, 422), (file.name, response.text)
            if response.status_code != 201:
                problem(response, response.status_code, response.json()["code"])
    assert alice.get(SPECIMENS).status_code == 200
