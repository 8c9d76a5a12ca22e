// Times, spans and lengths in words. What must stay true here: a time is the town's, whatever the browser's zone is.
import { computed } from "@preact/signals";
import { site } from "./state";
import { language, w } from "./words";

const LOCALES = { nl: "nl-BE", fr: "fr-BE", de: "de-BE", en: "en-GB" } as const;

const formats = computed(() => {
  const timeZone = site.value?.timezone ?? "UTC";
  const make = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(LOCALES[language.value], { timeZone, ...options });
  return {
    clock: make({ hour: "2-digit", minute: "2-digit" }),
    seconds: make({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    day: make({ weekday: "short", day: "numeric", month: "short" }),
    whole: make({ weekday: "long", day: "numeric", month: "long", year: "numeric" }),
    stamp: make({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }),
    iso: new Intl.DateTimeFormat("sv-SE", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }),
    number: new Intl.NumberFormat(LOCALES[language.value], { maximumFractionDigits: 1 }),
    percent: new Intl.NumberFormat(LOCALES[language.value], { style: "percent" }),
  };
});

type When = string | number;
const ms = (when: When): number => (typeof when === "number" ? when : Date.parse(when));

export const clock = (when: When): string => formats.value.clock.format(ms(when));
export const seconds = (when: When): string => formats.value.seconds.format(ms(when));
export const day = (when: When): string => formats.value.day.format(ms(when));
export const wholeDay = (when: When): string => formats.value.whole.format(ms(when));
export const stamp = (when: When): string => formats.value.stamp.format(ms(when));
export const percent = (share: number): string => formats.value.percent.format(share);
export const number = (value: number): string => formats.value.number.format(value);

/** The town's date, as 2026-05-04. */
export const isoDay = (when: When): string => formats.value.iso.format(ms(when));

/** The day after, or before, in ISO. */
export function shiftDay(iso: string, days: number): string {
  const date = new Date(`${iso}T12:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** The time, with the day where it is another than today. */
export const brief = (when: When, today: number): string =>
  isoDay(when) === isoDay(today) ? clock(when) : `${day(when)} ${clock(when)}`;

/** A span of seconds in the two largest units. */
export function span(total: number): string {
  const u = w.value.units;
  const all = Math.max(0, Math.round(total));
  if (all < 60) return `${all} ${u.s}`;
  const minutes = Math.floor(all / 60);
  if (minutes < 60) return all % 60 && minutes < 10 ? `${minutes} ${u.min} ${all % 60} ${u.s}` : `${minutes} ${u.min}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} ${u.h} ${minutes % 60} ${u.min}` : `${hours} ${u.h}`;
  return `${Math.floor(hours / 24)} ${u.d}`;
}

/** How long ago. */
export const ago = (when: When, at: number): string => w.value.ago(span((at - ms(when)) / 1000));

/** Metres, or kilometres. */
export const metres = (length: number): string => (length < 1000 ? `${number(Math.round(length))} m` : `${number(length / 1000)} km`);
