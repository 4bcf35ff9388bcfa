"""A mail server on the loopback interface that keeps what it is given."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from backstay.config.mail import MailSettings


@dataclass
class Inbox:
    """The handler of the server: envelopes as they came, and whether the connection was encrypted."""

    envelopes: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    answer: str = "250 OK"
    known: str = "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.known.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.known

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return self.answer

    def login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"correct horse", handled=False)

    def message(self) -> EmailMessage:
        """The one mail that came."""
        (envelope,) = self.envelopes
        assert isinstance(envelope.content, bytes)
        return message_from_bytes(envelope.content, _class=EmailMessage, policy=SMTPUTF8)


Serve = Callable[..., Awaitable[tuple[Inbox, int]]]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """A certificate authority of this run, and the file that names it."""
    authority = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return authority, file


@pytest.fixture
def certificate(authority: tuple[trustme.CA, Path]) -> ssl.SSLContext:
    """The server's side of TLS, for 127.0.0.1."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    return context


class Server(SMTP):
    """aiosmtpd's, which forgets a connection once it has ended; this one lets them be closed for certain."""

    def __init__(self, connections: list[asyncio.Transport], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._connections.append(transport)
        super().connection_made(transport)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers on free ports; `ssl_context` encrypts from the first byte, other options are aiosmtpd's."""
    connections: list[asyncio.Transport] = []
    servers: list[asyncio.Server] = []

    async def start(ssl_context: ssl.SSLContext | None = None, **options: Any) -> tuple[Inbox, int]:
        inbox = Inbox()
        usual = {"hostname": "mail.example", "enable_SMTPUTF8": True, "auth_require_tls": False}
        server = await asyncio.get_running_loop().create_server(
            lambda: Server(connections, inbox, authenticator=inbox.login, **(usual | options)),
            "127.0.0.1",
            0,
            ssl=ssl_context,
        )
        servers.append(server)
        return inbox, server.sockets[0].getsockname()[1]

    yield start
    for connection in connections:
        connection.abort()
    for server in servers:
        server.close()
    # For the connections to end and their handlers to notice.
    await asyncio.sleep(0.05)


def settings(port: int, **changes: Any) -> MailSettings:
    """Of a sender on this machine, in clear unless told."""
    values = {
        "backend": "smtp",
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender_address": "no-reply@harbour.example",
        "sender_name": "Harbour, Ltd",
        "timeout_seconds": 5,
    }
    return MailSettings.model_validate(values | changes)
