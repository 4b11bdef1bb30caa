// Files that an agent sends along: chosen, dropped or pasted, shown before they go, with how far they have come.
import { FileText, Paperclip, X } from "lucide-react";
import { type ClipboardEvent, type DragEvent, useEffect, useRef, useState } from "react";
import { postForm } from "~/api/form";
import { cx, Tip } from "~/parts/ui";
import { useWords } from "~/words";

const LIMIT = 100 * 1024 * 1024;
const AT_ONCE = 10;

/** A file on its way; the key stays the same until the server has it. */
export type Chosen = { key: string; file: File; preview?: string; sent?: number };

export const sizeOf = (bytes: number) => (bytes >= 1024 * 1024 ? `${(bytes / 1024 / 1024).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1024))} KB`);

export function useAttachments(conversation: string) {
  const { files: t } = useWords();
  const [chosen, set] = useState<Chosen[]>([]);
  const [faults, setFaults] = useState<string[]>([]);
  const all = useRef(chosen);
  all.current = chosen;
  useEffect(() => () => all.current.forEach((c) => c.preview && URL.revokeObjectURL(c.preview)), []);

  const add = (files: Iterable<File>) => {
    const found: string[] = [];
    const next = [...all.current];
    for (const file of files) {
      if (next.length >= AT_ONCE) found.push(t.many(AT_ONCE));
      else if (file.size === 0) found.push(t.empty(file.name));
      else if (file.size > LIMIT) found.push(t.tooLarge(file.name));
      else next.push({ key: crypto.randomUUID(), file, preview: file.type.startsWith("image/") ? URL.createObjectURL(file) : undefined });
    }
    set(next);
    setFaults([...new Set(found)]);
  };
  const remove = (key: string) => {
    const gone = all.current.find((c) => c.key === key);
    if (gone?.preview) URL.revokeObjectURL(gone.preview);
    set((now) => now.filter((c) => c.key !== key));
  };

  /** Sends everything, one by one; `text` and what is answered go with the first. What was not sent stays. */
  const send = async (text: string, version: number, answered = "") => {
    for (const [i, c] of all.current.entries()) {
      const told = (sent: number) => set((now) => now.map((other) => (other.key === c.key ? { ...other, sent } : other)));
      try {
        await upload(conversation, c, i === 0 ? { text, version: String(version), reply_to: answered } : {}, told);
      } catch (error) {
        told(0);
        throw error;
      }
      remove(c.key);
    }
  };

  const onPaste = (e: ClipboardEvent) => {
    const pasted = [...e.clipboardData.files];
    if (pasted.length === 0) return;
    e.preventDefault();
    add(pasted);
  };
  return { chosen, faults, add, remove, send, onPaste };
}

function upload(conversation: string, { key, file }: Chosen, fields: Record<string, string>, told: (sent: number) => void) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...fields, idempotency_key: key })) if (value) form.append(name, value);
  form.append("file", file, file.name);
  return postForm<unknown>(`/api/conversations/${conversation}/files`, form, told);
}

type Attachments = ReturnType<typeof useAttachments>;

export function AttachButton({ to, disabled }: { to: Attachments; disabled: boolean }) {
  const { files: t } = useWords();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Tip text={t.attach} side="top">
        <button type="button" aria-label={t.attach} disabled={disabled} onClick={() => input.current?.click()} className="inline-flex size-7 items-center justify-center rounded-md text-muted hover:bg-hover disabled:opacity-45"><Paperclip size={15} aria-hidden /></button>
      </Tip>
      <input ref={input} type="file" multiple hidden data-attach onChange={(e) => { to.add(e.target.files ?? []); e.target.value = ""; }} />
    </>
  );
}

/** What was chosen, above the text. */
export function AttachedFiles({ of }: { of: Attachments }) {
  const { files: t } = useWords();
  return (
    <>
      {of.faults.map((fault) => <p key={fault} role="alert" className="mb-1 text-xs text-danger">{fault}</p>)}
      {of.chosen.length > 0 && (
        <ul aria-label={t.chosen} className="mb-2 flex flex-wrap gap-1.5">
          {of.chosen.map((c) => {
            const name = c.file.name || t.picture;
            return (
              <li key={c.key} className="relative flex max-w-64 items-center gap-2 overflow-hidden rounded-lg border border-line bg-sunken py-1 pr-1 pl-2 text-xs">
                {c.preview ? <img src={c.preview} alt="" className="-ml-1 size-9 rounded-md object-cover" /> : <FileText size={16} aria-hidden className="shrink-0 text-muted" />}
                <span className="min-w-0"><span className="block truncate">{name}</span><span className="text-muted">{sizeOf(c.file.size)}</span></span>
                {c.sent === undefined || c.sent === 0 ? (
                  <button type="button" aria-label={t.remove(name)} onClick={() => of.remove(c.key)} className="inline-flex size-7 shrink-0 items-center justify-center rounded-md text-muted hover:bg-hover"><X size={14} aria-hidden /></button>
                ) : (
                  <progress max={1} value={c.sent} aria-label={t.sending(name, Math.round(c.sent * 100))} className="h-1.5 w-16" />
                )}
              </li>
            );
          })}
        </ul>
      )}
    </>
  );
}

/** Whether files are being dragged over an element, and what to hang on it. */
export function useDrop(drop: (files: FileList) => void, disabled: boolean) {
  const [over, set] = useState(false);
  const depth = useRef(0);
  const carries = (e: DragEvent) => !disabled && e.dataTransfer.types.includes("Files");
  const props = {
    onDragEnter: (e: DragEvent) => { if (carries(e)) { depth.current++; set(true); } },
    onDragLeave: (e: DragEvent) => { if (carries(e) && --depth.current <= 0) set(false); },
    onDragOver: (e: DragEvent) => { if (carries(e)) e.preventDefault(); },
    onDrop: (e: DragEvent) => {
      depth.current = 0;
      set(false);
      if (!carries(e)) return;
      e.preventDefault();
      drop(e.dataTransfer.files);
    },
  };
  return { over, props };
}

export function DropHint({ on }: { on: boolean }) {
  const { files: t } = useWords();
  return <div aria-hidden className={cx("pointer-events-none absolute inset-1 z-10 items-center justify-center rounded-lg border-2 border-dashed border-accent bg-panel/90 text-sm font-medium text-accent-text", on ? "flex" : "hidden")}>{t.drop}</div>;
}
