"""Mail as files: complete, private, listed the newest first, and found by id alone."""

from __future__ import annotations

import asyncio
import datetime as dt
import stat
from pathlib import Path
from uuid import uuid4

import pytest

from backstay.config.mail import MailSettings
from backstay.errors import BackstayError
from backstay.repositories.mail import Mail, Mailer
from backstay.repositories.mail.folder import FolderMailer
from backstay.repositories.mail.memory import MemoryMailer

MAIL = Mail(
    "älice@example.com", "Grüße: " + "ein langer Betreff " * 8, "Zeile 1\nÖl\n", "<p>Öl &amp; Gas</p>\n"
)


@pytest.fixture
def mailer(tmp_path: Path) -> FolderMailer:
    return FolderMailer(tmp_path / "data" / "mails", MailSettings())


async def test_a_mail_is_read_back_as_it_was_sent(mailer: FolderMailer) -> None:
    await mailer.send(MAIL)
    (stored,) = await mailer.list()
    assert stored.mail == MAIL
    assert await mailer.read(stored.id) == stored
    assert abs(dt.datetime.now(dt.UTC) - stored.sent_at) < dt.timedelta(minutes=1)


async def test_the_newest_come_first_and_are_limited(mailer: FolderMailer) -> None:
    for number in range(4):
        await mailer.send(Mail("a@b.example", f"Mail {number}", "x\n", "x\n"))
        await asyncio.sleep(0.002)
    assert [stored.mail.subject for stored in await mailer.list(2)] == ["Mail 3", "Mail 2"]


async def test_parallel_mails_are_all_kept_and_no_draft_is_left(mailer: FolderMailer, tmp_path: Path) -> None:
    await asyncio.gather(*(mailer.send(MAIL) for _ in range(20)))
    assert len(await mailer.list()) == 20
    assert {file.suffix for file in (tmp_path / "data" / "mails").iterdir()} == {".eml"}


async def test_only_the_owner_can_read_mails(mailer: FolderMailer, tmp_path: Path) -> None:
    await mailer.send(MAIL)
    folder = tmp_path / "data" / "mails"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


async def test_an_empty_folder_has_no_mails(mailer: FolderMailer) -> None:
    assert await mailer.list() == []
    with pytest.raises(BackstayError) as caught:
        await mailer.read(uuid4())
    assert caught.value.code == "not_found"


async def test_foreign_files_in_the_folder_are_passed_over(mailer: FolderMailer, tmp_path: Path) -> None:
    await mailer.send(MAIL)
    folder = tmp_path / "data" / "mails"
    (folder / "note.eml").write_bytes(b"Subject: hi\r\n\r\nhello")
    (folder / f"{uuid4()}.eml").write_bytes(b"\xff\xfe")
    (folder / f"{uuid4()}.eml").write_bytes(b"")
    assert len(await mailer.list()) == 1


async def test_a_folder_that_cannot_be_written_makes_mail_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BackstayError) as caught:
        await FolderMailer(tmp_path / "file" / "mails", MailSettings()).send(MAIL)
    assert caught.value.code == "mail_unavailable"


async def test_the_list_of_tests_holds_what_was_sent() -> None:
    memory = MemoryMailer()
    mailer: Mailer = memory
    await mailer.send(MAIL)
    assert memory.sent == [MAIL]
