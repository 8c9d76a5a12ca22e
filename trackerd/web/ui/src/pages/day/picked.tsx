// What was so at the moment shown, and what a bar or a frame that was clicked on means.
import type { DayAnswer, DayVisit, DayWarden, DayWindow } from "../../api/schema";
import { clock, span } from "../../format";
import { Badge } from "../../parts/badge";
import { zoneName } from "../../state";
import { w } from "../../words";
import { ms, within } from "./course";

export type Picked = { visit: DayVisit } | { window: DayWindow };

export function PickedCard({ day, at, picked }: { day: DayAnswer; at: number; picked: Picked | null }) {
  return (
    <>
      <table>
        <caption class="unseen">{clock(at)}</caption>
        <tbody>{day.wardens.map((one) => <tr key={one.warden}><th scope="row">{one.warden}</th><td>{whereAt(one, at)}</td></tr>)}</tbody>
      </table>
      {!day.wardens.length && <p class="soft">{w.value.day.nobody}</p>}
      <div aria-live="polite">{picked && ("visit" in picked ? <VisitSaid one={picked.visit} /> : <WindowSaid one={picked.window} />)}</div>
    </>
  );
}

function whereAt(one: DayWarden, at: number): string {
  const words = w.value.day;
  const during = (spans: readonly { start: string; end: string }[]) => spans.some((part) => ms(part.start) <= at && at < ms(part.end));
  const there = one.visits.filter((visit) => within(visit, at)).map((visit) => zoneName(visit.zone));
  if (there.length) return there.join(", ");
  if (during(one.breaks)) return words.pause2;
  if (during(one.gaps)) return words.gap;
  return during(one.duty) ? w.value.now.between : w.value.common.off;
}

function VisitSaid({ one }: { one: DayVisit }) {
  const words = w.value.day;
  return (
    <div class="told">
      <h3>{one.warden} · {zoneName(one.zone)}</h3>
      <p>{one.ended ? `${clock(one.began)}–${clock(one.ended)}: ${words.proven(span(one.seconds), span(one.seconds_possible))}` : `${w.value.now.since(clock(one.began))}, ${words.ongoing}`}</p>
    </div>
  );
}

export function WindowSaid({ one }: { one: DayWindow }) {
  const words = w.value.day;
  return (
    <div class="told">
      <h3>{zoneName(one.zone)} <Badge state={one.state} /></h3>
      <p>{one.requirement}, {clock(one.start)}–{clock(one.end)}: {words.counts(one.visits, one.visits_asked)} ({span(one.seconds)})</p>
      {one.reason && <p>{one.reason}</p>}
      {one.gaps.length > 0 && <p>{words.unseen}: {one.gaps.map((gap) => `${gap.warden} ${clock(gap.start)}–${clock(gap.end)}`).join("; ")}</p>}
      {one.seen_elsewhere.length > 0 && <p>{words.elsewhere}: {one.seen_elsewhere.join(", ")}</p>}
    </div>
  );
}
