"""What is explained of a row is what its address answers, for every table, on richer rules than the atlas has."""

from __future__ import annotations

import pytest

from backstay.models.access.caller import ANONYMOUS, SERVICE, Caller
from backstay.models.access.explanation import Action, Verdict
from backstay.services.access.explain import Question
from tests.api.harbour import Harbour
from tests.api.seed import ALICE, BOB, EDITOR
from tests.callers import CallerClient

ROWS = 4


def callers(app: Harbour) -> dict[str, Caller]:
    tokens = app.app.tokens
    return {
        "anonymous": ANONYMOUS,
        "alice": tokens.verify(tokens.mint(ALICE)),
        "bob": tokens.verify(tokens.mint(BOB)),
        "editor": tokens.verify(tokens.mint(EDITOR, roles=["editor"])),
        "service": SERVICE,
    }


@pytest.mark.parametrize("action", [Action.READ, Action.UPDATE])
def test_a_row_of_any_table_is_explained_as_its_address_answers(
    action: Action, app: Harbour, clients: dict[str, CallerClient]
) -> None:
    outcomes = set()
    for name, resource in app.app.catalog.resources.items():
        columns = [field.name for field in resource.primary_key]
        for row in clients["service"].rows(f"/rest/v1/{name}?limit={ROWS}&order={columns[0]}.desc"):
            key = ",".join(str(row[column]) for column in columns)
            for who, caller in callers(app).items():
                question = Question(resource, action, caller, who, about_row=True)
                said = app.run(app.app.explainer.explain(question, key))
                method = "GET" if action is Action.READ else "PATCH"
                body = None if action is Action.READ else b"{}"
                answer = clients[who].request(method, f"/rest/v1/{name}/{key}", content=body)
                told = f"{who} {name} {key}: {said.because} / {answer.status_code} {answer.text}"
                assert (said.verdict is Verdict.ALLOWED) is answer.is_success, told
                if not answer.is_success:
                    assert answer.json()["code"] == said.code, told
                outcomes.add((name, said.verdict))
    assert {("voyages", Verdict.ALLOWED), ("voyages", Verdict.DENIED)} <= outcomes
    assert {("stops", Verdict.ALLOWED), ("stops", Verdict.DENIED)} <= outcomes
