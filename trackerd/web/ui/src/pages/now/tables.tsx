// The wardens and the zones as tables: all the map says, in words.
import { useMemo, useState } from "preact/hooks";
import type { LiveWarden, LiveZone } from "../../api/schema";
import { ago, brief, metres, span } from "../../format";
import { Badge } from "../../parts/badge";
import { shownState, URGENCY } from "../../sign";
import { now, standing, wardens, zoneName } from "../../state";
import { w } from "../../words";

const MOST = 150;

export function WardenTable({ choose }: { choose: (zone: string) => void }) {
  const words = w.value.now;
  const list = [...wardens.value.values()].sort((a, b) => a.warden.localeCompare(b.warden, undefined, { numeric: true }));
  if (!list.length) return <p class="soft">{words.nobodyOn} {words.offDuty}</p>;
  return (
    <>
      <table>
        <caption class="unseen">{words.wardens}</caption>
        <thead><tr><th scope="col">{w.value.common.warden}</th><th scope="col">{words.where}</th><th scope="col">{words.lastFix}</th></tr></thead>
        <tbody>{list.map((one) => <WardenRow key={one.device} one={one} choose={choose} />)}</tbody>
      </table>
      <p class="small soft">{words.offDuty}</p>
    </>
  );
}

function WardenRow({ one, choose }: { one: LiveWarden; choose: (zone: string) => void }) {
  const words = w.value.now;
  const still = one.still_since ? words.still(span((now.value - Date.parse(one.still_since)) / 1000)) : words.moving;
  return (
    <tr>
      <th scope="row">{one.warden}<br /><small class="soft">{one.team}</small></th>
      <td>
        {one.zones.length ? one.zones.map((in_) => <Where key={in_.zone} zone={in_.zone} choose={choose} />) : <span class="soft">{words.between}</span>}
        <small class="soft">{one.silent ? "" : still}</small>
      </td>
      <td class="nowrap">
        {one.silent ? <strong class="is-unproven mark">{words.silent} </strong> : null}
        {ago(one.measured, now.value)}
        <br />
        <small class="soft">{one.accuracy_m != null && w.value.map.accuracy(metres(one.accuracy_m))}{one.battery_pct != null && ` · ${Math.round(one.battery_pct)} %`}</small>
      </td>
    </tr>
  );
}

const Where = ({ zone, choose }: { zone: string; choose: (zone: string) => void }) => (
  <div><a href={`#zone-${zone}`} onClick={(event) => (event.preventDefault(), choose(zone))}>{zoneName(zone)}</a></div>
);

export function ZoneTable({ choose }: { choose: (zone: string) => void }) {
  const [most, setMost] = useState(MOST);
  const words = w.value.now;
  const list = useMemo(() => [...standing.value.values()].sort(byUrgency), [standing.value]);
  return (
    <>
      <table>
        <caption class="unseen">{words.zones}</caption>
        <thead><tr><th scope="col">{w.value.common.zone}</th><th scope="col">{w.value.common.state}</th><th scope="col">{words.lastVisit}</th></tr></thead>
        <tbody>{list.slice(0, most).map((one) => <ZoneRow key={one.zone} one={one} choose={choose} />)}</tbody>
      </table>
      {list.length > most && <button type="button" onClick={() => setMost(most + 500)}>{w.value.common.more} ({w.value.common.showing(most, list.length)})</button>}
    </>
  );
}

const rank = (zone: LiveZone): number => {
  const state = shownState(zone);
  return state ? URGENCY[state] : 9;
};
const byUrgency = (a: LiveZone, b: LiveZone): number => rank(a) - rank(b) || b.inside.length - a.inside.length || a.name.localeCompare(b.name, undefined, { numeric: true });

function ZoneRow({ one, choose }: { one: LiveZone; choose: (zone: string) => void }) {
  const names = one.inside.map((who) => who.warden).filter(Boolean).join(", ");
  return (
    <tr>
      <th scope="row"><button type="button" class="plain" onClick={() => choose(one.zone)}>{one.name}</button></th>
      <td><Badge state={shownState(one)} /></td>
      <td>{one.inside.length ? <strong>{names || w.value.now.people(one.inside.length)}</strong> : one.last_visit ? <span class="nowrap">{brief(one.last_visit, now.value)}</span> : <span class="soft">–</span>}</td>
    </tr>
  );
}
