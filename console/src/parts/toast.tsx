// Short messages at the edge of the window: what went wrong, what was done.
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";
import { X } from "lucide-react";
import { Failure } from "~/api/client";
import { useWords } from "~/words";
import { cx } from "./ui";

/** What can be done about it, while it is shown. */
type Action = { label: string; run: () => void };
type Toast = { id: number; text: string; bad: boolean; action?: Action };
type Say = { done: (text: string, action?: Action) => void; failed: (error: unknown) => void };
const Context = createContext<Say>({ done: () => {}, failed: () => {} });
export const useToast = () => useContext(Context);

export function ToastProvider({ children }: { children: ReactNode }) {
  const w = useWords();
  const [toasts, set] = useState<Toast[]>([]);
  const next = useRef(1);
  const drop = useCallback((id: number) => set((all) => all.filter((t) => t.id !== id)), []);
  const add = useCallback(
    (text: string, bad: boolean, action?: Action) => {
      const id = next.current++;
      set((all) => [...all.slice(-3), { id, text, bad, action }]);
      setTimeout(() => drop(id), bad || action ? 8000 : 3500);
    },
    [drop],
  );
  const say = useMemo<Say>(
    () => ({
      done: (text, action) => add(text, false, action),
      failed: (error) => {
        if (error instanceof Failure && error.isSignedOut) return;
        add(error instanceof Failure ? error.message : w.offline, true);
      },
    }),
    [add, w],
  );
  return (
    <Context value={say}>
      {children}
      <div aria-live="polite" className="pointer-events-none fixed right-3 bottom-3 left-3 z-[60] flex flex-col items-end gap-2 sm:left-auto">
        {toasts.map((t) => (
          <div key={t.id} className={cx("fade-in pointer-events-auto flex max-w-sm items-start gap-2 rounded-lg border px-3 py-2 text-[13px] shadow-lg", t.bad ? "border-danger bg-danger-soft text-danger" : "border-line bg-panel")}>
            <span className="min-w-0 flex-1 break-words">{t.text}</span>
            {t.action && <button type="button" className="shrink-0 font-medium text-accent-text underline" onClick={() => { t.action?.run(); drop(t.id); }}>{t.action.label}</button>}
            <button type="button" aria-label={w.close} onClick={() => drop(t.id)} className="shrink-0"><X size={14} aria-hidden /></button>
          </div>
        ))}
      </div>
    </Context>
  );
}
