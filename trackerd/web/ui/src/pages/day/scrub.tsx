// The hand of the clock: moved by hand, or by itself at a speed.
import { useEffect, useState } from "preact/hooks";
import { clock } from "../../format";
import { w } from "../../words";
import type { Reach } from "./course";

const SPEEDS = [60, 300, 900, 3600];
const STEP = 60_000;

export function Scrub({ at, span, set }: { at: number; span: Reach; set: (change: (before: number) => number) => void }) {
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(300);
  const words = w.value.day;
  const over = at >= span.to;
  useEffect(() => {
    if (!playing) return;
    let last = performance.now();
    let frame = requestAnimationFrame(function turn(now) {
      const step = (now - last) * speed;
      last = now;
      set((before) => Math.min(span.to, before + step));
      frame = requestAnimationFrame(turn);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing, speed, span.to]);
  useEffect(() => void (over && setPlaying(false)), [over]);
  const play = () => {
    if (!playing && over) set(() => span.from);
    setPlaying(!playing);
  };
  return (
    <div class="scrub">
      <button type="button" class="main" onClick={play}>{playing ? `❚❚ ${words.pause}` : `▶ ${words.play}`}</button>
      <strong class="nowrap"><time>{clock(at)}</time></strong>
      <input type="range" aria-label={words.at} aria-valuetext={clock(at)} title={words.keys} min={span.from} max={span.to} step={STEP} value={at} onInput={(event) => { const to = event.currentTarget.valueAsNumber; set(() => to); }} />
      <select aria-label={words.speed} value={speed} onChange={(event) => setSpeed(Number(event.currentTarget.value))}>
        {SPEEDS.map((one) => <option key={one} value={one}>{one} ×</option>)}
      </select>
    </div>
  );
}
