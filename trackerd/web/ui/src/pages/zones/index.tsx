// Zones: drawn, imported, dated, judged for their size; and every version that was.
import type { Map as GlMap } from "maplibre-gl";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ZoneCollection } from "../../api/schema";
import { type MapZone, TownMap } from "../../map/town";
import { Said } from "../../parts/said";
import { place, refine } from "../../route";
import { may, zones } from "../../state";
import { w } from "../../words";
import { base, changes, drafted, editable, freeId, idOf, isNew, load, put, shapes } from "./draft";
import { type Drawn, type Pencil, pencil, shapeable, type Tool } from "./draw";
import { Editions } from "./editions";
import { ZoneForm } from "./form";
import { Import } from "./import";
import { ZoneList } from "./list";
import { Saving } from "./saving";

const TOOLS: readonly (readonly [Tool, "polygon" | "circle" | "corridor", "drawPolygon" | "drawCircle" | "drawCorridor"])[] = [
  ["polygon", "polygon", "drawPolygon"], ["circle", "circle", "drawCircle"], ["linestring", "corridor", "drawCorridor"],
];

export const Zones = () => {
  const [fault, setFault] = useState<unknown>(null);
  const [shown, setShown] = useState<ZoneCollection | null>(null);
  const chosen = place.value.query.get("zone");
  const choose = (id: string | null) => refine({ zone: id ?? undefined });
  const begin = () => void load().then(() => setFault(null), setFault);
  useEffect(begin, []);
  const words = w.value.zones;
  const feature = drafted.value.find((one) => idOf(one) === chosen);
  return (
    <main class="workshop" id="content" tabIndex={-1}>
      <Canvas chosen={chosen} choose={choose} shown={shown} />
      <div class="side">
        <h1>{words.title}</h1>
        <Said fault={fault} again={begin} />
        {base.value && !editable.value && may("zones") && <p class="told">{words.notEditable}</p>}
        <Saving />
        {shown ? null : feature ? <ZoneForm key={chosen} feature={feature} choose={choose} /> : <p class="soft">{words.noChoice}</p>}
        <div class="row">{editable.value && <Import />}</div>
        <ZoneList chosen={chosen} choose={choose} />
        <Editions shown={shown} show={setShown} />
      </div>
    </main>
  );
};

interface Board {
  chosen: string | null;
  choose: (id: string | null) => void;
  shown: ZoneCollection | null;
}

function Canvas({ chosen, choose, shown }: Board) {
  const [tool, setTool] = useState<Tool | null>(null);
  const [pen, setPen] = useState<Pencil | null>(null);
  const drawing = useRef(false);
  drawing.current = tool !== null;
  const current = useRef(chosen);
  current.current = chosen;
  const ready = (map: GlMap) => {
    const made = pencil(map, (one) => (setTool(null), choose(add(one))), (geometry) => reshape(current.current, geometry));
    setPen(made);
    return () => (setPen(null), made.stop());
  };
  useEffect(() => {
    const one = drafted.peek().find((other) => idOf(other) === chosen);
    if (tool) pen?.draw(tool);
    else pen?.edit(editable.value && one && !shown ? one.geometry : null);
  }, [pen, tool, chosen, shown, editable.value, chosen ? changes.value.has(chosen) && changes.value.get(chosen) === null : false]);
  const list = useMapZones(shown);
  return (
    <TownMap zones={list} chosen={chosen} onZone={(id) => !drawing.current && !pen?.fresh() && id && choose(id)} ready={ready}>
      {editable.value && !shown && <Tools tool={tool} set={setTool} editing={Boolean(chosen)} />}
    </TownMap>
  );
}

function Tools({ tool, set, editing }: { tool: Tool | null; set: (tool: Tool | null) => void; editing: boolean }) {
  const words = w.value.zones;
  const said = TOOLS.find(([one]) => one === tool);
  return (
    <div class="tools" role="toolbar" aria-label={words.draw}>
      {TOOLS.map(([one, name]) => <button key={one} type="button" aria-pressed={tool === one} onClick={() => set(tool === one ? null : one)}>+ {words[name]}</button>)}
      {tool && <button type="button" class="plain" onClick={() => set(null)}>{words.stopDrawing}</button>}
      {(said || editing) && <p class="small" role="status">{said ? words[said[2]] : words.editShape}</p>}
    </div>
  );
}

function add(one: Drawn): string {
  const id = freeId();
  const { geometry, ...measure } = one;
  put(id, { type: "Feature", id, geometry, properties: { name: "", kind: "zone", ...measure } });
  return id;
}

function reshape(id: string | null, geometry: Drawn["geometry"]): void {
  const before = drafted.peek().find((one) => idOf(one) === id);
  if (id && before) put(id, { ...before, geometry });
}

/** As they are judged, with the changes where they were changed; or an edition. */
function useMapZones(shown: ZoneCollection | null): readonly MapZone[] {
  return useMemo(() => {
    const judged = (shown ?? zones.value)?.features ?? [];
    const as = (id: string, name: string, geometry: MapZone["geometry"], changed: boolean): MapZone => ({ id, name, geometry, state: changed ? "open" : null });
    const now = judged.filter((one) => shown || changes.value.get(idOf(one)) !== null).map((one) => as(idOf(one), one.properties.name, (!shown && shapes.value.get(idOf(one))) || one.geometry, !shown && changes.value.has(idOf(one))));
    const fresh = shown ? [] : [...changes.value].flatMap(([id, one]) => {
      const geometry = shapes.value.get(id) ?? (one && shapeable(one.geometry) && one.geometry.type === "Polygon" ? one.geometry : null);
      return one && isNew(id) && geometry ? [as(id, one.properties.name || id, geometry, true)] : [];
    });
    return [...now, ...fresh];
  }, [shown, zones.value, changes.value, shapes.value]);
}
