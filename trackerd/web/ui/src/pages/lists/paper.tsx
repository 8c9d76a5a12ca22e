// A report as the daemon writes it, in the page's clothes. What must stay true here: its own rules of style and whatever
// could run stay out; what remains is headings, lists and tables.
import { useEffect, useRef } from "preact/hooks";

export function Paper({ html }: { html: string }) {
  const self = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const read = new DOMParser().parseFromString(html.replace(/<style>[^]*?<\/style>/g, ""), "text/html");
    for (const one of read.querySelectorAll("script, style, link, meta, iframe, object")) one.remove();
    const title = read.querySelector("h1");
    if (title) title.outerHTML = `<h2>${title.innerHTML}</h2>`;
    self.current?.replaceChildren(...[...read.body.children].map((one) => document.importNode(one, true)));
  }, [html]);
  return <div class="paper" ref={self} />;
}
