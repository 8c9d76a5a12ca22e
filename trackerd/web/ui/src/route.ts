// Which page is shown: what stands behind the # of the address, so that a page can be sent to a colleague.
import { signal } from "@preact/signals";

export interface Place {
  page: string;
  query: URLSearchParams;
}

function read(): Place {
  const [page = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { page, query: new URLSearchParams(query) };
}

export const place = signal<Place>(read());
addEventListener("hashchange", () => (place.value = read()));

/** The address of a page. */
export function to(page: string, query: Record<string, string | undefined> = {}): string {
  const text = new URLSearchParams(Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]))).toString();
  return `#/${page}${text && `?${text}`}`;
}

/** Change what the page is asked for, without another step back in the browser. */
export function refine(query: Record<string, string | undefined>): void {
  history.replaceState(null, "", to(place.value.page, { ...Object.fromEntries(place.value.query), ...query }));
  place.value = read();
}
