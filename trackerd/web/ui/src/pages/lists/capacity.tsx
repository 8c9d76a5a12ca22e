// Whether it can all be done: what is proven, and a round that shows it.
import { clock, span } from "../../format";
import { zoneName } from "../../state";
import { w } from "../../words";

interface Part {
  from: string;
  to: string;
}
interface Call {
  requirement: string;
  zone: string;
  window: Part;
  at: Part;
  walk_s: number;
}

/** What `report capacity` says. */
export interface CapacityAnswer {
  date: string;
  owed: number;
  proven: { crew_at_least: number; left_at_least: number };
  found: { left: { requirement: string; zone: string; window: Part }[]; rounds: { warden: string; calls: Call[] }[] };
}

export function Capacity({ answer }: { answer: CapacityAnswer }) {
  const words = w.value.lists;
  return (
    <div class="stack">
      <h2>{words.kinds.capacity} <small class="soft">{words.owed(answer.owed)}</small></h2>
      <p><strong>{words.left(answer.proven.left_at_least)}</strong> {words.crew(answer.proven.crew_at_least)}</p>
      <p>{answer.found.left.length ? `${words.leftOut}: ${answer.found.left.map((one) => `${zoneName(one.zone)} (${one.requirement})`).join(", ")}` : words.nothingLeft}</p>
      {answer.found.rounds.map((round) => (
        <table key={round.warden}>
          <caption>{words.rounds}: {round.warden}</caption>
          <thead><tr><th scope="col">{w.value.common.time}</th><th scope="col">{w.value.common.zone}</th><th scope="col">{w.value.plan.requirement}</th><th scope="col">{w.value.plan.window}</th></tr></thead>
          <tbody>
            {round.calls.map((call) => (
              <tr key={call.zone + call.at.from}>
                <td class="nowrap">{clock(call.at.from)}–{clock(call.at.to)}</td><th scope="row">{zoneName(call.zone)} {call.walk_s > 0 && <small class="soft">{words.walk(span(call.walk_s))}</small>}</th><td>{call.requirement}</td><td class="nowrap">{clock(call.window.from)}–{clock(call.window.to)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ))}
    </div>
  );
}
