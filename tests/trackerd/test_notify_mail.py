"""Mail through a real SMTP server: logins, TLS, refusals, and what a person reads."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.receivers import mailbox
from tests.servers import certificate, free_port
from tests.trackerd.test_notify_words import event
from trackerd.notify.mail import Mail, Server
from trackerd.notify.sender import Parcel, Undelivered
from trackerd.notify.words import Words
from trackerd.store import Letter

WORDS = Words("nl", ZoneInfo("Europe/Brussels"), "asse")
TO = ("coordinator@asse.be", "dienst@asse.be")


def parcel(*names: str, urgent: bool = False) -> Parcel:
    events = [event("device.sos" if urgent else "zone.skip", name) for name in names or ("e1",)]
    return Parcel(tuple(Letter(n, "mail", one) for n, one in enumerate(events)), urgent=urgent)


def mail(port: int, **server: Any) -> Mail:
    wishes: dict[str, Any] = {"host": "localhost", "tls": "none", "port": port, **server}
    return Mail(Server(**wishes), "trackerd@asse.be", TO, WORDS)


def test_a_mail_as_it_arrives() -> None:
    with mailbox() as box:
        said = mail(box.port).send(parcel())
        mail(box.port).send(parcel())
        mail(box.port).send(parcel("e2", urgent=True))
    first, again, sos = box.mails
    assert first["Subject"] == "Overgeslagen: Probleembox Markt, 08:00–17:00"
    assert (first["From"], first["To"]) == ("trackerd@asse.be", ", ".join(TO))
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"] == again["Message-ID"] == "<e1@asse.be>"
    assert "Probleembox Markt is niet bezocht" in first.get_content()
    assert "Importance" not in first
    assert (sos["Importance"], sos["Message-ID"]) == ("high", "<e2@asse.be>")
    assert box.recipients[0] == list(TO)
    assert said == f"localhost:{box.port} took it for 2 of 2"


def test_starttls_and_a_login(tmp_path: Path) -> None:
    ca, cert, key = certificate(tmp_path)
    ours = ssl.create_default_context(cafile=ca)
    safe = {"tls": "starttls", "username": "trackerd", "password": "s3cret", "context": ours}
    with mailbox((cert, key), ("trackerd", "s3cret")) as box:
        mail(box.port, **safe).send(parcel())
        with pytest.raises(Undelivered, match="535") as told:
            mail(box.port, **safe | {"password": "wr0ng-one"}).send(parcel())
        assert told.value.refused
        assert "wr0ng" not in str(told.value)
        with pytest.raises(Undelivered, match="certificate is not trusted") as told:
            mail(box.port, **safe | {"context": ssl.create_default_context()}).send(parcel())
        assert told.value.away
    assert len(box.mails) == 1


def test_a_server_without_tls_is_given_nothing() -> None:
    with mailbox() as box:
        with pytest.raises(Undelivered, match="look at tls") as told:
            mail(box.port, tls="starttls", context=ssl.create_default_context()).send(parcel())
        assert told.value.away
        assert box.mails == []


@pytest.mark.parametrize(
    ("verb", "answer", "refused", "away"),
    [
        ("RCPT", "550 5.1.1 no such mailbox", True, False), ("DATA", "554 5.7.1 looks like spam", True, False),
        ("RCPT", "451 4.7.1 greylisted", False, False), ("DATA", "452 4.3.1 no room", False, False),
        ("DATA", "421 4.3.0 going down", False, True),
    ],
)  # fmt: skip
def test_what_an_answer_means(verb: str, answer: str, refused: bool, away: bool) -> None:
    with mailbox() as box:
        box.refuse = lambda at, _address: answer if at == verb else None
        with pytest.raises(Undelivered, match=answer[:3]) as told:
            mail(box.port).send(parcel())
    assert (told.value.refused, told.value.away) == (refused, away)


def test_one_of_two_who_is_refused_does_not_keep_it_from_the_other() -> None:
    with mailbox() as box:
        box.refuse = lambda verb, address: "550 gone" if verb == "RCPT" and address == TO[0] else None
        said = mail(box.port).send(parcel())
        assert said.endswith("1 of 2; not for: coordinator@asse.be")
        assert box.recipients == [[TO[1]]]
        box.refuse = lambda verb, address: ("550 gone" if address == TO[0] else "451 later") if verb == "RCPT" else None
        with pytest.raises(Undelivered) as told:
            mail(box.port).send(parcel())
    assert not told.value.refused  # one of them may still take it


def test_a_server_that_is_away_is_named() -> None:
    with pytest.raises(Undelivered, match="localhost: connection refused") as told:
        mail(free_port()).send(parcel())
    assert told.value.away


def test_one_mail_for_many() -> None:
    with mailbox() as box:
        mail(box.port).send(parcel("e1", "e2", "e3"))
    (one,) = box.mails
    assert one["Subject"] == "Overgeslagen: Probleembox Markt, 08:00–17:00 (en nog 2)"
    assert one.get_content().count("is niet bezocht") == 3
    assert "e1, e2, e3" in one.get_content()
