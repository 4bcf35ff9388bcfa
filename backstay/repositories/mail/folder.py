"""Mails as files, for development: nothing leaves the machine, and a page can show what would have.

In charge of a folder of `.eml` files, which any mail program opens. Only their owner can read them, since they hold
links that sign in.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import cast
from uuid import UUID

from backstay.config.mail import MailSettings
from backstay.errors import BackstayError
from backstay.repositories.mail import Mail
from backstay.repositories.mail.message import compose
from backstay.utils.ids import uuid7


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail of the folder: its name there, and when it was written."""

    id: UUID
    sent_at: dt.datetime
    mail: Mail


class FolderMailer:
    """Writes each mail into `folder`, which is made when it is first needed."""

    def __init__(self, folder: Path, settings: MailSettings) -> None:
        self._folder = folder
        self._settings = settings

    async def send(self, mail: Mail) -> None:
        """Write one file, complete or not at all.

        Raises:
            BackstayError: `mail_unavailable`, when the folder cannot be written; `unprocessable`, when the address
                cannot be written in a header.
        """
        message = compose(mail, self._settings)
        try:
            await asyncio.to_thread(self._write, message.as_bytes())
        except OSError as error:
            raise BackstayError("mail_unavailable") from error

    async def list(self, limit: int = 100) -> Sequence[StoredMail]:
        """The newest mails, the newest first."""
        return await asyncio.to_thread(self._newest, limit)

    async def read(self, id: UUID) -> StoredMail:  # noqa: A002 - what it is called everywhere
        """One mail.

        Raises:
            BackstayError: `not_found`.
        """
        stored = await asyncio.to_thread(_read, self._file(id))
        if stored is None:
            raise BackstayError("not_found")
        return stored

    def _file(self, id: UUID) -> Path:  # noqa: A002
        return self._folder / f"{id}.eml"

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._file(uuid7())
        draft = file.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)

    def _newest(self, limit: int) -> Sequence[StoredMail]:
        # Names are UUIDs of version 7 and sort by time.
        files = sorted(self._folder.glob("*.eml"), reverse=True)[:limit]
        return [stored for stored in map(_read, files) if stored is not None]


def _read(file: Path) -> StoredMail | None:
    """None for what is not there, or was not written here."""
    try:
        message = message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=SMTPUTF8)
        mail = Mail(
            str(message["To"]), str(message["Subject"]), _part(message, "plain"), _part(message, "html")
        )
        return StoredMail(UUID(file.stem), parsedate_to_datetime(str(message["Date"])), mail)
    except (OSError, ValueError, BackstayError):
        return None


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    if part is None:
        raise ValueError(subtype)
    # Lines end as in a message, CRLF; a page and a comparison want them as they were given.
    return cast(str, cast(EmailMessage, part).get_content()).replace("\r\n", "\n")
