// The map as it was at a moment of the day. What must stay true here: without a purpose it shows which zones somebody
// was in, and no positions.
import { useMemo } from "preact/hooks";
import type { DayAnswer, Tracks } from "../../api/schema";
import { span } from "../../format";
import type { Dot } from "../../map/dots";
import { type MapZone, TownMap } from "../../map/town";
import { zones } from "../../state";
import { w } from "../../words";
import { along, zoneAt } from "./course";

interface Shown {
  day: DayAnswer;
  at: number;
  tracks: Tracks | null;
  choose: (zone: string | null) => void;
}

export function DayMap({ day, at, tracks, choose }: Shown) {
  const byId = useMemo(() => new Map(day.zones.map((one) => [one.zone, one])), [day]);
  const states = (zones.value?.features ?? []).map((one) => zoneAt(byId.get(String(one.id)) ?? NOTHING, at));
  const shapes = useMemo<MapZone[]>(
    () => (zones.value?.features ?? []).map((one, k) => ({ id: String(one.id), name: one.properties.name, geometry: one.geometry, state: states[k] ?? null })),
    [zones.value, states.join()],
  );
  const lines = useMemo(() => (tracks?.items ?? []).map((one) => one.lon.map((lon, k) => [lon, one.lat[k] ?? 0])), [tracks]);
  const dots = useMemo(() => dotsAt(tracks, at), [tracks, at]);
  return <TownMap class="daymap" zones={shapes} tracks={lines} dots={dots} onZone={choose} />;
}

const NOTHING = { zone: "", name: "", visits: [], windows: [] };

function dotsAt(tracks: Tracks | null, at: number): Dot[] {
  return (tracks?.items ?? []).flatMap((one) => {
    const found = along(one, at);
    const name = one.warden ?? one.device;
    const said = found && found.age > 60_000 ? w.value.ago(span(found.age / 1000)) : "";
    return found ? [{ id: one.device, name, said, lon: found.lon, lat: found.lat, accuracy: found.accuracy, silent: found.age > 120_000, still: false }] : [];
  });
}
