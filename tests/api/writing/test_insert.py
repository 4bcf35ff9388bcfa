"""POST: one row, many rows, defaults, and what is refused."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.api.answers import details_of, problem
from tests.api.seed import ALICE, BOB
from tests.callers import CallerClient

SHIPS = "/rest/v1/ships"
VOYAGES = "/rest/v1/voyages"
SHOWN = "return=representation"


def test_a_row_is_created_without_a_body_in_the_answer(editor: CallerClient) -> None:
    response = editor.post(SHIPS, {"name": "Emma"})
    assert (response.status_code, response.content) == (201, b"")
    assert response.headers["content-range"] == "*/*"
    assert "location" not in response.headers
    assert editor.values(f"{SHIPS}?name=eq.Emma", "id") == [5]


def test_defaults_come_from_the_application_the_database_and_the_expression(editor: CallerClient) -> None:
    (row,) = editor.post(SHIPS, {"name": "Emma"}, prefer=SHOWN).json()
    assert row == {
        "id": 5, "name": "Emma", "home_code": None, "tons": 100, "flag": "plain", "built": None, "rating": None,
        "double_tons": 200, "touched": None,
    }  # fmt: skip


def test_a_given_null_is_null_and_no_default(editor: CallerClient) -> None:
    (row,) = editor.post(f"{SHIPS}?select=flag", {"name": "Emma", "flag": None}, prefer=SHOWN).json()
    assert row == {"flag": None}


def test_the_owner_is_the_caller_and_ids_are_made(alice: CallerClient) -> None:
    (row,) = alice.post(VOYAGES, {"start_code": "DEHAM"}, prefer=SHOWN).json()
    assert row["owner_id"] == str(ALICE)
    assert UUID(row["id"]).version == 7
    assert row["public"] is False


def test_many_rows_are_created_in_their_order(editor: CallerClient) -> None:
    names = [f"ship {number}" for number in range(20)]
    response = editor.post(
        f"{SHIPS}?select=name", [{"name": name} for name in names], prefer=f"{SHOWN},count=exact"
    )
    assert response.status_code == 201
    assert response.headers["content-range"] == "*/20"
    assert [row["name"] for row in response.json()] == names


def test_an_empty_array_creates_nothing(editor: CallerClient) -> None:
    response = editor.post(SHIPS, [], prefer=SHOWN)
    assert (response.status_code, response.json()) == (201, [])
    assert len(editor.rows(SHIPS)) == 4


def test_the_answer_takes_a_select_with_embeds(editor: CallerClient) -> None:
    response = editor.post(f"{SHIPS}?select=name,ports(name,nations(name))", {"name": "Emma", "home_code": "FRLEH"},
                           prefer=SHOWN)  # fmt: skip
    assert response.json() == [{"name": "Emma", "ports": {"name": "Le Havre", "nations": {"name": "France"}}}]


def test_the_answer_of_an_insert_takes_filters_orders_and_limits_of_embeds(editor: CallerClient) -> None:
    """They were parsed and their values dropped: the answer was a 500, on both engines."""
    path = f"{SHIPS}?select=name,ports(code,ships(name))"
    for name, filters, shown in (
        ("Emma", "ports.ships.name=eq.Emma", {"code": "DEHAM", "ships": [{"name": "Emma"}]}),
        (
            "Zora",
            "ports.ships.order=name.desc&ports.ships.limit=1",
            {"code": "DEHAM", "ships": [{"name": "Zora"}]},
        ),
        ("Ida", "ports.code=eq.NLRTM", None),
    ):
        response = editor.post(f"{path}&{filters}", {"name": name, "home_code": "DEHAM"}, prefer=SHOWN)
        assert response.status_code == 201, response.text
        assert response.json() == [{"name": name, "ports": shown}]


def test_a_filter_on_an_insert_changes_nothing_of_what_is_shown(editor: CallerClient) -> None:
    response = editor.post(f"{SHIPS}?select=name&name=eq.other", {"name": "Emma"}, prefer=SHOWN)
    assert (response.status_code, response.json()) == (201, [{"name": "Emma"}])


def test_an_upsert_shows_filtered_embeds(editor: CallerClient) -> None:
    path = f"{SHIPS}?on_conflict=id&select=name,ports(ships(name))&ports.ships.name=eq.Emma"
    row = {"id": 1, "name": "Emma", "home_code": "DEHAM"}
    response = editor.post(path, row, prefer=f"{SHOWN},resolution=merge-duplicates")
    assert response.status_code in (200, 201), response.text
    assert response.json()[0]["ports"]["ships"] == [{"name": "Emma"}]


def test_headers_only_says_where_the_row_is(editor: CallerClient) -> None:
    response = editor.post(SHIPS, {"name": "Emma"}, prefer="return=headers-only")
    assert (response.status_code, response.content) == (201, b"")
    location = response.headers["location"]
    assert location == f"{SHIPS}?id=eq.5"
    assert editor.values(location, "name") == ["Emma"]
    assert response.headers["preference-applied"] == "return=headers-only"


def test_rows_must_have_the_same_keys(editor: CallerClient) -> None:
    document = problem(editor.post(SHIPS, [{"name": "A"}, {"name": "B", "tons": 1}]), 400, "PGRST102")
    assert document["message"] == "All object keys must match"
    assert len(editor.rows(SHIPS)) == 4


def test_columns_names_the_keys_that_count(editor: CallerClient) -> None:
    rows = [{"name": "A", "tons": 7, "ignored": True}, {"name": "B"}]
    path = f'{SHIPS}?columns="name","flag"&select=name,tons,flag'
    assert editor.post(path, rows, prefer=SHOWN).json() == [
        {"name": "A", "tons": 100, "flag": None}, {"name": "B", "tons": 100, "flag": None},
    ]  # fmt: skip
    editor.delete(f"{SHIPS}?name=in.(A,B)")
    assert editor.post(path, rows, prefer=f"{SHOWN},missing=default").json()[0]["flag"] == "plain"


def test_missing_default_uses_the_databases_default_too(editor: CallerClient) -> None:
    rows = [{"name": "A", "tons": 7}, {"name": "B"}]
    response = editor.post(f"{SHIPS}?columns=name,tons&select=tons", rows, prefer=f"{SHOWN},missing=default")
    assert response.json() == [{"tons": 7}, {"tons": 100}]
    assert response.headers["preference-applied"] == "missing=default, return=representation"


def test_an_unknown_column_is_refused_by_name(editor: CallerClient) -> None:
    document = problem(editor.post(SHIPS, {"name": "A", "nonsense": 1}), 400, "PGRST204")
    assert "'nonsense' column of 'ships'" in document["message"]
    assert len(editor.rows(SHIPS)) == 4


def test_a_generated_column_cannot_be_set(editor: CallerClient) -> None:
    problem(editor.post(SHIPS, {"name": "A", "double_tons": 1}), 400, "428C9")


def test_every_missing_column_is_named_at_once(editor: CallerClient) -> None:
    document = problem(editor.post("/rest/v1/moorings", {"id": 9}), 400, "validation_failed")
    assert details_of(document) == {
        "port_code": "required",
        "berth_number": "required",
        "ship_id": "required",
    }


def test_every_bad_value_of_every_row_is_named_with_its_place(editor: CallerClient) -> None:
    rows = [{"name": "ok", "tons": 1, "built": 1}, {"name": 5, "tons": "x", "built": 99999}]
    document = problem(editor.post(SHIPS, rows), 400, "validation_failed")
    assert details_of(document) == {"1.name": "type", "1.tons": "type", "1.built": "range"}
    assert len(editor.rows(SHIPS)) == 4


def test_a_duplicate_is_a_conflict_that_names_its_constraint(editor: CallerClient) -> None:
    document = problem(editor.post(SHIPS, {"name": "Anna"}), 409, "23505")
    assert document["message"] == 'duplicate key value violates unique constraint "ships_name_key"'
    problem(editor.post("/rest/v1/nations", {"code": "DE", "name": "x"}), 409, "23505")


def test_a_reference_to_nothing_is_a_conflict(editor: CallerClient) -> None:
    problem(editor.post(SHIPS, {"name": "A", "home_code": "NOPE"}), 409, "23503")
    assert editor.rows(f"{SHIPS}?name=eq.A") == []


def test_one_bad_row_undoes_all_rows(editor: CallerClient) -> None:
    rows = [{"name": "A"}, {"name": "B"}, {"name": "Anna"}]
    problem(editor.post(SHIPS, rows), 409, "23505")
    assert len(editor.rows(SHIPS)) == 4


@pytest.mark.parametrize("body", ["5", '"x"', "null", "[1]", "[[]]", '[{"name":"A"},5]'])
def test_what_is_no_row_is_refused(editor: CallerClient, body: str) -> None:
    problem(editor.request("POST", SHIPS, content=body.encode()), 400, "PGRST102")


def test_an_empty_object_is_a_row_of_defaults(alice: CallerClient, editor: CallerClient) -> None:
    assert alice.post("/rest/v1/specimens", {}).status_code == 201
    document = problem(editor.post(SHIPS, {}), 400, "validation_failed")
    assert details_of(document) == {"name": "required"}


def test_too_many_rows_are_refused(editor: CallerClient) -> None:
    body = b"[" + b",".join([b"{}"] * 10_001) + b"]"
    problem(editor.request("POST", "/rest/v1/specimens", content=body), 400, "54000")


def test_a_chosen_key_is_kept(editor: CallerClient) -> None:
    assert editor.post(f"{SHIPS}?select=id", {"id": 77, "name": "A"}, prefer=SHOWN).json() == [{"id": 77}]
    assert editor.post("/rest/v1/crews", {"ship_id": 4, "sailor_id": 4}).status_code == 201


def test_a_row_is_never_numbered_beyond_its_column(editor: CallerClient) -> None:
    """SQLite counts on from the greatest id there is, PostgreSQL from its sequence."""
    last = 2**31 - 1
    assert editor.post(SHIPS, {"id": last, "name": "last"}).status_code == 201
    response = editor.post(f"{SHIPS}?select=id", {"name": "one more"}, prefer=SHOWN)
    if response.status_code == 201:
        assert response.json()[0]["id"] <= last
    else:
        problem(response, 400, "22003")
    assert all(number <= last for number in editor.values(SHIPS, "id"))


def test_one_object_is_the_answer_when_asked_for(editor: CallerClient) -> None:
    accept = {"Accept": "application/vnd.pgrst.object+json"}
    response = editor.post(f"{SHIPS}?select=name", {"name": "A"}, prefer=SHOWN, headers=accept)
    assert (response.status_code, response.json()) == (201, {"name": "A"})
    response = editor.post(SHIPS, [{"name": "B"}, {"name": "C"}], prefer=SHOWN, headers=accept)
    problem(response, 406, "PGRST116")
    assert editor.rows(f"{SHIPS}?name=in.(B,C)") == []


def test_what_a_caller_may_write_and_not_read_is_written_unseen(
    anonymous: CallerClient, editor: CallerClient
) -> None:
    assert anonymous.post("/rest/v1/letters", {"words": "hello"}).status_code == 201
    response = anonymous.post("/rest/v1/letters", {"words": "show me"}, prefer=SHOWN)
    assert "for editors only" not in response.text
    assert "hello" in editor.values("/rest/v1/letters", "words")
    problem(anonymous.get("/rest/v1/letters"), 404, "PGRST205")


def test_a_voyage_of_somebody_else_is_refused_on_the_row_as_it_would_be(
    alice: CallerClient, bob: CallerClient
) -> None:
    document = problem(alice.post(VOYAGES, {"start_code": "DEHAM", "owner_id": str(BOB)}), 403, "42501")
    assert document["message"] == 'new row violates row-level security policy for table "voyages"'
    assert len(bob.rows(f"{VOYAGES}?owner_id=eq.{BOB}")) == 2
