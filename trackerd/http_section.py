"""What the configuration may say about the pages and the API: the table [http]."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from trackerd.section import Section, Span

OFF = "off"


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if text == OFF or (colon and host and port.isdigit() and int(port) < 65_536):
        return text
    raise ValueError('write an address and a port, "127.0.0.1:8020", or "off"')


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise ValueError(f'{text!r} is no address: write "127.0.0.1" or "10.1.0.0/24"') from None
    return text


class HttpSection(Section):
    """The pages and the API."""

    listen: Annotated[str, AfterValidator(_address)] = "127.0.0.1:8020"
    hosts: tuple[str, ...] = ()
    cert_file: Path | None = None
    key_file: Path | None = None
    accounts: Path | None = None
    session_idle: Span = 8 * 3600.0
    session_end: Span = 24 * 3600.0
    proxy_user_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] | None = None
    proxy_from: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    base_map: str | None = None
    base_map_attribution: str = ""
    streams: Annotated[int, Field(ge=1, le=1000)] = 200

    @model_validator(mode="after")
    def _complete(self) -> HttpSection:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together")
        if (self.proxy_user_header is None) != (not self.proxy_from):
            raise ValueError("proxy_user_header is believed only with proxy_from: name the proxy's addresses")
        return self

    @property
    def at(self) -> tuple[str, int] | None:
        """Where to listen; None: nowhere."""
        if self.listen == OFF:
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def proxies(self) -> list[IPv4Network | IPv6Network]:
        """Whom we believe about whom they bring."""
        return [ip_network(text) for text in self.proxy_from]
