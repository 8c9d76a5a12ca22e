"""Reads the configuration and the plan; turns what pydantic finds into faults a person can mend.

What must stay true here: nothing raises on what a file says; all faults of a file come back at once.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from geofence.faults import Fault
from trackerd.config import Settings
from trackerd.section import Section

Model = TypeVar("Model", bound=Section)


def load(path: Path) -> tuple[Settings | None, list[Fault]]:
    """Read the configuration file; None where it has faults."""
    return read_toml(path, Settings)


def read_toml(path: Path, model: type[Model]) -> tuple[Model | None, list[Fault]]:
    """Read one TOML file as ``model``; None where it has faults."""
    try:
        return model.model_validate(tomllib.loads(path.read_text("utf-8"))), []
    except OSError as error:
        return None, [Fault(str(path), "", f"cannot be read: {error.strerror}", "check the name and the rights")]
    except UnicodeDecodeError:
        return None, [Fault(str(path), "", "is not UTF-8", "save it as UTF-8")]
    except ValidationError as error:
        return None, [_fault(str(path), model, one) for one in error.errors(include_url=False)]
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        return None, [Fault(str(path), "", f"is not TOML: {error}")]


def named(path: Path) -> tuple[list[str], str | None]:
    """Return the files of zones and the plan that a configuration names, as far as it can be read, faults or not."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return [], None
    zones, plan = raw.get("zones"), raw.get("plan")
    tables = [one for one in zones if isinstance(one, dict)] if isinstance(zones, list) else []
    file = plan.get("file") if isinstance(plan, dict) else None
    files = [one["file"] for one in tables if isinstance(one.get("file"), str)]
    return files, file if isinstance(file, str) else None


def _fault(file: str, model: type[Section], error: Any) -> Fault:
    """Return one of pydantic's findings in words; the field's own name where pydantic says an alias."""
    where = _where(error["loc"])
    kind, given = error["type"], error.get("input")
    if kind == "extra_forbidden":
        known = _keys(model, error["loc"][:-1])
        near = difflib.get_close_matches(str(error["loc"][-1]), known, 1, 0.6)
        remedy = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return Fault(file, where, "unknown key", remedy)
    if kind == "missing":
        return Fault(file, where, "is missing", "write it")
    said = error["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(given, dict | list) or kind == "value_error" else f", not {given!r:.60}"
    return Fault(file, where, said[:1].lower() + said[1:] + shown)


def _where(loc: Sequence[str | int]) -> str:
    """Return ("source", 0, "baud") as "source[1].baud": people count from one."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _keys(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Return the keys known where ``loc`` points to."""
    for part in loc:
        if isinstance(part, int):
            continue
        found = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
        inner = found and next((c for c in _classes(found.annotation) if issubclass(c, BaseModel)), None)
        if inner is None:
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _classes(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation]
    return [found for part in get_args(annotation) for found in _classes(part)]
