// Documents: dropped here, read by the server, searched by the assistant.
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { FileText, FileUp, Globe, Loader2, X } from "lucide-react";
import { type DragEvent, type FormEvent, useRef, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Document } from "~/api/schema";
import { useMe } from "~/parts/me";
import { ago, date } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, cx, Dialog, Empty, Spinner, Table, TextField } from "~/parts/ui";
import { named, useLanguage, useWords } from "~/words";
import { useUploads } from "./upload";

const ACCEPTED = ".pdf,.docx,.xlsx,.pptx,.csv,.html,.htm,.md,.markdown,.txt";

export function size(bytes: number | null | undefined): string {
  if (bytes == null) return "–";
  return bytes < 1024 ? `${bytes} B` : bytes < 1 << 20 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / (1 << 20)).toFixed(1)} MB`;
}

export function StatusBadge({ d }: { d: { processing_status: Document["processing_status"]; error_message?: string | null } }) {
  const w = useWords();
  const status = d.processing_status as string;
  const busy = status !== "completed" && status !== "failed";
  return <Badge tone={status === "completed" ? "ok" : status === "failed" ? "danger" : "accent"}>{busy && <Loader2 size={11} className="animate-spin" aria-hidden />}{named(w.knowledge.status, status)}</Badge>;
}

/** Whether a document holds now, where it does not hold for ever. */
export function ValidityBadge({ d }: { d: Pick<Document, "valid_from" | "valid_until"> }) {
  const { w, language } = useLanguage();
  const now = Date.now();
  if (d.valid_until && Date.parse(d.valid_until) <= now) return <Badge tone="danger">{w.desk.validity.expired}</Badge>;
  if (d.valid_from && Date.parse(d.valid_from) > now) return <Badge tone="warn">{w.desk.validity.notYet(date(d.valid_from, language))}</Badge>;
  if (d.valid_until) return <Badge>{w.desk.validity.ends(date(new Date(Date.parse(d.valid_until) - 1).toISOString(), language))}</Badge>;
  return null;
}

export function Documents({ base, onOpen }: { base: string | undefined; onOpen: (id: string) => void }) {
  const { w, language } = useLanguage();
  const me = useMe();
  const may = me.may("knowledge:write");
  const list = useInfiniteQuery({
    ...queries.documents({ kb_id: base }),
    // The server tells what changed; while something is being read we also look, in case the line is down.
    refetchInterval: (q) => (q.state.data?.pages.some((p) => p.items.some((d) => d.processing_status !== "completed" && d.processing_status !== "failed")) ? 2000 : false),
  });
  const all = list.data?.pages.flatMap((p) => p.items) ?? [];
  const { uploads, add, drop } = useUploads(base);
  const [over, setOver] = useState(false);
  const [url, setUrl] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const depth = useRef(0);
  const dropped = (e: DragEvent) => {
    e.preventDefault();
    depth.current = 0;
    setOver(false);
    if (may) add(e.dataTransfer.files);
  };
  return (
    <div onDragEnter={(e) => { e.preventDefault(); depth.current++; setOver(true); }} onDragOver={(e) => e.preventDefault()} onDragLeave={() => { if (--depth.current <= 0) setOver(false); }} onDrop={dropped} className="space-y-4">
      {may && (
        <div className={cx("flex flex-wrap items-center gap-3 rounded-lg border-2 border-dashed p-4 transition-colors", over ? "border-accent bg-accent-soft" : "border-line bg-panel")}>
          <FileUp size={22} className="text-muted" aria-hidden />
          <div className="min-w-0 flex-1 basis-60"><p className="font-medium">{w.knowledge.drop}</p><p className="text-xs text-muted">{w.knowledge.dropHint}</p></div>
          <input ref={input} type="file" multiple accept={ACCEPTED} hidden onChange={(e) => { add(e.target.files ?? []); e.target.value = ""; }} data-upload />
          <Button onClick={() => input.current?.click()}>{w.knowledge.choose}</Button>
          <Button onClick={() => setUrl(true)}><Globe size={14} aria-hidden /> {w.knowledge.addUrl}</Button>
        </div>
      )}
      {uploads.length > 0 && (
        <ul aria-live="polite" className="space-y-1.5">
          {uploads.map((u) => (
            <li key={u.key} className="flex items-center gap-3 rounded-md border border-line bg-panel px-3 py-2 text-[13px]">
              <span className="min-w-0 flex-1 truncate">{u.name}</span>
              {u.problem ? <span className="text-danger">{u.problem}</span> : u.outcome ? <Badge tone="ok">{named(w.knowledge.outcome, u.outcome)}</Badge> : <progress value={u.sent} max={1} aria-label={`${w.knowledge.uploading}: ${u.name}`} className="h-1.5 w-32 accent-accent" />}
              {u.problem && <button type="button" aria-label={w.close} onClick={() => drop(u.key)}><X size={14} aria-hidden /></button>}
            </li>
          ))}
        </ul>
      )}
      {list.isPending ? (
        <Spinner />
      ) : all.length === 0 ? (
        <Empty title={w.knowledge.none} icon={<FileText size={28} aria-hidden />}>{w.knowledge.noneHint}</Empty>
      ) : (
        <Table label={w.knowledge.tabs.documents ?? ""} head={[w.knowledge.document, "", w.knowledge.passages, w.knowledge.size, w.knowledge.version, w.knowledge.updated]}>
          {all.map((d) => (
            <tr key={d.id} className="hover:bg-hover">
              <td className="max-w-96"><button type="button" onClick={() => onOpen(d.id)} className="block w-full text-left"><span className="block truncate font-medium hover:underline">{d.title}</span><span className="block truncate text-xs text-muted">{d.source}</span></button></td>
              <td><span className="flex flex-wrap gap-1"><StatusBadge d={d} /><ValidityBadge d={d} /></span>{d.error_message && <span className="block max-w-60 text-xs text-danger">{d.error_message}</span>}</td>
              <td className="tabular-nums">{d.chunk_count}</td>
              <td className="whitespace-nowrap">{size(d.file_size)}</td>
              <td className="tabular-nums">{d.version}</td>
              <td className="whitespace-nowrap text-muted">{ago(d.updated_at, language)}</td>
            </tr>
          ))}
        </Table>
      )}
      {list.hasNextPage && <div className="text-center"><Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{w.more}</Button></div>}
      {url && <UrlDialog base={base} onClose={() => setUrl(false)} />}
    </div>
  );
}

function UrlDialog({ base, onClose }: { base: string | undefined; onClose: () => void }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const add = useMutation({
    mutationFn: (url: string) => said(api.POST("/api/documents/url", { body: { url, kb_id: base } })),
    onSuccess: (added) => {
      toast.done(named(w.knowledge.outcome, added.outcome));
      void cache.invalidateQueries({ queryKey: ["documents"] });
      onClose();
    },
    onError: toast.failed,
  });
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={w.knowledge.addUrl}>
      <form className="space-y-3" onSubmit={(e: FormEvent<HTMLFormElement>) => { e.preventDefault(); add.mutate(String(new FormData(e.currentTarget).get("url"))); }}>
        <TextField name="url" type="url" label={w.knowledge.url} placeholder="https://" required />
        <Button type="submit" look="primary" busy={add.isPending}>{w.add}</Button>
      </form>
    </Dialog>
  );
}
