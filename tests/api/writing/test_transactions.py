"""`Prefer: tx=rollback`: a write is tried, answered and undone, where a setting allows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay.app import Backstay
from backstay.config.rest import RestSettings
from tests.api.answers import problem
from tests.api.harbour import Harbour, settings_for
from tests.api.models import MODELS
from tests.api.seed import EDITOR
from tests.callers import CallerClient

SHIPS = "/rest/v1/ships"
TRIED = "tx=rollback, return=representation"


@pytest.fixture
def trying(app: Harbour) -> Iterator[CallerClient]:
    """An editor of an application that allows it, over the same database."""
    settings = settings_for(app.url).model_copy(update={"rest": RestSettings(tx_override=True)})
    other = Backstay(settings=settings, models=MODELS, project=Path("/"), title="harbour")
    running = other.running()
    app.run(running.__aenter__())
    headers = {"Authorization": f"Bearer {other.tokens.mint(EDITOR, roles=['editor'])}"}
    yield CallerClient("editor", other, headers, app.run, app.note_change)
    app.run(running.__aexit__(None, None, None))


def test_it_is_answered_and_nothing_is_kept(trying: CallerClient) -> None:
    before = trying.get(SHIPS).text
    made = trying.post(SHIPS, [{"name": "Emma"}, {"name": "Fritz"}], prefer=TRIED)
    assert [row["name"] for row in made.json()] == ["Emma", "Fritz"]
    assert (made.status_code, made.headers["preference-applied"]) == (
        201,
        "return=representation, tx=rollback",
    )
    changed = trying.patch(f"{SHIPS}?id=eq.1", {"tons": 1}, prefer=TRIED)
    assert changed.json()[0]["tons"] == 1
    gone = trying.delete(f"{SHIPS}?id=eq.4", prefer=TRIED)
    assert [row["id"] for row in gone.json()] == [4]
    merged = trying.post(SHIPS, {"id": 1, "name": "Anne"}, prefer=f"resolution=merge-duplicates, {TRIED}")
    assert merged.json()[0]["name"] == "Anne"
    assert trying.patch(f"{SHIPS}/1", {"tons": 2}, prefer="tx=rollback").json()["tons"] == 2
    assert trying.delete(f"{SHIPS}/4", prefer="tx=rollback").status_code == 204
    assert trying.get(SHIPS).text == before


def test_what_is_refused_is_refused_as_ever(trying: CallerClient) -> None:
    problem(trying.post(SHIPS, {"name": "Anna"}, prefer=TRIED), 409, "23505")
    problem(
        trying.patch(f"{SHIPS}?id=gt.0", {"tons": 1}, prefer=f"{TRIED}, handling=strict, max-affected=1"),
        400,
        "PGRST124",
    )


def test_a_commit_may_be_asked_for(trying: CallerClient) -> None:
    made = trying.post(SHIPS, {"name": "Emma"}, prefer="tx=commit")
    assert made.headers["preference-applied"] == "tx=commit"
    assert len(trying.rows(SHIPS)) == 5


def test_without_the_setting_it_is_not_honoured(editor: CallerClient) -> None:
    made = editor.post(SHIPS, {"name": "Emma"}, prefer=TRIED)
    assert made.headers["preference-applied"] == "return=representation"
    assert len(editor.rows(SHIPS)) == 5
