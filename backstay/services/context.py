"""The context of one piece of work: who asks, under which request id, until when, from where."""

from __future__ import annotations

from dataclasses import dataclass

from backstay.models.access.caller import ANONYMOUS, Caller


@dataclass(frozen=True, slots=True)
class Context:
    """First argument of every service method. Built by middleware; jobs and the CLI build their own.

    Attributes:
        deadline: monotonic seconds after which the answer is of no use; None for no limit.
        client_ip: address of the client after trusted proxies; empty when there is none.
    """

    caller: Caller = ANONYMOUS
    request_id: str = ""
    deadline: float | None = None
    client_ip: str = ""
