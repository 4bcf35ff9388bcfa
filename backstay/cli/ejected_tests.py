"""The text of a table's test file: what each kind of caller meets at its addresses, read from its rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backstay.models.access.caller import ANONYMOUS, Caller
from backstay.models.access.rules import Rule
from backstay.models.access.terms import Subject
from backstay.models.catalog import Catalog, Resource, ValueKind
from backstay.services.resources.sight import Sight
from backstay.services.resources.typed import audience_named

# A key that no row has.
_NOBODY: Mapping[ValueKind, str] = {
    ValueKind.INTEGER: "-1",
    ValueKind.TEXT: "--",
    ValueKind.UUID: "00000000-0000-0000-0000-000000000000",
    ValueKind.DATE: "0001-01-01",
    ValueKind.DECIMAL: "-1",
    ValueKind.FLOAT: "-1",
    ValueKind.BOOLEAN: "false",
}

_TEXT = '''"""`{table}` at its addresses: what each kind of caller may do, on an empty database.

Written by `backstay eject`. It holds with the table's own classes and with the generated ones. Asynchronous tests and
fixtures need `asyncio_mode = auto`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from backstay import Backstay
from backstay.testing import Door, Doors, create_tables, doors_of

TABLE = "/rest/v1/{table}"
NO_SUCH_ROW = "{key}"
NO_SUCH_ROWS = "{where}"


@pytest.fixture
async def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Doors]:
    """The application on an empty database, and the ways into it."""
    monkeypatch.setenv("BACKSTAY_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("BACKSTAY_DATABASE__URL", f"sqlite:///{{tmp_path}}/app.db")
    app = Backstay("{package}")
    await create_tables(app)
    async with doors_of(app) as doors:
        yield doors


async def caller(doors: Doors, who: str) -> Door:
    """The way in of `anonymous`, of a `user` without a role, or of a user with the role of that name."""
    if who == "anonymous":
        return doors.anonymous
    return await doors.user("someone@example.com", roles=[] if who == "user" else [who])


async def test_the_table_is_listed_to_those_who_may_read_it(doors: Doors) -> None:
    for who, status in [{listed}]:
        answer = await (await caller(doors, who)).get(f"{{TABLE}}?limit=5")
        assert answer.status_code == status, (who, answer.text)
        assert status != 200 or answer.json() == []


async def test_a_row_that_is_not_there_is_not_found(doors: Doors) -> None:
    answer = await doors.anonymous.get(f"{{TABLE}}/{{NO_SUCH_ROW}}")
    assert answer.status_code == 404, answer.text
'''

_HIDDEN = """

async def test_a_hidden_column_does_not_exist_for_strangers(doors: Doors) -> None:
    for column in [{columns}]:
        for question in (f"select={{column}}", f"{{column}}=not.is.null", f"order={{column}}"):
            answer = await doors.anonymous.get(f"{{TABLE}}?{{question}}")
            assert answer.status_code == 400, question
            assert answer.json()["code"] == "42703"
"""

_REFUSED = """

async def test_rows_are_not_made_by_those_who_may_not(doors: Doors) -> None:
    for who, status in [{refused}]:
        answer = await (await caller(doors, who)).post(TABLE, json={{}})
        assert answer.status_code == status, (who, answer.text)
"""

_DELETED = """

async def test_rows_are_deleted_by_those_who_may(doors: Doors) -> None:
    for who, status in [{deleted}]:
        answer = await (await caller(doors, who)).delete(f"{{TABLE}}?{{NO_SUCH_ROWS}}")
        assert answer.status_code == status, (who, answer.text)
"""


def tests_of(resource: Resource, catalog: Catalog, package: str) -> str:
    """The test file of a table."""
    keys = [_NOBODY.get(field.kind, "--") for field in resource.primary_key]
    callers = dict(_callers(resource, catalog))
    access = resource.access
    text = _TEXT.format(
        table=resource.name,
        package=package,
        key=",".join(keys),
        where="&".join(f"{one.name}=eq.{key}" for one, key in zip(resource.primary_key, keys, strict=True)),
        listed=_cases({who: _listed(catalog, resource, caller) for who, caller in callers.items()}),
    )
    hidden = [name for name, rule in access.fields.items() if rule.fold(ANONYMOUS) is False]
    if hidden and _listed(catalog, resource, ANONYMOUS) == 200:
        columns = ", ".join(f'"{name}"' for name in hidden)
        text += _HIDDEN.format(columns=columns)
    made = {who: _written(catalog, resource, access.create, caller, 0) for who, caller in callers.items()}
    refused = {who: status for who, status in made.items() if status}
    if refused:
        text += _REFUSED.format(refused=_cases(refused))
    deleted = {
        who: _written(catalog, resource, access.delete, caller, 204)
        for who, caller in callers.items()
        if _sees_key(catalog, resource, caller)
    }
    if deleted and all(field.kind in _NOBODY for field in resource.primary_key):
        text += _DELETED.format(deleted=_cases(deleted))
    return text


def _callers(resource: Resource, catalog: Catalog) -> Iterator[tuple[str, Caller]]:
    """Nobody in particular, a user, and one with each role that the table's rules ask for."""
    access = resource.access
    rules = (access.read, access.create, access.update, access.delete, *access.fields.values())
    roles = {term.name for rule in rules for term in rule.terms if term.subject is Subject.ROLE}
    for who in ("anonymous", "user", *sorted(roles - {"anonymous", "user"})):
        yield who, audience_named(catalog, who).member


def _listed(catalog: Catalog, resource: Resource, caller: Caller) -> int:
    return 200 if Sight(catalog, caller).is_readable(resource) else 404


def _written(catalog: Catalog, resource: Resource, rule: Rule, caller: Caller, done: int) -> int:
    """The status of a write under a rule; `done` where the rule does not stand in its way."""
    if not Sight(catalog, caller).exists(resource):
        return 404
    if rule.is_never:
        return 405
    if rule.fold(caller) is False:
        return 401 if caller.id is None else 403
    return done


def _sees_key(catalog: Catalog, resource: Resource, caller: Caller) -> bool:
    sight = Sight(catalog, caller)
    return all(sight.reference(resource, field.name) for field in resource.primary_key)


def _cases(statuses: Mapping[str, int]) -> str:
    return ", ".join(f'("{who}", {status})' for who, status in statuses.items())
