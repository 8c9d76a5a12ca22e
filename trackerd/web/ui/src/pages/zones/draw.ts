// Drawing on the map. What must stay true here: a circle is a place and a radius, a corridor a line and a width, as in
// the files; shapes with holes or several parts are shown, and edited in their file.
import type { Map as GlMap } from "maplibre-gl";
import { TerraDraw, TerraDrawCircleMode, TerraDrawLineStringMode, TerraDrawPointMode, TerraDrawPolygonMode, TerraDrawSelectMode, ValidateNotSelfIntersecting } from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import type { Geometry } from "../../api/schema";
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
  stop(): void;
}

const WIDTH_M = 20;
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
      new TerraDrawPolygonMode(valid as never), new TerraDrawCircleMode(), new TerraDrawLineStringMode(), new TerraDrawPointMode(),
      new TerraDrawSelectMode({ flags: { polygon: { feature: PARTS }, linestring: { feature: PARTS }, point: { feature: { draggable: true } } } }),
    ],
  });
  tool.start();
  tool.setMode("static");
  tool.on("finish", (id, context) => {
    const feature = tool.getSnapshotFeature(id);
    if (!feature) return;
    if (context.action !== "draw") return edited(feature.geometry as Geometry);
    tool.setMode("static");
    tool.removeFeatures([id]);
    drawn(asFiled(feature.geometry as Geometry, context.mode === "circle"));
  });
  return {
    draw: (mode) => (tool.clear(), tool.setMode(mode)),
    edit: (geometry) => edit(tool, geometry),
    stop: () => tool.stop(),
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
