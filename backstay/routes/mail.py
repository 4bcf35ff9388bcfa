"""The addresses of the mail pages, which exist in development alone."""

from __future__ import annotations

from collections.abc import Sequence

from backstay.controllers.endpoints import Endpoint
from backstay.controllers.mail.pages import PATH, MailPages
from backstay.services.auth.guards import EVERYONE


def endpoints(pages: MailPages) -> Sequence[Endpoint]:
    """The table."""
    return (
        Endpoint("GET", PATH, pages.index, EVERYONE, "The mails of development"),
        Endpoint("GET", f"{PATH}/{{mail_id}}", pages.mail, EVERYONE, "One of them"),
    )
