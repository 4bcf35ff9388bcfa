"""Notices: a word to the owner of an account when how they sign in was changed (ASVS 5.0 6.3.7)."""

from __future__ import annotations

from contextlib import suppress

from backstay.errors import BackstayError
from backstay.models.auth.user import User
from backstay.services.auth.client import Client
from backstay.services.mail.post import Post


def notify(post: Post, user: User, client: Client) -> None:
    """Tell the user, where the application sends mails; for after the change was kept."""
    if user.email is None or user.email_confirmed_at is None:
        return
    # What was changed stays changed, also when the mail cannot leave.
    with suppress(BackstayError):
        post.send(post.write("security_notice", user.email, client.language))
