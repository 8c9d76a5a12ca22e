// The beginning: who is it, and then the pages.
import "@fontsource-variable/atkinson-hyperlegible-next";
import "./app.css";
import { render } from "preact";
import { App } from "./app";

render(<App />, document.getElementById("app") as HTMLElement);
