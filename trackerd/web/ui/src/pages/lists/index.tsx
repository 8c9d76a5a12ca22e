// Lists: the reports for questions and complaints, by period and place, to read, keep and print.
import { useEffect, useState } from "preact/hooks";
import { ask, type Fault } from "../../api/client";
import { isoDay, shiftDay } from "../../format";
import { Said } from "../../parts/said";
import { now } from "../../state";
import { language, w } from "../../words";
import { type Asked, Ask } from "./ask";
import { Capacity, type CapacityAnswer } from "./capacity";
import { Paper } from "./paper";

type Made = { asked: Asked; html: string } | { asked: Asked; capacity: CapacityAnswer };
type Format = "html" | "csv" | "xlsx" | "json";

export const Lists = () => {
  const today = isoDay(now.peek());
  const [asked, setAsked] = useState<Asked>({ kind: "day", date: today, from: shiftDay(today, -6), to: today, zone: "", radius: 100, at: null, purpose: "" });
  const [made, setMade] = useState<Made | null>(null);
  const [fault, setFault] = useState<Fault | unknown>(null);
  const [busy, setBusy] = useState(false);
  const words = w.value.lists;
  const make = async () => {
    setBusy(true);
    setFault(null);
    try {
      const answer = await request(asked, asked.kind === "capacity" ? "json" : "html");
      setMade(asked.kind === "capacity" ? { asked, capacity: (await answer.json()) as CapacityAnswer } : { asked, html: await answer.text() });
    } catch (caught) {
      setFault(caught);
    }
    setBusy(false);
  };
  useEffect(() => void make(), []);
  return (
    <main class="page" id="content" tabIndex={-1}>
      <div class="wide">
        <div class="bar"><h1 class="grow">{words.title}</h1></div>
        <div class="choice">
          <Ask asked={asked} set={setAsked} make={() => void make()} busy={busy} />
          <div class="stack">
            <Said fault={fault} />
            {made && (
              <section class="card" aria-live="polite" aria-busy={busy}>
                <Exports asked={made.asked} fail={setFault} />
                {"html" in made ? <Paper html={made.html} /> : <Capacity answer={made.capacity} />}
              </section>
            )}
          </div>
        </div>
      </div>
    </main>
  );
};

function request(asked: Asked, format: Format): Promise<Response> {
  const query = { format, lang: language.peek() };
  const period = { from: asked.from, to: asked.to };
  if (asked.kind === "place") {
    const body = JSON.stringify({ lon: asked.at?.[0], lat: asked.at?.[1], radius_m: asked.radius, ...period, purpose: asked.purpose });
    return ask("post", "/api/reports/place", { query, body, headers: { "Content-Type": "application/json" } });
  }
  const by = { day: { date: asked.date }, zone: { zone: asked.zone, ...period }, plan: period, capacity: { date: asked.date } }[asked.kind];
  return ask("get", `/api/reports/${asked.kind}`, { query: { ...query, ...by } });
}

function Exports({ asked, fail }: { asked: Asked; fail: (fault: unknown) => void }) {
  const words = w.value.lists;
  const save = (format: Format) => async () => {
    try {
      const answer = await request(asked, format);
      keep(await answer.blob(), answer.headers.get("content-disposition")?.match(/filename="?([^";]+)/)?.[1] ?? `${asked.kind}.${format}`);
    } catch (caught) {
      fail(caught);
    }
  };
  return (
    <div class="row no-print">
      <span class="grow" />
      {asked.kind !== "capacity" && <button type="button" onClick={() => void save("csv")()}>{words.csv}</button>}
      {asked.kind !== "capacity" && <button type="button" onClick={() => void save("xlsx")()}>{words.xlsx}</button>}
      <button type="button" onClick={() => print()}>{words.print}</button>
    </div>
  );
}

function keep(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
