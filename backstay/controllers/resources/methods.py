"""Which methods a table's addresses have: those whose rules are not plainly false for everybody.

For a caller above the rules they have all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.catalog import Resource

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "GET": ("read",),
    "HEAD": ("read",),
    "QUERY": ("read",),
    "POST": ("create",),
    "PATCH": ("update",),
    "PUT": ("create", "update"),
    "DELETE": ("delete",),
    "OPTIONS": (),
}


def allowed(resource: Resource, methods: Sequence[str], caller: Caller) -> list[str]:
    """Those of the methods that this caller, or anybody below the rules, may use on this table."""
    return [method for method in methods if _is_possible(resource, method, caller)]


def require_method(resource: Resource, method: str, methods: Sequence[str], caller: Caller) -> None:
    """Refuse a method that nobody may use here.

    Raises:
        BackstayError: `PGRST117`, with those that `allowed` gives.
    """
    if method not in methods or not _is_possible(resource, method, caller):
        possible = allowed(resource, methods, caller)
        raise BackstayError("PGRST117", f"Unsupported HTTP method: {method}", allow=possible)


def _is_possible(resource: Resource, method: str, caller: Caller) -> bool:
    return caller.bypasses_rules or not any(
        getattr(resource.access, rule).is_never for rule in _NEEDS[method]
    )
