"""What one case does: ask and compare, change what the caller cannot see and ask again, write and compare."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx

from tests.api.oracle.csv_cells import csv_of_rows, csv_of_text
from tests.api.oracle.graphql import Document, TwinQuestioner
from tests.api.oracle.models import random_cell, random_row, violations
from tests.api.oracle.oracle import Eye
from tests.api.oracle.queries import Questioner
from tests.api.oracle.rules import Person, Row
from tests.api.oracle.syntax import Query, depth, query_string
from tests.api.oracle.values import Kind, Random, frozen, literal, shown
from tests.api.oracle.world import World, lasting
from tests.api.oracle.writes import METHODS, Clerk, Outcome, Write, random_write

_CHANGES = 12
_OBJECT = "application/vnd.pgrst.object+json"


class Case:
    """One case: a caller, and a random choice of what to try."""

    def __init__(self, world: World, random: Random) -> None:
        self.world = world
        self.random = random
        self.person: Person = random.choice(world.people)
        self.eye = Eye(world.schema, world.state, self.person)
        self.asked = ""

    async def run(self) -> None:
        """Try one thing; AssertionError when the answer is not the oracle's."""
        probes = (
            self.read, self.read, self.read, self.item, self.hidden_name, self.write, self.write, self.twins,
        )  # fmt: skip
        await self.random.choice(probes)()

    # Reads -----------------------------------------------------------------------------------------------------

    async def read(self) -> None:
        """A question is answered as the oracle answers it, and no hidden value has a part in it."""
        questioner = Questioner(self.random, self.eye)
        table = questioner.table()
        form = self.random.random()
        query = questioner.embeds_nothing(table) if form < 0.1 else questioner.query(table)
        headers = self._headers(form)
        method = "HEAD" if form > 0.97 else "GET"
        path = f"/rest/v1/{table}?{query_string(query)}"
        answer = await self._ask(method, path, headers)
        if method == "GET":
            self._check_read(table, query, headers, answer)
        await self._repeat(answer, method, path, headers)

    def _headers(self, form: float) -> dict[str, str]:
        headers = {"prefer": "count=exact"} if self.random.random() < 0.4 else {}
        if form < 0.1:
            headers["accept"] = "text/csv"
        elif form < 0.2:
            headers["accept"] = _OBJECT
        elif form < 0.3:
            first = self.random.choice((0, 1, 4))
            headers["range"] = f"{first}-{first + self.random.choice((0, 2, 30))}"
        return headers

    def _check_read(self, table: str, query: Query, headers: dict[str, str], answer: httpx.Response) -> None:
        codes = self.eye.errors(table, query)
        ranged = _ranged(query, headers.get("range"))
        if self._is_too_deep(query, answer):
            return
        if codes or ranged is None:
            self._check_refused(answer, codes | ({"PGRST103"} if ranged is None else set()))
            return
        total = len(self.eye.matching(table, ranged)) if "prefer" in headers else None
        rows = self.eye.answer(table, ranged)
        offset = ranged.offset or 0
        if headers.get("accept") == _OBJECT and len(rows) != 1:
            self._check_refused(answer, {"PGRST116"})
        elif total is not None and offset > total:
            self._check_refused(answer, {"PGRST103"})
        else:
            assert answer.status_code == (206 if total is not None and len(rows) < total else 200), (
                self._told(answer)
            )
            place = f"{offset}-{offset + len(rows) - 1}" if rows else "*"
            expected = f"{place}/{'*' if total is None else total}"
            assert answer.headers["content-range"] == expected, self._told(answer, expected)
            self._check_body(headers.get("accept"), rows, answer)

    def _is_too_deep(self, query: Query, answer: httpx.Response) -> bool:
        """SQLite's parser goes 100 levels deep, which embeds in embeds can reach when rules add theirs."""
        return (
            self.world.is_sqlite
            and answer.status_code == 400
            and depth(query) > 2
            and answer.json()["code"] == "54000"
        )

    def _check_body(self, accept: str | None, rows: Sequence[dict[str, Any]], answer: httpx.Response) -> None:
        if accept == "text/csv":
            expected = csv_of_rows(rows)
            assert csv_of_text(answer.text, len(rows)) == expected, self._told(answer, expected)
            return
        document = _parsed(answer)
        found = [document] if accept == _OBJECT else document
        assert frozen(found) == frozen(list(rows)), self._told(answer, rows)
        assert not rows or list(found[0]) == list(rows[0]), self._told(answer, "another order of keys")

    async def _repeat(
        self,
        answer: httpx.Response,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        """Change what the caller cannot see, and ask the same: nothing in the answer may move."""
        state = self._disturbed()
        if state is None:
            return
        before = self.world.state
        await self.world.move_to(state)
        try:
            again = await self._ask(method, path, headers, **options)
        finally:
            await self.world.move_to(before)
        assert lasting(again) == lasting(answer), self._told(again, f"what it was before: {lasting(answer)}")

    def _disturbed(self) -> dict[str, list[Row]] | None:
        """Another state of which the caller sees the same; None when no random change leads to one."""
        view = self.eye.view()
        state = {name: list(rows) for name, rows in self.world.state.items()}
        changed = False
        for _ in range(_CHANGES):
            proposal = self._proposal(state)
            if proposal is None or violations(self.world.schema, proposal) or self._swaps(proposal):
                continue
            if Eye(self.world.schema, proposal, self.person).view() == view:
                state, changed = proposal, True
        return state if changed else None

    def _swaps(self, state: dict[str, list[Row]]) -> bool:
        """Whether a unique value goes from one row to another, which no order of statements would survive."""
        for spec in self.world.schema.values():
            for key in spec.keys:
                names = [near for near, _ in key.pairs]
                rows = [*self.world.state[spec.name], *state[spec.name]]
                holders = {
                    (tuple(row[name] for name in names), spec.key_of(row))
                    for row in rows
                    if row[names[0]] is not None
                }
                if key.unique and len({value for value, _ in holders}) != len(holders):
                    return True
        return False

    def _proposal(self, state: dict[str, list[Row]]) -> dict[str, list[Row]] | None:
        spec = self.random.choice(list(self.world.schema.values()))
        rows = state[spec.name]
        form = self.random.random()
        if form < 0.2 or not rows:
            row = random_row(self.random, spec, state)
            return None if row is None else {**state, spec.name: [*rows, row]}
        place = self.random.randrange(len(rows))
        if form < 0.35:
            return {**state, spec.name: [*rows[:place], *rows[place + 1 :]]}
        names = [name for name in spec.columns if name not in spec.primary_key]
        name = self.random.choice(names)
        row = {**rows[place], name: random_cell(self.random, spec.columns[name])}
        return {**state, spec.name: [*rows[:place], row, *rows[place + 1 :]]}

    # GraphQL ---------------------------------------------------------------------------------------------------

    async def twins(self) -> None:
        """The same question as REST and as GraphQL has the same rows, whatever the caller; cursors tell nothing."""
        questioner = TwinQuestioner(self.random, self.eye)
        table = questioner.table()
        if not self.eye.columns(table):
            return
        query = questioner.query(table)
        document = Document(table, query, questioner, "totalCount pageInfo { hasNextPage endCursor }")
        answer = await self._ask_graphql(document)
        codes = self.eye.errors(table, query)
        rest = await self._ask("GET", f"/rest/v1/{table}?{query_string(query)}")
        if self._is_too_deep(query, rest):
            return
        body = json.loads(answer.content, parse_float=Decimal)
        self.asked = f"{self.person.name}: {document.text} {document.variables}"
        if codes:
            assert body["errors"][0]["extensions"]["code"] == "graphql_validation_failed", self._told(
                answer, codes
            )
            self._check_refused(rest, codes)
            return
        assert "errors" not in body, self._told(answer)
        rows = self._twin_rows(table, query, document, body)
        expected = self.eye.answer(table, query)
        assert frozen(rows) == frozen(expected) == frozen(_parsed(rest)), self._told(answer, expected)
        matching = self.eye.matching(table, query)
        assert body["data"]["found"]["totalCount"] == len(matching), self._told(answer, len(matching))
        await self._follow(table, query, document, body)

    async def _follow(self, table: str, query: Query, document: Document, body: Any) -> None:
        """The pages after the cursor are the rest of the rows, also when what the caller cannot see has changed."""
        info = body["data"]["found"]["pageInfo"]
        if query.offset is not None or not info["hasNextPage"]:
            return
        assert query.limit is not None
        rest = replace(query, offset=query.limit)
        expected = frozen(self.eye.answer(table, rest))
        document.variables["after"] = info["endCursor"]
        state, before = self._disturbed(), self.world.state
        for other in (before, state):
            if other is not None:
                await self.world.move_to(other)
                try:
                    answer = await self._ask_graphql(document)
                finally:
                    await self.world.move_to(before)
                page = json.loads(answer.content, parse_float=Decimal)
                assert frozen(self._twin_rows(table, query, document, page)) == expected, self._told(answer)

    def _twin_rows(self, table: str, query: Query, document: Document, body: Any) -> list[dict[str, Any]]:
        found = body["data"]["found"]
        return document.plain(table, query, [edge["node"] for edge in found["edges"]])

    async def _ask_graphql(self, document: Document) -> httpx.Response:
        body = {"query": document.text, "variables": document.variables}
        return await self._ask("POST", "/graphql/v1", json=body)

    # One row ---------------------------------------------------------------------------------------------------

    async def item(self) -> None:
        """A row that the caller cannot see is like one that does not exist; its tag says what two callers share."""
        spec = self.random.choice(list(self.world.schema.values()))
        rows = self.world.state[spec.name]
        if not rows or any(spec.columns[name].kind is Kind.TEXT for name in spec.primary_key):
            return
        row = self.random.choice(rows)
        path = f"/rest/v1/{spec.name}/{_address(spec.columns, spec.primary_key, row)}"
        answer = await self._ask("GET", path)
        seen = {spec.key_of(other.raw): other for other in self.eye.rows(spec.name)}
        if not self.eye.readable(spec.name):
            assert answer.json()["code"] in ("PGRST205", "42703", "row_not_found"), self._told(answer)
        elif not all(self.eye.visible(spec.name, name) for name in spec.primary_key):
            self._check_refused(answer, {"42703"})
        elif self._reaches(spec.primary_key, seen.get(spec.key_of(row))):
            expected = self.eye.shape(spec.name, Query(), seen[spec.key_of(row)])
            assert frozen(_parsed(answer)) == frozen(expected), self._told(answer, expected)
            await self._compare_tags(path, answer)
        else:
            self._check_refused(answer, {"row_not_found"})
        await self._repeat(answer, "GET", path)

    def _reaches(self, key: Sequence[str], seen: Any) -> bool:
        """A row with a masked key has no address."""
        return seen is not None and all(seen.cells[name] is not None for name in key)

    async def _compare_tags(self, path: str, answer: httpx.Response) -> None:
        other = await self.world.ask(self.random.choice(self.world.people), "GET", path)
        if other.status_code == 200:
            same = other.headers["etag"] == answer.headers["etag"]
            assert same is (other.content == answer.content), self._told(
                other, "a tag that tells contents apart"
            )

    # Names -----------------------------------------------------------------------------------------------------

    async def hidden_name(self) -> None:
        """A name that is hidden from the caller is answered like one that nobody has."""
        schema = self.world.schema
        tables = [name for name in schema if not self.eye.readable(name)]
        columns = [
            (table, name)
            for table, spec in schema.items()
            for name in spec.readable
            if self.eye.readable(table) and not self.eye.visible(table, name)
        ] + [
            (table, name)
            for table, spec in schema.items()
            for name in spec.searches
            if self.eye.readable(table) and not self.eye.searchable(table, name)
        ]
        if tables and (not columns or self.random.random() < 0.5):
            name = self.random.choice(tables)
            others = [other for other in schema if self.eye.readable(other)]
            forms = [
                "/rest/v1/{}?select=*",
                "/rest/v1/{}?a=eq.1",
                *(f"/rest/v1/{other}?select={{}}(*)" for other in others),
            ]
        elif columns:
            table, name = self.random.choice(columns)
            terms = (
                "select={}",
                "{}=eq.1",
                "{}=is.null",
                "{}=wfts.a",
                "order={}",
                "or=({}.eq.1)",
                "select={}-%3E%3Ea",
                "select={}::text",
                "select={}.count()",
                "select={},count()",
                "select=count()&order={}",
            )
            forms = [f"/rest/v1/{table}?{term}" for term in terms]
        else:
            return
        nobody = "".join(self.random.choice("vwxz") for _ in name)
        form = self.random.choice(forms)
        hidden, missing = [await self._ask("GET", form.format(word)) for word in (name, nobody)]
        said, expected = (_without_hint(lasting(answer)[2]) for answer in (hidden, missing))
        assert name not in (hidden.json()["hint"] or "").replace(f"instead of '{name}'", ""), self._told(
            hidden
        )
        assert hidden.status_code == missing.status_code >= 400, self._told(hidden, missing.text)
        assert said.replace(name.encode(), nobody.encode()) == expected, self._told(hidden, missing.text)

    # Writes ----------------------------------------------------------------------------------------------------

    async def write(self) -> None:
        """A write does to every row what the oracle does, or is refused and does nothing."""
        write = random_write(self.random, self.eye)
        if write.verb == "create" and not write.rows:
            return
        outcome = Clerk(self.world.schema, self.world.state, self.person).outcome(write)
        answer = (
            await self._ask(METHODS[write.verb], write.path, {"prefer": write.prefer}, json=write.body)
            if write.body is not None
            else await self._ask("DELETE", write.path, {"prefer": write.prefer})
        )
        stored = await self.world.stored()
        assert _content(self.world, stored) == _content(self.world, outcome.state), self._told(
            answer, outcome
        )
        self._check_written(write, outcome, answer)
        self.world.state = outcome.state

    def _check_written(self, write: Write, outcome: Outcome, answer: httpx.Response) -> None:
        if outcome.codes:
            self._check_refused(answer, outcome.codes)
            return
        assert answer.status_code == outcome.status, self._told(answer, outcome)
        if outcome.body is None:
            assert answer.content == b"", self._told(answer, outcome)
        else:
            assert frozen(_parsed(answer)) == frozen(outcome.body), self._told(answer, outcome.body)

    # ---------------------------------------------------------------------------------------------------------

    async def _ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        self.asked = f"{self.person.name}: {method} {path} {headers or ''} {options or ''}"
        return await self.world.ask(self.person, method, path, headers, **options)

    def _check_refused(self, answer: httpx.Response, codes: set[str] | frozenset[str]) -> None:
        assert answer.status_code >= 300, self._told(answer, codes)
        assert answer.json()["code"] in codes, self._told(answer, codes)

    def _told(self, answer: httpx.Response, expected: Any = "") -> str:
        rules = "\n".join(map(str, self.world.schema.values()))
        return f"{self.asked}\n{answer.status_code}\n{answer.text}\nexpected: {expected}\n{rules}"


def _parsed(answer: httpx.Response) -> Any:
    return json.loads(answer.content, parse_float=Decimal)


def _without_hint(problem: bytes) -> bytes:
    """A hint depends on how much a name looks like those that the caller may know."""
    return re.sub(rb'"hint":(null|"[^"]*")', b"", problem)


def _ranged(query: Query, header: str | None) -> Query | None:
    """The query within its Range header; None when the two have no row in common."""
    if header is None or query.limit == 0:
        return query
    first, last = map(int, header.split("-"))
    own = query.offset or 0
    if query.limit is not None:
        last = min(last, own + query.limit - 1)
    first = max(first, own)
    return None if last < first else Query(query.items, query.where, query.order, last - first + 1, first)


def _address(columns: Any, key: Sequence[str], row: Row) -> str:
    return ",".join(quote(literal(row[name], columns[name].kind), safe="") for name in key)


def _content(world: World, state: dict[str, list[Row]]) -> dict[str, set[Any]]:
    return {
        name: {frozen([shown(row[column]) for column in spec.columns]) for row in state[name]}
        for name, spec in world.schema.items()
    }
