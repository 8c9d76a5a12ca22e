// What list is wanted: which, of when, of where.
import { useMemo } from "preact/hooks";
import { TownMap } from "../../map/town";
import { may, zoneName, zones } from "../../state";
import { w } from "../../words";

export const KINDS = ["day", "zone", "plan", "place", "capacity"] as const;

export interface Asked {
  kind: (typeof KINDS)[number];
  date: string;
  from: string;
  to: string;
  zone: string;
  radius: number;
  at: [number, number] | null;
  purpose: string;
}

interface Shown {
  asked: Asked;
  set: (asked: Asked) => void;
  make: () => void;
  busy: boolean;
}

export function Ask({ asked, set, make, busy }: Shown) {
  const words = w.value.lists;
  const field = (change: Partial<Asked>) => set({ ...asked, ...change });
  const kinds = KINDS.filter((one) => one !== "place" || may("place"));
  const daily = asked.kind === "day" || asked.kind === "capacity";
  return (
    <form class="card stack no-print" onSubmit={(event) => (event.preventDefault(), make())}>
      <fieldset class="options">
        <legend class="unseen">{words.report}</legend>
        {kinds.map((one) => (
          <label key={one}><input type="radio" name="kind" checked={asked.kind === one} onChange={() => field({ kind: one })} />{words.kinds[one]}<small>{words.about[one]}</small></label>
        ))}
      </fieldset>
      {asked.kind === "zone" && <ZonePick zone={asked.zone} set={(zone) => field({ zone })} />}
      {daily && <label>{w.value.common.day}<input type="date" required value={asked.date} onInput={(event) => field({ date: event.currentTarget.value })} /></label>}
      {!daily && (
        <div class="pair">
          <label>{w.value.common.from}<input type="date" required value={asked.from} max={asked.to} onInput={(event) => field({ from: event.currentTarget.value })} /></label>
          <label>{w.value.common.to}<input type="date" required value={asked.to} min={asked.from} onInput={(event) => field({ to: event.currentTarget.value })} /></label>
        </div>
      )}
      {asked.kind === "place" && <PlacePick asked={asked} field={field} />}
      <button type="submit" class="main" disabled={busy || (asked.kind === "place" && !asked.at)}>{words.make}</button>
    </form>
  );
}

function ZonePick({ zone, set }: { zone: string; set: (zone: string) => void }) {
  const list = [...(zones.value?.features ?? [])].sort((a, b) => a.properties.name.localeCompare(b.properties.name, undefined, { numeric: true }));
  return (
    <label>
      {w.value.common.zone}
      <select required value={zone} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">{w.value.lists.chooseZone}</option>
        {list.map((one) => <option key={one.id} value={String(one.id)}>{zoneName(String(one.id))}</option>)}
      </select>
    </label>
  );
}

function PlacePick({ asked, field }: { asked: Asked; field: (change: Partial<Asked>) => void }) {
  const words = w.value.lists;
  const shapes = useMemo(() => (zones.value?.features ?? []).map((one) => ({ id: String(one.id), name: one.properties.name, geometry: one.geometry, state: null })), [zones.value]);
  const spot = useMemo(() => asked.at && { lon: asked.at[0], lat: asked.at[1], radius: asked.radius }, [asked.at, asked.radius]);
  const coordinate = (k: 0 | 1, value: number) => field({ at: k ? [asked.at?.[0] ?? 0, value] : [value, asked.at?.[1] ?? 0] });
  return (
    <>
      <p>{words.pick}</p>
      <TownMap class="small-map" zones={shapes} spot={spot} onPlace={(lon, lat) => field({ at: [Number(lon.toFixed(6)), Number(lat.toFixed(6))] })} />
      <div class="pair">
        <label>lat<input type="number" step="any" min={-90} max={90} value={asked.at?.[1] ?? ""} onInput={(event) => coordinate(1, event.currentTarget.valueAsNumber)} /></label>
        <label>lon<input type="number" step="any" min={-180} max={180} value={asked.at?.[0] ?? ""} onInput={(event) => coordinate(0, event.currentTarget.valueAsNumber)} /></label>
      </div>
      <label>{words.radius} ({w.value.zones.metres})<input type="number" min={5} max={5000} required value={asked.radius} onInput={(event) => field({ radius: event.currentTarget.valueAsNumber })} /></label>
      <label>{words.purpose}<input required minLength={3} maxLength={300} value={asked.purpose} placeholder={words.purposeHint} onInput={(event) => field({ purpose: event.currentTarget.value })} /><small>{words.purposeWhy}</small></label>
    </>
  );
}
