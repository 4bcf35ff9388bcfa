"""Questions about what an action gives: the whole grammar of a read, over rows that the action chose for anybody.

The actions give rows that their caller must not see. What is answered is the question about those of them that the
caller sees, in the order in which they were given.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx

from tests.api.oracle.doors import DoorCase
from tests.api.oracle.oracle import Eye, Seen
from tests.api.oracle.probes import _parsed
from tests.api.oracle.queries import Questioner
from tests.api.oracle.rules import Row
from tests.api.oracle.syntax import Query, query_string
from tests.api.oracle.values import frozen, shown


class GivenEye(Eye):
    """A caller's view, in which one table is asked about those rows alone that an action gave."""

    def __init__(self, eye: Eye, table: str, rows: Sequence[Row]) -> None:
        super().__init__(eye.schema, eye.state, eye.person)
        key_of = self.schema[table].key_of
        seen = {key_of(one.raw): one for one in self.rows(table)} if self.readable(table) else {}
        # A row that is given twice is two rows.
        self._given = [replace(seen[key_of(row)]) for row in rows if key_of(row) in seen]

    def errors(self, table: str, query: Query) -> set[str]:
        """As of a table, of which the caller did not say the name."""
        return set(self.complaints(table, query)) if self.readable(table) else {"42501"}

    def matching(self, table: str, query: Query, among: Sequence[Seen] | None = None) -> list[Seen]:
        """Rows that the action gave, unless others are meant; in its order unless another is asked for."""
        if among is not None:
            return super().matching(table, query, among)
        found = super().matching(table, query, self._given)
        return found if query.order else sorted(found, key=self._given.index)


class CallCase(DoorCase):
    """One case, perhaps through an action."""

    gives_one = False

    async def run(self) -> None:
        """Try one thing; AssertionError when the answer is not what it must be."""
        if self.random.random() < 0.15:
            await self.call()
        else:
            await super().run()

    async def call(self) -> None:
        """Rows of an action are shown as the oracle shows them, and no hidden value has a part in it."""
        form = self.random.random()
        table, query = self._question()
        if form < 0.1:
            query = Questioner(self.random, self.eye).embeds_nothing(table)
        method, path, body = self._called(table, query, "HEAD" if form > 0.97 else "GET")
        headers = self._headers(form)
        if method == "POST":
            headers.pop("range", None)
        options = {} if body is None else {"json": body}
        answer = await self._ask(method, path, headers, **options)
        if method != "HEAD":
            self._check_read(table, query, headers, answer)
            await self._bounded(table, query, (method, path), options, answer)
            await self._in_batch(answer, {"method": method, "path": path, "headers": headers, "body": body})
        await self._repeat(answer, method, path, headers, **options)

    def _called(self, table: str, query: Query, reading: str) -> tuple[str, str, dict[str, Any] | None]:
        """Method, address and body of a call; from now on the eye sees what it gives."""
        spec, rows = self.eye.schema[table], self.eye.state[table]
        key_of, action = spec.key_of, self.random.choice(("everything", "listed", "listed", "single"))
        chosen = self.random.choices(rows, k=self.random.choice((0, 1, 3, 6, 12))) if rows else []
        given = sorted(rows, key=key_of, reverse=True) if action == "everything" else chosen
        given = given[:1] if action == "single" else given
        self.gives_one = action == "single"
        self.eye = GivenEye(self.eye, table, given)
        path = f"/rest/v1/rpc/{table}.{action}?{query_string(query)}"
        keys = [[shown(part) for part in key_of(row)] for row in given]
        if action == "everything":
            return (reading, path, None) if self.random.random() < 0.5 else ("POST", path, {})
        if action == "single":
            return "POST", path, {"key": keys[0] if keys else []}
        if self.random.random() < 0.5:
            return "POST", path, {"keys": keys}
        return reading, f"{path}&keys={quote(json.dumps(keys))}", None

    async def _bounded(
        self, table: str, query: Query, call: tuple[str, str], options: dict[str, Any], answer: httpx.Response
    ) -> None:
        """How many rows are too many says nothing of those that the caller does not see; nor does a cursor."""
        if answer.status_code >= 300 or self.random.random() > 0.3:
            return
        method, path = call
        self._check_refused(await self._ask(method, f"{path}&$after=", **options), {"PGRST100"})
        most = self.random.choice((0, 1, 3))
        headers = {"prefer": f"handling=strict,max-affected={most}"}
        bounded = await self._ask(method, path, headers, **options)
        rows = len(self.eye.answer(table, query))
        if self.gives_one:
            self._check_refused(bounded, {"PGRST128"})
        elif rows > most:
            self._check_refused(bounded, {"PGRST124"})
            assert bounded.json()["details"] == f"The query affects {rows} rows", self._told(bounded, rows)
        else:
            assert frozen(_parsed(bounded)) == frozen(self.eye.answer(table, query)), self._told(bounded)

    async def _in_batch(self, answer: httpx.Response, operation: dict[str, Any]) -> None:
        """In a batch a call is what it is alone, whether the batch only reads or not."""
        if self.random.random() > 0.3:
            return
        if operation["body"] is None:
            del operation["body"]
        batch = await self._ask("POST", "/rest/v1/$batch", json={"operations": [operation]})
        if answer.status_code >= 300:
            self._check_refused(batch, {answer.json()["code"]})
            return
        assert batch.status_code == 200, self._told(batch, answer.text)
        (result,) = _parsed(batch)["results"]
        is_csv = answer.headers["content-type"].startswith("text/csv")
        expected = answer.text if is_csv else frozen(_parsed(answer))
        assert result["status"] == answer.status_code, self._told(batch, answer.text)
        assert (result["body"] or "" if is_csv else frozen(result["body"])) == expected, self._told(batch)
        assert result["headers"]["content-range"] == answer.headers["content-range"], self._told(batch)

    def _check_body(self, accept: str | None, rows: Sequence[dict[str, Any]], answer: httpx.Response) -> None:
        if not self.gives_one or accept is not None:
            super()._check_body(accept, rows, answer)
            return
        expected = rows[0] if rows else None
        assert frozen(_parsed(answer)) == frozen(expected), self._told(answer, expected)
