// What stands for each outcome: never colour alone, so each has its mark and its word as well.
import type { components } from "./api/schema";
import { shade } from "./theme";

export type StateName = components["schemas"]["LiveWindow"]["state"];

export const MARKS: Readonly<Record<StateName, string>> = {
  met: "✓",
  partial: "◐",
  skipped: "✕",
  unproven: "?",
  excused: "–",
  due: "!",
  open: "○",
  coming: "·",
};

export const STATES = Object.keys(MARKS) as StateName[];

/** How much each asks for attention: the first is looked at first. */
export const URGENCY: Readonly<Record<StateName, number>> = {
  skipped: 0,
  due: 1,
  unproven: 2,
  partial: 3,
  open: 4,
  met: 5,
  coming: 6,
  excused: 7,
};

/** What a zone shows: a window that is still owed says more than the last verdict. */
export function shownState(zone: { verdict?: StateName | null; windows: readonly { state: StateName }[] }): StateName | null {
  const open = zone.windows.map((one) => one.state).sort((a, b) => URGENCY[a] - URGENCY[b])[0];
  return open ?? zone.verdict ?? null;
}

const inks = new Map<string, string>();

/** A colour of the design as the map wants it, in the shade of the moment. */
export function ink(name: string): string {
  const key = `${shade.peek()} ${name}`;
  const known = inks.get(key);
  if (known) return known;
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  inks.set(key, colour);
  return colour;
}
