// The course of a day: what was so at a moment of it. What must stay true here: a window shows its verdict only once
// the verdict could be known; before that it is owed. Times are milliseconds.
import type { DayAnswer, DayVisit, DayWindow, DayZone, Track } from "../../api/schema";
import { type StateName, URGENCY } from "../../sign";

const HOUR = 3_600_000;
/** A position older than this says nothing of where somebody is. */
const STALE = 300_000;
export const ms = (when: string): number => Date.parse(when);

export interface Reach {
  from: number;
  to: number;
}

/** From the first hour in which something was, to the last. */
export function reach(day: DayAnswer): Reach {
  const spans = [...day.wardens.flatMap((one) => one.duty), ...day.zones.flatMap((one) => one.windows)];
  const visits = day.wardens.flatMap((one) => one.visits);
  const starts = [...spans.map((one) => ms(one.start)), ...visits.map((one) => ms(one.began))];
  const ends = [...spans.map((one) => ms(one.end)), ...visits.map((one) => (one.ended ? ms(one.ended) : ms(day.until)))];
  if (!starts.length) return { from: ms(day.start), to: ms(day.end) };
  const from = Math.max(ms(day.start), Math.floor(starts.reduce((a, b) => Math.min(a, b)) / HOUR) * HOUR);
  return { from, to: Math.min(ms(day.end), Math.max(from + HOUR, Math.ceil(ends.reduce((a, b) => Math.max(a, b)) / HOUR) * HOUR)) };
}

/** Which window was in which state at that moment. */
export function stateAt(window: DayWindow, at: number): StateName {
  if (at < ms(window.start)) return "coming";
  if (window.at && at >= ms(window.at)) return window.state;
  const judged = ms(window.grace_until ?? window.end);
  return at < judged ? "open" : window.state;
}

/** What the zone showed at that moment: what asked most for attention of what had begun. */
export function zoneAt(zone: DayZone, at: number): StateName | null {
  const states = zone.windows.map((one) => stateAt(one, at)).sort((a, b) => URGENCY[a] - URGENCY[b]);
  return states.find((one) => one !== "coming") ?? states[0] ?? null;
}

export const within = (visit: DayVisit, at: number): boolean => ms(visit.began) <= at && (!visit.ended || at < ms(visit.ended));

/** Bars side by side where they overlap: the lane of each, the longest first. */
export function lanes(visits: readonly DayVisit[], until: number): { visit: DayVisit; lane: number }[] {
  const end = (one: DayVisit) => (one.ended ? ms(one.ended) : until);
  const ends: number[] = [];
  return [...visits]
    .sort((a, b) => ms(a.began) - ms(b.began) || end(b) - end(a))
    .map((visit) => {
      const free = ends.findIndex((busy) => busy <= ms(visit.began));
      const lane = free < 0 ? ends.length : free;
      ends[lane] = end(visit);
      return { visit, lane };
    });
}

const stamps = new WeakMap<Track, number[]>();

/** Where a track was at that moment: the last position before it; null where that is too old. */
export function along(track: Track, at: number): { lon: number; lat: number; accuracy: number | null; age: number } | null {
  const times = stamps.get(track) ?? track.time.map(ms);
  stamps.set(track, times);
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  const k = low - 1;
  const age = at - (times[k] ?? -Infinity);
  return age > STALE ? null : { lon: track.lon[k] ?? 0, lat: track.lat[k] ?? 0, accuracy: track.accuracy_m[k] ?? null, age };
}
