// The timelines: a line a warden, a line a zone. What must stay true here: whatever is drawn can be reached with the
// keyboard and says in words what it shows.
import type { ComponentChildren, CSSProperties } from "preact";
import { useState } from "preact/hooks";
import type { DayAnswer, DayVisit, DayWarden, DayZone } from "../../api/schema";
import { clock, metres, span as spanOf } from "../../format";
import { MARKS } from "../../sign";
import { zoneName } from "../../state";
import { w } from "../../words";
import { lanes, ms, type Reach } from "./course";
import type { Picked } from "./picked";

interface Shown {
  day: DayAnswer;
  span: Reach;
  at: number;
  pick: (picked: Picked) => void;
  picked: Picked | null;
}

const FILTERS = {
  owed: (one: DayZone) => one.windows.length > 0 || one.visits.length > 0,
  problems: (one: DayZone) => one.windows.some((window) => ["skipped", "unproven", "partial", "due"].includes(window.state)),
  all: () => true,
};

export function Lines(shown: Shown) {
  const { day } = shown;
  const [only, setOnly] = useState<keyof typeof FILTERS>("owed");
  const words = w.value.day;
  const shownZones = day.zones.filter(FILTERS[only]);
  return (
    <>
      <Key />
      <section aria-label={words.wardens} class="stack">
        <h2>{words.wardens}</h2>
        <Frame {...shown}>{day.wardens.map((one) => <WardenLine key={one.warden} one={one} {...shown} />)}</Frame>
      </section>
      <section aria-label={words.zones} class="stack">
        <div class="bar">
          <h2>{words.zones}</h2>
          <div class="segments no-print" role="group" aria-label={words.filterZones}>
            {([["owed", words.filterOwed], ["problems", words.filterProblems], ["all", words.filterAll]] as const).map(([one, text]) => <button key={one} type="button" aria-pressed={only === one} onClick={() => setOnly(one)}>{text}</button>)}
          </div>
        </div>
        {shownZones.length ? <Frame {...shown}>{shownZones.map((one) => <ZoneLine key={one.zone} one={one} {...shown} />)}</Frame> : <p class="soft">{words.noZones}</p>}
      </section>
    </>
  );
}

/** Where a span stands on a line. */
function along({ from, to }: Reach, start: number, end: number): CSSProperties {
  const share = (when: number) => (Math.min(to, Math.max(from, when)) - from) / (to - from);
  return { left: `${share(start) * 100}%`, width: `${Math.max(0, share(end) - share(start)) * 100}%` };
}

function Frame({ span, at, children }: Shown & { children: ComponentChildren }) {
  const hours = Math.round((span.to - span.from) / 3_600_000);
  const each = hours > 14 ? 2 : 1;
  const marks = Array.from({ length: hours + 1 }, (_, k) => k).filter((k) => k % each === 0);
  return (
    <div class="lines" style={{ "--hours": hours } as CSSProperties}>
      <div class="line axis" aria-hidden="true">
        <div class="label" />
        <div class="field">
          {marks.map((k) => <span key={k} style={{ left: `${(k / hours) * 100}%` }}>{clock(span.from + k * 3_600_000).replace(/[:h].*/, "")}</span>)}
          <div class="now-mark" style={along(span, at, at)} />
        </div>
      </div>
      {children}
    </div>
  );
}

const Hand = ({ span, at }: { span: Reach; at: number }) => <div class="hand" style={{ left: along(span, at, at).left as string }} />;
const tall = (count: number): CSSProperties => ({ minHeight: `${Math.max(1, count) * 26 + 10}px` });

