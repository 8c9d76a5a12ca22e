"""Real receivers for the tests: a web server and a mail server, each on a free port of the loopback.

What must stay true here: what came in is kept as it came; how each request is answered is said by the test.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.servers import free_port


class Request(NamedTuple):
    """What came."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)  # type: ignore[no-any-return]


Answer = Callable[[BaseHTTPRequestHandler, Request], int | None]
"""Return a status, or None where the handler was answered (or left hanging) by hand."""


class Web:
    """A web server; ``answer`` may be changed at any time."""

    def __init__(self, answer: Answer = lambda _handler, _request: 204, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.taken: list[Request] = []
        """Those answered with 2xx."""
        self.came: list[Request] = []
        self.released = threading.Event()
        """Set at the end: what hangs may go."""
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                request = Request({key.lower(): value for key, value in self.headers.items()}, self.rfile.read(length))
                web.came.append(request)
                status = web.answer(self, request)
                if status is not None:
                    if status < 300:
                        web.taken.append(request)
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that leaves is no error
        self.port = int(self.server.server_address[1])
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'http' if tls is None else 'https'}://localhost:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.taken]

    def hang(self, _handler: BaseHTTPRequestHandler, _request: Request) -> None:
        """Never answer."""
        self.released.wait(60)


@contextmanager
def web(*arguments: Any, **named: Any) -> Iterator[Web]:
    made = Web(*arguments, **named)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.released.set()
        made.server.shutdown()
        made.server.server_close()
        thread.join(5)


class Mailbox:
    """A mail server's handler: ``refuse`` answers RCPT or DATA."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refuse: Callable[[str, str], str | None] = lambda _verb, _address: None
        self.port = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        refused = self.refuse("RCPT", address)
        if refused is None:
            envelope.rcpt_tos.append(address)
        return refused or "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        refused = self.refuse("DATA", "")
        if refused is not None:
            return refused
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]


@contextmanager
def mailbox(starttls: tuple[Path, Path] | None = None, login: tuple[str, str] | None = None) -> Iterator[Mailbox]:
    """Serve mail; ``starttls``: certificate and key; ``login``: who may hand in."""
    box = Mailbox()
    wishes: dict[str, Any] = {}
    if starttls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*starttls)
        wishes |= {"tls_context": context, "require_starttls": True}
    if login is not None:
        wishes |= {"authenticator": _gate(login), "auth_required": True, "auth_require_tls": starttls is not None}
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **wishes)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


def _gate(login: tuple[str, str]) -> Callable[..., AuthResult]:
    def may(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login.decode(), data.password.decode()) == login, handled=False)

    return may
