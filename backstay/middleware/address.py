"""The client's address and scheme, seen through the proxies that are trusted and no others.

In charge of `X-Forwarded-For` and `X-Forwarded-Proto`, or `Forwarded` (RFC 7239). Not in charge of `Host`, which no
forwarding header replaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network

from backstay.config.http import HttpSettings
from backstay.middleware.exchange import Header

_MAX_HOPS = 32  # the nearest ones; a longer list is a client's invention


class Proxies:
    """The trusted proxies, and what they say of a client."""

    def __init__(self, settings: HttpSettings) -> None:
        networks = [ip_network(proxy) for proxy in settings.trusted_proxies]

        def trusts(address: str) -> bool:
            try:
                parsed = ip_address(address)
            except ValueError:
                return False
            return any(parsed in network for network in networks)

        self.any = bool(networks)
        self.trusts = lru_cache(maxsize=1024)(trusts)
        self._hops_of = _forwarded if settings.forwarding_header == "forwarded" else _x_forwarded

    def client(self, peer: str, scheme: str, headers: Sequence[Header]) -> tuple[str, str]:
        """`(address, scheme)` of the right-most hop that is no trusted proxy.

        `peer` must be trusted. A hop that is not an address ends the walk: what is left of it was not written by a
        trusted proxy, so the nearest known address stands.
        """
        address = peer
        hops = self._hops_of(headers)
        for position in range(len(hops) - 1, -1, -1):
            hop, proto = hops[position]
            if proto in ("http", "https"):
                scheme = proto
            bare = _bare(hop)
            if bare is None:
                break
            address = bare
            if not self.trusts(bare):
                break
        return address, scheme


def unmapped(address: str) -> str:
    """An IPv4 address that a dual-stack socket shows as `::ffff:192.0.2.1`, in its own form."""
    return address[7:] if address.startswith("::ffff:") and "." in address else address


def _values(headers: Sequence[Header], wanted: bytes) -> list[str]:
    joined = b",".join([value for name, value in headers if name == wanted])
    if not joined:
        return []
    return [value.strip() for value in joined.decode("latin-1").rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]]


def _x_forwarded(headers: Sequence[Header]) -> list[tuple[str, str]]:
    hops = [(address, "") for address in _values(headers, b"x-forwarded-for")]
    protos = _values(headers, b"x-forwarded-proto")
    if protos:  # proxies overwrite this one more often than they append: only the last is surely theirs
        hops = [*hops[:-1], (hops[-1][0] if hops else "", protos[-1].lower())]
    return hops


def _forwarded(headers: Sequence[Header]) -> list[tuple[str, str]]:
    hops: list[tuple[str, str]] = []
    for element in _values(headers, b"forwarded"):
        pairs: dict[str, str] = {}
        for pair in element.split(";"):
            name, _, value = pair.partition("=")
            pairs[name.strip().lower()] = value.strip().strip('"')
        hops.append((pairs.get("for", ""), pairs.get("proto", "").lower()))
    return hops


def _bare(hop: str) -> str | None:
    """The address of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`, in its canonical form."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ip_address(unmapped(hop)))
    except ValueError:
        return None
