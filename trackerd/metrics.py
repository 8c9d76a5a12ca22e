"""The daemon's figures as Prometheus reads them: docs/operations.md says what each means and when to worry.

What must stay true here: the only module that knows prometheus_client; it only reads what the daemon keeps anyway, at
the moment it is asked, and never touches engine or store; the number of series is bounded whatever comes in; no label
holds a coordinate, a person or a device's own name; of devices off duty nothing but one number for all of them.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from geofence.model import SECOND, DeviceId
from geofence.verdict import Outcome
from trackerd import __version__
from trackerd.histogram import Histogram
from trackerd.measure import MeasureError
from trackerd.service import QUEUE, Service
from trackerd.vitals import UNDECIDED

MOST = {"source": 100, "reason": 50, "type": 30, "route": 50, "zone": 500, "device": 500, "outcome": 10,
        "line": 2}  # fmt: skip
"""Values of each label that are told apart; of counts the rest is told together as ``other``, of moments not at all."""
OTHER = "other"
OUTCOMES = (*(outcome.value for outcome in Outcome), UNDECIDED)


class Figures(Collector):
    """One daemon's figures."""

    def __init__(self, service: Service, key: bytes = b"") -> None:
        """``key``: a secret of this installation; without it nothing is told of single devices."""
        self._service, self._key = service, key

    def collect(self) -> Iterator[Metric]:
        """Yield every family, as it stands now."""
        version = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily("trackerd_build", "Which version this is.", version)
        yield from self._intake()
        yield from self._record()
        yield from self._told()
        yield from self._sources()
        yield from self._town()
        yield from self._devices()

    def _intake(self) -> Iterator[Metric]:
        house = self._service.vitals.house
        counts = house.counts
        yield _counter("fixes_received", "Fixes of devices on duty.", house.intake.received, "source")
        yield _counter("fixes_stored", "Fixes that are in the record and were not before.", counts.stored)
        yield _counter("fixes_duplicate", "Fixes of a moment that was known already.", counts.duplicate)
        yield _counter("fixes_late", "Fixes that came behind later ones: the record is revised for them.", counts.late)
        yield _counter("fixes_off_duty", "Fixes off duty, on break or in a private zone: not kept.", counts.gated)
        yield _counter(
            "fixes_unassigned", "Times a device was heard that nobody ever carries: not kept.", counts.unheld
        )
        yield _counter("refusals", "Things said that could not be read or believed.", counts.refused_why, "reason")
        yield _gauge("queue_chunks", "What waits for its turn.", self._service.queued, "line")
        yield _gauge("queue_capacity_chunks", "So much may wait in each line before its senders are held.", QUEUE)

    def _record(self) -> Iterator[Metric]:
        vitals = self._service.vitals
        counts, carrier, retention = vitals.house.counts, vitals.carrier, vitals.retention
        yield _histogram("commit_duration_seconds", "How long commits took.", counts.commit_s)
        yield _counter("commit_failures", "Commits that failed; each is tried again.", counts.failed)
        yield _histogram("store_lag_seconds", "From a fix being measured to its being on disk.", counts.lag_store_s)
        yield _histogram("event_lag_seconds", "From the fix that decided an event to the event being on disk.",
                         counts.lag_event_s)  # fmt: skip
        yield _gauge("store_up", "1 while the store answers.", int(not (carrier.away or vitals.blind)))
        yield _moment("turn", "When the loop last went round.", vitals.turned)
        if carrier.spool is not None:
            yield _gauge("spool_parcels", "Batches that wait in the spool for the store.", carrier.spool.waiting)
            yield _counter("spool_lost_fixes", "Fixes the spool had no room for.", carrier.spool.lost)
        if retention is not None and retention.done is not None:
            yield _moment("retention_success", "When all that is kept no longer was last gone.", retention.done)

    def _told(self) -> Iterator[Metric]:
        vitals = self._service.vitals
        counts = vitals.house.counts
        yield _counter("events", "Events committed.", counts.told, "type")
        yield _counter("revisions", "Times a device's record was told anew for what came late.", counts.revised)
        yield _counter("retractions", "Events taken back.", counts.retracted)
        waiting = {one.route: one for one in vitals.last.waiting}
        routes = sorted({*waiting, *vitals.house.routes})
        untold = {name: waiting[name].untold if name in waiting else 0 for name in routes}
        dead = {name: waiting[name].dead if name in waiting else 0 for name in routes}
        oldest = {name: one.oldest / SECOND for name, one in waiting.items() if one.oldest is not None}
        yield _gauge("outbox_letters", "Events a receiver has still to be told.", untold, "route")
        yield _gauge("outbox_oldest_timestamp_seconds", "The time of the oldest of them.", oldest, "route")
        yield _gauge("dead_letters", "Events set aside: the receiver refused them, or was away too long.", dead,
                     "route")  # fmt: skip

    def _sources(self) -> Iterator[Metric]:
        vitals = self._service.vitals
        standing = {source.name: source.status for source in vitals.sources}
        heard = {name: moment.timestamp() for name, moment in vitals.house.intake.heard.copy().items()}
        lost = {source.name: source.sessions_lost for source in vitals.sources if hasattr(source, "sessions_lost")}
        yield _gauge("source_connected", "1 while it is connected.",
                     {name: int(status.connected) for name, status in standing.items()}, "source")  # fmt: skip
        yield _gauge("source_changed_timestamp_seconds", "When it last connected or was lost.",
                     {name: status.since.timestamp() for name, status in standing.items()}, "source")  # fmt: skip
        yield _gauge(
            "source_last_seen_timestamp_seconds", "When a fix of a device on duty last came from it.", heard, "source"
        )
        yield _counter("source_sessions_lost", "Sessions the broker had forgotten, perhaps with messages.", lost,
                       "source")  # fmt: skip

    def _town(self) -> Iterator[Metric]:
        look = self._service.vitals.last
        if not look.at:
            return
        yield _moment("look", "When the figures of zones, windows and letters were last taken.", look.at / SECOND)
        yield _gauge("zones", "Zones in force.", look.zones)
        yield _gauge("zones_occupied", "Zones somebody is believed to be in.", look.occupied)
        yield _gauge("zones_due", "Zones to which something is owed now.", look.due)
        yield _gauge("wardens_on_duty", "Wardens on duty, without those on break.", look.on_duty)
        presence = {zone: seen / SECOND for zone, seen in look.last_presence.items()}
        yield _gauge("zone_last_presence_timestamp_seconds", "When somebody was last known to be there.", presence,
                     "zone")  # fmt: skip
        windows = {outcome: look.windows.get(outcome, 0) for outcome in OUTCOMES}
        yield _gauge("windows_today", "Windows begun since midnight that are judged, or over.", windows, "outcome")

    def _devices(self) -> Iterator[Metric]:
        newest = self._service.vitals.house.counts.last_fix
        if newest is None or not self._key:
            return
        seen = {opaque(device, self._key): micros / SECOND for device, micros in newest.copy().items()}
        yield _gauge("device_last_fix_timestamp_seconds", "The time of its newest fix that was kept.", seen, "device")


