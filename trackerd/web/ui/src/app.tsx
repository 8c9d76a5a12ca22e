// The frame round every page: who is signed in, where one can go, whether what is shown is live.
import { effect } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { get, remove } from "./api/client";
import type { Session } from "./api/schema";
import icon from "./icon.svg";
import { seconds } from "./format";
import { leave, listen } from "./live";
import { PAGES, pagesFor } from "./pages";
import { SignIn } from "./pages/signin";
import { Icon } from "./parts/icon";
import { Said } from "./parts/said";
import { place, to } from "./route";
import { link, now, session, site } from "./state";
import { theme, turn } from "./theme";
import { ALL, choose, language, type Language, LANGUAGES, w } from "./words";

export function App() {
  const [fault, setFault] = useState<unknown>(null);
  const begin = () => {
    setFault(null);
    enter().catch(setFault);
  };
  useEffect(begin, []);
  if (fault) return <div class="door"><Said fault={fault} again={begin} /></div>;
  if (!session.value) return <div class="door" aria-busy="true">{w.value.common.loading}</div>;
  if (!session.value.signed_in) return <SignIn entered={(who) => void enter(who).catch(setFault)} />;
  if (!site.value) return <div class="door" aria-busy="true">{w.value.common.loading}</div>;
  return <Frame who={session.value} />;
}

/** Take what is needed to show anything; the session last, as it opens the pages. */
async function enter(known?: Session): Promise<void> {
  const who = known ?? (await get("/api/session"));
  if (who.signed_in) {
    session.value ??= { ...who, signed_in: false };
    site.value = await get("/api/site");
    if (who.role !== "warden") await listen();
  }
  session.value = who;
}

async function signOut(): Promise<void> {
  await remove("/api/session").catch(() => undefined);
  leave();
  session.value = await get("/api/session");
}

function Frame({ who }: { who: Session }) {
  const open = pagesFor(who);
  const page = open.find((one) => one === place.value.page) ?? open[0] ?? "mine";
  const Page = PAGES[page];
  const words = w.value;
  useEffect(() => effect(() => void (document.title = `${words.pages[page]} · trackerd`)), [words, page]);
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => (event.preventDefault(), document.getElementById("content")?.focus())}>{words.skip}</a>
      <header class="head">
        <a class="brand" href={to(open[0] ?? "")}><img src={icon} alt="" />trackerd <span>{site.value?.name}</span></a>
        <nav class="tabs" aria-label={words.menu}>
          {open.map((one) => (
            <a key={one} href={to(one)} {...(one === page ? { "aria-current": "page" as const } : {})}><Icon name={one} />{words.pages[one]}</a>
          ))}
        </nav>
        <span class="grow" />
        {who.role !== "warden" && <Link />}
        <Choices who={who} />
      </header>
      {who.demo ? <p class="band">{words.demo}</p> : <span />}
      <Page key={page} />
    </>
  );
}

function Link() {
  const words = w.value;
  return (
    <>
      <span class={`link ${link.value}`} role="status" title={words.linkLong[link.value]}><i />{words.link[link.value]}</span>
      <time class="time">{seconds(now.value)}</time>
    </>
  );
}

function Choices({ who }: { who: Session }) {
  const words = w.value;
  return (
    <details class="who">
      <summary>{who.name} <span aria-hidden="true">▾</span></summary>
      <div>
        <p><strong>{who.name}</strong> <span class="soft">{who.role && words.roles[who.role]}</span></p>
        <label>
          {words.chooseLanguage}
          <select value={language.value} onChange={(event) => choose(event.currentTarget.value as Language)}>
            {LANGUAGES.map((one) => <option key={one} value={one} lang={one}>{ALL[one].language}</option>)}
          </select>
        </label>
        <button type="button" onClick={turn}>{{ auto: "◐", light: "☼", dark: "☾" }[theme.value]} {words.theme[theme.value]}</button>
        <button type="button" onClick={() => void signOut()}>{words.signOut}</button>
      </div>
    </details>
  );
}
