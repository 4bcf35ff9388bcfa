"""Many callers at once: of those that saw the same row, one wins."""

from __future__ import annotations

from collections import Counter

from tests.api.harbour import Harbour
from tests.callers import CallerClient

TOGETHER = 50


def test_of_fifty_changes_with_the_same_tag_one_is_done(app: Harbour, editor: CallerClient) -> None:
    path = "/rest/v1/ships/1"
    tag = editor.get(path).headers["etag"]
    answers = app.together(
        [
            editor.send("PATCH", path, json={"tons": 1000 + number}, headers={"If-Match": tag})
            for number in range(TOGETHER)
        ]
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: TOGETHER - 1}
    (winner,) = (answer for answer in answers if answer.status_code == 200)
    assert editor.get(path).json() == winner.json()


def test_of_fifty_creations_of_one_row_one_is_done(app: Harbour, editor: CallerClient) -> None:
    answers = app.together(
        [
            editor.send("PUT", "/rest/v1/ports/GBLON", json={"name": f"London {number}"},
                        headers={"If-None-Match": "*"})
            for number in range(TOGETHER)
        ]
    )  # fmt: skip
    assert Counter(answer.status_code for answer in answers) == {201: 1, 412: TOGETHER - 1}
    assert len(editor.rows("/rest/v1/ports?code=eq.GBLON")) == 1


def test_of_fifty_deletions_one_is_done(app: Harbour, editor: CallerClient) -> None:
    answers = app.together([editor.send("DELETE", "/rest/v1/ships/4") for _ in range(TOGETHER)])
    assert Counter(answer.status_code for answer in answers) == {204: 1, 404: TOGETHER - 1}


def test_fifty_upserts_of_one_row_all_succeed_and_leave_one_row(app: Harbour, editor: CallerClient) -> None:
    answers = app.together(
        [
            editor.send("POST", "/rest/v1/ports", json={"code": "GBLON", "name": f"London {number}"},
                        prefer="resolution=merge-duplicates")
            for number in range(TOGETHER)
        ]
    )  # fmt: skip
    counts = Counter(answer.status_code for answer in answers)
    assert set(counts) <= {200, 201}, counts
    assert len(editor.rows("/rest/v1/ports?code=eq.GBLON")) == 1


def test_fifty_inserts_are_fifty_rows(app: Harbour, editor: CallerClient) -> None:
    answers = app.together(
        [editor.send("POST", "/rest/v1/ships", json={"name": f"ship {number}"}) for number in range(TOGETHER)]
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len(editor.rows("/rest/v1/ships?name=like.ship*")) == TOGETHER
