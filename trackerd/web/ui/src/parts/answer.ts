// What a page asked for, and whether it is there yet. What must stay true here: a late answer to an older question is
// never shown for a newer one.
import { useEffect, useState } from "preact/hooks";

export interface Answer<T> {
  value: T | null;
  fault: unknown;
  busy: boolean;
  again: () => void;
}

/** Ask anew whenever what is asked for changes; what was there stays shown meanwhile. */
export function useAnswer<T>(ask: () => Promise<T>, asked: readonly unknown[]): Answer<T> {
  const [state, setState] = useState<{ value: T | null; fault: unknown; busy: boolean }>({ value: null, fault: null, busy: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let current = true;
    setState((before) => ({ ...before, busy: true }));
    ask().then(
      (value) => current && setState({ value, fault: null, busy: false }),
      (fault: unknown) => current && setState((before) => ({ ...before, fault, busy: false })),
    );
    return () => void (current = false);
  }, [...asked, turn]);
  return { ...state, again: () => setTurn((before) => before + 1) };
}

/** Ask again every so many milliseconds while the page is looked at. */
export function useEvery(milliseconds: number, again: () => void): void {
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && again(), milliseconds);
    return () => clearInterval(timer);
  });
}
