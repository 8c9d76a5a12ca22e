"""docs/asyncapi.yaml as the judge of messages: which topics there are, and what may stand in them.

What must stay true here: a topic the file does not name is a fault, and so is a key it does not name.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

FILE = Path(__file__).parents[1] / "docs" / "asyncapi.yaml"
TAKEN_AWAY = "zoneState"
"""The channel on which an empty message says that the zone is gone."""


@cache
def contract() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text("utf-8")))


@cache
def channels() -> list[tuple[str, re.Pattern[str], Draft7Validator]]:
    """Return each channel's name, its topics, and what judges its messages."""
    messages = contract()["components"]["messages"]
    found = []
    for name, channel in contract()["channels"].items():
        payloads = [messages[one["$ref"].rpartition("/")[2]]["payload"] for one in channel["messages"].values()]
        topics = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(channel["address"])))
        schema = {"oneOf": payloads, "components": contract()["components"]}
        found.append((name, topics, Draft7Validator(schema)))
    return found


def faults(topic: str, body: Any) -> list[str]:
    """Return what the contract has against a message; ``body`` as read from JSON, None where it was empty."""
    for name, topics, judge in channels():
        if topics.fullmatch(topic):
            if body is None and name == TAKEN_AWAY:
                return []
            return [f"{topic}: {body}: {_deepest(error)}" for error in judge.iter_errors(body)]
    return [f"{topic}: no such topic in {FILE.name}"]


def _deepest(error: Any) -> str:
    """Return the finding of the alternative that came closest."""
    while error.context:
        error = max(error.context, key=lambda one: (len(one.absolute_path), len(one.absolute_schema_path)))
    return f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
