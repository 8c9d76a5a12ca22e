// Drawing on the map. What must stay true here: a circle is a place and a radius, a corridor a line and a width, as in
// the files; shapes with holes or several parts are shown, and edited in their file.
import type { Map as GlMap } from "maplibre-gl";
import { TerraDraw, TerraDrawCircleMode, TerraDrawLineStringMode, TerraDrawPointMode, TerraDrawPolygonMode, TerraDrawSelectMode, ValidateNotSelfIntersecting } from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import type { Geometry } from "../../api/schema";
import { ink } from "../../sign";
import { apart, middle, positions } from "../../map/shapes";

export type Tool = "polygon" | "circle" | "linestring";

/** What was drawn, as in the files. */
export interface Drawn {
  geometry: Geometry;
  radius_m?: number;
  width_m?: number;
}

export interface Pencil {
  draw(tool: Tool): void;
  edit(geometry: Geometry | null): void;
  /** Whether something was drawn this very moment: the click that ended it chooses nothing. */
  fresh(): boolean;
  stop(): void;
}

const WIDTH_M = 20;
const MOMENT_MS = 400;
const EDITED = "edited";
const PARTS = { draggable: true, coordinates: { draggable: true, midpoints: true, deletable: true } };

/** Whether its shape can be changed here. */
export const shapeable = (of: Geometry): boolean => of.type === "Point" || of.type === "LineString" || (of.type === "Polygon" && of.coordinates.length === 1);

/** Make the pencil of a map; tell what is drawn, and each change of what is edited. */
export function pencil(map: GlMap, drawn: (one: Drawn) => void, edited: (geometry: Geometry) => void): Pencil {
  const valid = { validation: (feature: never, context: { updateType: string }) => (context.updateType === "finish" ? ValidateNotSelfIntersecting(feature) : { valid: true }) };
  const tool = new TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 7 }),
    modes: [
      new TerraDrawPolygonMode({ ...valid, styles: inks() } as never), new TerraDrawCircleMode({ styles: inks() }), new TerraDrawLineStringMode(), new TerraDrawPointMode(),
      new TerraDrawSelectMode({ styles: inks() as never, flags: { polygon: { feature: PARTS }, linestring: { feature: PARTS }, point: { feature: { draggable: true } } } }),
    ],
  });
  let last = 0;
  tool.start();
  tool.setMode("static");
  tool.on("finish", (id, context) => {
    const feature = tool.getSnapshotFeature(id);
    if (!feature) return;
    if (context.action !== "draw") return edited(feature.geometry as Geometry);
    last = performance.now();
    tool.setMode("static");
    tool.removeFeatures([id]);
    drawn(asFiled(feature.geometry as Geometry, context.mode === "circle"));
  });
  return {
    draw: (mode) => (tool.clear(), tool.setMode(mode)),
    edit: (geometry) => edit(tool, geometry),
    fresh: () => performance.now() - last < MOMENT_MS,
    stop: () => tool.stop(),
  };
}

/** The pencil's colours: those of the page. */
function inks(): Record<string, `#${string}` | number> {
  const [red = 0, green = 0, blue = 0] = (ink("accent").match(/[\d.]+/g) ?? []).map(Number);
  const hex = `#${[red, green, blue].map((one) => one.toString(16).padStart(2, "0")).join("")}` as const;
  return {
    fillColor: hex, fillOpacity: 0.15, outlineColor: hex, outlineWidth: 3, selectedPolygonColor: hex, selectedPolygonFillOpacity: 0.08, selectedPolygonOutlineColor: hex, selectedPolygonOutlineWidth: 3,
    selectedLineStringColor: hex, selectedPointColor: hex, selectionPointColor: hex, midPointColor: hex,
  };
}

function edit(tool: TerraDraw, geometry: Geometry | null): void {
  tool.clear();
  if (!geometry || !shapeable(geometry)) return tool.setMode("static");
  const mode = { Point: "point", LineString: "linestring", Polygon: "polygon" }[geometry.type as "Point"];
  const rounded = JSON.parse(JSON.stringify(geometry, (_, value: unknown) => (typeof value === "number" ? Number(value.toFixed(7)) : value))) as Geometry;
  const [said] = tool.addFeatures([{ type: "Feature", geometry: rounded as never, properties: { mode, name: EDITED } }]);
  tool.setMode("select");
  if (said?.valid && said.id !== undefined) tool.selectFeature(said.id);
}

function asFiled(geometry: Geometry, circle: boolean): Drawn {
  if (geometry.type === "LineString") return { geometry, width_m: WIDTH_M };
  if (!circle) return { geometry };
  const centre = middle(geometry.coordinates).map((one) => Number(one.toFixed(7)));
  const edge = positions(geometry.coordinates)[0] ?? centre;
  return { geometry: { type: "Point", coordinates: centre }, radius_m: Math.max(1, Math.round(apart(centre, edge))) };
}
