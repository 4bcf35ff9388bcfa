"""How often somebody may try: at each door, for an account, for an address, and for everybody together.

In charge of the numbers. An attempt is counted before anything is looked up, so a known and an unknown account are
throttled alike. Only attempts are limited, never sessions: whoever is signed in stays so, whatever strangers try.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backstay.errors import BackstayError
from backstay.repositories.auth.throttles import Allowance, ThrottleRepository
from backstay.repositories.database import Database
from backstay.services.context import Context

_PURPOSE = b"backstay throttles, version 1"
_SWEEP_EVERY = 100


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and then one every so many seconds."""

    burst: int
    interval: float


@dataclass(frozen=True, slots=True)
class Policy:
    """The rates of one door; None where there is none.

    Attributes:
        pair: of one account from one client address.
        account: of one account from everywhere.
        client: of one client address, IPv6 by its /64.
        everybody: of the whole application.
    """

    pair: Rate | None = None
    account: Rate | None = None
    client: Rate | None = None
    everybody: Rate | None = None
    code: str = "over_request_rate_limit"


# The account's own rate of `password` bears 100 wrong passwords (NIST SP 800-63B-4 section 3.2.2) in a burst and then
# 48 a day; a right one sets it back. From one address it is 10 and then one a minute, so that one attacker cannot use
# up what the owner has.
POLICIES: Mapping[str, Policy] = {
    "password": Policy(Rate(10, 60), Rate(100, 1800), Rate(60, 2), Rate(2000, 0.02)),
    "sign_up": Policy(None, Rate(6, 300), Rate(30, 20), Rate(500, 0.2)),
    "anonymous": Policy(None, None, Rate(30, 60), Rate(500, 0.2)),
    "mail": Policy(None, Rate(6, 60), Rate(40, 15), Rate(1000, 0.2), code="over_email_send_rate_limit"),
    "verify": Policy(Rate(20, 30), Rate(60, 300), Rate(120, 2), Rate(2000, 0.02)),
    "refresh": Policy(None, Rate(60, 2), Rate(1800, 0.2), None),
    "mfa_verify": Policy(None, Rate(10, 60), Rate(60, 2), Rate(2000, 0.05)),
    "oauth": Policy(None, None, Rate(60, 2), Rate(2000, 0.02)),
    "exchange": Policy(None, None, Rate(120, 1), Rate(2000, 0.02)),
}


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
        self._factor = factor
        self._clock = clock
        self._spent = 0

    async def spend(self, context: Context, action: str, subject: str | None) -> None:
        """Count an attempt.

        Args:
            action: one of `POLICIES`.
            subject: what names the account: the key of an address, or an id; None where there is none.

        Raises:
            BackstayError: the policy's code, with the seconds to wait; nothing is counted then.
        """
        policy, client = POLICIES[action], client_of(context.client_ip)
        allowances = []
        for rate, words in (
            (policy.pair if subject is not None else None, ("pair", subject or "", client)),
            (policy.account if subject is not None else None, ("account", subject or "")),
            (policy.client, ("client", client)),
            (policy.everybody, ("everybody",)),
        ):
            if rate is not None:
                burst = max(1, round(rate.burst * self._factor))
                allowances.append(Allowance(self._key(action, *words), rate.interval / self._factor, burst))
        self._spent += 1
        wait = await self._repository.spend(allowances, self._clock(), sweep=self._spent % _SWEEP_EVERY == 0)
        if wait > 0:
            raise BackstayError(policy.code, retry_after_seconds=math.ceil(wait))

    async def forgive(self, context: Context, action: str, subject: str) -> None:
        """Forget the attempts at one account, after a right one."""
        client = client_of(context.client_ip)
        keys = (self._key(action, "pair", subject, client), self._key(action, "account", subject))
        await self._repository.forgive(keys)

    def _key(self, *words: str) -> str:
        text = "\0".join(words).encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()


def client_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which one host has for itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)
