// The zones as they are drawn, and what has been changed and not saved yet. What must stay true here: nothing is
// written before somebody saves; what is saved says on which zones it was drawn, so that nobody's work is overwritten;
// what a change would come to (shape, faults) is the daemon's word, never worked out here.
import { batch, computed, effect, signal } from "@preact/signals";
import { ask, Fault, get } from "../../api/client";
import type { Geometry, Kept, Preview, ZoneCollection, ZoneFault, ZoneFeature } from "../../api/schema";
import { fresh } from "../../live";
import { may, zones } from "../../state";

interface Base {
  features: readonly ZoneFeature[];
  etag: string;
  editable: boolean;
}

export const base = signal<Base | null>(null);
/** By id: what it would be; null where it would be deleted. */
export const changes = signal<ReadonlyMap<string, ZoneFeature | null>>(new Map());
/** By id: the shapes of what was changed, as they would be judged. */
export const shapes = signal<ReadonlyMap<string, Geometry>>(new Map());
export const faults = signal<readonly ZoneFault[]>([]);

export const editable = computed(() => (base.value?.editable ?? false) && may("zones"));
export const idOf = (one: ZoneFeature): string => String(one.id);

/** The zones as they would be. */
export const drafted = computed<readonly ZoneFeature[]>(() => {
  const changed = changes.value;
  const kept = (base.value?.features ?? []).flatMap((one) => (changed.has(idOf(one)) ? (changed.get(idOf(one)) ?? []) : one));
  const known = new Set(base.value?.features.map(idOf));
  return [...kept, ...[...changed.values()].filter((one): one is ZoneFeature => one !== null && !known.has(idOf(one)))];
});

/** Load the zones as drawn; where they cannot be edited, as they are judged. */
export async function load(): Promise<void> {
  if (may("zones")) {
    try {
      const answer = await ask("get", "/api/zones", { query: { form: "drawn" } });
      const found = (await answer.json()) as ZoneCollection;
      base.value = { features: found.features, etag: answer.headers.get("etag") ?? "", editable: found.editable };
      return;
    } catch (caught) {
      if (!(caught instanceof Fault) || caught.status !== 409) throw caught;
    }
  }
  base.value = { features: (zones.value ?? (await get("/api/zones"))).features, etag: "", editable: false };
}

/** Change a zone, add one, or delete one. */
export function put(id: string, feature: ZoneFeature | null): void {
  const next = new Map(changes.value);
  if (feature === null && !base.value?.features.some((one) => idOf(one) === id)) next.delete(id);
  else next.set(id, feature);
  changes.value = next;
}

/** Give a zone another id: possible only for one that was never saved. */
export function rename(from: string, to: string): void {
  changes.value = new Map([...changes.value].map(([id, one]) => (id === from && one ? [to, { ...one, id: to }] : [id, one])));
}

export const isNew = (id: string): boolean => !base.value?.features.some((one) => idOf(one) === id);

/** An id that nobody has: zone-1, zone-2, … */
export function freeId(): string {
  const taken = new Set([...(base.value?.features.map(idOf) ?? []), ...changes.value.keys()]);
  let k = 1;
  while (taken.has(`zone-${k}`)) k += 1;
  return `zone-${k}`;
}

export function undo(): void {
  batch(() => {
    changes.value = new Map();
    shapes.value = new Map();
    faults.value = [];
  });
}

/** Save: all zones, on the ones they were drawn on. Where somebody was faster: theirs are loaded, and a Fault 412. */
export async function save(): Promise<Kept> {
  const body = JSON.stringify({ type: "FeatureCollection", features: drafted.value });
  try {
    const answer = await ask("put", "/api/zones", { body, headers: { "Content-Type": "application/geo+json", "If-Match": base.value?.etag ?? "" } });
    undo();
    return (await answer.json()) as Kept;
  } finally {
    await load();
    await fresh();
  }
}

/** What features would come to. */
export async function preview(body: BodyInit, type = "application/geo+json"): Promise<Preview> {
  return (await (await ask("post", "/api/zones/preview", { body, headers: { "Content-Type": type } })).json()) as Preview;
}

let waiting: ReturnType<typeof setTimeout> | undefined;
effect(() => {
  const features = [...changes.value.values()].filter((one) => one !== null);
  clearTimeout(waiting);
  if (features.length) waiting = setTimeout(() => void judge(features), 250);
});

async function judge(features: readonly ZoneFeature[]): Promise<void> {
  const found = await preview(JSON.stringify({ type: "FeatureCollection", features })).catch(() => null);
  if (!found) return;
  batch(() => {
    shapes.value = new Map([...shapes.value, ...found.features.map((one) => [idOf(one), one.geometry] as const)]);
    faults.value = found.faults;
  });
}
