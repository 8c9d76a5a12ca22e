// The wardens on the map: buttons, so that the keyboard and a reader reach them. What must stay true here: who is off
// duty is not among them, as the daemon does not send them.
import { type Map as GlMap, Marker } from "maplibre-gl";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";

export interface Dot {
  id: string;
  name: string;
  said: string;
  lon: number;
  lat: number;
  accuracy: number | null;
  silent: boolean;
  still: boolean;
}

/** So many have their names beside them; of more, who is pointed at. */
const NAMED = 60;

interface Shown {
  map: GlMap;
  dots: readonly Dot[];
  onDot?: (id: string) => void;
}

export function Dots({ map, dots, onDot }: Shown) {
  const kept = useRef(new Map<string, Marker>());
  useEffect(() => {
    const markers = kept.current;
    return () => {
      for (const one of markers.values()) one.remove();
      markers.clear();
    };
  }, [map]);
  useEffect(() => {
    map.getContainer().classList.toggle("crowded", dots.length > NAMED);
    const here = new Set(dots.map((one) => one.id));
    for (const [id, marker] of kept.current) if (!here.has(id)) (marker.remove(), kept.current.delete(id));
    for (const dot of dots) place(map, kept.current, dot, onDot);
  }, [map, dots]);
  return null;
}

function place(map: GlMap, markers: Map<string, Marker>, dot: Dot, onDot?: (id: string) => void): void {
  let marker = markers.get(dot.id);
  if (!marker) {
    const element = document.createElement("button");
    element.type = "button";
    element.addEventListener("click", (event) => (event.stopPropagation(), onDot?.(dot.id)));
    marker = new Marker({ element, subpixelPositioning: true }).setLngLat([dot.lon, dot.lat]).addTo(map);
    markers.set(dot.id, marker);
  }
  const element = marker.getElement();
  marker.setLngLat([dot.lon, dot.lat]);
  for (const name of ["dot", "still", "silent"] as const) element.classList.toggle(name, name === "dot" || dot[name]);
  element.dataset["warden"] = dot.name;
  element.setAttribute("aria-label", `${dot.name}, ${dot.said}`);
  render(<><i /><span>{dot.name} <small>{dot.said}</small></span></>, element);
}
