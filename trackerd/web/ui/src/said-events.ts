// An event in words, and how much it asks for attention.
import type { RecordEvent } from "./api/schema";
import type { StateName } from "./sign";
import { zoneName } from "./state";
import { w, type Words } from "./words";

type Kind = keyof Words["events"];
interface Data {
  zone?: string;
  zone_name?: string;
  warden?: string;
  device?: string;
}

const STATE: Partial<Record<Kind, StateName>> = {
  "zone.met": "met", "zone.partial": "partial", "zone.skip": "skipped", "zone.unproven": "unproven", "zone.excused": "excused", "zone.due": "due",
  "device.silent": "unproven", "device.battery": "due", "device.sos": "skipped",
};
const URGENT: ReadonlySet<Kind> = new Set(["zone.skip", "zone.unproven", "zone.due", "zone.partial", "device.silent", "device.sos", "device.battery"]);
const MARK: Partial<Record<Kind, string>> = { "zone.enter": "→", "zone.exit": "←", "zone.dwell": "◷", "device.back": "○", "device.silent": "…", "device.sos": "‼", "device.battery": "▁", retract: "↶" };

export const kindOf = (event: RecordEvent): Kind => String(event.event["type"]).replace("trackerd.", "") as Kind;
export const timeOf = (event: RecordEvent): string => String(event.event["time"]);
export const idOf = (event: RecordEvent): string => String(event.event["id"]);
export const stateOf = (event: RecordEvent): StateName | null => STATE[kindOf(event)] ?? null;
export const markOf = (event: RecordEvent): string | null => MARK[kindOf(event)] ?? null;
export const zoneOf = (event: RecordEvent): string | null => dataOf(event).zone ?? null;

/** Whether somebody should look at it: it asks for it, it stands, and nobody has. */
export const urgent = (event: RecordEvent): boolean => URGENT.has(kindOf(event)) && event.stands && !event.acknowledged;

const dataOf = (event: RecordEvent): Data => (event.event["data"] ?? {}) as Data;

export function sayEvent(event: RecordEvent): string {
  const data = dataOf(event);
  const zone = data.zone_name || (data.zone ? zoneName(data.zone) : "");
  const say = w.value.events[kindOf(event)] as ((who: string, zone: string) => string) | undefined;
  return say ? say(data.warden ?? data.device ?? "", zone) : String(event.event["type"]);
}