class Metrics:
    """What is asked of it: ``exposition``."""

    def __init__(self, service: Service, key: bytes = b"") -> None:
        """See Figures."""
        self.registry = CollectorRegistry()
        self.registry.register(Figures(service, key))
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format 0.0.4 (``prometheus_client.CONTENT_TYPE_LATEST``)."""
        return generate_latest(self.registry)


@contextmanager
def served(metrics: Metrics, host: str, port: int) -> Iterator[WSGIServer]:
    """Serve the exposition there by HTTP meanwhile. Raises MeasureError with a remedy."""
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        why = f"[metrics] cannot listen on {host}:{port}: {error.strerror}: choose another port, or a host of ours"
        raise MeasureError(why) from error
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(2.0)


def opaque(device: DeviceId, key: bytes) -> str:
    """Return what a device is called here: the same each time, and nobody without the key can tell whose it is."""
    return hashlib.blake2b(device.encode(), key=key, digest_size=6).hexdigest()


def _gauge(name: str, says: str, value: float | Mapping[Any, float], label: str = "") -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"trackerd_{name}", says, labels=[label] if label else [])
    if isinstance(value, Mapping):
        for one in sorted(value)[: MOST[label]]:
            family.add_metric([one], value[one])
    else:
        family.add_metric([], value)
    return family


def _counter(name: str, says: str, value: float | Mapping[str, float], label: str = "") -> CounterMetricFamily:
    family = CounterMetricFamily(f"trackerd_{name}", says, labels=[label] if label else [])
    if isinstance(value, Mapping):
        for one, number in bounded(dict(value), MOST[label]).items():
            family.add_metric([one], number)
    else:
        family.add_metric([], value)
    return family


def bounded(counts: Mapping[str, float], most: int) -> dict[str, float]:
    """Return the counts that came first, so many at most, and the rest as one: no series ever falls."""
    names = list(counts)
    kept = {name: counts[name] for name in names[:most]}
    rest = sum(counts[name] for name in names[most:])
    return kept | {OTHER: rest} if len(names) > most else kept


def _moment(name: str, says: str, at: datetime | float) -> GaugeMetricFamily:
    seconds = at.timestamp() if isinstance(at, datetime) else at
    return _gauge(f"{name}_timestamp_seconds", says, seconds)


def _histogram(name: str, says: str, histogram: Histogram) -> HistogramMetricFamily:
    seen = histogram.seen
    bounds = [*map(str, map(float, histogram.bounds)), "+Inf"]
    buckets = list(zip(bounds, seen.counts.cumsum().tolist(), strict=True))
    family = HistogramMetricFamily(f"trackerd_{name}", says)
    family.add_metric([], buckets, seen.sum)
    return family
