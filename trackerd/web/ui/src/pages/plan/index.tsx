// The plan: every window of a day, what it asks, and what became of it.
import { useState } from "preact/hooks";
import { get } from "../../api/client";
import type { PlanBoard, PlanCase } from "../../api/schema";
import { clock } from "../../format";
import { useAnswer, useEvery } from "../../parts/answer";
import { DayPick, pageDay } from "../../parts/daypick";
import { Said } from "../../parts/said";
import { MARKS, type StateName, STATES, URGENCY } from "../../sign";
import { site } from "../../state";
import { w } from "../../words";
import { Case } from "./case";

const GROUPS = ["requirement", "state", "time"] as const;
type Group = (typeof GROUPS)[number];

export const Plan = () => {
  const date = pageDay();
  const { value: board, fault, again } = useAnswer(() => get("/api/plan", { date }), [date]);
  useEvery(10_000, again);
  return (
    <main class="page" id="content" tabIndex={-1}>
      <div class="wide">
        <div class="bar">
          <h1>{w.value.plan.title}</h1>
          <DayPick />
          <span class="grow soft">{w.value.plan.board}</span>
          <button type="button" class="no-print desk" onClick={() => print()}>{w.value.common.print}</button>
        </div>
        <Said fault={fault} again={again} />
        {board && <Board board={board} again={again} />}
      </div>
    </main>
  );
};

function Board({ board, again }: { board: PlanBoard; again: () => void }) {
  const [only, setOnly] = useState<StateName | null>(null);
  const [group, setGroup] = useState<Group>("requirement");
  const words = w.value.plan;
  if (!board.cases.length) return <p class="card soft">{site.value?.requirements.length ? words.nothing : words.none}</p>;
  const cases = only ? board.cases.filter((one) => one.state === only) : board.cases;
  return (
    <>
      <div class="bar">
        <Counts counts={board.counts} only={only} set={setOnly} />
        <span class="grow" />
        <label class="row no-print">
          {words.group}
          <select value={group} onChange={(event) => setGroup(event.currentTarget.value as Group)} style={{ width: "auto" }}>
            <option value="requirement">{words.byRequirement}</option>
            <option value="state">{words.byState}</option>
            <option value="time">{words.byTime}</option>
          </select>
        </label>
      </div>
      {groups(cases, group).map(([name, part]) => (
        <section key={name} class="stack" aria-label={name}>
          <h2>{name} <small class="soft">{w.value.day.counts(part.filter((one) => one.state === "met").length, part.length)} {w.value.states.met}</small></h2>
          <div class="cases">{part.map((one) => <Case key={one.requirement + one.zone + one.start} one={one} at={board.at} again={again} />)}</div>
        </section>
      ))}
    </>
  );
}

function Counts({ counts, only, set }: { counts: Record<string, number>; only: StateName | null; set: (state: StateName | null) => void }) {
  const words = w.value;
  const all = Object.values(counts).reduce((a, b) => a + b, 0);
  const shown = [...STATES].sort((a, b) => URGENCY[a] - URGENCY[b]).filter((one) => counts[one]);
  return (
    <div class="counts" role="group" aria-label={words.common.state}>
      <button type="button" aria-pressed={only === null} onClick={() => set(null)}><b>{all}</b> {words.common.all}</button>
      {shown.map((one) => (
        <button key={one} type="button" aria-pressed={only === one} title={words.stateLong[one]} onClick={() => set(only === one ? null : one)}>
          <i class={`mark is-${one}`} aria-hidden="true">{MARKS[one]}</i> <b>{counts[one]}</b> {words.states[one]}
        </button>
      ))}
    </div>
  );
}

function groups(cases: readonly PlanCase[], by: Group): [string, PlanCase[]][] {
  const title = { requirement: (one: PlanCase) => one.requirement, state: (one: PlanCase) => w.value.states[one.state], time: (one: PlanCase) => `${clock(one.start)}–${clock(one.end)}` }[by];
  const sorted = [...cases].sort((a, b) => (by === "state" ? URGENCY[a.state] - URGENCY[b.state] : 0) || a.start.localeCompare(b.start) || URGENCY[a.state] - URGENCY[b.state] || a.zone_name.localeCompare(b.zone_name, undefined, { numeric: true }));
  const found = new Map<string, PlanCase[]>();
  for (const one of sorted) found.set(title(one), [...(found.get(title(one)) ?? []), one]);
  return [...found];
}
