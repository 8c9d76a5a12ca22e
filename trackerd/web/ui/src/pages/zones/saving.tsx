// What has been changed and not saved: faults, saving, undoing.
import { useState } from "preact/hooks";
import { Fault } from "../../api/client";
import type { ZoneFault } from "../../api/schema";
import { Said } from "../../parts/said";
import { w } from "../../words";
import { changes, faults, save, undo } from "./draft";

export function Saving() {
  const [fault, setFault] = useState<unknown>(null);
  const [told, setTold] = useState("");
  const [busy, setBusy] = useState(false);
  const words = w.value.zones;
  const count = changes.value.size;
  const go = async () => {
    setBusy(true);
    setTold("");
    try {
      await save();
      setFault(null);
      setTold(words.saved);
    } catch (caught) {
      setFault(caught instanceof Fault && caught.status === 412 ? new Fault(412, words.conflict) : caught);
    }
    setBusy(false);
  };
  return (
    <div class="stack" hidden={!count && !told && !fault}>
      {count > 0 && (
        <div class="row">
          <button type="button" class="main" disabled={busy} onClick={() => void go()}>{words.saveAll(count)}</button>
          <button type="button" onClick={() => (undo(), setFault(null))}>{words.undo}</button>
        </div>
      )}
      {count > 0 && <Faults list={faults.value} />}
      <Said fault={fault} />
      {told && !count && <p class="told" role="status">{told}</p>}
    </div>
  );
}

/** Faults and what is worth telling, each with where it is and how to mend it. */
export function Faults({ list }: { list: readonly ZoneFault[] }) {
  const wrong = list.filter((one) => !one.warning);
  const notes = list.filter((one) => one.warning);
  const item = (one: ZoneFault) => <li key={one.where + one.what}><strong>{one.where}</strong> {one.what}{one.remedy && ` – ${one.remedy}`}</li>;
  return (
    <>
      {wrong.length > 0 && <div class="fault" role="alert"><p>{w.value.zones.faults}</p><ul>{wrong.map(item)}</ul></div>}
      {notes.length > 0 && <div class="warned"><p>{w.value.zones.warnings}</p><ul>{notes.map(item)}</ul></div>}
    </>
  );
}