function WardenLine({ one, day, span, at, pick, picked }: Shown & { one: DayWarden }) {
  const words = w.value.day;
  const placed = lanes(one.visits, ms(day.until));
  return (
    <div class="line">
      <div class="label" title={one.team ?? ""}>{one.warden}{one.distance_m != null && <small>{metres(one.distance_m)}</small>}</div>
      <div class="field" style={tall(Math.max(0, ...placed.map((bar) => bar.lane)) + 1)}>
        {one.duty.map((part) => <div key={part.start} class="on-duty" title={words.duty} style={along(span, ms(part.start), ms(part.end))} />)}
        {one.breaks.map((part) => <div key={part.start} class="rest" title={words.pause2} style={along(span, ms(part.start), ms(part.end))} />)}
        {one.gaps.map((part) => <div key={part.start} class="gap" role="img" aria-label={`${words.gap} ${clock(part.start)}–${clock(part.end)}`} title={`${words.gap} ${clock(part.start)}–${clock(part.end)}`} style={along(span, ms(part.start), ms(part.end))} />)}
        {placed.map(({ visit, lane }) => <Bar key={visit.visit} {...{ visit, lane, day, span, pick, picked }} text={zoneName(visit.zone)} />)}
        <Hand span={span} at={at} />
      </div>
    </div>
  );
}

function ZoneLine({ one, day, span, at, pick, picked }: Shown & { one: DayZone }) {
  const placed = lanes(one.visits, ms(day.until));
  return (
    <div class="line" id={`row-${one.zone}`}>
      <div class="label" title={one.name}>{one.name}</div>
      <div class="field" style={tall(Math.max(0, ...placed.map((bar) => bar.lane)) + 1)}>
        {one.windows.map((window) => (
          <button key={window.requirement + window.start} type="button" class={`frame is-${window.state}`} style={along(span, ms(window.start), ms(window.end))} onClick={() => pick({ window })} aria-label={`${window.requirement} ${clock(window.start)}–${clock(window.end)}: ${w.value.states[window.state]}`} title={`${window.requirement} ${clock(window.start)}–${clock(window.end)}: ${w.value.states[window.state]}`}>
            {MARKS[window.state]}
          </button>
        ))}
        {placed.map(({ visit, lane }) => <Bar key={visit.visit} {...{ visit, lane, day, span, pick, picked }} text={visit.warden ?? ""} />)}
        <Hand span={span} at={at} />
      </div>
    </div>
  );
}

interface BarShown {
  visit: DayVisit;
  lane: number;
  text: string;
  day: DayAnswer;
  span: Reach;
  pick: (picked: Picked) => void;
  picked: Picked | null;
}

function Bar({ visit, lane, text, day, span, pick, picked }: BarShown) {
  const end = visit.ended ? ms(visit.ended) : ms(day.until);
  const said = `${visit.warden ?? ""} · ${zoneName(visit.zone)}, ${clock(visit.began)}–${visit.ended ? `${clock(visit.ended)} (${spanOf(visit.seconds)})` : ` ${w.value.day.ongoing}`}`;
  const chosen = picked && "visit" in picked && picked.visit.visit === visit.visit;
  return (
    <button type="button" class={`visit ${end - ms(visit.began) > 1_800_000 ? "wide" : ""} ${chosen ? "chosen-bar" : ""}`} aria-label={said} title={said} onClick={() => pick({ visit })} style={{ ...along(span, ms(visit.began), end), top: `${6 + lane * 26}px`, bottom: "auto", height: "24px" }}>
      {(end - ms(visit.began)) / (span.to - span.from) > 0.035 && text}
    </button>
  );
}

function Key() {
  const words = w.value.day;
  return (
    <p class="key" aria-hidden="true">
      <span><i class="on-duty" />{words.duty}</span>
      <span><i class="visit" />{words.visit}</span>
      <span><i class="gap" />{words.gap}</span>
      <span><i class="rest" />{words.pause2}</span>
      <span><i class="frame is-met" />{words.window} ✓ {w.value.states.met}</span>
      <span><i class="frame is-skipped" />✕ {w.value.states.skipped}</span>
      <span><i class="frame is-unproven" />? {w.value.states.unproven}</span>
    </p>
  );
}
