"""Actions that give rows of the oracle's models, whoever asks: what of them is shown is not theirs to decide."""

from typing import Any

from sqlalchemy import Select, String, desc, select
from sqlalchemy.ext.asyncio import AsyncSession

from backstay import Service, action
from tests.api.oracle.values import shown


def row_actions(model: Any) -> type[Service]:
    """A service with the three ways of giving rows: what a `Select` finds, a list, and one."""

    class RowActions(Service, subject=model.__tablename__):
        def __init__(self, session: AsyncSession) -> None:
            self.session = session

        @action(method="GET", rule=True, rows=model)
        async def everything(self, ctx) -> Select[Any]:  # type: ignore[no-untyped-def]  # ctx is not told by type
            """All of them, the last one first."""
            is_postgres = self.session.get_bind().dialect.name == "postgresql"
            columns = [
                column.collate("C") if is_postgres and isinstance(column.type, String) else column
                for column in model.__table__.primary_key
            ]
            return select(model).order_by(*map(desc, columns))

        @action(method="GET", rule=True)
        async def listed(self, ctx, keys: list[list[Any]]) -> list[model]:  # type: ignore[no-untyped-def]  # ctx is not told by type
            """Those of the keys, in their order and as often as they are named."""
            by_key = {_key(row): row for row in await self.session.scalars(select(model))}
            return [by_key[tuple(key)] for key in keys if tuple(key) in by_key]

        @action(rule=True)
        async def single(self, ctx, key: list[Any]) -> model | None:  # type: ignore[no-untyped-def]  # ctx is not told by type
            """That of the key."""
            found = [row for row in await self.session.scalars(select(model)) if _key(row) == tuple(key)]
            return found[0] if found else None

    return RowActions


def _key(row: Any) -> tuple[Any, ...]:
    return tuple(shown(getattr(row, column.name)) for column in row.__table__.primary_key)
