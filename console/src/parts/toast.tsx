// Short messages at the edge of the window: what went wrong, what was done.
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";
import { X } from "lucide-react";
import { Failure } from "~/api/client";
import { useWords } from "~/words";
import { cx } from "./ui";

type Toast = { id: number; text: string; bad: boolean };
type Say = { done: (text: string) => void; failed: (error: unknown) => void };
const Context = createContext<Say>({ done: () => {}, failed: () => {} });
export const useToast = () => useContext(Context);

export function ToastProvider({ children }: { children: ReactNode }) {
  const w = useWords();
  const [toasts, set] = useState<Toast[]>([]);
  const next = useRef(1);
  const drop = useCallback((id: number) => set((all) => all.filter((t) => t.id !== id)), []);
  const add = useCallback(
    (text: string, bad: boolean) => {
      const id = next.current++;
      set((all) => [...all.slice(-3), { id, text, bad }]);
      setTimeout(() => drop(id), bad ? 8000 : 3500);
    },
    [drop],
  );
  const say = useMemo<Say>(
    () => ({
      done: (text) => add(text, false),
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
            <button type="button" aria-label={w.close} onClick={() => drop(t.id)} className="shrink-0"><X size={14} aria-hidden /></button>
          </div>
        ))}
      </div>
    </Context>
  );
}
