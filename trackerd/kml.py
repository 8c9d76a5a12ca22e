"""KML, as Google Earth and many a town's map write it, to GeoJSON features that can be judged as zones.

What must stay true here: nothing is fetched and no entity is expanded; a placemark that cannot be read is a fault
beside those that can; heights are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from geofence.faults import Fault

OWN = ("kind", "team", "dwell", "valid_from", "valid_to", "radius_m", "width_m")
"""What ExtendedData may say of a zone, by the names it has in GeoJSON."""


def looks_like(data: bytes) -> bool:
    """Return whether this is XML rather than JSON."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def features(data: bytes, file: str) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Return the placemarks as features, with an id made of their name, and every fault."""
    if b"<!DOCTYPE" in data[:4096].upper() or b"<!ENTITY" in data.upper():
        return [], [Fault(file, "", "declares a document type", "export it again as plain KML")]
    try:
        root = _parsed(data)
    except (ParseError, ValueError, LookupError) as error:
        return [], [Fault(file, "", f"is not KML: {error}", "export it again; a KMZ must be unpacked first")]
    found: list[dict[str, Any]] = []
    faults: list[Fault] = []
    taken: set[str] = set()
    for number, mark in enumerate(root.iter("Placemark"), 1):
        name = (mark.findtext("name") or "").strip()[:256]
        try:
            geometry = _geometry(mark)
        except ValueError as error:
            faults.append(Fault(file, f"placemark {number} ({name})", str(error)))
            continue
        found.append({"type": "Feature", "id": _id(name, taken), "geometry": geometry,
                      "properties": {"name": name, **_said(mark)}})  # fmt: skip
    if not found and not faults:
        faults.append(Fault(file, "", "has no placemark", "export the map with its shapes"))
    return found, faults


def _parsed(data: bytes) -> Element:
    """Return the document with its names without their spaces."""
    parser = XMLParser()  # noqa: S314 - declarations are refused before
    parser.feed(data)
    root: Element = parser.close()
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _geometry(mark: Element) -> dict[str, Any]:
    polygons = [_polygon(one) for one in mark.iter("Polygon")]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    if polygons:
        return {"type": "MultiPolygon", "coordinates": polygons}
    line, point = next(mark.iter("LineString"), None), next(mark.iter("Point"), None)
    if line is not None:
        return {"type": "LineString", "coordinates": _places(line)}
    if point is not None and (places := _places(point)):
        return {"type": "Point", "coordinates": places[0]}
    raise ValueError("has no polygon, line or point")


def _polygon(element: Element) -> list[list[list[float]]]:
    outer = element.find("outerBoundaryIs")
    if outer is None:
        raise ValueError("a polygon has no outer boundary")
    return [_places(outer), *(_places(inner) for inner in element.findall("innerBoundaryIs"))]


def _places(element: Element) -> list[list[float]]:
    text = next((one.text or "" for one in element.iter("coordinates")), "")
    try:
        return [[float(part) for part in place.split(",")[:2]] for place in text.split()]
    except ValueError:
        raise ValueError("its coordinates are not numbers") from None


def _said(mark: Element) -> dict[str, Any]:
    """Return what ExtendedData says that a zone knows."""
    said: dict[str, Any] = {}
    for data in mark.iter("Data"):
        name, text = data.get("name") or "", (data.findtext("value") or "").strip()
        if name in OWN and text:
            said[name] = float(text) if name.endswith("_m") and re.fullmatch(r"\d+(\.\d+)?", text) else text
    return said


def _id(name: str, taken: set[str]) -> str:
    """Return an id made of the name that nobody here has yet."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:56] or "zone"
    id_, number = stem, 1
    while id_ in taken:
        number += 1
        id_ = f"{stem}-{number}"
    taken.add(id_)
    return id_
