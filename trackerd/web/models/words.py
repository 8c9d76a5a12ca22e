"""The kinds of values every answer is made of.

What must stay true here: a moment is text in UTC (RFC 3339, ``Z``), a span is seconds, a length metres, a place
degrees of WGS 84; a person is a pseudonym.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-05-04T08:12:31Z"])]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["box-07"])]
Day = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2026-05-04"])]
Lon = Annotated[float, Field(ge=-180, le=180, examples=[4.1989])]
Lat = Annotated[float, Field(ge=-85, le=85, examples=[50.9103])]
RoleName = Literal["viewer", "coordinator", "administrator", "warden"]
OutcomeName = Literal["met", "partial", "skipped", "unproven", "excused"]
StateName = Literal["met", "partial", "skipped", "unproven", "excused", "due", "open", "coming"]
"""What became of a window; or due: to be met soon; open: to be met by its end; coming: not begun."""
Purpose = Annotated[
    str,
    Field(
        min_length=3, max_length=300, description="Why you ask; it is kept in the access log.",
        examples=["complaint of 4 May about the market square"],
    ),
]  # fmt: skip


class Answer(BaseModel):
    """What is answered."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null")


class Asked(BaseModel):
    """What is asked: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Span(Answer):
    """A stretch of time."""

    start: Moment
    end: Moment


class Problem(Answer):
    """What went wrong (RFC 9457)."""

    type: str = Field(default="about:blank", description="What kind of problem it is: a reference to docs/api.md.")
    title: str = Field(examples=["Not signed in"])
    status: int = Field(examples=[401])
    detail: str = Field(default="", description="What to do about it.", examples=["sign in first"])
    faults: list[str] = Field(default=[], description="Each thing that is wrong with what was sent.")
