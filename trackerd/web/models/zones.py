"""Zones as GeoJSON, their editions, and what is wrong with them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from trackerd.web.models.words import Answer, Asked, Moment


class Geometry(Answer):
    """A GeoJSON geometry in degrees (RFC 7946)."""

    type: Literal["Point", "LineString", "Polygon", "MultiPolygon"]
    coordinates: list[Any]


class ZoneProperties(Answer):
    """What is known of a zone beside its shape."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = ""
    kind: str = Field(default="zone", examples=["box"])
    team: str | None = None
    dwell: str | float | None = Field(default=None, description="As 3m, or seconds.")
    valid_from: str | None = Field(default=None, examples=["2026-09-01"])
    valid_to: str | None = Field(default=None, description="The last day.")
    radius_m: float | None = Field(default=None, description="With a Point: a circle.")
    width_m: float | None = Field(default=None, description="With a LineString: a corridor.")
    hectares: float | None = Field(default=None, description="Only as shown.")
    in_force: bool | None = Field(default=None, description="Only as shown: it is judged today.")


class ZoneFeature(Answer):
    """One zone."""

    type: Literal["Feature"] = "Feature"
    id: str | int | None = Field(default=None, examples=["box-07"])
    geometry: Geometry
    properties: ZoneProperties = ZoneProperties()


class ZoneCollection(Answer):
    """Zones as GeoJSON."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    edition: str = Field(default="", description="Which edition of the zones this is.")
    editable: bool = Field(
        default=False, description="These zones can be written back: their files are the daemon's to write."
    )
    features: list[ZoneFeature]


class Edition(Answer):
    """One edition that was kept."""

    version: str
    since: Moment | None = Field(default=None, description="In force from then on; none: since ever.")
    zones: int
    added: list[str] = Field(default=[])
    changed: list[str] = Field(default=[])
    removed: list[str] = Field(default=[])
    newest: bool = False


class Editions(Answer):
    """All editions, newest first."""

    items: list[Edition]


class ZoneFault(Answer):
    """One thing wrong in what was sent."""

    file: str
    where: str = Field(default="", examples=["feature 3 (box-07)"])
    what: str
    remedy: str = ""
    warning: bool = Field(default=False, description="Worth telling; nothing is refused because of it.")


class Preview(Answer):
    """What zones that were sent would be."""

    features: list[ZoneFeature] = Field(description="The sound ones, as they would be judged: polygons.")
    drawn: list[ZoneFeature] = Field(description="The sound ones as they can be sent to be kept.")
    faults: list[ZoneFault]
    added: list[str] = Field(default=[])
    changed: list[str] = Field(default=[])
    same: list[str] = Field(default=[])


class Kept(Answer):
    """The new edition."""

    edition: str
    etag: str = Field(description="Of the zones as drawn; for the next If-Match.")
    since: Moment | None = None
    faults: list[ZoneFault] = Field(default=[], description="Warnings.")


class LintAsked(Asked):
    """Zones to be tried; none: all that are judged."""

    zones: list[str] | None = Field(default=None, max_length=200, description="Ids.")
    collection: dict[str, Any] | None = Field(default=None, description="GeoJSON that is not kept yet.")
    accuracy_m: float | None = Field(default=None, ge=1, le=30)
    every_s: float | None = Field(default=None, ge=1, le=120)
    dwell_s: float = Field(default=60.0, ge=1, le=3600)
    advise: bool = Field(
        default=False, description="Also say what would do, where a visit is not proven surely: it takes longer."
    )


class LintAdvice(Answer):
    """One thing that would do."""

    what: Literal["wider_m", "dwell_s", "every_s"]
    value: float
    proven: float


class Lint(Answer):
    """How surely a visit to a zone would be proven."""

    zone: str
    name: str
    kind: str
    radius_m: float
    circle: bool
    hectares: float
    dwell_s: float
    proven: float = Field(description="Share of visits that are proven.")
    mistaken: float = Field(description="Share of passers-by taken for a visit.")
    good: bool
    advice: list[LintAdvice] = Field(default=[])


class Lints(Answer):
    """What was found of each zone."""

    accuracy_m: float
    every_s: float
    items: list[Lint]
    faults: list[ZoneFault] = Field(default=[])
