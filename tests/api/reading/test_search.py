"""Text search by URL: the four operators, what they are asked of, and who may ask what."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from postgrest import SyncPostgrestClient

from tests.api.answers import problem
from tests.api.harbour import Harbour
from tests.api.models import Entry
from tests.api.seed import ALICE
from tests.callers import CallerClient

ENTRIES = "/rest/v1/entries"


def found(caller: CallerClient, search: str, **options: Any) -> list[int]:
    """The ids of the entries that a filter such as `words=wfts.storm` finds."""
    name, _, value = search.partition("=")
    ids: list[int] = caller.values(f"{ENTRIES}?{name}={quote(value)}&select=id", "id", **options)
    return ids


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("words=wfts.storm", [1]),
        ("words=wfts(english).runs", [1, 3]),
        ("words=wfts.\"state of the art\"", [1]),
        ("words=wfts.\"state art\"", []),
        ("words=wfts.run -wind", [3]),
        ("words=wfts.storm or fish", [1, 2]),
        ("words=wfts.-running", [2, 5]),
        ("words=plfts.the running winds", [1]),
        ("words=plfts.the", []),
        ("words=not.plfts.the", [1, 2, 3, 5]),
        ("words=phfts.bread and butter", [2]),
        ("words=phfts.butter bread", []),
        ("words=fts.storm & sea | fish", [1, 2]),
        ("words=fts.(storm | fish) & !sea", [2]),
        ("words=fts.sto:* & w:*", [1]),
        ("words=fts.old <-> port", [3]),
        ("words=fts.aground <3> old", [3]),
        ("words=fts.aground <4> port", [3]),
        ("words=fts.aground <3> port", []),
        ("words=fts.aground <2> the", [3]),
        ("words=fts.state <3> art", [1]),
        ("words=fts.'old port'", [3]),
        ("words=wfts.bob@example.org", [2]),
        ("words=wfts.example", [2]),
        ("words=wfts.", []),
        ("words=not.wfts.", [1, 2, 3, 5]),
        ("words=wfts.storm's", [1]),
        # The title alone, under its own name and that of its search; a row without one is neither in nor out.
        ("title=wfts.storm", [1]),
        ("title_search=wfts(simple).storm", [1]),
        ("title=not.wfts.storm", [3, 5]),
        ("title=fts.!storm", [3, 5]),
        ("not.and=(title.fts.storm)", [3, 5]),
        ("or=(title.wfts.storm,title.is.null)", [1, 2]),
        ("or=(words.wfts.\"fresh fish\",words.fts.\"(old)\")", [2, 3]),
    ],
)  # fmt: skip
def test_a_search_finds_the_same_rows_on_both_engines(
    anonymous: CallerClient, search: str, ids: list[int]
) -> None:
    assert found(anonymous, search) == ids


@pytest.mark.parametrize(
    ("search", "code"),
    [
        ("words=fts.storm sea", "42601"),
        ("words=fts.storm %26", "42601"),
        ("words=fts.(storm", "42601"),
        ("words=fts.'storm", "42601"),
        ("words=fts.storm)", "42601"),
        ("words=fts.:*", "42601"),
        ("words=fts.storm:A", "PGRST127"),
        ("words=fts.(storm|sea) <-> x", "PGRST127"),
        ("words=fts.storm <0> x", "PGRST127"),
        ("words=fts(klingon).storm", "42704"),
        ("words=fts(simple).storm", "PGRST127"),
        ("words=wfts.%00", "22021"),
        ("words=wfts." + "a%20" * 101, "54000"),
        ("words=wfts." + "a" * 2001, "54000"),
        ("words=fts." + "(" * 30, "54000"),
        ("body=wfts.storm", "PGRST127"),
        ("id=wfts.storm", "42883"),
        ("words=eq.storm", "42703"),
        ("words=is.null", "42703"),
        ("words->>a=wfts.x", "42703"),
        ("select=words", "42703"),
        ("order=words", "42703"),
        ("nothing=wfts.storm", "42703"),
    ],
)  # fmt: skip
def test_a_search_that_cannot_be_done_is_refused_alike(
    anonymous: CallerClient, search: str, code: str
) -> None:
    problem(anonymous.get(f"{ENTRIES}?{search}"), 400, code)


@pytest.mark.parametrize(
    "text",
    ['"', "' OR 1=1 --", 'a" OR "b', "NEAR(a b)", "a NOT b", "^a", "words:storm", "*", "{words}:x", "a\\"],
)
def test_a_search_is_never_a_query_of_the_index(anonymous: CallerClient, text: str) -> None:
    for operator in ("wfts", "plfts", "phfts"):
        assert found(anonymous, f"words={operator}.{text} storm sunk") == []
    answer = anonymous.get(f"{ENTRIES}?words=fts.{quote(text)}")
    assert answer.status_code == 200 or answer.json()["code"] == "42601"


def test_a_column_without_a_search_says_how_to_declare_one(anonymous: CallerClient) -> None:
    document = problem(anonymous.get("/rest/v1/ports?name=fts.hamburg"), 400, "PGRST127")
    assert 'name_search = Search("name")' in document["hint"]


def test_a_search_stays_in_step_with_every_write(app: Harbour, alice: CallerClient) -> None:
    row = {"id": 10, "title": "A whale", "body": "Seen at dawn"}
    assert alice.post(ENTRIES, [row, {**row, "id": 11, "title": None}]).status_code == 201
    assert found(alice, "words=wfts.whale") == [10]
    assert found(alice, "words=wfts.dawn") == [10, 11]
    assert alice.patch(f"{ENTRIES}?id=eq.11", {"title": "Whales again"}).status_code == 204
    assert found(alice, "words=wfts.whale") == [10, 11]
    assert found(alice, "title=not.wfts.again") == [1, 3, 5, 10]
    assert alice.patch(f"{ENTRIES}?words=wfts.whale&id=eq.10", {"title": "A squid"}).status_code == 204
    assert alice.patch(f"{ENTRIES}?id=eq.11", {"id": 12}).status_code == 204
    assert found(alice, "words=wfts.squid") == [10]
    assert found(alice, "words=wfts.whale") == [12]
    upsert = [{"id": 12, "title": "Mermaid", "body": "?"}, {"id": 13, "title": "Mermaid", "body": "!"}]
    assert alice.post(ENTRIES, upsert, prefer="resolution=merge-duplicates").status_code in (200, 201)
    assert found(alice, "words=wfts.mermaid") == [12, 13]
    # A write that is undone leaves the index as it was, and takes no other write of its group along.
    one, refused = app.together(
        [
            alice.send("POST", ENTRIES, json={"id": 14, "title": "Kraken", "body": ""}),
            alice.send(
                "POST",
                ENTRIES,
                json=[{"id": 15, "title": "Kraken", "body": ""}, {"id": 10, "title": "", "body": ""}],
            ),
        ]
    )
    assert (one.status_code, refused.status_code) == (201, 409)
    assert found(alice, "words=wfts.kraken") == [14]
    assert alice.delete(f"{ENTRIES}?words=wfts.mermaid%20or%20kraken").status_code == 204
    assert found(alice, "words=fts.mermaid | kraken | whale") == []


def test_a_session_of_the_users_own_keeps_the_index_and_learns_the_rows_key(
    app: Harbour, anonymous: CallerClient
) -> None:
    """The triggers insert rows of their own, whose numbers must not be taken for the entry's."""

    async def write() -> int:
        async with app.app.sessions.factory.begin() as session:
            entry = Entry(owner_id=ALICE, title="Albatross", body="overhead")
            session.add(entry)
            await session.flush()
            return entry.id

    app.note_change()
    assert [app.run(write())] == found(anonymous, "words=wfts.albatross")


