// Which pages there are, and for whom: a page somebody may not see is not offered; the daemon refuses it anyway. Each is
// fetched when it is first opened: who signs in waits for no map.
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Session } from "../api/schema";
import { w } from "../words";

/** A page that is fetched when it is first shown. */
function later(fetched: () => Promise<FunctionComponent>): FunctionComponent {
  let known: FunctionComponent | null = null;
  return () => {
    const [Page, setPage] = useState<FunctionComponent | null>(() => known);
    useEffect(() => void (known ?? fetched().then((page) => ((known = page), setPage(() => page)))), []);
    return Page ? <Page /> : <main class="page" id="content" tabIndex={-1} aria-busy="true">{w.value.common.loading}</main>;
  };
}

export const PAGES = {
  now: later(async () => (await import("./now")).Now),
  day: later(async () => (await import("./day")).Day),
  plan: later(async () => (await import("./plan")).Plan),
  zones: later(async () => (await import("./zones")).Zones),
  lists: later(async () => (await import("./lists")).Lists),
  health: later(async () => (await import("./health")).Health),
  looks: later(async () => (await import("./looks")).Looks),
  mine: later(async () => (await import("./mine")).Mine),
} as const satisfies Record<string, FunctionComponent>;
export type PageName = keyof typeof PAGES;

export function pagesFor(who: Session): PageName[] {
  if (who.role === "warden") return ["mine", "looks"];
  return ["now", "day", "plan", "zones", "lists", "health", ...(who.may.includes("looks") ? ["looks" as const] : [])];
}
