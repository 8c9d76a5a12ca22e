"""Events by mail.

What must stay true here: the server's certificate is verified whenever TLS is on; the password is in no message; a
mail says that a machine wrote it, so that no machine answers; telling again has the same Message-ID.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

from trackerd import clock
from trackerd.notify.sender import Parcel, Undelivered
from trackerd.notify.words import Words

TIMEOUT_S = 15.0
"""For the connection, and for each answer."""
PORTS = {"starttls": 587, "tls": 465, "none": 25}
CLOSING = 421
"""The server is about to hang up, whatever the mail (RFC 5321, 4.2.1)."""
REFUSED = 500


@dataclass(frozen=True)
class Server:
    """Where mail is handed in."""

    host: str
    tls: str = "starttls"
    port: int | None = None
    username: str | None = None
    password: str = ""
    context: ssl.SSLContext | None = None


class Mail:
    """One list of people."""

    def __init__(self, server: Server, sender: str, to: Sequence[str], words: Words) -> None:
        self._server, self._sender, self._to, self._words = server, sender, to, words
        self._port = server.port or PORTS[server.tls]

    def send(self, parcel: Parcel) -> str:
        """See Transport."""
        return self.hand_in(self._message(parcel))

    def hand_in(self, message: EmailMessage) -> str:
        """Hand a message in at the server; return what it said. Raises Undelivered."""
        try:
            with self._open() as smtp:
                left_out = smtp.send_message(message, self._sender, self._to)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(list(error.recipients.values())) from None
        except smtplib.SMTPResponseException as error:
            raise _refused([(error.smtp_code, error.smtp_error)]) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Undelivered(f"{self._server.host}: {_why(error)}", away=True) from None
        took = f"{self._server.host}:{self._port} took it for {len(self._to) - len(left_out)} of {len(self._to)}"
        return f"{took}; not for: {', '.join(sorted(left_out))}" if left_out else took

    def _open(self) -> smtplib.SMTP:
        server = self._server
        if server.tls == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, self._port, timeout=TIMEOUT_S, context=server.context)
        else:
            smtp = smtplib.SMTP(server.host, self._port, timeout=TIMEOUT_S)
        try:
            if server.tls == "starttls":
                smtp.starttls(context=server.context)
            if server.username is not None:
                smtp.login(server.username, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def message(self, id_: str, subject: str) -> EmailMessage:
        """Begin a message; ``id_`` is the same each time the same is told."""
        message = EmailMessage()
        message["Subject"] = subject
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<{id_}@{self._sender.partition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        return message

    def _message(self, parcel: Parcel) -> EmailMessage:
        told = self._words.message(parcel)
        message = self.message(parcel.letters[0].event.id, told.subject)
        if parcel.urgent:
            message["Importance"] = "high"
            message["X-Priority"] = "1"
        message.set_content(told.text)
        return message


def _refused(answers: list[tuple[int, bytes | str]]) -> Undelivered:
    """Say what the server answered; one answer that is not for good leaves hope."""
    code, said = min(answers)
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    return Undelivered(f"answered {code} {text}", refused=code >= REFUSED, away=code == CLOSING)


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return f"no answer in {TIMEOUT_S:g} s"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"{error}: look at tls and username"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
