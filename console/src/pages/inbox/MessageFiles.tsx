// What came or went with a message, and the emojis on it.
import { FileText, FileX } from "lucide-react";
import type { Message, MessageFile } from "~/api/schema";
import { useWords } from "~/words";
import { sizeOf } from "./attach";

export function MessageFiles({ m }: { m: Message }) {
  if (m.files.length > 0) return <>{m.files.map((f) => <File key={f.id} f={f} kind={m.content_type} />)}</>;
  // Platforms may only name an address.
  return m.media_url && /^https?:/.test(m.media_url) ? <Shown url={m.media_url} kind={m.content_type} name="" /> : null;
}

function File({ f, kind }: { f: MessageFile; kind: string }) {
  const { files: t } = useWords();
  if (f.url) return <Shown url={f.url} kind={(f.content_type ?? kind).split("/")[0] ?? kind} name={f.name} size={f.size_bytes ?? undefined} />;
  const state = { waiting: t.waiting, failed: t.failed, deleted: t.deleted }[f.status] ?? f.status;
  return <p className="mb-1 flex items-center gap-1.5 italic opacity-80"><FileX size={14} aria-hidden /> {f.name && <><bdi>{f.name}</bdi> · </>}{state}</p>;
}

function Shown({ url, kind, name, size }: { url: string; kind: string; name: string; size?: number }) {
  const { files: t } = useWords();
  const label = t.open(name || t.picture);
  if (kind === "image" || kind === "sticker") return <a href={url} target="_blank" rel="noreferrer noopener" aria-label={label}><img src={url} alt={name} loading="lazy" className="mb-1 max-h-72 rounded-lg bg-panel" /></a>;
  if (kind === "audio" || kind === "voice") return <audio controls preload="none" src={url} aria-label={name} className="mb-1 max-w-full" />;
  if (kind === "video") return <video controls preload="metadata" src={url} aria-label={name} className="mb-1 max-h-72 rounded-lg" />;
  return (
    <a href={url} target="_blank" rel="noreferrer noopener" aria-label={label} className="mb-1 flex items-center gap-2">
      <FileText size={18} aria-hidden className="shrink-0" />
      <span className="min-w-0 break-words underline underline-offset-2">{name || kind}</span>
      {size !== undefined && <span className="shrink-0 text-xs opacity-80">{sizeOf(size)}</span>}
    </a>
  );
}

/** Emojis on a message, the customer's and ours. */
export function Reactions({ m }: { m: Message }) {
  const { files: t } = useWords();
  const data = (m.metadata ?? {}) as { reactions?: Record<string, string>; reaction_error?: string };
  const all = Object.entries(data.reactions ?? {});
  return (
    <>
      {all.length > 0 && (
        <ul aria-label={t.reactions} className="-mt-1 flex gap-1 px-2">
          {all.map(([who, emoji]) => <li key={who} title={who === "agent" ? t.byUs(emoji) : t.byCustomer(emoji)} className="rounded-full border border-line bg-panel px-1.5 text-sm leading-6">{emoji}</li>)}
        </ul>
      )}
      {data.reaction_error && <p className="px-1 text-xs text-danger">{t.notReacted(data.reaction_error)}</p>}
    </>
  );
}
