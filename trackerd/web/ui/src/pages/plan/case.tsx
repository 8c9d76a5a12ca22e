// One window: what it asks, what counts so far, whether it can still be met, and the excuse with its reason.
import { useState } from "preact/hooks";
import { post, remove } from "../../api/client";
import type { PlanCase } from "../../api/schema";
import { brief, clock, span } from "../../format";
import { Badge } from "../../parts/badge";
import { Dialog } from "../../parts/dialog";
import { Said } from "../../parts/said";
import { to } from "../../route";
import { may, now } from "../../state";
import { w } from "../../words";

const OVER = ["met", "partial", "skipped", "unproven", "excused"];

export function Case({ one, at, again }: { one: PlanCase; at: string; again: () => void }) {
  const words = w.value.plan;
  const share = Math.min(1, one.visits_asked > 1 || !one.dwell_s ? one.visits / one.visits_asked : Math.max(one.visits, one.seconds / one.dwell_s));
  return (
    <article class={`case is-${one.state}`} aria-label={`${one.zone_name}, ${one.requirement}`}>
      <div class="row"><h3><a href={to("now", { zone: one.zone })}>{one.zone_name}</a></h3><Badge state={one.state} /></div>
      <p>{clock(one.start)}–{clock(one.end)} <small class="soft">{asks(one)}</small></p>
      <div class="meter" role="img" aria-label={w.value.day.counts(one.visits, one.visits_asked)}><i style={{ width: `${share * 100}%` }} /></div>
      <p class="small">
        {words.visits}: {w.value.day.counts(one.visits, one.visits_asked)}
        {one.seconds > 0 && ` · ${span(one.seconds)}`}
        {one.at && ` · ${w.value.states[one.state]} ${brief(one.at, now.peek())}`}
      </p>
      {!OVER.includes(one.state) && <Chance one={one} at={at} />}
      {one.reason && <p class="small">{one.reason}{one.waived && ` (${words.waived(one.waived.by)})`}</p>}
      {one.gaps.length > 0 && <p class="small soft">{w.value.day.unseen}: {one.gaps.slice(0, 3).map((gap) => `${gap.warden} ${clock(gap.start)}–${clock(gap.end)}`).join("; ")}</p>}
      {one.seen_elsewhere.length > 0 && <p class="small soft">{w.value.day.elsewhere}: {one.seen_elsewhere.join(", ")}</p>}
      {may("waive") && <Excuse one={one} again={again} />}
    </article>
  );
}

function asks(one: PlanCase): string {
  const words = w.value.plan;
  const by = one.by.map((who) => (who === "anyone" ? words.anyone : who.replace("team:", `${w.value.common.team} `))).join(", ");
  return [one.dwell_s ? `${words.dwell} ${span(one.dwell_s)}` : "", one.together > 1 ? words.together(one.together) : "", by].filter(Boolean).join(" · ");
}

function Chance({ one, at }: { one: PlanCase; at: string }) {
  const words = w.value.plan;
  const duty = one.on_duty.length ? `${words.onDuty}: ${one.on_duty.join(", ")}` : words.nobodyDuty;
  if (one.state === "coming" && one.start > at) return <p class="small soft">{words.begins(clock(one.start))} · {duty}</p>;
  if (one.can_be_met === false) return <p class="small"><strong>{words.late}</strong></p>;
  return <p class="small"><strong>{words.can(span(one.left_s ?? 0))}</strong> · {duty}</p>;
}

function Excuse({ one, again }: { one: PlanCase; again: () => void }) {
  const [asking, setAsking] = useState(false);
  const [fault, setFault] = useState<unknown>(null);
  const words = w.value.plan;
  const of = { requirement: one.requirement, zone: one.zone, start: one.start };
  const excuse = async (form: FormData) => {
    await post("/api/waivers", { ...of, reason: String(form.get("reason")) });
    again();
  };
  if (one.waived) return <div class="no-print"><button type="button" onClick={() => void remove("/api/waivers", of).then(again, setFault)}>{words.unwaive}</button><Said fault={fault} /></div>;
  if (!one.waivable) return null;
  return (
    <div class="no-print">
      <button type="button" onClick={() => setAsking(true)}>{words.waive}</button>
      {asking && (
        <Dialog title={words.waiveTitle} go={words.waive.replace("…", "")} act={excuse} close={() => setAsking(false)}>
          <p><strong>{one.zone_name}</strong>, {one.requirement}, {clock(one.start)}–{clock(one.end)}</p>
          <p class="soft">{words.waiveAsk}</p>
          <label>{words.reason}<input name="reason" required maxLength={300} placeholder={words.reasonHint} autofocus /></label>
        </Dialog>
      )}
    </div>
  );
}
