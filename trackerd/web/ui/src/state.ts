// What is so now, as signals. What must stay true here: nothing is kept in the browser but the choice of language and
// of light or dark; where a warden was is gone when the page is.
import { computed, signal } from "@preact/signals";
import type { LiveWarden, LiveZone, RecordEvent, Session, Site, ZoneCollection } from "./api/schema";

export const session = signal<Session | null>(null);
export const site = signal<Site | null>(null);
export const zones = signal<ZoneCollection | null>(null);

/** By device. */
export const wardens = signal<ReadonlyMap<string, LiveWarden>>(new Map());
/** By zone. */
export const standing = signal<ReadonlyMap<string, LiveZone>>(new Map());
/** Newest first. */
export const events = signal<readonly RecordEvent[]>([]);
export const link = signal<"connecting" | "on" | "lost">("connecting");

/** How far the record is, and when we heard so: where a recorded day is shown, time goes as the recording does. */
export const heard = signal<{ at: number; when: number } | null>(null);
const tick = signal(Date.now());
setInterval(() => (tick.value = Date.now()), 1000);

/** The time at which everything is so, in milliseconds. */
export const now = computed(() => {
  if (!heard.value) return tick.value;
  return session.value?.demo ? heard.value.at : heard.value.at + Math.max(0, tick.value - heard.value.when);
});

export type May = Session["may"][number];
/** Whether who is signed in may do that. */
export const may = (what: May): boolean => session.value?.may.includes(what) ?? false;

/** The zones by id, as they are judged. */
export const zoneById = computed(() => new Map((zones.value?.features ?? []).map((one) => [String(one.id), one])));
export const zoneName = (id: string): string => zoneById.value.get(id)?.properties.name || standing.value.get(id)?.name || id;

/** Keep a choice between visits, where the browser lets us. */
export const kept = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(`trackerd.${key}`);
    } catch {
      return null;
    }
  },
  set(key: string, value: string): void {
    try {
      localStorage.setItem(`trackerd.${key}`, value);
    } catch {
      /* a browser that keeps nothing still shows everything */
    }
  },
};
