"""`/dev/mails`: the mails in the folder of development, newest first, and each of them as its reader would see it.

In charge of two pages without a script. They exist in development alone, since mails hold links that sign in.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any
from uuid import UUID

from backstay.controllers.endpoints import Ask, Reply
from backstay.controllers.http import Header
from backstay.errors import BackstayError
from backstay.repositories.mail.folder import FolderMailer, StoredMail

PATH = "/dev/mails"
_POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'"
)
_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", _POLICY),
)
_LINK = re.compile(r"https?://[^\s<>\"]+")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #18181b }}
table {{ border-collapse: collapse; width: 100% }} td, th {{ text-align: left; padding: .4rem .8rem .4rem 0 }}
tr {{ border-bottom: 1px solid #e4e4e7 }} pre {{ white-space: pre-wrap; background: #f4f4f5; padding: 1rem }}
iframe {{ width: 100%; height: 34rem; border: 1px solid #e4e4e7 }}
</style></head><body>{body}</body></html>
"""


class MailPages:
    """Handlers."""

    def __init__(self, folder: FolderMailer) -> None:
        self._folder = folder

    async def index(self, ask: Ask[Any]) -> Reply:
        """The newest hundred."""
        rows = "".join(_row(stored) for stored in await self._folder.list())
        empty = "" if rows else "<p>No mail has been written yet.</p>"
        table = f"<table><tr><th>when</th><th>to</th><th>subject</th></tr>{rows}</table>{empty}"
        return _page("Mails", f"<h1>Mails</h1>{table}")

    async def mail(self, ask: Ask[Any]) -> Reply:
        """One mail."""
        try:
            mail_id = UUID(ask.path["mail_id"])
        except ValueError:
            raise BackstayError("not_found") from None
        stored = await self._folder.read(mail_id)
        mail = stored.mail
        head = f"<h1>{escape(mail.subject)}</h1><p>To {escape(mail.to)}, {stored.sent_at:%Y-%m-%d %H:%M:%S} UTC</p>"
        # A frame without rights: the mail's own markup can neither run nor lead this page away.
        frame = f'<iframe sandbox srcdoc="{escape(mail.html)}" title="HTML"></iframe>'
        back = f'<p><a href="{PATH}">All mails</a></p>'
        return _page(mail.subject, f"{back}{head}<pre>{_linked(mail.text)}</pre>{frame}")


def _row(stored: StoredMail) -> str:
    mail = stored.mail
    return (
        f"<tr><td>{stored.sent_at:%H:%M:%S}</td><td>{escape(mail.to)}</td>"
        f'<td><a href="{PATH}/{stored.id}">{escape(mail.subject)}</a></td></tr>'
    )


def _linked(text: str) -> str:
    """Plain text with its links to follow."""
    parts, end = [], 0
    for found in _LINK.finditer(text):
        link = escape(found[0])
        parts += [escape(text[end : found.start()]), f'<a href="{link}">{link}</a>']
        end = found.end()
    return "".join([*parts, escape(text[end:])])


def _page(title: str, body: str) -> Reply:
    return Reply(headers=_HEADERS, body=_PAGE.format(title=escape(title), body=body).encode())
