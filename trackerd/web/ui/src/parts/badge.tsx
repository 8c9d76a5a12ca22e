// A verdict: its mark, its word, its colour.
import { MARKS, type StateName } from "../sign";
import { w } from "../words";

export const Badge = ({ state }: { state: StateName | null | undefined }) =>
  state ? (
    <span class={`badge is-${state}`} title={w.value.stateLong[state]}>
      <i aria-hidden="true">{MARKS[state]}</i>
      {w.value.states[state]}
    </span>
  ) : (
    <span class="small soft">{w.value.states.none}</span>
  );
