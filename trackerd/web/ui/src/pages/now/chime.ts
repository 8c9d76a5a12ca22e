// Two soft notes, made here: no file is loaded. A browser that does not let a page sound stays silent.
let audio: AudioContext | null = null;

export function ring(): void {
  try {
    audio ??= new AudioContext();
    [660, 880].forEach((pitch, k) => note(audio as AudioContext, pitch, k * 0.18));
  } catch {
    /* no sound here */
  }
}

function note(on: AudioContext, pitch: number, after: number): void {
  const tone = new OscillatorNode(on, { frequency: pitch, type: "sine" });
  const loud = new GainNode(on, { gain: 0 });
  const at = on.currentTime + after;
  loud.gain.setValueAtTime(0, at);
  loud.gain.linearRampToValueAtTime(0.2, at + 0.02);
  loud.gain.exponentialRampToValueAtTime(0.001, at + 0.5);
  tone.connect(loud).connect(on.destination);
  tone.start(at);
  tone.stop(at + 0.55);
}
