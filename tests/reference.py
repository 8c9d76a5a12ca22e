"""Makes docs/configuration.md and config/trackerd.schema.json: every key, from the models and the annotated examples.

    python -m tests.reference

What must stay true here: types, limits and defaults come from the models, meanings from the comments people read
beside each key in config/; nothing is said here a second time.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from geofence.duration import words
from trackerd.config import WEEK, PlanFile, Settings

ROOT = Path(__file__).parents[1]
PAGE, SCHEMA = ROOT / "docs" / "configuration.md", ROOT / "config" / "trackerd.schema.json"
EXAMPLES = (ROOT / "config" / "trackerd.toml", ROOT / "config" / "plan.example.toml")
TABLE = re.compile(r"#?\[+(\w+)\]+\s*(?:#\s*(.*))?")
KEY = re.compile(r"#?(\w+) = .*?\s#\s(.*)")
HOUR = r"^\d{2}:\d{2}$"
HEAD = """# Every configuration key

One TOML file; `trackerd check --config F` tells every fault in it at once, an unknown key too. Made from
`trackerd/config.py` and the comments of [trackerd.toml](../config/trackerd.toml) and
[plan.example.toml](../config/plan.example.toml), to begin from. Editors that read JSON Schema (Taplo, *Even Better
TOML*) know the keys when the file's first line is `#:schema ./trackerd.schema.json`, with
[trackerd.schema.json](../config/trackerd.schema.json) beside it.

A *span* is written `"90s"`, `"3m"`, `"1h30m"`, `"7d"`; a bare number is seconds. Files are looked for from the folder
the configuration lies in. `[table]` stands once, `[[table]]` as often as there are things to name.
`[[requirement]]` and `[[duty]]` may stand in a file of their own (`[plan] file`).
"""


def meanings() -> dict[tuple[str, str], str]:
    """Return what the examples say of each key, by table and key; of a table itself under the key ""."""
    found: dict[tuple[str, str], str] = {}
    for example in EXAMPLES:
        table = ""
        for line in example.read_text("utf-8").splitlines():
            if begun := TABLE.fullmatch(line):
                table = begun[1]
            elif said := KEY.fullmatch(line):
                found.setdefault((table, said[1]), said[2].strip())
    return found


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration, each key with its meaning."""
    whole = Settings.model_json_schema()
    said = meanings()
    for table, key, one in keys(whole):
        one.pop("title", None)
        if (table, key) in said:
            one["description"] = said[table, key]
    whole["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    whole["title"] = "trackerd"
    return whole


def page() -> str:
    """Return the page of every key."""
    whole, said = Settings.model_json_schema(), meanings()
    parts = [HEAD]
    for table, section in _tables(whole).items():
        inner = _inner(whole, section)
        many = section.get("type") == "array"
        parts.append(f"## `{'[[' if many else '['}{table}{']]' if many else ']'}`\n\n{inner['description']}\n")
        rows = ["| key | what may be written | if left out | |", "|---|---|---|---|"]
        for key, one in inner["properties"].items():
            default = "*must be written*" if key in inner.get("required", ()) else _default(one)
            rows.append(f"| `{key}` | {_written(one)} | {default} | {said.get((table, key), '')} |")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def keys(whole: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return every table and key, and what the schema says of it."""
    return [
        (table, key, one)
        for table, section in _tables(whole).items()
        for key, one in _inner(whole, section)["properties"].items()
    ]


def _tables(whole: dict[str, Any]) -> dict[str, Any]:
    tables = {name: one for name, one in whole["properties"].items() if "$ref" in one.get("items", one)}
    return dict(sorted(tables.items(), key=lambda table: table[0] in PlanFile.model_fields))


def _inner(whole: dict[str, Any], section: dict[str, Any]) -> dict[str, Any]:
    named = section.get("items", section)["$ref"].rpartition("/")[2]
    return dict(whole["$defs"][named])


def _is_span(one: dict[str, Any]) -> bool:
    return [kind.get("type") for kind in one.get("anyOf", ())][:2] == ["string", "number"]


def _written(one: dict[str, Any]) -> str:
    """Return in words what a key takes."""
    if _is_span(one):
        return "a span"
    if "anyOf" in one:
        return " or ".join(_written(kind) for kind in one["anyOf"] if kind.get("type") != "null")
    if "const" in one:
        return f'`"{one["const"]}"`'
    if "enum" in one:
        return ", ".join(f'`"{value}"`' for value in one["enum"])
    if one.get("type") == "array":
        inner = one.get("items", {})
        return f"a list of {_written(inner).replace('a text', 'texts').replace('a name', 'names')}"
    if one.get("type") in ("integer", "number"):
        return "a number" + _limits(one)
    if one.get("type") == "boolean":
        return "`true`, `false`"
    if "pattern" in one:
        return 'an hour, `"08:00"`' if one["pattern"] == HOUR else "a name"
    return {"path": "a file", "date": "a date", "date-time": "a date with time"}.get(one.get("format", ""), "a text")


def _limits(one: dict[str, Any]) -> str:
    low = one.get("minimum", one.get("exclusiveMinimum"))
    above = " above" if "exclusiveMinimum" in one else ""
    if low is None:
        return ""
    return f"{above} {low} to {one['maximum']}" if "maximum" in one else f" from {low}"


def _default(one: dict[str, Any]) -> str:
    value = one.get("default")
    if value in (None, [], ""):
        return ""
    if value == list(WEEK):
        return "every day"
    if one.get("pattern") == HOUR:
        value = value[:5]
    return f"`{json.dumps(words(value)) if _is_span(one) else json.dumps(value)}`"


def main() -> None:
    """Write both files."""
    PAGE.write_text(page(), "utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
