"""Signing in by password: what is known of the user before, and what is kept after, each in one statement.

Through the platform's own door. In a session the same took six round trips more, and half of the event loop's time
(docs/decisions/0037-signing-in-at-once.md).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Table, bindparam, insert, select, update

from backstay.models.auth.factor import Factor
from backstay.models.auth.identity import Identity
from backstay.models.auth.records import AuditEntry
from backstay.models.auth.role import Role
from backstay.models.auth.session import AuthSession
from backstay.models.auth.user import User
from backstay.models.base import Model
from backstay.repositories.auth.users import OF_USER, Standing, standing_of
from backstay.repositories.database import Database, Engine, ResultRow, Statement
from backstay.repositories.database.prepared import Prepared

_USERS, _SESSIONS, _LINES = (
    Model.metadata.tables[model.__tablename__] for model in (User, AuthSession, AuditEntry)
)
_FOUND = (User, Identity, Factor)
_COLUMNS = [column for model in _FOUND for column in model.__table__.c]
_BY_KEY = OF_USER.with_only_columns(*_COLUMNS, Role.name, Role.permissions).where(
    User.email_key == bindparam("email_key")
)
_HASH = _COLUMNS.index(_USERS.c.password_hash)
_ID = _COLUMNS.index(_USERS.c.id)
_CONFIRMED = _COLUMNS.index(_USERS.c.email_confirmed_at)
# Nothing when what was found is true no longer; whoever changes what tokens say of a user counts up `authority`.
_SIGNED = (
    update(_USERS)
    .where(
        _USERS.c.id == bindparam("user_id"),
        _USERS.c.password_hash == bindparam("known_hash"),
        _USERS.c.authority == bindparam("authority"),
    )
    .values(
        password_hash=bindparam("new_hash"),
        last_sign_in_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
    .returning(_USERS.c.id)
)


class Found:
    """What was found at an address.

    Not looked at more closely than needed before the password is known to be right, so that the time until then does
    not tell whether anything was found.
    """

    def __init__(self, rows: Sequence[ResultRow], prepared: Prepared) -> None:
        self._rows = rows
        self._prepared = prepared

    @property
    def password_hash(self) -> str | None:
        """What a password is compared with; None for a user without one."""
        hashed: str | None = self._rows[0][_HASH]
        return hashed

    @property
    def is_confirmed(self) -> bool:
        """Whether somebody has proven that the address is theirs."""
        return self._rows[0][_CONFIRMED] is not None

    @property
    def user_id(self) -> UUID:
        """Whose address it is."""
        return UUID(str(self._rows[0][_ID]))

    def standing(self) -> Standing:
        """All that a token tells of the user."""
        return standing_of([_objects(row) for row in self._prepared.rows(self._rows)])


class SignInRepository:
    """Finds who signs in, and keeps that they did."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_key = Prepared(_BY_KEY, database.engine)
        self._steps = _steps(database.engine)

    async def find(self, email_key: str) -> Found | None:
        """The user with that address, by its key (`Address.key`)."""
        rows = await self._database.read(self._by_key.bind({"email_key": email_key}))
        return Found(rows, self._by_key) if rows else None

    async def keep(self, user: User, hashed: str, sign_in: AuthSession, line: AuditEntry) -> bool:
        """Add the session and the line of the audit log, and note the time at the user, all or nothing.

        Args:
            user: as it was found.
            hashed: what a password is compared with from now on.

        Returns:
            False, and nothing is kept, when the user's password or what tokens say of the user has changed since.
        """
        values = {
            "user_id": user.id,
            "known_hash": user.password_hash,
            "authority": user.authority,
            "new_hash": hashed,
            "now": sign_in.created_at,
            **_values(sign_in),
            **_values(line),
        }
        statements = [step.bind(values) for step in self._steps]

        def program() -> Generator[Statement, list[ResultRow], bool]:
            for number, statement in enumerate(statements):
                rows = yield statement
                if number == 0 and not rows:
                    return False
            return True

        return await self._database.write(program, atomic=len(statements) > 1)


def _steps(engine: Engine) -> Sequence[Prepared]:
    """The statements of `keep`, of which the others are run when the first one returns a row.

    One on PostgreSQL, which commits itself; SQLite changes one table in a statement, and has no round trips.
    """
    tables = (_SESSIONS, _LINES)
    if engine == "sqlite":
        return [
            Prepared(_SIGNED, engine),
            *(Prepared(insert(table).values(_binds(table)), engine) for table in tables),
        ]
    signed = _SIGNED.cte("signed")
    added = [
        insert(table).from_select(list(_binds(table)), select(*_binds(table).values()).select_from(signed))
        for table in tables
    ]
    statement = select(signed.c.id).add_cte(
        *(each.cte(f"added_{number}") for number, each in enumerate(added))
    )
    return [Prepared(statement, engine)]


def _binds(table: Table) -> dict[str, BindParameter[Any]]:
    """A parameter for each column."""
    return {
        column.name: bindparam(f"{table.name}.{column.name}", type_=column.type) for column in table.columns
    }


def _values(row: Model) -> dict[str, Any]:
    """The values of those, for a row whose attributes are named like its columns."""
    table = Model.metadata.tables[row.__tablename__]
    return {f"{table.name}.{column.name}": getattr(row, column.name) for column in table.columns}


def _objects(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row of `_BY_KEY` as a session would give it: objects, None for one that is not there, and the role."""
    objects, start = [], 0
    for model in _FOUND:
        names = model.__table__.columns.keys()
        values = row[start : start + len(names)]
        start += len(names)
        # The first column is the primary key.
        objects.append(None if values[0] is None else model(**dict(zip(names, values, strict=True))))
    return *objects, *row[start:]
