"""Whether this machine knows what time it is.

What must stay true here: no server is asked; what the system says of itself is believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from trackerd import clock
from trackerd.doctor.asking import answer
from trackerd.doctor.finding import Finding, Patient

BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right is behind this."""


def look(patient: Patient) -> Iterator[Finding]:
    """Look at the clock, who keeps it right, and the town's time."""
    now = clock.now()
    if now < BUILT:
        remedy = "let a time service set it, as systemd-timesyncd; a machine without a battery needs one"
        yield Finding("clock", "fault", f"it says {now:%Y-%m-%d}: that cannot be", remedy)
    yield _kept()
    zone = ZoneInfo(patient.settings.site.timezone)
    local = now.astimezone(zone)
    said = f"in {zone.key} it is {local:%Y-%m-%d %H:%M}"
    change = next_change(now, zone)
    yield Finding("time zone", "well", f"{said}; the clock changes on {change:%Y-%m-%d}" if change else said)


def _kept() -> Finding:
    said = answer("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if said is None:
        return Finding("clock", "note", "whether it is kept right cannot be told: timedatectl does not answer",
                       "see that chrony, ntpd or systemd-timesyncd runs")  # fmt: skip
    if said != "yes":
        return Finding("clock", "warning", "no time server keeps it right: positions may be refused as from the future",
                       "timedatectl set-ntp true; behind a firewall name the town's own server")  # fmt: skip
    return Finding("clock", "well", "kept right by a time server")


def next_change(now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the day within a year on which the town's clock next changes."""
    offset = now.astimezone(zone).utcoffset()
    days = (now + timedelta(days=n) for n in range(1, 367))
    return next((day.astimezone(zone) for day in days if day.astimezone(zone).utcoffset() != offset), None)
