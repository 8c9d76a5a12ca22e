// Now: the map, and beside it the tables that say the same.
import { signal } from "@preact/signals";
import { useMemo, useRef, useState } from "preact/hooks";
import { ago, span } from "../../format";
import type { Dot } from "../../map/dots";
import { Legend } from "../../map/legend";
import { type MapZone, TownMap } from "../../map/town";
import { place, refine } from "../../route";
import { shownState } from "../../sign";
import { now, standing, wardens, zones } from "../../state";
import { w } from "../../words";
import { Alerts, Toasts } from "./alerts";
import { Chosen, Find } from "./find";
import { WardenTable, ZoneTable } from "./tables";

/** The dots' words change by the minute, not by the second: nobody reads faster and the map stays quiet. */
const minute = signal(0);

export const Now = () => {
  const [tab, setTab] = useState<"zones" | "wardens" | "alerts">("wardens");
  const zone = place.value.query.get("zone");
  const choose = (id: string | null) => refine({ zone: id ?? undefined });
  minute.value = Math.floor(now.value / 15_000) * 15_000;
  const shapes = useMapZones();
  const dots = useDots();
  const words = w.value.now;
  return (
    <main class="now" id="content" tabIndex={-1}>
      <TownMap zones={shapes} dots={dots} chosen={zone} onZone={choose} onDot={() => setTab("wardens")}>
        <Toasts />
        <Legend />
      </TownMap>
      <div class="side">
        <div class="find"><h1 class="unseen">{words.title}</h1><Find choose={choose} /></div>
        {zone ? <Chosen zone={zone} close={() => choose(null)} /> : <span />}
        <Tabs tab={tab} choose={setTab} choosing={choose} />
        <AlertsBelow />
      </div>
    </main>
  );
};

function Tabs({ tab, choose, choosing }: { tab: "zones" | "wardens" | "alerts"; choose: (tab: "zones" | "wardens" | "alerts") => void; choosing: (id: string) => void }) {
  const words = w.value.now;
  const names = ["wardens", "zones", "alerts"] as const;
  const counts = { wardens: wardens.value.size, zones: standing.value.size, alerts: "" };
  return (
    <>
      <div class="title segments" role="tablist">
        {names.map((one) => (
          <button key={one} type="button" role="tab" id={`tab-${one}`} aria-controls="pane" aria-selected={tab === one} class={one === "alerts" ? "phone" : ""} onClick={() => choose(one)}>
            {words[one]} {counts[one]}
          </button>
        ))}
      </div>
      <div class="pane" role="tabpanel" id="pane" aria-labelledby={`tab-${tab}`} tabIndex={0}>
        {tab === "wardens" && <WardenTable choose={choosing} />}
        {tab === "zones" && <ZoneTable choose={choosing} />}
        {tab === "alerts" && <Alerts />}
      </div>
    </>
  );
}

const AlertsBelow = () => (
  <section class="desk pane" aria-label={w.value.now.alerts} tabIndex={0}>
    <Alerts titled />
  </section>
);

function useMapZones(): readonly MapZone[] {
  const before = useRef(new Map<string, MapZone>());
  return useMemo(() => {
    const next = new Map<string, MapZone>();
    for (const one of zones.value?.features ?? []) {
      const id = String(one.id);
      const live = standing.value.get(id);
      const state = live ? shownState(live) : null;
      const old = before.current.get(id);
      next.set(id, old?.state === state && old.geometry === one.geometry ? old : { id, name: one.properties.name, geometry: one.geometry, state });
    }
    before.current = next;
    return [...next.values()];
  }, [zones.value, standing.value]);
}

function useDots(): readonly Dot[] {
  return useMemo(
    () =>
      [...wardens.value.values()].map((one) => ({
        id: one.device, name: one.warden, lon: one.lon, lat: one.lat, accuracy: one.accuracy_m ?? null, silent: one.silent, still: Boolean(one.still_since),
        said: one.silent ? `${w.value.now.silent}, ${ago(one.measured, minute.value)}` : one.still_since ? w.value.now.still(span((minute.value - Date.parse(one.still_since)) / 1000)) : w.value.now.moving,
      })),
    [wardens.value, minute.value, w.value],
  );
}
