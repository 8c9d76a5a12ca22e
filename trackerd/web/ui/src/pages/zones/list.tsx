// All zones, to choose from.
import { useState } from "preact/hooks";
import { w } from "../../words";
import { changes, drafted, idOf, isNew } from "./draft";

export function ZoneList({ chosen, choose }: { chosen: string | null; choose: (id: string) => void }) {
  const [asked, setAsked] = useState("");
  const words = w.value.zones;
  const list = drafted.value
    .filter((one) => `${one.properties.name} ${idOf(one)} ${one.properties.kind}`.toLowerCase().includes(asked.toLowerCase()))
    .sort((a, b) => (a.properties.name || idOf(a)).localeCompare(b.properties.name || idOf(b), undefined, { numeric: true }));
  const gone = [...changes.value].filter(([, one]) => one === null).map(([id]) => id);
  return (
    <section class="stack">
      <h2>{words.list} <small class="soft">{drafted.value.length}</small></h2>
      <input type="search" aria-label={w.value.common.search} placeholder={w.value.common.search} value={asked} onInput={(event) => setAsked(event.currentTarget.value)} />
      <table>
        <thead><tr><th scope="col">{words.name}</th><th scope="col">{words.kind}</th><th scope="col" /></tr></thead>
        <tbody>
          {list.slice(0, 300).map((one) => (
            <tr key={idOf(one)} aria-selected={idOf(one) === chosen}>
              <th scope="row"><button type="button" class="plain" onClick={() => choose(idOf(one))}>{one.properties.name || idOf(one)}</button></th>
              <td class="soft">{one.properties.kind}</td>
              <td class="small soft">{changes.value.has(idOf(one)) ? (isNew(idOf(one)) ? words.added : words.changed) : one.properties.in_force === false ? words.notYet : ""}</td>
            </tr>
          ))}
          {gone.map((id) => <tr key={id}><th scope="row"><s>{id}</s></th><td /><td class="small soft">{words.removed}</td></tr>)}
        </tbody>
      </table>
      {list.length > 300 && <p class="small soft">{w.value.common.showing(300, list.length)}</p>}
    </section>
  );
}
