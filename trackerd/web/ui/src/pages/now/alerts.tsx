// Alerts as they come. What must stay true here: a new one is seen, read out, and heard where somebody wants to hear
// it; looking at it is not enough: it is acknowledged with a note, by name.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { post } from "../../api/client";
import type { RecordEvent } from "../../api/schema";
import { brief, clock } from "../../format";
import { onEvent } from "../../live";
import { Dialog } from "../../parts/dialog";
import { idOf, kindOf, markOf, sayEvent, stateOf, timeOf, urgent } from "../../said-events";
import { MARKS } from "../../sign";
import { events, kept, may, now } from "../../state";
import { w } from "../../words";
import { ring } from "./chime";

const chime = signal(kept.get("chime") === "on");
const SHOWN_MS = 12_000;

export function Alerts({ titled }: { titled?: boolean }) {
  const [only, setOnly] = useState<"all" | "urgent">("all");
  const [asked, setAsked] = useState<RecordEvent | null>(null);
  const words = w.value.alerts;
  const waiting = events.value.filter(urgent);
  const list = only === "urgent" ? waiting : events.value;
  const turnChime = () => (kept.set("chime", chime.value ? "off" : "on"), (chime.value = !chime.value), chime.value && ring());
  return (
    <>
      <div class="title row">
        {titled && <h2>{w.value.now.alerts}</h2>}
        <div class="segments" role="group">
          <button type="button" aria-pressed={only === "all"} onClick={() => setOnly("all")}>{words.all}</button>
          <button type="button" aria-pressed={only === "urgent"} onClick={() => setOnly("urgent")}>{words.urgent} {waiting.length || ""}</button>
        </div>
        <span class="grow" />
        <button type="button" class="plain" aria-pressed={chime.value} onClick={turnChime}>{chime.value ? words.chimeOn : words.chimeOff}</button>
      </div>
      {list.length ? <ul>{list.slice(0, 120).map((one) => <Alert key={idOf(one)} one={one} ask={setAsked} />)}</ul> : <p class="soft">{words.none}</p>}
      {asked && <Acknowledge one={asked} close={() => setAsked(null)} />}
    </>
  );
}

const fresh = signal<ReadonlySet<string>>(new Set());

function Alert({ one, ask }: { one: RecordEvent; ask: (one: RecordEvent) => void }) {
  const words = w.value.alerts;
  const state = stateOf(one);
  const told = one.acknowledged;
  const looks = `alert ${one.stands ? "" : "gone"} ${told ? "done" : ""} ${urgent(one) ? "urgent" : ""} ${fresh.value.has(idOf(one)) ? "fresh" : ""}`;
  return (
    <li class={looks} data-event={kindOf(one)}>
      <i class={`mark is-${state ?? "none"}`} aria-hidden="true">{markOf(one) ?? (state && MARKS[state])}</i>
      <p>{sayEvent(one)}{one.stands ? "" : ` (${words.withdrawn})`}</p>
      <span class="row">
        <time class="small soft">{brief(timeOf(one), now.peek())}</time>
        {urgent(one) && may("acknowledge") && <button type="button" onClick={() => ask(one)}>{words.acknowledge}</button>}
      </span>
      {told && <small>✓ {words.acknowledged(told.by, clock(told.at))}: {told.note}</small>}
    </li>
  );
}

function Acknowledge({ one, close }: { one: RecordEvent; close: () => void }) {
  const words = w.value.alerts;
  const act = async (form: FormData) => {
    const acknowledged = await post("/api/events/{id}/acknowledgement", { note: String(form.get("note")) }, { id: idOf(one) });
    events.value = events.value.map((other) => (idOf(other) === idOf(one) ? { ...other, acknowledged } : other));
  };
  return (
    <Dialog title={words.acknowledge} go={words.acknowledge} act={act} close={close}>
      <p>{sayEvent(one)}, {brief(timeOf(one), now.peek())}</p>
      <label>{words.note}<textarea name="note" required maxLength={500} placeholder={words.noteHint} autofocus /></label>
    </Dialog>
  );
}

/** Whether it has not been withdrawn or seen to meanwhile. */
const stillAsks = (one: RecordEvent): boolean => urgent(events.value.find((other) => idOf(other) === idOf(one)) ?? one);

/** New alerts over the map, for a while. */
export function Toasts() {
  const [shown, setShown] = useState<readonly RecordEvent[]>([]);
  useEffect(
    () =>
      onEvent((event) => {
        fresh.value = new Set([...[...fresh.value].slice(-20), idOf(event)]);
        if (!urgent(event)) return;
        if (chime.value) ring();
        setShown((before) => [event, ...before].slice(0, 4));
        setTimeout(() => setShown((before) => before.filter((one) => one !== event)), SHOWN_MS);
      }),
    [],
  );
  return (
    <div class="toasts" role="log" aria-live="assertive" aria-label={w.value.alerts.newOne}>
      {shown.filter(stillAsks).map((one) => (
        <div key={idOf(one)} class={`toast is-${stateOf(one) ?? "none"}`}>
          <i class="mark" aria-hidden="true">{markOf(one) ?? MARKS[stateOf(one) ?? "due"]}</i>
          <p class="grow">{sayEvent(one)}<br /><small class="soft">{clock(timeOf(one))}</small></p>
          <button type="button" class="plain" aria-label={w.value.common.close} onClick={() => setShown(shown.filter((other) => other !== one))}>✕</button>
        </div>
      ))}
    </div>
  );
}
