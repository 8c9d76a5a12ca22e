// Health: what is heard, what is stored, what waits to be told.
import { useState } from "preact/hooks";
import { get, post } from "../api/client";
import type { Device, Health as Report } from "../api/schema";
import { ago, brief, metres, number, span, stamp } from "../format";
import { useAnswer, useEvery } from "../parts/answer";
import { Said } from "../parts/said";
import { may, session, site } from "../state";
import { w } from "../words";

/** A clock further off than this is told: judging by times would go wrong. */
const CLOCK_OFF_S = 30;

export const Health = () => {
  const { value, fault, again } = useAnswer(() => get("/api/health"), []);
  useEvery(10_000, again);
  return (
    <main class="page" id="content" tabIndex={-1}>
      <div class="wide">
        <div class="bar"><h1 class="grow">{w.value.health.title}</h1>{value && <span class="soft">{w.value.health.version} {value.version} · {w.value.health.started} {stamp(value.started)} · {w.value.health.pagesOpen}: {value.streams}</span>}</div>
        <Said fault={fault} again={again} />
        {value && (
          <>
            <Devices report={value} />
            <div class="cards"><Store report={value} /><Sources report={value} /><Outbox report={value} again={again} /><Counts report={value} /></div>
          </>
        )}
      </div>
    </main>
  );
};

function Devices({ report }: { report: Report }) {
  const words = w.value.health;
  return (
    <section class="card scroll" tabIndex={0} aria-label={words.devices}>
      <table>
        <caption>{words.devices}</caption>
        <thead><tr><th scope="col">{words.device}</th><th scope="col">{w.value.common.warden}</th><th scope="col">{words.heard}</th><th scope="col">{words.lastFix}</th><th scope="col" class="number">{words.accuracy}</th><th scope="col" class="number">{words.battery}</th><th scope="col" class="number">{words.clock}</th></tr></thead>
        <tbody>{report.devices.map((one) => <DeviceRow key={one.device} one={one} report={report} />)}</tbody>
      </table>
      {!report.devices.length && <p class="soft">{words.none}</p>}
    </section>
  );
}

function DeviceRow({ one, report }: { one: Device; report: Report }) {
  const words = w.value.health;
  const off = session.value?.demo ? null : one.clock_offset_s; // a recording is always late
  const state = !one.on_duty ? <span class="soft">{w.value.common.off}</span> : one.silent ? <strong class="mark is-unproven">… {words.silent}</strong> : one.last_fix ? <span class="mark is-met">✓ {words.heardOk}</span> : <span class="soft">{words.never}</span>;
  return (
    <tr>
      <th scope="row">{one.device}</th>
      <td>{one.warden ?? "–"}</td>
      <td>{state}</td>
      <td class="nowrap">{one.last_fix ? ago(one.last_fix, Date.parse(report.at)) : words.never}</td>
      <td class="number">{one.accuracy_m != null ? w.value.map.accuracy(metres(one.accuracy_m)) : "–"}</td>
      <td class="number">{one.battery_pct != null ? <span class={one.battery_pct < 20 ? "mark is-due" : ""}>{one.battery_pct < 20 ? "! " : ""}{Math.round(one.battery_pct)} %</span> : "–"}</td>
      <td class="number">{off != null ? <span class={Math.abs(off) > CLOCK_OFF_S ? "mark is-due" : ""}>{Math.abs(off) > CLOCK_OFF_S ? "! " : ""}{off < 0 ? "−" : "+"}{span(Math.abs(off))}</span> : "–"}</td>
    </tr>
  );
}

function Store({ report }: { report: Report }) {
  const words = w.value.health;
  const store = report.store;
  const refused = Object.entries(store.refusals);
  return (
    <section class="card stack">
      <h2>{words.store} <small class="soft">{store.kind}</small></h2>
      {store.away ? <p class="fault">{words.storeAway}: {store.away}</p> : <p class="mark is-met">✓ {words.well}</p>}
      <dl class="figures">
        <div><dt>{words.fixes}</dt><dd>{number(store.fixes)}</dd></div>
        <div><dt>{words.visits}</dt><dd>{number(store.visits)}</dd></div>
        <div><dt>{words.events}</dt><dd>{number(store.events)}</dd></div>
        <div><dt>{words.since}</dt><dd class="small">{store.since ? stamp(store.since) : "–"}</dd></div>
      </dl>
      {refused.length > 0 && <p class="small">{words.refused}: {refused.map(([why, count]) => `${why} ${number(count)}`).join(" · ")}</p>}
    </section>
  );
}

function Sources({ report }: { report: Report }) {
  const words = w.value.health;
  return (
    <section class="card stack">
      <h2>{words.sources}</h2>
      {!report.sources.length && <p class="soft">{words.none}</p>}
      <ul class="stack">
        {report.sources.map((one) => (
          <li key={one.name} class="row"><strong class="grow">{one.name} <small class="soft">{one.kind}</small></strong>{one.connected ? <span class="mark is-met">✓ {words.connected}</span> : <span class="mark is-skipped">✕ {words.away}</span>}<small class="soft">{one.since ? stamp(one.since) : one.state}</small></li>
        ))}
      </ul>
    </section>
  );
}

function Outbox({ report, again }: { report: Report; again: () => void }) {
  const [told, setTold] = useState<number | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  const words = w.value.health;
  const resend = () => post("/api/health/resend", {}).then((done) => (setTold(done.letters), again()), setFault);
  return (
    <section class="card stack scroll" tabIndex={0} aria-label={words.outbox}>
      <div class="row"><h2 class="grow">{words.outbox}</h2>{report.dead.length > 0 && may("resend") && <button type="button" onClick={() => void resend()}>{words.resend}</button>}</div>
      <Said fault={fault} />
      {told !== null && <p class="told" role="status">{words.resent(told)}</p>}
      {!report.routes.length && <p class="soft">{words.none}</p>}
      <ul class="stack">
        {report.routes.map((one) => (
          <li key={one.route}><strong>{one.route}</strong>: {words.untold} {number(one.untold)}{one.dead > 0 && <strong class="mark is-skipped"> · ✕ {words.dead} {number(one.dead)}</strong>}{one.error && <p class="small soft">{one.error}</p>}</li>
        ))}
      </ul>
      {report.dead.length > 0 && <ul class="small">{report.dead.slice(0, 20).map((one) => <li key={one.route + one.seq}>{brief(one.time, Date.parse(report.at))} {one.type.replace("trackerd.", "")} → {one.route}: {one.error} ({one.tries} {words.tries})</li>)}</ul>}
    </section>
  );
}

function Counts({ report }: { report: Report }) {
  const words = w.value.health;
  const names = words.count as Record<string, string>;
  return (
    <section class="card stack">
      <h2>{words.counts}</h2>
      <dl class="figures">{Object.entries(report.counts).map(([name, count]) => <div key={name}><dt>{names[name] ?? name}</dt><dd>{number(count)}</dd></div>)}</dl>
      <p class="small soft">{site.value?.name} · {site.value?.timezone}</p>
    </section>
  );
}
