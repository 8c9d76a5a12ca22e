"""When certificates end.

What must stay true here: files are read by openssl(1), the broker's own certificate is the one it shows; a week that
somebody is on holiday is no reason to be cut off, so what ends within a month is told.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trackerd import clock
from trackerd.assemble import broker
from trackerd.doctor.asking import answer
from trackerd.doctor.finding import Finding, Patient
from trackerd.mqtt import Broker, BrokerFault, tls_context

SOON = timedelta(days=30)
AGAIN = "have it renewed and put in place, then restart what uses it; certbot and step-ca do this by themselves"


def look(patient: Patient) -> Iterator[Finding]:
    """Look at every certificate that is named, and at the broker's."""
    mqtt = patient.settings.mqtt
    named = [("mqtt.ca_file", mqtt.ca_file), ("mqtt.cert_file", mqtt.cert_file)]
    named += [(f"notify {one.name}: ca_file", one.ca_file) for one in patient.settings.notify]
    for key, file in named:
        if file is not None:
            yield in_file(key, patient.path.parent / file)
    if mqtt.tls and mqtt.host:
        yield _shown(patient)


def in_file(key: str, file: Path) -> Finding:
    """Tell when the first certificate of a file ends."""
    said = answer("openssl", "x509", "-noout", "-enddate", "-in", str(file))
    if said is None:
        return Finding(key, "fault", f"{file}: is no certificate that openssl can read", "name a file in PEM form")
    return ending(key, f"{file}", _moment(said.partition("=")[2]))


def ending(key: str, what: str, ends: datetime) -> Finding:
    """Tell whether that is long enough."""
    left = ends - clock.now()
    if left < timedelta(0):
        return Finding(key, "fault", f"{what} has ended on {ends:%Y-%m-%d}: nobody accepts it", AGAIN)
    if left < SOON:
        return Finding(key, "warning", f"{what} ends on {ends:%Y-%m-%d}, in {left.days} days", AGAIN)
    return Finding(key, "well", f"{what} ends on {ends:%Y-%m-%d}")


def _shown(patient: Patient) -> Finding:
    """Tell when the certificate the broker shows ends; who signed it is checked as the daemon does."""
    about = "broker's certificate"
    at = broker(patient.settings, patient.path, "doctor")
    try:
        ends = handshake(at)
    except BrokerFault as error:
        return Finding(about, "fault", str(error), "name a file in PEM form, and see that it can be read")
    except ssl.SSLCertVerificationError as error:
        remedy = "expired: renew it; another name: write [mqtt] host as in it; unknown authority: name it as ca_file"
        return Finding(about, "fault", f"{at.host}:{at.port}: {error.verify_message}", remedy)
    except OSError as error:
        return Finding(about, "away", f"{at.host}:{at.port}: {error.strerror or error}", "see broker")
    return ending(about, f"what {at.host}:{at.port} shows", ends)


def handshake(at: Broker) -> datetime:
    """Return when the certificate ends that a broker shows. Raises BrokerFault, ssl.SSLError, OSError."""
    context = tls_context(at)
    with (
        socket.create_connection((at.host, at.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=at.host) as secure,
    ):
        return _moment(str((secure.getpeercert() or {})["notAfter"]))


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
