// What the signs on the map mean.
import { STATES } from "../sign";
import { w } from "../words";
import { Badge } from "../parts/badge";

export const Legend = () => (
  <details class="legend">
    <summary>{w.value.map.legend}</summary>
    <dl>{STATES.map((one) => <><dt><Badge state={one} /></dt><dd>{w.value.stateLong[one]}</dd></>)}</dl>
  </details>
);
