// What is said of one zone beside its shape.
import { useState } from "preact/hooks";
import type { ZoneFeature } from "../../api/schema";
import { Dialog } from "../../parts/dialog";
import { site } from "../../state";
import { w } from "../../words";
import { drafted, editable, idOf, isNew, put, rename } from "./draft";
import { Lint } from "./lint";

interface Shown {
  feature: ZoneFeature;
  choose: (id: string | null) => void;
}

export function ZoneForm({ feature, choose }: Shown) {
  const words = w.value.zones;
  const id = idOf(feature);
  const said = feature.properties;
  const off = !editable.value;
  const set = (change: Partial<ZoneFeature["properties"]>) => put(id, { ...feature, properties: tidy({ ...said, ...change }) });
  const kinds = [...new Set(drafted.value.map((one) => one.properties.kind))].sort();
  return (
    <section class="card stack" aria-label={said.name || id}>
      <div class="row"><h2 class="grow">{said.name || id}</h2><button type="button" class="plain" aria-label={w.value.common.close} onClick={() => choose(null)}>✕</button></div>
      <label>{words.name}<input value={said.name} disabled={off} maxLength={120} onInput={(event) => set({ name: event.currentTarget.value })} /></label>
      <Identifier id={id} off={off || !isNew(id)} choose={choose} />
      <div class="pair">
        <label>{words.kind}<input value={said.kind} disabled={off} list="kinds" pattern="[a-z0-9-]+" onChange={(event) => set({ kind: event.currentTarget.value })} /></label>
        <datalist id="kinds">{kinds.map((one) => <option key={one} value={one} />)}</datalist>
        <label>
          {words.team}
          <select value={said.team ?? ""} disabled={off} onChange={(event) => set({ team: event.currentTarget.value || null })}>
            <option value="">{words.noTeam}</option>
            {site.value?.teams.map((one) => <option key={one.id} value={one.id}>{one.name || one.id}</option>)}
          </select>
        </label>
      </div>
      <div class="pair">
        {said.radius_m != null && <label>{words.radius} ({words.metres})<input type="number" min={1} max={50000} step="any" value={said.radius_m} disabled={off} onInput={(event) => event.currentTarget.value && set({ radius_m: event.currentTarget.valueAsNumber })} /></label>}
        {said.width_m != null && <label>{words.width} ({words.metres})<input type="number" min={1} max={5000} step="any" value={said.width_m} disabled={off} onInput={(event) => event.currentTarget.value && set({ width_m: event.currentTarget.valueAsNumber })} /></label>}
        <label>{words.dwell}<input value={said.dwell ?? ""} disabled={off} placeholder={words.dwellHint} onChange={(event) => set({ dwell: event.currentTarget.value || null })} /></label>
      </div>
      <div class="pair">
        <label>{words.validFrom}<input type="date" value={said.valid_from?.slice(0, 10) ?? ""} disabled={off} title={words.forever} onInput={(event) => set({ valid_from: event.currentTarget.value || null })} /></label>
        <label>{words.validTo}<input type="date" value={said.valid_to?.slice(0, 10) ?? ""} disabled={off} title={words.forever} onInput={(event) => set({ valid_to: event.currentTarget.value || null })} /></label>
      </div>
      <Lint feature={feature} />
      {!off && <Delete id={id} name={said.name || id} choose={choose} />}
    </section>
  );
}

/** Without what is empty: a key that says nothing is not written. */
const tidy = (said: ZoneFeature["properties"]): ZoneFeature["properties"] =>
  Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null && value !== undefined)) as ZoneFeature["properties"];

function Identifier({ id, off, choose }: { id: string; off: boolean; choose: (id: string) => void }) {
  const words = w.value.zones;
  const change = (input: HTMLInputElement) => {
    const taken = drafted.value.some((one) => idOf(one) === input.value && idOf(one) !== id);
    if (taken || !input.checkValidity() || input.value === id) return;
    rename(id, input.value);
    choose(input.value);
  };
  return <label>{words.id}<input value={id} disabled={off} required pattern="[a-z0-9\-]+" maxLength={64} onChange={(event) => change(event.currentTarget)} /><small>{words.idHint}</small></label>;
}

function Delete({ id, name, choose }: { id: string; name: string; choose: (id: string | null) => void }) {
  const [asking, setAsking] = useState(false);
  const words = w.value.zones;
  const act = async () => {
    put(id, null);
    choose(null);
  };
  return (
    <div>
      <button type="button" class="danger" onClick={() => setAsking(true)}>{words.delete}</button>
      {asking && <Dialog title={words.delete} go={words.delete} danger act={act} close={() => setAsking(false)}><p>{words.deleteAsk(name)}</p></Dialog>}
    </div>
  );
}
