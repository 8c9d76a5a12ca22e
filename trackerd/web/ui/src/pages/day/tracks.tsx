// Exact tracks: asked for with a purpose, which is written down before anything is shown.
import { useState } from "preact/hooks";
import { get } from "../../api/client";
import type { DayAnswer, Tracks } from "../../api/schema";
import { Dialog } from "../../parts/dialog";
import { may } from "../../state";
import { w } from "../../words";

export function TracksAsk({ day, tracks, set }: { day: DayAnswer; tracks: Tracks | null; set: (tracks: Tracks | null) => void }) {
  const [asking, setAsking] = useState(false);
  const words = w.value.day;
  if (!may("tracks")) return null;
  if (tracks) return <div class="row"><p class="grow">{words.tracksShown}</p><button type="button" onClick={() => set(null)}>{words.hideTracks}</button></div>;
  const act = async (form: FormData) => set(await get("/api/day/tracks", { date: day.date, purpose: String(form.get("purpose")) }));
  return (
    <>
      <div><button type="button" onClick={() => setAsking(true)}>{words.tracks}</button></div>
      {asking && (
        <Dialog title={words.tracks} go={w.value.common.showOnMap} act={act} close={() => setAsking(false)}>
          <p>{words.tracksAsk}</p>
          <label>{words.purpose}<input name="purpose" required minLength={3} maxLength={300} placeholder={words.purposeHint} autofocus /></label>
        </Dialog>
      )}
    </>
  );
}
