"""A column that is hidden from a caller is, in every position, a column that does not exist.

`ports.earnings` is shown to editors. Each test asks the same thing of it and of a name nobody has, and wants the
same answer but for the name.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.callers import CallerClient

HIDDEN, ABSENT = "earnings", "earnangs"

READS = (
    "ports?select={0}",
    "ports?select=code,x:{0}",
    "ports?select={0}::text",
    "ports?select={0}->x",
    "ports?{0}=gt.100",
    "ports?{0}=is.null",
    "ports?{0}=eq.nonsense",
    "ports?{0}=like.*a",
    "ports?{0}->>x=eq.1",
    "ports?or=({0}.gt.1,code.eq.DEHAM)",
    "ports?and=(not.and({0}.gt.1))",
    "ports?order={0}",
    "ports?order=code,{0}.desc.nullslast",
    "nations?select=code,ports({0})",
    "nations?select=code,ports(code)&ports.{0}=gt.1",
    "nations?select=code,ports(code)&ports.order={0}",
    "nations?select=code,ports!inner(code)&ports.or=({0}.gt.1,{0}.lt.0)",
    "ships?select=id,ports(code)&order=ports({0})",
    "ports?select=ships!{0}(id)",
    "ports/DEHAM?select={0}",
)


def _comparable(response: Any) -> tuple[Any, ...]:
    document = response.json()
    document.pop("request_id", None)
    text = str(document).replace(ABSENT, HIDDEN)
    headers = {
        name: value for name, value in response.headers.items() if name in ("content-range", "etag", "allow")
    }
    return response.status_code, text, headers


@pytest.mark.parametrize("path", READS)
def test_reading_a_hidden_column_is_reading_no_column(stranger: CallerClient, path: str) -> None:
    hidden = stranger.get(f"/rest/v1/{path.format(HIDDEN)}")
    absent = stranger.get(f"/rest/v1/{path.format(ABSENT)}")
    assert _comparable(hidden) == _comparable(absent)
    assert 400 <= hidden.status_code < 500
    assert "9000" not in _comparable(hidden)[1]  # the request id is random and may hold these digits


@pytest.mark.parametrize("path", READS[:3] + READS[4:6] + READS[9:13])
def test_an_editor_reads_it(editor: CallerClient, path: str) -> None:
    response = editor.get(f"/rest/v1/{path.format(HIDDEN).replace('->x', '')}")
    assert response.status_code == 200, response.text


def test_it_is_in_no_answer(stranger: CallerClient) -> None:
    for path in (
        "ports",
        "ports/DEHAM",
        "nations?select=*,ports(*)",
        "ships?select=*,ports(*)",
        "berths?select=*,ports(*)",
    ):
        text = stranger.get(f"/rest/v1/{path}").text
        assert HIDDEN not in text
        assert "9000" not in text
    assert HIDDEN not in stranger.get("/rest/v1/ports", headers={"Accept": "text/csv"}).text


def test_the_tag_of_a_row_does_not_move_with_it(anonymous: CallerClient, editor: CallerClient) -> None:
    before = anonymous.get("/rest/v1/ports/DEHAM").headers["etag"]
    assert editor.patch("/rest/v1/ports/DEHAM", {HIDDEN: 1}).status_code == 200
    assert anonymous.get("/rest/v1/ports/DEHAM").headers["etag"] == before


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_caller_who_may_write_learns_nothing_by_writing_it(
    clients: dict[str, CallerClient], method: str
) -> None:
    """Alice writes her voyages but a column of a table she may not write is refused before its columns are looked at."""
    path = {"POST": "/rest/v1/ports", "PATCH": "/rest/v1/ports?code=eq.DEHAM", "PUT": "/rest/v1/ports/DEHAM"}[
        method
    ]
    answers = [
        clients["alice"].request(method, path, json={"name": "x", "code": "DEHAM", name: 1})
        for name in (HIDDEN, ABSENT)
    ]
    assert _comparable(answers[0]) == _comparable(answers[1])
    assert clients["editor"].values("/rest/v1/ports?code=eq.DEHAM", HIDDEN) == [9000]
