// What went wrong, in words, where it went wrong.
import { Fault } from "../api/client";
import { w } from "../words";

/** The words for whatever was thrown. */
export const wordsOf = (fault: unknown): string =>
  fault instanceof Fault ? fault.message || w.value.fault.network : w.value.fault.unknown;

export function Said({ fault, again }: { fault: unknown; again?: () => void }) {
  if (!fault) return null;
  const faults = fault instanceof Fault ? fault.faults : [];
  return (
    <div class="fault" role="alert">
      <p>{wordsOf(fault)}</p>
      {faults.length > 0 && <ul>{faults.map((one) => <li key={one}>{one}</li>)}</ul>}
      {again && <button type="button" onClick={again}>{w.value.common.again}</button>}
    </div>
  );
}
