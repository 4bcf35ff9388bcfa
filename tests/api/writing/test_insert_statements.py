"""How many statements an insert takes, and that those that take one answer as the others do."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.api.harbour import Harbour
from tests.api.seed import ALICE, BOB
from tests.callers import CallerClient

VOYAGES = "/rest/v1/voyages"
SHOWN = "return=representation"
ELSEWHERE = {"owner_id": str(BOB), "start_code": "DEHAM"}


@pytest.mark.parametrize("prefer", [SHOWN, "return=minimal", f"{SHOWN},count=exact"])
@pytest.mark.parametrize("count", [1, 3])
def test_an_insert_under_a_row_rule_is_one_statement_on_postgresql(
    app: Harbour, alice: CallerClient, prefer: str, count: int
) -> None:
    rows = [{"start_code": "DEHAM", "title": f"{prefer} {number}"[-30:]} for number in range(count)]
    with app.counting() as statements:
        response = alice.post(VOYAGES, rows, prefer=prefer)
    assert response.status_code == 201, response.text
    if app.engine == "postgresql":
        assert len(statements) == 1, statements


def test_the_answer_of_one_statement_shows_embeds_masks_and_what_the_database_filled_in(
    alice: CallerClient, editor: CallerClient
) -> None:
    path = f"{VOYAGES}?select=cost,public,from:ports!start_code(name,nations(name)),to:ports!end_code(name)"
    row = {"start_code": "DEHAM", "cost": "1.50", "title": 'a "b" c'}
    assert alice.post(path, row, prefer=SHOWN).json() == [
        {
            "cost": 1.50, "public": False, "to": None,
            "from": {"name": "Hamburg", "nations": {"name": "Germany"}},
        }
    ]  # fmt: skip
    ship = "/rest/v1/ships?select=tons,double_tons,flag"
    assert editor.post(ship, {"name": "Emma"}, prefer=SHOWN).json() == [
        {"tons": 100, "double_tons": 200, "flag": "plain"}
    ]


def test_rows_that_embed_each_other_are_all_there_when_they_are_shown(editor: CallerClient) -> None:
    path = "/rest/v1/sailors?select=id,mentor:sailors!mentor_id(id)"
    rows = [{"id": 901, "name": "a", "mentor_id": None}, {"id": 902, "name": "b", "mentor_id": 901}]
    assert editor.post(path, rows, prefer=SHOWN).json() == [
        {"id": 901, "mentor": [{"id": 902}]},
        {"id": 902, "mentor": []},
    ]
    path = "/rest/v1/ships?select=name,ports(ships(name))"
    (shown,) = editor.post(path, {"name": "Nadir", "home_code": "DEHAM"}, prefer=SHOWN).json()
    assert {"name": "Nadir"} in shown["ports"]["ships"]


def test_a_refused_row_leaves_nothing_and_is_refused_in_the_same_words(
    alice: CallerClient, service: CallerClient
) -> None:
    for prefer in (SHOWN, "return=minimal"):
        for rows in ([ELSEWHERE], [{**ELSEWHERE, "owner_id": str(ALICE)}, ELSEWHERE]):
            before = len(service.rows(VOYAGES))
            refused = problem(alice.post(VOYAGES, rows, prefer=prefer), 403, "42501")
            assert refused["message"] == 'new row violates row-level security policy for table "voyages"'
            assert len(service.rows(VOYAGES)) == before


def test_of_two_faults_the_same_is_told_on_both_engines(alice: CallerClient) -> None:
    problem(alice.post(VOYAGES, {**ELSEWHERE, "start_code": "NOPE!"}, prefer=SHOWN), 409, "23503")
