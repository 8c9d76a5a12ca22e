"""Who is signed in, and what the site is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trackerd.web.models.words import Answer, Asked, Id, Lat, Lon, Purpose, RoleName


class SignIn(Asked):
    """A name and its password."""

    name: Annotated[str, Field(min_length=1, max_length=64, examples=["coordinator"])]
    password: Annotated[str, Field(min_length=1, max_length=1024, examples=["correct horse battery staple"])]


class DemoAccount(Answer):
    """The account anybody may use where nothing but a recorded day is shown."""

    name: str = Field(examples=["demo"])
    password: str = Field(examples=["demo"])


class Session(Answer):
    """Who asks, and what they may."""

    signed_in: bool
    name: str | None = Field(default=None, examples=["coordinator"])
    role: RoleName | None = None
    warden: Id | None = Field(default=None, description="Whose own data a warden sees.")
    csrf: str | None = Field(default=None, description="Send it back as X-CSRF-Token with whatever changes something.")
    may: list[Literal["see", "acknowledge", "waive", "break", "tracks", "place", "zones", "looks", "resend"]] = Field(
        default=[], description="What this person may do; pages show no more."
    )
    demo: bool = Field(default=False, description="A recorded day is shown: nothing of it is happening now.")
    demo_account: DemoAccount | None = None


class BaseMap(Answer):
    """What is drawn below the zones; nothing is fetched from elsewhere unless the configuration says so."""

    kind: Literal["none", "geojson", "pmtiles", "tiles"]
    url: str | None = Field(default=None, examples=["/api/basemap"])
    attribution: str = Field(default="", examples=["© OpenStreetMap contributors (ODbL)"])


class Site(Answer):
    """Which town, where it lies, in which language and time it lives."""

    name: str = Field(examples=["asse"])
    timezone: str = Field(examples=["Europe/Brussels"])
    languages: list[str] = Field(examples=[["nl", "fr"]])
    version: str = Field(examples=["0.1.0"])
    bounds: tuple[float, float, float, float] | None = Field(
        default=None, description="West, south, east, north of all zones.", examples=[[4.13, 50.87, 4.29, 50.95]]
    )
    centre: tuple[float, float] | None = Field(default=None, examples=[[4.21, 50.91]])
    base_map: BaseMap
    silence_s: float = Field(default=300.0, description="A device unheard for so long is silent.")
    mqtt_prefix: str = "trackerd"
    teams: list[Team] = Field(default=[])
    wardens: list[Warden] = Field(default=[], description="By pseudonym; a warden sees only their own.")
    requirements: list[str] = Field(default=[])


class Team(Answer):
    """A team."""

    id: Id
    name: str = ""


class Warden(Answer):
    """A warden, by pseudonym."""

    id: Id
    team: Id | None = None


class PlaceAsked(Asked):
    """A place in the past, and why it is asked about."""

    lon: Lon
    lat: Lat
    radius_m: Annotated[float, Field(ge=5, le=2000)] = 50.0
    from_: Annotated[str, Field(alias="from", max_length=40, examples=["2026-05-04"])]
    to: Annotated[str, Field(max_length=40, examples=["2026-05-04T14:00"])]
    purpose: Purpose


Site.model_rebuild()
