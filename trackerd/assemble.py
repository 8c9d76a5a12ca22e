"""From the configuration to the objects that run: sources, intake, store, engine, outbox.

What must stay true here: the one place where configuration meets the parts; none of them ever sees it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from geofence.model import DeviceId
from geofence.track import Rules
from trackerd import secret
from trackerd.chunk import Source
from trackerd.config import MqttSection, Settings, SourceSection
from trackerd.house import House
from trackerd.inbox import Inbox
from trackerd.intake import DUTY, Intake, Wiring
from trackerd.mqtt import Broker
from trackerd.notify.make import transports, wishes
from trackerd.notify.mqtt import MqttVoice
from trackerd.notify.route import Route
from trackerd.notify.sender import Sender, Transport
from trackerd.outbox import ROUTE, Outbox, mqtt_route
from trackerd.retention import Retention
from trackerd.service import Service
from trackerd.sources import SOURCES
from trackerd.store import Store, StoreError, open_store
from trackerd.store.spool import Spool
from trackerd.store.values import DataClass
from trackerd.town import Town, build
from trackerd.zone_files import ZoneFiles

DECODER_OF = {"mqtt": "owntracks", "gpsd": "gpsd"}
"""What a kind of source speaks unless told otherwise; else NMEA."""

PATIENCE_S = 10.0
"""A phone sends what it kept over many messages; between two of them it is not called silent by our clock."""


def rules(settings: Settings) -> Rules:
    """Return how belief is formed, as configured."""
    said = settings.detection
    speeds = tuple((DeviceId(one.id), one.walker_speed) for one in settings.device if one.walker_speed is not None)
    return Rules(said.silence, said.lost, said.false_alarm, said.miss, said.walker_speed, said.error_bound, speeds)


def house(settings: Settings, town: Town, store: Store, wiring: dict[str, Wiring]) -> House:
    """Wire the parts of a turn together."""
    return House(
        intake=Intake(wiring, town, store.breaks()),
        store=store,
        town=town,
        source=f"/trackerd/{settings.site.name}",
        rules=rules(settings),
        window_s=settings.detection.reorder,
        routes=(ROUTE,) if settings.mqtt.host else (),
        positions=settings.mqtt.positions,
    )


def service(settings: Settings, path: Path, town: Town) -> Service:
    """Make the daemon of a configuration read from ``path``. Raises StoreError, BrokerFault, NotifyFault."""
    ways = transports(settings, path)
    named = [(section.name or f"{section.kind}-{n}", section) for n, section in enumerate(settings.source, 1)]
    store = opened(settings, path)
    made = house(settings, town, store, {name: wiring(section) for name, section in named})
    made.patience_s = PATIENCE_S
    made.docket.horizon_s = settings.retention.exact_positions  # older windows cannot be judged
    again = bool(store.editions())
    sources = [source(name, section, settings, path, again) for name, section in named]
    made.routes = (*made.routes, *ways)  # here and not in every house: a replay alerts nobody
    return Service(
        made, sources, outbox(settings, path, store, ways), reread=lambda: build(settings, path),
        spool=spool(settings, path), inbox=Inbox(inbox_folder(settings, path)),
        retention=Retention(made, keeping(settings)), rezone=ZoneFiles(settings, path).carry_out,
    )  # fmt: skip


def outbox(settings: Settings, path: Path, store: Store, ways: Mapping[str, Transport]) -> Outbox | None:
    """Make the routes of a configuration: the broker's, and one for each way beside it."""
    voice = MqttVoice(broker(settings, path, "out"), settings.mqtt.prefix) if settings.mqtt.host else None
    routes = [mqtt_route(store, voice)] if voice is not None else []
    routes += [Route(n.name, store, Sender(n.name, ways[n.name]), wishes(n, settings)) for n in settings.notify]
    return Outbox(routes, voice) if routes else None


def spool(settings: Settings, path: Path) -> Spool | None:
    """Open the place where fixes wait that nobody sends again; with a server's store under systemd there is one."""
    kept, state = settings.store.spool, os.environ.get("STATE_DIRECTORY")
    if kept is None and state and not settings.store.url.startswith("sqlite"):
        kept = Path(state.split(":")[0]) / "spool.db"
    return None if kept is None else Spool(path.parent / kept, settings.store.spool_mb * 2**20)


