// A day, chosen: the day before, the day after, or by the calendar. What must stay true here: the day is the town's.
import { isoDay, shiftDay } from "../format";
import { place, refine } from "../route";
import { now } from "../state";
import { w } from "../words";

/** The day the page is asked for, in ISO; today where none is. */
export const pageDay = (): string => place.value.query.get("date") ?? isoDay(now.value);

export function DayPick() {
  const day = pageDay();
  const go = (date: string) => refine({ date: date === isoDay(now.peek()) ? undefined : date, at: undefined });
  const words = w.value.common;
  return (
    <div class="row no-print">
      <button type="button" aria-label={words.previous} title={words.previous} onClick={() => go(shiftDay(day, -1))}>‹</button>
      <input type="date" aria-label={words.day} value={day} onChange={(event) => event.currentTarget.value && go(event.currentTarget.value)} />
      <button type="button" aria-label={words.next} title={words.next} disabled={day >= isoDay(now.value)} onClick={() => go(shiftDay(day, 1))}>›</button>
      <button type="button" disabled={day === isoDay(now.value)} onClick={() => refine({ date: undefined, at: undefined })}>{words.today}</button>
    </div>
  );
}
