// How the map looks: the base map below, the zones above it. What must stay true here: nothing is loaded but what the
// installation names; without a base map there is the land's colour and the zones.
import { addProtocol, type LayerSpecification, type SourceSpecification, type StyleSpecification } from "maplibre-gl";
import { Protocol } from "pmtiles";
import type { BaseMap } from "../api/schema";
import { ink, STATES } from "../sign";

addProtocol("pmtiles", new Protocol().tile);
export const FONT = ["Atkinson Hyperlegible Next Variable", "sans-serif"];
/** Names from this zoom on; marks alone before. */
const NAMES_FROM = 13.4;
type Layers = LayerSpecification[];

/** The whole style, in the colours of the moment. */
export function style(base: BaseMap | undefined): StyleSpecification {
  const sources: Record<string, SourceSpecification> = { zones: features("id"), names: features(), discs: features(), tracks: features(), spot: features() };
  const layers: Layers = [{ id: "land", type: "background", paint: { "background-color": ink("land") } }];
  if (base && base.kind !== "none" && base.url) {
    sources["base"] = source(base, base.url);
    layers.push(...under[base.kind](ink));
  }
  return { version: 8, sources, layers: [...layers, ...zoneLayers(), ...peopleLayers()] };
}

const features = (id?: string): SourceSpecification => ({ type: "geojson", data: { type: "FeatureCollection", features: [] }, ...(id ? { promoteId: id } : {}) });

function source(base: BaseMap, url: string): SourceSpecification {
  const here = new URL(url, document.baseURI).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
  const attribution = base.attribution;
  if (base.kind === "geojson") return { type: "geojson", data: here, attribution };
  if (base.kind === "tiles") return { type: "raster", tiles: [here], tileSize: 256, attribution };
  return { type: "vector", url: `pmtiles://${here}`, attribution };
}

type Paint = (name: string) => string;
const under: Record<"geojson" | "tiles" | "pmtiles", (colour: Paint) => Layers> = {
  geojson: (colour) => [
    { id: "water", type: "line", source: "base", filter: ["==", ["get", "type"], "water"], layout: { "line-cap": "round" }, paint: { "line-color": colour("water"), "line-width": ["interpolate", ["linear"], ["zoom"], 11, 0.8, 16, 4] } },
    { id: "rail", type: "line", source: "base", filter: ["==", ["get", "type"], "rail"], paint: { "line-color": colour("rail"), "line-width": ["interpolate", ["linear"], ["zoom"], 11, 1, 16, 3] } },
    { id: "sleepers", type: "line", source: "base", minzoom: 13, filter: ["==", ["get", "type"], "rail"], paint: { "line-color": colour("land"), "line-width": ["interpolate", ["linear"], ["zoom"], 13, 0.6, 16, 1.6], "line-dasharray": [4, 4] } },
    { id: "places", type: "symbol", source: "base", filter: ["==", ["get", "type"], "place"], layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": ["match", ["get", "class"], ["city", "town"], 15, "village", 13, 11], "text-letter-spacing": 0.04, "text-padding": 6 }, paint: { "text-color": colour("place"), "text-halo-color": colour("land"), "text-halo-width": 1.4 } },
  ],
  tiles: () => [{ id: "tiles", type: "raster", source: "base", paint: { "raster-saturation": -0.6, "raster-opacity": 0.75 } }],
  pmtiles: (colour) => [
    { id: "pm-water", type: "fill", source: "base", "source-layer": "water", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colour("water") } },
    { id: "pm-stream", type: "line", source: "base", "source-layer": "water", filter: ["==", ["geometry-type"], "LineString"], paint: { "line-color": colour("water"), "line-width": 1.2 } },
    { id: "pm-houses", type: "fill", source: "base", "source-layer": "buildings", minzoom: 14, paint: { "fill-color": colour("line") } },
    { id: "pm-roads", type: "line", source: "base", "source-layer": "roads", filter: ["!=", ["get", "kind"], "rail"], paint: { "line-color": colour("surface"), "line-width": ["interpolate", ["exponential", 1.5], ["zoom"], 11, 0.6, 17, 9] } },
    { id: "pm-rail", type: "line", source: "base", "source-layer": "roads", filter: ["==", ["get", "kind"], "rail"], paint: { "line-color": colour("rail"), "line-width": 1.5 } },
    { id: "pm-places", type: "symbol", source: "base", "source-layer": "places", layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 13 }, paint: { "text-color": colour("place"), "text-halo-color": colour("land"), "text-halo-width": 1.4 } },
  ],
};

/** The colour of a verdict, as an expression over the features' state. */
const verdictColour = () => ["match", ["coalesce", ["feature-state", "state"], "none"], ...STATES.flatMap((one) => [one, ink(one)]), ink("soft")] as never;

function zoneLayers(): Layers {
  const colour = verdictColour();
  const chosen = ["boolean", ["feature-state", "chosen"], false] as never;
  return [
    { id: "zone-fill", type: "fill", source: "zones", paint: { "fill-color": colour, "fill-opacity": ["case", chosen, 0.3, ["==", ["coalesce", ["feature-state", "state"], "none"], "none"], 0.05, 0.2] } },
    { id: "zone-edge", type: "line", source: "zones", layout: { "line-join": "round" }, paint: { "line-color": colour, "line-width": ["case", chosen, 4, 1.8], "line-opacity": ["case", ["==", ["coalesce", ["feature-state", "state"], "none"], "none"], 0.6, 1] } },
    { id: "marks", type: "circle", source: "names", maxzoom: NAMES_FROM, filter: ["!=", ["get", "mark"], ""], layout: { "circle-sort-key": ["-", ["get", "urgency"]] }, paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, 6, 13, 9], "circle-color": ["get", "colour"], "circle-stroke-color": ink("surface"), "circle-stroke-width": 1.5 } },
    { id: "mark-signs", type: "symbol", source: "names", maxzoom: NAMES_FROM, filter: ["!=", ["get", "mark"], ""], layout: { "text-field": ["get", "mark"], "text-font": FONT, "text-size": ["interpolate", ["linear"], ["zoom"], 11, 9, 13, 13], "symbol-sort-key": ["-", ["get", "urgency"]], "text-allow-overlap": true, "text-ignore-placement": true }, paint: { "text-color": ink("surface") } },
    { id: "zone-names", type: "symbol", source: "names", minzoom: NAMES_FROM, layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 13, "text-max-width": 9, "symbol-sort-key": ["get", "urgency"], "text-padding": 3 }, paint: { "text-color": ["get", "colour"], "text-halo-color": ink("surface"), "text-halo-width": 1.8 } },
  ];
}

function peopleLayers(): Layers {
  return [
    { id: "tracks", type: "line", source: "tracks", layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": ink("dot"), "line-width": 2, "line-opacity": 0.55 } },
    { id: "disc", type: "fill", source: "discs", paint: { "fill-color": ink("dot"), "fill-opacity": 0.14, "fill-outline-color": ink("dot") } },
    { id: "spot", type: "fill", source: "spot", paint: { "fill-color": ink("accent"), "fill-opacity": 0.25, "fill-outline-color": ink("accent") } },
  ];
}