def wiring(section: SourceSection) -> Wiring:
    """Return how a source's bytes are read."""
    decoder = section.decoder or DECODER_OF.get(section.kind, "nmea")
    device = DeviceId(section.device) if section.device else None
    return Wiring(decoder, device, live=section.kind != "file")


def source(name: str, section: SourceSection, settings: Settings, path: Path, again: bool = False) -> Source:
    """Make one source; ``again``: there was an earlier run, so the broker should have a session of ours."""
    make = SOURCES[section.kind]
    wishes: dict[str, object] = {}
    if section.kind == "serial":
        wishes = {"url": section.url, "baud": section.baud}
    elif section.kind == "mqtt":
        wishes = {"broker": broker(settings, path, "in", section), "session_expected": again}
        if section.topics is not None:
            wishes["topics"] = [(topic, _speaks(topic, section)) for topic in section.topics]
    elif section.kind == "file":
        wishes = {"path": path.parent / (section.path or "")}
    else:
        wishes = {"host": section.host, "port": section.port}
    return make(name, **{key: wish for key, wish in wishes.items() if wish is not None})


def broker(settings: Settings, path: Path, side: str, section: SourceSection | None = None) -> Broker:
    """Return the broker to use; reading and telling are two connections, so two client ids."""
    mqtt: MqttSection = settings.mqtt
    host = (section.host if section else None) or mqtt.host or "localhost"
    port = (section.port if section else None) or mqtt.port

    def rooted(file: Path | None) -> Path | None:
        return None if file is None else secret.place(path.parent, file)

    return Broker(
        host=host,
        port=port,
        client_id=f"{mqtt.client_id or f'trackerd-{settings.site.name}'}-{side}",
        username=mqtt.username,
        password_file=rooted(mqtt.password_file),
        tls=mqtt.tls,
        ca_file=rooted(mqtt.ca_file),
        cert_file=rooted(mqtt.cert_file),
        key_file=rooted(mqtt.key_file),
        keepalive_s=max(1, round(mqtt.keepalive)),
    )


def keeping(settings: Settings) -> dict[DataClass, float]:
    """Return how many seconds what is kept."""
    return {what: getattr(settings.retention, what) for what in get_args(DataClass)}


def opened(settings: Settings, path: Path, *, reading: bool = False, beside: bool = False) -> Store:
    """Open an installation's store; see ``open_store``. Raises StoreError."""
    return open_store(store_url(settings, path), reading=reading, beside=beside, password=password(settings, path))


def password(settings: Settings, path: Path) -> str | None:
    """Return the password of a store's server, where a file has it. Raises StoreError."""
    file = settings.store.password_file
    try:
        return None if file is None else secret.place(path.parent, file).read_text("utf-8").split("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"store.password_file: {error}: check the name and the rights") from error


def store_url(settings: Settings, path: Path) -> str:
    """Return the store's URL, a relative file taken from the configuration's folder."""
    prefix, url = "sqlite:///", settings.store.url
    if url.startswith(prefix) and not url.startswith(prefix + "/") and not url.endswith(":memory:"):
        return f"{prefix}{path.parent.resolve() / url.removeprefix(prefix)}"
    return url


def inbox_folder(settings: Settings, path: Path) -> Path:
    """Return where commands wait for the daemon: beside the store, or where the configuration says."""
    if settings.store.inbox is not None:
        return path.parent.resolve() / settings.store.inbox
    prefix, url = "sqlite:///", store_url(settings, path)
    if url.startswith(prefix) and not url.endswith(":memory:"):
        return Path(f"{url.removeprefix(prefix)}.d")
    return path.parent.resolve() / "trackerd.d"


def _speaks(topic: str, section: SourceSection) -> str:
    """Return the decoder of what comes on a topic: told by its last level where that is one of ours or a LoRaWAN's."""
    own = topic.rpartition("/")[2]
    known = {"nmea": "nmea", DUTY: DUTY, "up": "lorawan"}
    return known.get(own) or section.decoder or DECODER_OF["mqtt"]
