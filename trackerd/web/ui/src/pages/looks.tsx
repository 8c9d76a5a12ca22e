// Who looked at whom, and what for.
import { useState } from "preact/hooks";
import { get } from "../api/client";
import type { Look } from "../api/schema";
import { stamp } from "../format";
import { useAnswer } from "../parts/answer";
import { Said } from "../parts/said";
import { session } from "../state";
import { w } from "../words";

export const Looks = () => {
  const [older, setOlder] = useState<Look[]>([]);
  const [next, setNext] = useState<string | null | undefined>(undefined);
  const { value, fault, again } = useAnswer(() => get("/api/looks", {}), []);
  const words = w.value.looks;
  const before = next === undefined ? value?.next : next;
  const more = async () => {
    const found = await get("/api/looks", { before: String(before) });
    setOlder([...older, ...found.items]);
    setNext(found.next ?? null);
  };
  const items = [...(value?.items ?? []), ...older];
  return (
    <main class="page" id="content" tabIndex={-1}>
      <div class="wide">
        <div class="bar"><h1>{words.title}</h1></div>
        <p class="soft">{session.value?.role === "warden" ? words.mine : words.intro}</p>
        <Said fault={fault} again={again} />
        <section class="card scroll" tabIndex={0} aria-label={words.title}>{items.length ? <LookTable items={items} /> : <p class="soft">{words.none}</p>}</section>
        {before && <div><button type="button" onClick={() => void more()}>{w.value.common.more}</button></div>}
      </div>
    </main>
  );
};

function LookTable({ items }: { items: readonly Look[] }) {
  const words = w.value.looks;
  const asked = words.question as Record<string, string>;
  return (
    <table>
      <caption class="unseen">{words.title}</caption>
      <thead><tr><th scope="col">{words.at}</th><th scope="col">{words.by}</th><th scope="col">{words.about}</th><th scope="col">{words.period}</th><th scope="col">{words.purpose}</th></tr></thead>
      <tbody>
        {items.map((one) => (
          <tr key={one.at + one.by + one.about}><td class="nowrap">{stamp(one.at)}</td><th scope="row">{one.by}</th><td>{one.about} <small class="soft">{asked[one.question] ?? one.question}</small></td><td>{stamp(one.start)} – {stamp(one.end)}</td><td>{one.purpose}</td></tr>
        ))}
      </tbody>
    </table>
  );
}
