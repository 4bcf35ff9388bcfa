"""Defaults of the caller (`default=caller.id`) in users' own sessions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession

from backstay.models.access.caller import Caller
from backstay.models.access.rules import term_value
from backstay.models.access.terms import CallerTerm


def bind_caller(session: AsyncSession, caller: Caller) -> None:
    """From now on the session fills columns whose default is a value of the caller."""

    def fill(sync_session: Any, *_: Any) -> None:
        for instance in sync_session.new:
            for attribute in inspect(type(instance)).column_attrs:
                default = getattr(attribute.columns[0], "default", None)  # a column property is no column
                term = getattr(default, "arg", None)
                if isinstance(term, CallerTerm) and getattr(instance, attribute.key) is None:
                    setattr(instance, attribute.key, term_value(term, caller))

    event.listen(session.sync_session, "before_flush", fill)
