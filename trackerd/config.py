"""What the configuration and the plan may say: every key, its type and its default.

What must stay true here: unknown keys are refused; secrets are named by file, never written inline; nothing of this
reaches the engine, which is given plain objects (town.py makes them). load.py reads the files.
"""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from devices import DECODERS
from trackerd.http_section import HttpSection
from trackerd.notify.section import NotifySection
from trackerd.section import Hour, Id, Port, Section, Span


def _town(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f'{name!r} is no time zone; write "Europe/Brussels"') from None
    return name


def _decoder(name: str) -> str:
    if name not in DECODERS:
        raise ValueError(f"{name!r} is no decoder; there are {', '.join(DECODERS)}")
    return name


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Rate = Annotated[float, Field(ge=0.001, le=0.5)]
Speed = Annotated[float, Field(gt=0, le=50)]
DecoderName = Annotated[str, AfterValidator(_decoder)]


class Site(Section):
    """Which town."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] = "town"
    timezone: Annotated[str, AfterValidator(_town)] = "Europe/Brussels"
    languages: tuple[Literal["nl", "fr", "de", "en"], ...] = ("nl", "fr")
    school_holidays: Literal["nl", "fr", "de"] = "nl"


class StoreSection(Section):
    """Where the record is kept."""

    url: str = "sqlite:///trackerd.db"
    password_file: Path | None = None
    inbox: Path | None = None
    spool: Path | None = None
    spool_mb: Annotated[int, Field(ge=1, le=100_000)] = 256


class MqttSection(Section):
    """The broker: whence phones' positions come and whither events go."""

    host: str | None = None
    port: Port = 1883
    username: str | None = None
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    client_id: Id | None = None
    keepalive: Span = 60.0
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_/-]{1,64}$")] = "trackerd"
    positions: bool = False


class SourceSection(Section):
    """One place bytes come from."""

    kind: Literal["serial", "mqtt", "tcp", "udp", "gpsd", "file"]
    name: Id | None = None
    decoder: DecoderName | None = None
    device: Id | None = None
    url: str | None = None
    baud: Annotated[int, Field(ge=300, le=4_000_000)] | None = None
    host: str | None = None
    port: Port | None = None
    path: Path | None = None
    topics: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _complete(self) -> SourceSection:
        needs = {"serial": ("url", "device"), "gpsd": ("device",), "file": ("path",), "tcp": ("port", "device"),
                 "udp": ("port", "device")}.get(self.kind, ())  # fmt: skip
        missing = [key for key in needs if getattr(self, key) is None]
        if missing:
            raise ValueError(f'a source of kind "{self.kind}" needs {" and ".join(missing)}')
        return self


class ZonesSection(Section):
    """One file of zones."""

    file: Path


class Requirement(Section):
    """What is owed to some zones."""

    id: Id
    zones: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    days: tuple[Day, ...] = WEEK
    start: Hour = Field(default=time(0), alias="from")
    end: Hour = Field(default=time(0), alias="to")
    visits: Annotated[int, Field(ge=1)] = 1
    dwell: Span = 0.0
    spacing: Span = 0.0
    grace: Span = 900.0
    by: str | tuple[str, ...] = "anyone"
    together: Annotated[int, Field(ge=1)] = 1
    public_holidays: Literal["on", "off", "only"] = "on"
    school_holidays: Literal["on", "off", "only"] = "on"
    valid_from: date | None = None
    valid_to: date | None = None
    calendar: Path | None = None

    @model_validator(mode="after")
    def _about_something(self) -> Requirement:
        if not self.zones and not self.kinds:
            raise ValueError('names no zones: write zones = ["box-*"] or kinds = ["box"]')
        return self


class DutySection(Section):
    """When a warden works, with which device."""

    warden: Id
    device: Id
    days: tuple[Day, ...] = WEEK
    start_hour: Hour | None = Field(default=None, alias="from")
    end_hour: Hour | None = Field(default=None, alias="to")
    start: datetime | None = None
    end: datetime | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> DutySection:
        weekly = self.start_hour is not None and self.end_hour is not None
        single = self.start is not None and self.end is not None
        if weekly == single:
            raise ValueError('needs either from and to ("07:30") or start and end (dates with time)')
        return self


class PlanFile(Section):
    """The plan and the roster."""

    requirement: tuple[Requirement, ...] = ()
    duty: tuple[DutySection, ...] = ()


class PlanSection(Section):
    """Where the plan is."""

    file: Path | None = None


class DeviceSection(Section):
    """A tracker that is known here."""

    id: Id
    name: str = ""
    topic: str | None = None
    walker_speed: Speed | None = None


class WardenSection(Section):
    """A warden, by pseudonym."""

    id: Id
    team: Id | None = None
    pace: Speed = 1.3


class TeamSection(Section):
    """A team."""

    id: Id
    name: str = ""


class Privacy(Section):
    """What is kept of whom."""

    require_duty: bool = True


class Detection(Section):
    """How belief is formed."""

    reorder: Span = 0.0
    silence: Span = 300.0
    lost: Span = 1800.0
    false_alarm: Rate = 0.07
    miss: Rate = 0.02
    walker_speed: Speed = 2.0
    error_bound: Annotated[float, Field(ge=1, le=10)] = 1.5


Kept = Annotated[Span, Field(ge=86_400, le=100 * 366 * 86_400)]


class Retention(Section):
    """How long what is kept."""

    exact_positions: Kept = 7 * 86_400.0
    thinned_positions: Kept = 30 * 86_400.0
    events: Kept = 90 * 86_400.0
    visits: Kept = 365 * 86_400.0
    verdicts: Kept = 365 * 86_400.0
    quarantine: Kept = 3 * 86_400.0
    access_log: Kept = 365 * 86_400.0

    @model_validator(mode="after")
    def _told_anew(self) -> Retention:
        short = [key for key in ("events", "visits", "verdicts") if getattr(self, key) < self.exact_positions + 86_400]
        if short:
            raise ValueError(
                f"{' and '.join(short)}: write at least a day more than exact_positions: late positions revise them"
            )
        return self


class MetricsSection(Section):
    """Where Prometheus reads the daemon's figures."""

    host: str = "127.0.0.1"
    port: Port | None = None
    devices: bool = False


class Settings(PlanFile):
    """The whole file."""

    site: Site = Site()
    store: StoreSection = StoreSection()
    mqtt: MqttSection = MqttSection()
    source: tuple[SourceSection, ...] = ()
    zones: tuple[ZonesSection, ...] = ()
    plan: PlanSection = PlanSection()
    device: tuple[DeviceSection, ...] = ()
    warden: tuple[WardenSection, ...] = ()
    team: tuple[TeamSection, ...] = ()
    privacy: Privacy = Privacy()
    detection: Detection = Detection()
    retention: Retention = Retention()
    http: HttpSection = HttpSection()
    metrics: MetricsSection = MetricsSection()
    notify: tuple[NotifySection, ...] = ()
