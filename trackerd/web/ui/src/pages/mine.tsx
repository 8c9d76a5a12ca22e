// A warden's own data: what is kept of them, and the way to who looked at it.
import { get } from "../api/client";
import { clock, metres, span } from "../format";
import { useAnswer } from "../parts/answer";
import { DayPick, pageDay } from "../parts/daypick";
import { Said } from "../parts/said";
import { to } from "../route";
import { zoneName } from "../state";
import { w } from "../words";

export const Mine = () => {
  const date = pageDay();
  const { value: day, fault, again } = useAnswer(() => get("/api/day", { date }), [date]);
  const words = w.value.mine;
  const own = day?.wardens[0];
  const names = new Map(day?.zones.map((one) => [one.zone, one.name]));
  return (
    <main class="page" id="content" tabIndex={-1}>
      <div class="wide">
        <div class="bar"><h1>{words.title}</h1><DayPick /><a class="button" href={to("looks")}>{words.looks}</a></div>
        <p class="soft">{words.intro}</p>
        <Said fault={fault} again={again} />
        <section class="card stack">
          {own ? (
            <>
              <h2>{own.warden}</h2>
              <p>{own.duty.map((part) => `${clock(part.start)}–${clock(part.end)}`).join(", ")} {own.distance_m != null && `· ${w.value.day.walked} ${metres(own.distance_m)} `}· {w.value.day.visits(own.visits.length)}</p>
              <table>
                <thead><tr><th scope="col">{w.value.common.time}</th><th scope="col">{w.value.common.zone}</th><th scope="col" /></tr></thead>
                <tbody>{own.visits.map((one) => <tr key={one.visit}><td class="nowrap">{clock(one.began)}–{one.ended ? clock(one.ended) : ""}</td><th scope="row">{names.get(one.zone) ?? zoneName(one.zone)}</th><td class="soft">{one.ended ? w.value.day.proven(span(one.seconds), span(one.seconds_possible)) : w.value.day.ongoing}</td></tr>)}</tbody>
              </table>
            </>
          ) : day && <p class="soft">{words.none}</p>}
        </section>
      </div>
    </main>
  );
};
