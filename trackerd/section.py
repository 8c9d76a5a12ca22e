"""What the tables of the configuration are made of: the kinds of values people write.

What must stay true here: unknown keys are refused; a value that cannot be read says how it is written.
"""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from geofence.duration import seconds


def _hour(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{2}:\d{2}", value) and value < "24:00":
        return time.fromisoformat(value)
    raise ValueError('write the hour as "08:00"')


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Span = Annotated[float, BeforeValidator(seconds, json_schema_input_type=str | float)]
Hour = Annotated[time, BeforeValidator(_hour), WithJsonSchema({"type": "string", "pattern": r"^\d{2}:\d{2}$"})]
Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """A table of the file: unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)
