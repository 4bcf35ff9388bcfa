"""How often somebody may try: at each door, for an account, for an address, and for everybody together.

In charge of the numbers. An attempt is counted before anything is looked up, so a known and an unknown account are
throttled alike. Only attempts are limited, never sessions: whoever is signed in stays so, whatever strangers try.
When the database cannot count, the attempt fails.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Literal

import structlog

from backstay.errors import BackstayError
from backstay.repositories.auth.throttles import Allowance, ThrottleRepository
from backstay.repositories.database import Database
from backstay.services.context import Context

Action = Literal[
    "password",
    "sign_up",
    "anonymous",
    "mail",
    "verify",
    "refresh",
    "mfa_verify",
    "reauthenticate",
    "oauth",
    "exchange",
]

_PURPOSE = b"backstay throttles, version 1"
# An attempt adds at most four rows, and a sweep removes 512: the table holds little but what counts.
_ATTEMPTS_PER_SWEEP = 64
_MICRO = 1_000_000
_OF_ACCOUNTS = ("account", "pair")
_OF_CLIENTS = ("pair", "client")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and then one every so many seconds: in a day, at most `burst + 86400 / seconds`."""

    burst: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Policy:
    """The rates of one door, all of which must allow an attempt.

    Attributes:
        account: of one account from everywhere.
        pair: of one account from one client address.
        client: of one client address, IPv6 by its /64.
        everybody: of the whole application.
    """

    account: tuple[Rate, ...] = ()
    pair: tuple[Rate, ...] = ()
    client: tuple[Rate, ...] = ()
    everybody: tuple[Rate, ...] = ()
    code: str = "over_request_rate_limit"


# Where something is guessed, an account bears at most about a hundred attempts a day (NIST SP 800-63B-4 section
# 3.2.2), from however many addresses, and a right one sets it back. One address gets a part of the account's burst
# and then no more than the account regains, so that a single attacker never keeps the owner out elsewhere.
POLICIES: Mapping[Action, Policy] = {
    # 100 a day for an account, 58 of them from one address. A password hash costs 20 ms: 50 a second fill a core.
    "password": Policy(
        account=(Rate(52, 1800),),
        pair=(Rate(10, 1800),),
        client=(Rate(60, 2),),
        everybody=(Rate(2000, 0.02),),
    ),
    "sign_up": Policy(account=(Rate(6, 300),), client=(Rate(30, 20),), everybody=(Rate(500, 0.2),)),
    "anonymous": Policy(client=(Rate(30, 60),), everybody=(Rate(500, 0.2),)),
    # Six at once and one a minute, and no more than 68 a day to one mailbox.
    "mail": Policy(
        account=(Rate(6, 60), Rate(20, 1800)),
        client=(Rate(40, 15),),
        everybody=(Rate(1000, 0.2),),
        code="over_email_send_rate_limit",
    ),
    # Codes of eight digits: 156 a day find one in 1 of 640,000 days. Each code bears few wrong tries of its own besides.
    "verify": Policy(
        account=(Rate(60, 900),), pair=(Rate(20, 900),), client=(Rate(120, 2),), everybody=(Rate(2000, 0.02),)
    ),
    # No rate for everybody: strangers could use it up for those who are signed in, and 128 bits are not guessed.
    "refresh": Policy(account=(Rate(60, 2),), client=(Rate(1800, 0.2),)),
    # Of a million codes three are right at a time. Whoever gets here knows the password already: 88 a day.
    "mfa_verify": Policy(
        account=(Rate(16, 1200),), pair=(Rate(8, 1200),), client=(Rate(60, 2),), everybody=(Rate(2000, 0.05),)
    ),
    # The current password, or a mailed code, asked of somebody who is signed in.
    "reauthenticate": Policy(
        account=(Rate(16, 1200),), pair=(Rate(8, 1200),), client=(Rate(60, 2),), everybody=(Rate(2000, 0.05),)
    ),
    "oauth": Policy(client=(Rate(60, 2),), everybody=(Rate(2000, 0.02),)),
    "exchange": Policy(client=(Rate(120, 1),), everybody=(Rate(2000, 0.02),)),
}


@dataclass(frozen=True, slots=True)
class _Limit:
    """A rate of a policy, with the factor in it.

    Attributes:
        name: no two limits have the same.
        interval: microseconds.
    """

    scope: str
    name: str
    interval: int
    burst: int


class Throttles:
    """Counts attempts, for all processes on one database.

    Args:
        secret: the server's; keys are digests under it, so that the table names nobody.
        factor: multiplies what is allowed.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        database: Database,
        secret: bytes,
        factor: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._repository = ThrottleRepository(database)
        self._secret = hmac.digest(secret, _PURPOSE, hashlib.sha256)
        self._limits = {action: _limits(action, factor) for action in POLICIES}
        self._clock = clock
        self._unswept = _ATTEMPTS_PER_SWEEP
        self._log = structlog.get_logger("backstay.throttles")

    async def spend(self, context: Context, action: Action, subject: str | None) -> None:
        """Count an attempt.

        Args:
            subject: what names the account: the key of an address, or an id; None where there is none.

        Raises:
            BackstayError: the policy's code, with the seconds to wait; nothing is counted then.
        """
        client = client_of(context.client_ip)
        limits = [one for one in self._limits[action] if subject is not None or one.scope not in _OF_ACCOUNTS]
        allowances = [
            Allowance(self._key(one, client, subject or ""), one.interval, one.burst) for one in limits
        ]
        self._unswept += 1
        sweep = self._unswept > _ATTEMPTS_PER_SWEEP
        refusal = await self._repository.take(allowances, int(self._clock() * _MICRO), sweep=sweep)
        if refusal is None:
            self._unswept = 0 if sweep else self._unswept
            return
        self._log.info(
            "throttled",
            action=action,
            limit=limits[refusal.position].scope,
            request_id=context.request_id,
            client_ip=context.client_ip,
        )
        raise BackstayError(POLICIES[action].code, retry_after_seconds=math.ceil(refusal.wait / _MICRO))

    async def forgive(self, context: Context, action: Action, subject: str) -> None:
        """Forget the attempts at an account, after a right one: those of this client, and the account's own count.

        What the client has used up stays, or whoever has one account could guess at others without end.
        """
        client = client_of(context.client_ip)
        limits = [one for one in self._limits[action] if one.scope in _OF_ACCOUNTS]
        await self._repository.forgive([self._key(one, client, subject) for one in limits])

    def _key(self, limit: _Limit, client: str, subject: str) -> str:
        by_client, by_account = limit.scope in _OF_CLIENTS, limit.scope in _OF_ACCOUNTS
        # As a literal, so that no two of these read alike, whatever a subject holds.
        text = ascii((limit.name, client if by_client else "", subject if by_account else "")).encode()
        return hmac.digest(self._secret, text, hashlib.sha256).hex()


def _limits(action: Action, factor: float) -> tuple[_Limit, ...]:
    """A policy's rates, those first that fewest share: a refused attempt at one account holds up nobody else."""
    policy = POLICIES[action]
    scopes = {
        "account": policy.account,
        "pair": policy.pair,
        "client": policy.client,
        "everybody": policy.everybody,
    }
    return tuple(
        _Limit(
            scope,
            f"{action} {scope} {number}",
            max(1, round(rate.seconds * _MICRO / factor)),
            max(1, round(rate.burst * factor)),
        )
        for scope, rates in scopes.items()
        for number, rate in enumerate(rates)
    )


def client_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which one host has for itself."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> 64:x}/64"
