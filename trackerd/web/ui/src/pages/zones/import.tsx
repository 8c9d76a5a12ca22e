// Zones from a file: what they would be is seen first.
import { useRef, useState } from "preact/hooks";
import type { Preview } from "../../api/schema";
import { Said } from "../../parts/said";
import { Dialog } from "../../parts/dialog";
import { w } from "../../words";
import { base, idOf, preview, put } from "./draft";
import { Faults } from "./saving";

const KML = "application/vnd.google-earth.kml+xml";

export function Import() {
  const input = useRef<HTMLInputElement>(null);
  const [found, setFound] = useState<Preview | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  const words = w.value.zones;
  const read = async (file: File | undefined) => {
    if (!file) return;
    try {
      setFault(null);
      setFound(await preview(file, /\.km[lz]$/i.test(file.name) ? KML : "application/geo+json"));
    } catch (caught) {
      setFault(caught);
    }
    if (input.current) input.current.value = "";
  };
  return (
    <>
      <button type="button" title={words.importHint} onClick={() => input.current?.click()}>{words.import}</button>
      <input ref={input} hidden type="file" accept=".geojson,.json,.kml,.kmz" aria-label={words.import} onChange={(event) => void read(event.currentTarget.files?.[0])} />
      <Said fault={fault} />
      {found && <Seen found={found} close={() => setFound(null)} />}
    </>
  );
}

function Seen({ found, close }: { found: Preview; close: () => void }) {
  const words = w.value.zones;
  const missing = (base.value?.features ?? []).map(idOf).filter((id) => ![...found.added, ...found.changed, ...found.same].includes(id));
  const act = async (form: FormData) => {
    const same = new Set(found.same);
    for (const one of found.drawn) if (!same.has(idOf(one))) put(idOf(one), one);
    if (form.get("replace")) for (const id of missing) put(id, null);
  };
  return (
    <Dialog title={words.preview} go={words.apply} act={act} close={close}>
      <Faults list={found.faults} />
      <ul class="scroll imported">
        {found.added.map((id) => <li key={id}><span class="badge is-met"><i aria-hidden="true">+</i>{words.added}</span> {id}</li>)}
        {found.changed.map((id) => <li key={id}><span class="badge is-open"><i aria-hidden="true">~</i>{words.changed}</span> {id}</li>)}
        {found.same.length > 0 && <li class="soft">{words.same}: {found.same.length}</li>}
      </ul>
      {missing.length > 0 && <label class="check"><input type="checkbox" name="replace" />{words.replaceAll} ({missing.length})</label>}
    </Dialog>
  );
}
