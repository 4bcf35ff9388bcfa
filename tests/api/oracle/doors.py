"""Other ways to ask: page by page with cursors, in a body, in a batch. Each must answer as the plain way does."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import httpx

from tests.api.oracle.oracle import Eye
from tests.api.oracle.probes import Case, _content, _parsed
from tests.api.oracle.queries import Questioner
from tests.api.oracle.syntax import Query, query_string
from tests.api.oracle.values import frozen
from tests.api.oracle.writes import METHODS, Clerk, Write, random_write

_NEXT = re.compile(r'<(/[^>]+)>; rel="next"')
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_SAME = ("content-type", "content-range", "content-location", "preference-applied")
_BATCH = "/rest/v1/$batch"


class DoorCase(Case):
    """One case, through one of the doors."""

    async def run(self) -> None:
        """Try one thing; AssertionError when the answer is not what it must be."""
        doors = (self.pages, self.long_question, self.batch)
        if self.random.random() < 0.25:
            await self.random.choice(doors)()
        else:
            await super().run()

    async def pages(self) -> None:
        """Page by page a question has the rows of its whole answer, and no cursor serves anybody else."""
        table, query = self._question()
        query = replace(query, limit=None, offset=None)
        whole = await self._ask("GET", f"/rest/v1/{table}?{query_string(query)}")
        limit = self.random.choice((1, 2, 3))
        link: str | None = f"/rest/v1/{table}?{query_string(replace(query, limit=limit))}&$after="
        found: list[Any] = []
        while link is not None:
            page = await self._ask("GET", link)
            if whole.status_code != 200 or page.json() == [] or page.status_code != 200:
                break
            await self._disturb(link, page)
            found += _parsed(page)
            following = _NEXT.fullmatch(page.headers.get("link", ""))
            assert following is not None or len(_parsed(page)) < limit, self._told(page)
            link = None if following is None else following[1]
            if link is not None:
                await self._try_as_another(link)
        if whole.status_code != 200:
            self._check_refused(page, {whole.json()["code"], "PGRST127"})
        elif page.status_code != 200:
            self._check_refused(page, {"PGRST127"})
        else:
            assert frozen(found) == frozen(_parsed(whole)), self._told(whole, found)

    async def _try_as_another(self, link: str) -> None:
        other = self.random.choice([person for person in self.world.people if person is not self.person])
        answer = await self.world.ask(other, "GET", link)
        assert answer.status_code >= 400, self._told(answer, f"a refusal of {other.name}")

    async def _disturb(self, link: str, page: httpx.Response) -> None:
        """What the caller cannot see has no part in where a page begins and ends."""
        state = self._disturbed() if self.random.random() < 0.3 else None
        if state is None:
            return
        before = self.world.state
        await self.world.move_to(state)
        try:
            again = await self._ask("GET", link)
        finally:
            await self.world.move_to(before)
        assert again.content == page.content, self._told(again, page.text)
        assert again.headers["etag"] == page.headers["etag"], self._told(again, "the same tag")
        assert ("link" in again.headers) is ("link" in page.headers), self._told(again, "a link as before")

    async def long_question(self) -> None:
        """In a body it is the question that it is in an address."""
        table, query = self._question()
        path, text = f"/rest/v1/{table}", query_string(query)
        headers = {"prefer": "count=exact"} if self.random.random() < 0.4 else {}
        plain = await self._ask("GET", f"{path}?{text}", headers)
        method, address = self.random.choice((("QUERY", path), ("POST", f"{path}/query")))
        answer = await self._ask(method, address, {**headers, **_FORM}, content=text.encode())
        self._check_same(answer, plain)

    def _check_same(self, answer: httpx.Response, plain: httpx.Response) -> None:
        assert answer.status_code == plain.status_code, self._told(answer, plain.text)
        if plain.status_code >= 300:
            assert answer.json()["code"] == plain.json()["code"], self._told(answer, plain.text)
            return
        assert answer.content == plain.content, self._told(answer, plain.text)
        for name in _SAME:
            assert answer.headers.get(name) == plain.headers.get(name), self._told(answer, plain.headers)

    async def batch(self) -> None:
        """A read, a write and the read again: as if each were alone, and all or nothing."""
        table, query = self._question()
        target = f"/rest/v1/{table}?{query_string(query)}"
        write = random_write(self.random, self.eye)
        if write.verb == "create" and not write.rows:
            return
        before = await self._ask("GET", target)
        outcome = Clerk(self.world.schema, self.world.state, self.person).outcome(write)
        operations = [{"method": "GET", "path": target}, _operation(write), {"method": "GET", "path": target}]
        answer = await self._ask("POST", _BATCH, json={"operations": operations})
        refused = before.status_code >= 300 or outcome.codes
        state = self.world.state if refused else outcome.state
        assert _content(self.world, await self.world.stored()) == _content(self.world, state), self._told(
            answer
        )
        self.world.state = state
        if refused:
            codes = {before.json()["code"]} if before.status_code >= 300 else outcome.codes
            self._check_refused(answer, codes)
            assert answer.json()["index"] == int(before.status_code < 300), self._told(answer, codes)
            return
        after = await self._ask("GET", target)
        first, written, last = _parsed(answer)["results"]
        for result, plain in ((first, before), (last, after)):
            assert result["status"] == plain.status_code == 200, self._told(answer, plain.text)
            assert frozen(result["body"]) == frozen(_parsed(plain)), self._told(answer, plain.text)
        assert written["status"] == outcome.status, self._told(answer, outcome)
        assert frozen(written["body"]) == frozen(outcome.body), self._told(answer, outcome.body)

    def _question(self) -> tuple[str, Query]:
        self.eye = Eye(self.world.schema, self.world.state, self.person)
        questioner = Questioner(self.random, self.eye)
        table = questioner.table()
        return table, questioner.query(table)


def _operation(write: Write) -> dict[str, Any]:
    operation = {"method": METHODS[write.verb], "path": write.path, "headers": {"Prefer": write.prefer}}
    return operation if write.body is None else {**operation, "body": write.body}
