// Shapes for the map, in degrees of WGS 84 from metres. Good to a part in a thousand over a few kilometres: for looking
// at, never for judging; judging is the daemon's.
import type { Feature, Position } from "geojson";

const METRES_A_DEGREE = 111_320;

/** A disc of so many metres about a place, as a polygon of 48 corners. */
export function disc(lon: number, lat: number, metres: number, id = ""): Feature {
  const east = metres / (METRES_A_DEGREE * Math.cos((lat * Math.PI) / 180));
  const north = metres / METRES_A_DEGREE;
  const ring: Position[] = Array.from({ length: 49 }, (_, k) => {
    const turn = (k / 48) * 2 * Math.PI;
    return [lon + east * Math.cos(turn), lat + north * Math.sin(turn)];
  });
  return { type: "Feature", id, properties: { id }, geometry: { type: "Polygon", coordinates: [ring] } };
}

/** Metres between two places near each other. */
export function apart(a: Position, b: Position): number {
  const [lonA = 0, latA = 0] = a;
  const [lonB = 0, latB = 0] = b;
  const x = (lonB - lonA) * Math.cos((((latA + latB) / 2) * Math.PI) / 180);
  return Math.hypot(x, latB - latA) * METRES_A_DEGREE;
}

/** Every position of a geometry. */
export function positions(coordinates: unknown): Position[] {
  if (!Array.isArray(coordinates)) return [];
  return typeof coordinates[0] === "number" ? [coordinates as Position] : coordinates.flatMap(positions);
}

/** West, south, east, north of positions; null of none. */
export function bounds(of: readonly Position[]): [number, number, number, number] | null {
  if (!of.length) return null;
  const lon = of.map((one) => one[0] ?? 0);
  const lat = of.map((one) => one[1] ?? 0);
  return [Math.min(...lon), Math.min(...lat), Math.max(...lon), Math.max(...lat)];
}

/** Where a zone's name stands: the middle of its largest ring's bounds. */
export function middle(coordinates: unknown): Position {
  const box = bounds(positions(coordinates));
  return box ? [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] : [0, 0];
}