def test_a_search_finds_only_rows_that_may_be_read(
    anonymous: CallerClient, bob: CallerClient, service: CallerClient
) -> None:
    assert found(anonymous, "words=wfts.secret") == []
    assert found(bob, "words=wfts.secret") == [4]
    assert found(service, "words=wfts.storm") == [1, 4]
    counted = anonymous.get(f"{ENTRIES}?words=wfts.storm", prefer="count=exact")
    assert counted.headers["content-range"] == "0-0/1"


def test_a_search_over_a_hidden_column_does_not_exist(
    stranger: CallerClient, editor: CallerClient, service: CallerClient
) -> None:
    hidden = problem(stranger.get(f"{ENTRIES}?with_orders=wfts.sink"), 400, "42703")
    nobody = problem(stranger.get(f"{ENTRIES}?with_ardors=wfts.sink"), 400, "42703")
    assert hidden["message"].replace("orders", "ardors") == nobody["message"]
    assert hidden["hint"] == nobody["hint"] is None
    assert problem(stranger.get(f"{ENTRIES}?with_orders=eq.x"), 400, "42703")["hint"] is None
    problem(stranger.get(f"{ENTRIES}?or=(id.eq.1,with_orders.fts(klingon).x)"), 400, "42703")
    assert found(editor, "with_orders=wfts.sink") == [1]
    assert found(service, "with_orders=wfts.storm") == [3]


