// The door.
import { useState } from "preact/hooks";
import { Fault, post } from "../api/client";
import type { Session } from "../api/schema";
import icon from "../icon.svg";
import { Said } from "../parts/said";
import { session } from "../state";
import { choose, language, type Language, ALL, LANGUAGES, w } from "../words";

export function SignIn({ entered }: { entered: (who: Session) => void }) {
  const [fault, setFault] = useState<unknown>(null);
  const words = w.value.signIn;
  const demo = session.value?.demo_account;
  const enter = async (name: string, password: string) => {
    try {
      entered(await post("/api/session", { name, password }));
    } catch (caught) {
      setFault(caught instanceof Fault && caught.status === 401 ? new Fault(401, words.wrong) : caught);
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    void enter(String(form.get("name")), String(form.get("password")));
  };
  return (
    <main class="door" id="content">
      <div class="card">
        <div>
          <p class="brand"><img src={icon} alt="" />trackerd</p>
          <p class="soft">{w.value.title}</p>
        </div>
        <h1>{words.title}</h1>
        {demo && (
          <div class="told stack">
            <p>{words.demo(demo.name, demo.password)}</p>
            <button type="button" class="main" onClick={() => void enter(demo.name, demo.password)}>{words.useDemo}</button>
          </div>
        )}
        <form onSubmit={submit}>
          <label>{words.name}<input name="name" autocomplete="username" autocapitalize="none" required autofocus={!demo} /></label>
          <label>{words.password}<input name="password" type="password" autocomplete="current-password" required /></label>
          <Said fault={fault} />
          <button type="submit" class={demo ? "" : "main"}>{words.go}</button>
        </form>
        <select aria-label={w.value.chooseLanguage} value={language.value} onChange={(event) => choose(event.currentTarget.value as Language)}>
          {LANGUAGES.map((one) => <option key={one} value={one} lang={one}>{ALL[one].language}</option>)}
        </select>
      </div>
    </main>
  );
}
