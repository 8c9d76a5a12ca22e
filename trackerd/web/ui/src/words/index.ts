// The words on the pages. What must stay true here: every language has every word (the compiler sees to it); the
// choice is the browser's until somebody chooses.
import { computed, effect, signal } from "@preact/signals";
import { kept } from "../state";
import { de } from "./de";
import { en, type Words } from "./en";
import { fr } from "./fr";
import { nl } from "./nl";

export type { Words };
export const ALL = { nl, fr, de, en } as const satisfies Record<string, Words>;
export type Language = keyof typeof ALL;
export const LANGUAGES = Object.keys(ALL) as Language[];

function first(): Language {
  const wished = [kept.get("language") ?? "", ...navigator.languages].map((tag) => tag.slice(0, 2).toLowerCase());
  return (wished.find((tag) => tag in ALL) as Language | undefined) ?? "en";
}

export const language = signal<Language>(first());
/** The words in the language chosen. */
export const w = computed<Words>(() => ALL[language.value]);

/** Choose a language, and keep the choice. */
export function choose(chosen: Language): void {
  kept.set("language", chosen);
  language.value = chosen;
}

effect(() => void (document.documentElement.lang = language.value));
