"""Makes dashboards/*.json of dashboards.toml: run it after changing that. A test keeps the two the same.

What must stay true here: every panel says in words what it shows; data sources are named by the ids that provisioning/
gives them.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROMETHEUS = {"type": "prometheus", "uid": "trackerd-prometheus"}
RECORD = {"type": "postgres", "uid": "trackerd-record"}
WIDE = 24
COLOURS = {
    "met": "green", "partial": "yellow", "missed": "red", "unproven": "orange", "excused": "blue", "undecided": "text",
}  # fmt: skip
STEPS = {"high": [("red", None), ("green", 1)], "low": [("green", None), ("red", 1)], None: [("text", None)]}
SHOWN = "BETWEEN $__from * 1000 AND $__to * 1000"
"""Grafana's limits are milliseconds, the record's moments microseconds."""
TOWN = "AT TIME ZONE '${timezone}'"

Json = dict[str, Any]


def targets(said: Json) -> list[Json]:
    """Return what a panel asks of its data source."""
    if "record" in said:
        query = " ".join(said["record"].format(shown=SHOWN, town=TOWN).split())
        shape = "time_series" if said.get("series") else "table"
        return [{"refId": "A", "datasource": RECORD, "rawQuery": True, "editorMode": "code", "format": shape,
                 "rawSql": query}]  # fmt: skip
    when = {"instant": True, "range": False} if "now" in said else {"instant": False, "range": True}
    return [
        {"refId": chr(ord("A") + n), "datasource": PROMETHEUS, "expr": expr, "legendFormat": legend or "__auto"} | when
        for n, (expr, legend) in enumerate(said.get("now") or said["ask"])
    ]


def panel(said: Json) -> Json:
    """Return a panel, not yet in its place."""
    steps = [{"color": colour, "value": value} for colour, value in STEPS[said.get("good")]]
    defaults: Json = {"unit": said.get("unit", "short"), "thresholds": {"mode": "absolute", "steps": steps}}
    if said.get("stacked"):
        defaults["custom"] = {"drawStyle": "bars", "fillOpacity": 80, "stacking": {"mode": "normal"}}
    overrides = [
        {"matcher": {"id": "byName", "options": name},
         "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}]}
        for name, colour in COLOURS.items() if said.get("colours")
    ]  # fmt: skip
    asked = targets(said)
    made = {
        "type": said["kind"], "title": said["title"], "description": said["says"],
        "datasource": asked[0]["datasource"], "targets": asked,
        "gridPos": {"w": said["width"], "h": 4 if said["kind"] == "stat" else 8},
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
    }  # fmt: skip
    if said["kind"] in ("stat", "bargauge"):
        name = said["kind"] == "stat" and asked[0]["legendFormat"] != "__auto"
        made["options"] = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                           "orientation": "horizontal"} | ({"textMode": "name"} if name else {})  # fmt: skip
    return made


def placed(panels: list[Json]) -> list[Json]:
    """Lay the panels out in rows, in the order given."""
    x = y = tallest = 0
    for number, one in enumerate(panels, 1):
        place = one["gridPos"]
        if x + place["w"] > WIDE:
            x, y, tallest = 0, y + tallest, 0
        one |= {"id": number, "gridPos": place | {"x": x, "y": y}}
        x, tallest = x + place["w"], max(tallest, place["h"])
    return panels


def dashboard(name: str, said: Json) -> Json:
    """Return a dashboard as Grafana reads it."""
    town = {"name": "timezone", "label": "Time zone", "type": "constant", "query": "Europe/Brussels",
            "current": {"text": "Europe/Brussels", "value": "Europe/Brussels"}, "hide": 2}  # fmt: skip
    return {
        "uid": f"trackerd-{name}", "title": said["title"], "description": said["description"], "tags": ["trackerd"],
        "schemaVersion": 38, "version": 1, "editable": True, "timezone": "browser", "refresh": said["refresh"],
        "time": {"from": said["from"], "to": "now"}, "templating": {"list": [town]}, "annotations": {"list": []},
        "panels": placed([panel(one) for one in said["panel"]]),
    }  # fmt: skip


def files() -> dict[str, str]:
    """Return the text of each file by its name."""
    said = tomllib.loads((HERE / "dashboards.toml").read_text("utf-8"))
    return {f"{name}.json": json.dumps(dashboard(name, one), indent=1, ensure_ascii=False) + "\n"
            for name, one in said.items()}  # fmt: skip


if __name__ == "__main__":
    for file, text in files().items():
        (HERE / "dashboards" / file).write_text(text, encoding="utf-8")
