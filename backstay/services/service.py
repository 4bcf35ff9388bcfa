"""`Service`, the base of users' business logic."""

from __future__ import annotations


class Service:
    """Business verbs about one subject. Methods take the context first.

    A service is made for one request: its constructor names the repositories and other services it needs by type,
    and is given them, all on one session.
    """
