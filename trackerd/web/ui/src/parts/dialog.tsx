// A dialogue: the browser's own, so that the keyboard, the focus and a reader find their way.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { w } from "../words";
import { Said } from "./said";

interface Shown {
  title: string;
  go: string;
  /** What is done; what it throws is shown and the dialogue stays. */
  act: (form: FormData) => Promise<void>;
  close: () => void;
  danger?: boolean;
  children?: ComponentChildren;
}

export function Dialog({ title, go, act, close, danger, children }: Shown) {
  const self = useRef<HTMLDialogElement>(null);
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => self.current?.showModal(), []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await act(new FormData(event.target as HTMLFormElement));
      close();
    } catch (caught) {
      setFault(caught);
      setBusy(false);
    }
  };
  return (
    <dialog ref={self} onClose={close} aria-labelledby="dialog-title">
      <form onSubmit={(event) => void submit(event as unknown as SubmitEvent)}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        <Said fault={fault} />
        <div class="foot">
          <button type="button" onClick={close}>{w.value.common.cancel}</button>
          <button type="submit" class={danger ? "danger" : "main"} disabled={busy}>{go}</button>
        </div>
      </form>
    </dialog>
  );
}
