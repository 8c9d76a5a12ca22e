// Every version of the zones that was kept: what it changed, and how it looked.
import { get } from "../../api/client";
import type { ZoneCollection } from "../../api/schema";
import { stamp } from "../../format";
import { useAnswer } from "../../parts/answer";
import { Said } from "../../parts/said";
import { zones } from "../../state";
import { w } from "../../words";

export function Editions({ shown, show }: { shown: ZoneCollection | null; show: (shown: ZoneCollection | null) => void }) {
  const { value, fault, again } = useAnswer(() => get("/api/zones/editions"), [zones.value?.edition]);
  const words = w.value.zones;
  const open = async (version: string) => show(shown?.edition === version ? null : await get("/api/zones/editions/{version}", {} as never, { version }));
  return (
    <section class="stack">
      <h2>{words.editions}</h2>
      <Said fault={fault} again={again} />
      <ul class="stack">
        {value?.items.map((one) => (
          <li key={one.version} class="row">
            <span class="grow">
              {one.since ? words.since(stamp(one.since)) : words.first} {one.newest && <span class="badge is-met"><i aria-hidden="true">✓</i>{words.current}</span>}
              <br />
              <small class="soft">{one.zones} · +{one.added.length} ~{one.changed.length} −{one.removed.length}</small>
            </span>
            <button type="button" aria-pressed={shown?.edition === one.version} onClick={() => void open(one.version)}>{w.value.common.showOnMap}</button>
          </li>
        ))}
      </ul>
    </section>
  );
}
