// "Who is in …?": a zone or a warden, by name; and the answer.
import { useState } from "preact/hooks";
import type { LiveZone } from "../../api/schema";
import { brief, clock, percent } from "../../format";
import { Badge } from "../../parts/badge";
import { shownState } from "../../sign";
import { now, standing, wardens, zoneName } from "../../state";
import { w } from "../../words";

interface Hit {
  zone: string;
  text: string;
  beside: string;
}

const plain = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function hits(asked: string): Hit[] {
  const sought = plain(asked.trim());
  if (!sought) return [];
  const people = [...wardens.value.values()]
    .filter((one) => plain(one.warden).includes(sought))
    .map((one) => ({ zone: one.zones.at(-1)?.zone ?? "", text: one.warden, beside: one.zones.map((in_) => zoneName(in_.zone)).join(", ") || w.value.now.between }));
  const places = [...standing.value.values()]
    .filter((one) => plain(one.name).includes(sought) || one.zone.includes(sought))
    .map((one) => ({ zone: one.zone, text: one.name, beside: one.inside.map((in_) => in_.warden).filter(Boolean).join(", ") || "–" }));
  return [...people, ...places].slice(0, 12);
}

export function Find({ choose }: { choose: (zone: string) => void }) {
  const [asked, setAsked] = useState("");
  const [at, setAt] = useState(0);
  const words = w.value.now;
  const found = hits(asked);
  const take = (hit: Hit | undefined) => {
    if (!hit?.zone) return;
    choose(hit.zone);
    setAsked("");
  };
  const key = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) (event.preventDefault(), setAt((at + step + found.length) % Math.max(1, found.length)));
    if (event.key === "Enter") take(found[at]);
    if (event.key === "Escape") setAsked("");
  };
  return (
    <>
      <input
        type="search" role="combobox" list={undefined} aria-label={words.who} aria-expanded={asked !== ""} aria-controls="found" aria-autocomplete="list" placeholder={`${words.who} (${words.whoHint})`}
        {...(found[at] ? { "aria-activedescendant": `found-${at}` } : {})} value={asked} onInput={(event) => (setAsked(event.currentTarget.value), setAt(0))} onKeyDown={key}
      />
      <ul class="found" id="found" role="listbox" aria-label={words.who} hidden={!asked}>
        {found.map((hit, k) => (
          <li key={`${hit.text} ${hit.zone}`} id={`found-${k}`} role="option" aria-selected={k === at} onClick={() => take(hit)}><span>{hit.text}</span><small class="soft">{hit.beside}</small></li>
        ))}
        {!found.length && <li role="option" aria-selected="false">{words.noneFound}</li>}
      </ul>
    </>
  );
}

export function Chosen({ zone, close }: { zone: string; close: () => void }) {
  const live = standing.value.get(zone);
  const words = w.value.now;
  return (
    <section class="chosen" aria-live="polite" aria-label={zoneName(zone)}>
      <div class="row"><h2 class="grow">{zoneName(zone)}</h2>{live && <Badge state={shownState(live)} />}<button type="button" class="plain" aria-label={w.value.common.close} onClick={close}>✕</button></div>
      <dl>
        <dt>{words.inside}</dt>
        <dd>{live ? <Inside live={live} /> : words.nobody}</dd>
        <dt>{words.lastVisit}</dt>
        <dd>{live?.last_visit ? brief(live.last_visit, now.value) : words.never}</dd>
        <dt>{words.owed}</dt>
        <dd>{live?.windows.length ? live.windows.map((one) => <div key={one.requirement + one.start} class="row"><span class="nowrap">{clock(one.start)}–{clock(one.end)}</span><Badge state={one.state} /><small class="soft">{one.requirement}</small></div>) : words.notOwed}</dd>
      </dl>
    </section>
  );
}

function Inside({ live }: { live: LiveZone }) {
  const words = w.value.now;
  if (!live.inside.length) return <strong>{words.nobody}</strong>;
  return <>{live.inside.map((one) => <div key={`${one.warden} ${one.since}`}><strong>{one.warden ?? words.people(1)}</strong> {words.since(clock(one.since))} <small class="soft">{words.certainty(percent(one.certainty))}</small></div>)}</>;
}
