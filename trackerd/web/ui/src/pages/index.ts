// Which pages there are, and for whom: a page somebody may not see is not offered; the daemon refuses it anyway.
import type { FunctionComponent } from "preact";
import type { Session } from "../api/schema";
import { Day } from "./day";
import { Health } from "./health";
import { Lists } from "./lists";
import { Looks } from "./looks";
import { Mine } from "./mine";
import { Now } from "./now";
import { Plan } from "./plan";
import { Zones } from "./zones";

export const PAGES = { now: Now, day: Day, plan: Plan, zones: Zones, lists: Lists, health: Health, looks: Looks, mine: Mine } as const satisfies Record<string, FunctionComponent>;
export type PageName = keyof typeof PAGES;

export function pagesFor(who: Session): PageName[] {
  if (who.role === "warden") return ["mine", "looks"];
  return ["now", "day", "plan", "zones", "lists", "health", ...(who.may.includes("looks") ? ["looks" as const] : [])];
}
