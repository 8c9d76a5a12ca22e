// Whether a zone is large enough: how surely a stay in it would be proven, by the daemon's own trial walks.
import { useEffect, useState } from "preact/hooks";
import { Fault, post } from "../../api/client";
import type { LintAdvice, Lints, ZoneFeature } from "../../api/schema";
import { metres, percent, span } from "../../format";
import { w } from "../../words";
import { changes, idOf } from "./draft";

const DWELL_S = 60;
const PAUSE_MS = 600;
/** It reckons for one at a time: who finds it busy asks again. */
const BUSY_MS = 3000;

/** Seconds of "3m", "90s", "1h", or of a number. */
function secondsOf(dwell: string | number | null | undefined): number {
  if (typeof dwell === "number") return dwell;
  const read = /^(\d+(?:\.\d+)?)\s*([smh]?)$/.exec(dwell ?? "");
  return read ? Number(read[1]) * { s: 1, m: 60, h: 3600, "": 1 }[read[2] as "s"] : DWELL_S;
}

export function Lint({ feature }: { feature: ZoneFeature }) {
  const [found, setFound] = useState<Lints | null>(null);
  const changed = changes.value.has(idOf(feature));
  useEffect(() => {
    let current = true;
    const of = changed ? { collection: { type: "FeatureCollection", features: [feature] } } : { zones: [idOf(feature)] };
    const asked = { ...of, dwell_s: secondsOf(feature.properties.dwell), advise: true };
    let timer = setTimeout(ask, PAUSE_MS);
    function ask(): void {
      post("/api/zones/lint", asked).then(
        (answer) => current && setFound(answer),
        (fault: unknown) => {
          if (!current) return;
          setFound(null);
          if (fault instanceof Fault && fault.status === 503) timer = setTimeout(ask, BUSY_MS);
        },
      );
    }
    return () => ((current = false), clearTimeout(timer));
  }, [feature]);
  const words = w.value.zones;
  const one = found?.items[0];
  if (!found || !one) return null;
  return (
    <div class={one.good ? "told" : "warned"} role="status">
      <h3>{words.lint}</h3>
      <p>{one.good ? "✓" : "!"} {one.good ? words.lintGood(percent(one.proven)) : words.lintBad(percent(one.proven))} {one.mistaken > 0.005 && words.lintMistaken(percent(one.mistaken))}</p>
      <p class="small">{words.lintFor(metres(found.accuracy_m), span(found.every_s))} · {span(one.dwell_s)} · {words.hectares(one.hectares < 1 ? one.hectares.toFixed(2) : one.hectares.toFixed(0))}</p>
      {one.advice.length > 0 && <ul class="small">{one.advice.map((better) => <li key={better.what}>→ {advise(better)}</li>)}</ul>}
    </div>
  );
}

function advise(one: LintAdvice): string {
  const words = w.value.zones;
  const proven = percent(one.proven);
  return { wider_m: () => words.widen(Math.round(one.value), proven), dwell_s: () => words.stay(span(one.value), proven), every_s: () => words.every(span(one.value), proven) }[one.what]();
}