def test_a_masked_column_counts_as_absent_in_a_search(
    anonymous: CallerClient, alice: CallerClient, bob: CallerClient, service: CallerClient
) -> None:
    """Were such rows left out instead, the difference would tell for which rows the mask holds."""
    assert found(service, "with_diary=wfts.storm") == [2]
    assert found(bob, "with_diary=wfts.storm") == [2]
    assert found(bob, "with_diary=not.wfts.storm") == [1, 3, 4, 5]
    assert found(alice, "with_diary=wfts.storm") == []
    assert found(alice, "with_diary=wfts.fish") == [2]
    assert found(alice, 'with_diary=wfts."bob example org storm"') == []
    assert found(bob, 'with_diary=wfts."bob example org storm"') == [2]
    assert found(alice, "with_diary=not.wfts.storm") == [1, 2, 3, 5]
    assert found(alice, "not.or=(with_diary.wfts.fish)") == [1, 3, 5]
    assert found(alice, "with_diary=wfts.") == []
    assert found(alice, "diary=wfts.afraid") == [1]
    assert found(alice, "diary=fts.!storm") == [1]
    assert found(bob, "diary=wfts.storm or afraid") == [2]
    assert found(bob, "diary=not.wfts.storm") == []
    problem(anonymous.get(f"{ENTRIES}?with_diary=wfts.storm"), 400, "42703")


def test_a_search_inside_an_embed_and_by_a_composite_key(anonymous: CallerClient) -> None:
    path = "/rest/v1/ports?select=code,entries(id)&entries.words=wfts.runs&order=code"
    assert {row["code"]: [entry["id"] for entry in row["entries"]] for row in anonymous.rows(path)} == {
        "DEBRV": [], "DEHAM": [1], "FRLEH": [], "FRSML": [], "NLRTM": [3], "XXNOW": [],
    }  # fmt: skip
    path = "/rest/v1/ports?select=code,entries!inner()&entries.words=wfts.fish"
    assert anonymous.rows(path) == [{"code": "DEHAM"}]
    crews = "/rest/v1/crews?select=ship_id,sailor_id"
    assert anonymous.rows(f"{crews}&duty=wfts.captain") == [
        {"ship_id": 1, "sailor_id": 1}, {"ship_id": 3, "sailor_id": 4},
    ]  # fmt: skip
    assert anonymous.rows(f"{crews}&duty=not.wfts.captain") == [{"ship_id": 1, "sailor_id": 2}]


def test_a_text_that_is_too_much_to_index_is_refused_on_both_engines(alice: CallerClient) -> None:
    body = " ".join(f"{number:06}" for number in range(104_858))
    problem(alice.post(ENTRIES, {"id": 20, "body": body}), 400, "54000")


@pytest.mark.parametrize(
    ("kind", "words", "ids"),
    [(None, "storm & sea", [1]), ("plain", "storm sea", [1]), ("phrase", "old port", [3]), ("web_search", "fish or storm", [1, 2])],
)  # fmt: skip
def test_the_published_python_client_searches(
    anonymous: CallerClient, kind: Any, words: str, ids: list[int]
) -> None:
    client = SyncPostgrestClient("http://127.0.0.1/rest/v1")
    options: Any = {"config": "english", **({"type": kind} if kind else {})}
    asked = client.from_("entries").select("id").text_search("words", words, options)
    assert anonymous.values(f"{ENTRIES}?{asked.request.params}", "id") == ids


def test_a_search_is_one_statement(app: Harbour, anonymous: CallerClient) -> None:
    with app.counting() as statements:
        anonymous.rows(f"{ENTRIES}?words=wfts.storm&or=(words.fts.sea,title.phfts.storm)")
    # What FTS5 asks its own tables is traced on SQLite as well.
    assert len([statement for statement in statements if "'main'" not in statement]) == 1
