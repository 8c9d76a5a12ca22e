// The stream. What must stay true here: after a break it goes on where it was, by the number of the last event, and
// what was missed is asked for; a part that has not changed keeps its identity, so that nothing is drawn for nothing.
import { batch } from "@preact/signals";
import { get } from "./api/client";
import type { Acknowledged, Live, RecordEvent } from "./api/schema";
import { events, heard, link, standing, wardens, zones } from "./state";

const MOST = 400;
let source: EventSource | null = null;
let edition = "";
const listeners = new Set<(event: RecordEvent) => void>();

/** Be told of each event as it comes; returns how to stop. */
export function onEvent(tell: (event: RecordEvent) => void): () => void {
  listeners.add(tell);
  return () => void listeners.delete(tell);
}

/** Begin to listen. */
export async function listen(): Promise<void> {
  await fresh();
  source?.close();
  const live = await get("/api/live");
  take(live);
  source = new EventSource(`api/stream?after=${live.seq}`);
  source.onopen = () => (link.value = "on");
  source.onerror = () => {
    link.value = source?.readyState === EventSource.CLOSED ? "lost" : "connecting";
    if (link.value === "lost") setTimeout(() => void again(), 5000);
  };
  source.addEventListener("live", (message) => take(JSON.parse(message.data) as Live));
  source.addEventListener("cloudevent", (message) => add(JSON.parse(message.data) as RecordEvent));
  source.addEventListener("acknowledged", (message) => acknowledged(JSON.parse(message.data) as Acknowledged));
  source.addEventListener("missed", () => void recent());
}

/** Stop, as when somebody signs out. */
export function leave(): void {
  source?.close();
  source = null;
  batch(() => {
    wardens.value = new Map();
    standing.value = new Map();
    events.value = [];
    heard.value = null;
  });
}

/** Load the zones and the newest events anew. */
export async function fresh(): Promise<void> {
  const found = await get("/api/zones");
  edition = found.edition;
  zones.value = found;
  await recent();
}

async function again(): Promise<void> {
  try {
    await listen();
  } catch {
    setTimeout(() => void again(), 5000);
  }
}

async function recent(): Promise<void> {
  const found = await get("/api/events", { before: 2 ** 53 - 1, limit: 200 });
  events.value = found.items;
}

function take(live: Live): void {
  batch(() => {
    heard.value = { at: Date.parse(live.at), when: Date.now() };
    if (live.wardens.length || live.gone.length || !live.partial) {
      const next = new Map(live.partial ? wardens.value : []);
      for (const one of live.wardens) next.set(one.device, one);
      for (const device of live.gone) next.delete(device);
      wardens.value = next;
    }
    if (live.zones.length || !live.partial) {
      const next = new Map(live.partial ? standing.value : []);
      for (const one of live.zones) next.set(one.zone, one);
      standing.value = next;
      if (edition && [...next.keys()].some((id) => !zones.value?.features.some((zone) => String(zone.id) === id))) void fresh();
    }
  });
}

function add(event: RecordEvent): void {
  const retracts = (event.event["data"] as { retracts?: string } | undefined)?.retracts;
  const before = events.value.filter((one) => one.event["id"] !== event.event["id"]);
  const kept = retracts ? before.map((one) => (one.event["id"] === retracts ? { ...one, stands: false } : one)) : before;
  events.value = [event, ...kept].slice(0, MOST);
  for (const tell of listeners) tell(event);
}

function acknowledged(news: Acknowledged): void {
  events.value = events.value.map((one) => (one.event["id"] === news.id ? { ...one, acknowledged: news.acknowledged } : one));
}
