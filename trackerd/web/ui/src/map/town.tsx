// The map of the town: zones, wardens, tracks. What must stay true here: it draws what it is given and asks for
// nothing; whatever it shows stands in a table beside it too; a browser without WebGL is told so and loses no words.
import "maplibre-gl/dist/maplibre-gl.css";
import { AttributionControl, type GeoJSONSource, Map as GlMap, type MapMouseEvent, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";
import worker from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import type { Feature, Position } from "geojson";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { MARKS, type StateName, URGENCY, ink } from "../sign";
import { site } from "../state";
import { shade } from "../theme";
import { w } from "../words";
import { type Dot, Dots } from "./dots";
import { bounds, disc, middle, positions } from "./shapes";
import { style } from "./style";

setWorkerUrl(new URL(worker, document.baseURI).href);

export interface MapZone {
  id: string;
  name: string;
  geometry: { type: string; coordinates: unknown[] };
  state: StateName | null;
}

interface Shown {
  zones: readonly MapZone[];
  dots?: readonly Dot[];
  tracks?: readonly Position[][];
  spot?: { lon: number; lat: number; radius: number } | null;
  chosen?: string | null;
  onZone?: (id: string | null) => void;
  onPlace?: (lon: number, lat: number) => void;
  onDot?: (id: string) => void;
  ready?: (map: GlMap) => () => void;
  children?: ComponentChildren;
  class?: string;
}

export function TownMap(shown: Shown) {
  const frame = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<GlMap | null>(null);
  const [blind, setBlind] = useState(false);
  const now = useRef(shown);
  now.current = shown;
  useEffect(() => {
    const made = make(frame.current as HTMLElement, now);
    if (!made) return setBlind(true);
    let leave: (() => void) | undefined;
    made.once("load", () => {
      setMap(made);
      leave = now.current.ready?.(made);
    });
    return () => (leave?.(), setMap(null), made.remove());
  }, [shade.value, site.value?.base_map.url]);
  useEffect(() => void (map && drawZones(map, shown.zones)), [map, shown.zones]);
  useEffect(() => void (map && drawChosen(map, shown)), [map, shown.chosen, shown.zones]);
  useEffect(() => void (map && fill(map, "tracks", (shown.tracks ?? []).map(line))), [map, shown.tracks]);
  useEffect(() => void (map && fill(map, "spot", shown.spot ? [disc(shown.spot.lon, shown.spot.lat, shown.spot.radius)] : [])), [map, shown.spot]);
  useEffect(() => void (map && fill(map, "discs", (shown.dots ?? []).flatMap((one) => (one.accuracy ? [disc(one.lon, one.lat, one.accuracy)] : [])))), [map, shown.dots]);
  return (
    <div class={`map ${shown.class ?? ""}`} role="region" aria-label={w.value.map.label}>
      <div class="canvas" ref={frame} />
      {blind && <p class="warned">{w.value.map.noGl}</p>}
      {map && shown.dots && <Dots map={map} dots={shown.dots} {...(shown.onDot ? { onDot: shown.onDot } : {})} />}
      {shown.children}
    </div>
  );
}

const line = (of: Position[]): Feature => ({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: of } });

function make(frame: HTMLElement, now: { current: Shown }): GlMap | null {
  const box = site.value?.bounds;
  try {
    const map = new GlMap({
      container: frame, style: style(site.value?.base_map), attributionControl: false, maxZoom: 19, pitchWithRotate: false, dragRotate: false, fadeDuration: 0,
      ...(box ? { bounds: box as [number, number, number, number], fitBoundsOptions: { padding: 24 } } : { center: [0, 20], zoom: 1 }),
    });
    map.touchZoomRotate.disableRotation();
    map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new AttributionControl({ compact: false }), "bottom-right");
    map.addControl(new ScaleControl(), "bottom-right");
    map.on("click", (event) => clicked(map, event, now.current));
    map.on("mousemove", "zone-fill", () => (map.getCanvas().style.cursor = now.current.onZone ? "pointer" : ""));
    map.on("mouseleave", "zone-fill", () => (map.getCanvas().style.cursor = ""));
    return map;
  } catch {
    return null;
  }
}

/** The smallest of the zones under the click is meant: a box stands within its neighbourhood. */
function clicked(map: GlMap, event: MapMouseEvent, shown: Shown): void {
  shown.onPlace?.(event.lngLat.lng, event.lngLat.lat);
  if (!shown.onZone) return;
  const near: [[number, number], [number, number]] = [[event.point.x - 6, event.point.y - 6], [event.point.x + 6, event.point.y + 6]];
  const ids = [...new Set(map.queryRenderedFeatures(near, { layers: ["zone-fill", "zone-edge"] }).map((one) => String(one.properties["id"])))];
  const size = (id: string) => Number(map.getFeatureState({ source: "zones", id })["size"] ?? 0);
  shown.onZone(ids.sort((a, b) => size(a) - size(b))[0] ?? null);
}

export function fill(map: GlMap, source: string, of: Feature[]): void {
  map.getSource<GeoJSONSource>(source)?.setData({ type: "FeatureCollection", features: of });
}

const drawn = new WeakMap<GlMap, readonly MapZone[]>();

function drawZones(map: GlMap, zones: readonly MapZone[]): void {
  const before = drawn.get(map);
  drawn.set(map, zones);
  const same = before?.length === zones.length && before.every((one, k) => one.geometry === zones[k]?.geometry && one.id === zones[k].id);
  if (!same) fill(map, "zones", zones.map((one) => ({ type: "Feature", properties: { id: one.id }, geometry: one.geometry }) as Feature));
  zones.forEach((one, k) => {
    if (same && before?.[k]?.state === one.state) return;
    const box = bounds(positions(one.geometry.coordinates));
    map.setFeatureState({ source: "zones", id: one.id }, { state: one.state ?? "none", size: box ? (box[2] - box[0]) * (box[3] - box[1]) : 0 });
  });
  fill(map, "names", zones.map(named));
}

function named(zone: MapZone): Feature {
  const mark = zone.state ? MARKS[zone.state] : "";
  return {
    type: "Feature",
    geometry: { type: "Point", coordinates: middle(zone.geometry.coordinates) },
    properties: { mark, label: `${mark} ${zone.name}`.trim(), colour: ink(zone.state ?? "soft"), urgency: zone.state ? URGENCY[zone.state] : 9 },
  };
}

const lit = new WeakMap<GlMap, string>();

function drawChosen(map: GlMap, shown: Shown): void {
  const before = lit.get(map);
  if (before) map.setFeatureState({ source: "zones", id: before }, { chosen: false });
  const zone = shown.zones.find((one) => one.id === shown.chosen);
  lit.set(map, zone?.id ?? "");
  if (!zone) return;
  map.setFeatureState({ source: "zones", id: zone.id }, { chosen: true });
  if (before !== zone.id) look(map, bounds(positions(zone.geometry.coordinates)));
}

/** Show a part of the town, whole. */
export function look(map: GlMap, box: [number, number, number, number] | null): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (box) map.fitBounds(box, { padding: 60, maxZoom: 16, duration: still ? 0 : 600 });
}
