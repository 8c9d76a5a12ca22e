// Light or dark: as the device, until somebody chooses.
import { computed, effect, signal } from "@preact/signals";
import { kept } from "./state";

export type Theme = "auto" | "light" | "dark";
const THEMES: readonly Theme[] = ["auto", "light", "dark"];
export const theme = signal<Theme>(THEMES.find((one) => one === kept.get("theme")) ?? "auto");

const asked = matchMedia("(prefers-color-scheme: dark)");
const device = signal(asked.matches);
asked.addEventListener("change", () => (device.value = asked.matches));

/** What is shown. */
export const shade = computed(() => (theme.value === "auto" ? (device.value ? "dark" : "light") : theme.value));

export function turn(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
  kept.set("theme", theme.value);
}

effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
});
