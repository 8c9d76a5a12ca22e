// The day: who was where, what was owed, and the map as it was at any moment of it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get } from "../../api/client";
import type { DayAnswer, Tracks } from "../../api/schema";
import { wholeDay } from "../../format";
import { useAnswer, useEvery } from "../../parts/answer";
import { DayPick, pageDay } from "../../parts/daypick";
import { Said } from "../../parts/said";
import { w } from "../../words";
import { reach } from "./course";
import { DayMap } from "./map";
import { type Picked, PickedCard } from "./picked";
import { Scrub } from "./scrub";
import { Lines } from "./lines";
import { TracksAsk } from "./tracks";

export const Day = () => {
  const date = pageDay();
  const { value: day, fault, again } = useAnswer(() => get("/api/day", { date }), [date]);
  useEvery(60_000, again);
  return (
    <main class="page" id="content" tabIndex={-1}>
      <div class="wide">
        <div class="bar">
          <h1>{w.value.day.title}</h1>
          <DayPick />
          <span class="grow soft">{day && wholeDay(day.start)}</span>
          <button type="button" class="no-print desk" onClick={() => print()}>{w.value.common.print}</button>
        </div>
        <Said fault={fault} again={again} />
        {day && <Course key={day.date} day={day} />}
      </div>
    </main>
  );
};

function Course({ day }: { day: DayAnswer }) {
  const span = useMemo(() => reach(day), [day]);
  const last = Math.min(span.to, Date.parse(day.until));
  const [at, setAt] = useState(last);
  const [picked, setPicked] = useState<Picked | null>(null);
  const [tracks, setTracks] = useState<Tracks | null>(null);
  useEffect(() => setAt((before) => Math.min(before, last)), [last]);
  return (
    <>
      <div class="course no-print">
        <DayMap day={day} at={at} tracks={tracks} choose={(zone) => zone && document.getElementById(`row-${zone}`)?.scrollIntoView({ block: "center" })} />
        <div class="card stack">
          <Scrub at={at} span={{ from: span.from, to: last }} set={setAt} />
          <PickedCard day={day} at={at} picked={picked} />
          <TracksAsk day={day} tracks={tracks} set={setTracks} />
        </div>
      </div>
      <Lines day={day} span={span} at={at} pick={setPicked} picked={picked} />
    </>
  );
}
