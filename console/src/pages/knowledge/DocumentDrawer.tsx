// One document: its passages as the assistant sees them, and its versions.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RefreshCw, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Document } from "~/api/schema";
import { useMe, useNames } from "~/parts/me";
import { dateOf, midnight, moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, cx, Dialog, Notice, Spinner, TextField } from "~/parts/ui";
import { useLanguage } from "~/words";
import { size, StatusBadge, ValidityBadge } from "./Documents";

export function DocumentDrawer({ id, passage, onClose }: { id: string | undefined; passage: string | undefined; onClose: () => void }) {
  const { w } = useLanguage();
  const doc = useQuery({ ...queries.document(id ?? ""), enabled: id !== undefined });
  return (
    <Dialog open={id !== undefined} onOpenChange={(o) => !o && onClose()} title={doc.data?.title ?? w.knowledge.document} description={doc.data?.source} side>
      {id && doc.isPending && <Spinner />}
      {doc.isError && <Notice tone="danger">{doc.error.message}</Notice>}
      {id && doc.data && <Content id={id} passage={passage} onClose={onClose} />}
    </Dialog>
  );
}

function Content({ id, passage, onClose }: { id: string; passage: string | undefined; onClose: () => void }) {
  const { w, language } = useLanguage();
  const me = useMe();
  const names = useNames();
  const toast = useToast();
  const cache = useQueryClient();
  const d = useQuery(queries.document(id)).data;
  const versions = useQuery(queries.versions(id)).data ?? [];
  const pages = useInfiniteQuery(queries.passages(id));
  const passages = pages.data?.pages.flat() ?? [];
  const [sure, setSure] = useState(false);
  const found = passages.some((p) => p.id === passage);
  // The passage that was asked for may stand on a later page.
  useEffect(() => {
    if (passage && !found && pages.hasNextPage && !pages.isFetchingNextPage) void pages.fetchNextPage();
    if (found) document.getElementById(`passage-${passage}`)?.scrollIntoView({ block: "center" });
  }, [passage, found, pages]);
  const again = useMutation({
    mutationFn: () => said(api.POST("/api/documents/{id}/ingest", { params: { path: { id } } })),
    onSuccess: () => {
      toast.done(w.knowledge.againDone);
      void cache.invalidateQueries({ queryKey: ["document", id] });
    },
    onError: toast.failed,
  });
  const schedule = useMutation({
    mutationFn: (every: "daily" | "weekly" | null) => said(api.PUT("/api/documents/{id}/schedule", { params: { path: { id } }, body: { every } })),
    onSuccess: (now) => cache.setQueryData(queries.document(id).queryKey, now),
    onError: toast.failed,
  });
  const [compared, setCompared] = useState<number>();
  const restore = useMutation({
    mutationFn: (version: number) => said(api.POST("/api/documents/{id}/versions/{version}/restore", { params: { path: { id, version } } })),
    onSuccess: () => {
      toast.done(w.desk.versions.restored);
      void cache.invalidateQueries({ queryKey: ["document", id] });
      void cache.invalidateQueries({ queryKey: ["documents"] });
    },
    onError: toast.failed,
  });
  const remove = useMutation({
    mutationFn: () => api.DELETE("/api/documents/{id}", { params: { path: { id } } }),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["documents"] });
      void cache.invalidateQueries({ queryKey: ["bases"] });
      onClose();
    },
    onError: toast.failed,
  });
  if (!d) return null;
  return (
    <div className="space-y-5 text-[13px]">
      <div className="flex flex-wrap items-center gap-2">
        <StatusBadge d={d} />
        <ValidityBadge d={d} />
        <Badge>{w.knowledge.passagesOf(d.chunk_count)}</Badge>
        <Badge>{size(d.file_size)}</Badge>
        <Badge>{d.file_type}</Badge>
        {d.language && <Badge>{w.languages[d.language]}</Badge>}
        <span className="flex-1" />
        {me.may("knowledge:write") && (
          <>
            <Button size="sm" busy={again.isPending} onClick={() => again.mutate()}><RefreshCw size={13} aria-hidden /> {w.knowledge.again}</Button>
            <Button size="sm" look="danger" onClick={() => setSure(true)}><Trash2 size={13} aria-hidden /> {w.delete}</Button>
          </>
        )}
      </div>
      {d.error_message && <Notice tone="danger" role="alert">{d.error_message}</Notice>}
      {/^https?:\/\//.test(d.source) && (
        <section className="space-y-2">
          <h3 className="font-semibold">{w.desk.crawl.title}</h3>
          <div className="flex flex-wrap items-center gap-2">
            <select aria-label={w.desk.crawl.title} value={d.crawl_every ?? ""} disabled={!me.may("knowledge:write") || schedule.isPending} onChange={(e) => schedule.mutate((e.target.value || null) as "daily" | "weekly" | null)} className="h-8 rounded-md border border-strong bg-panel px-2">
              <option value="">{w.desk.crawl.never}</option>
              <option value="daily">{w.desk.crawl.daily}</option>
              <option value="weekly">{w.desk.crawl.weekly}</option>
            </select>
            {d.crawl_at && <span className="text-muted">{w.desk.crawl.next(moment(d.crawl_at, language))}</span>}
          </div>
          {d.crawl_error && <Notice tone="warn" role="status">{w.desk.crawl.failed} {d.crawl_error}</Notice>}
        </section>
      )}
      <Validity d={d} />
      <section>
        <h3 className="mb-2 font-semibold">{w.knowledge.versions}</h3>
        <ul className="space-y-1">
          {versions.map((v) => (
            <li key={v.id} className="flex flex-wrap items-center gap-x-2">
              <span className="w-8 tabular-nums">v{v.version}</span>
              {v.version === d.current_version ? <Badge tone="ok">{w.knowledge.current}</Badge> : <StatusBadge d={v} />}
              <span className="text-muted">{moment(v.created_at, language)}</span>
              <span className="truncate text-muted">{names(v.created_by)}</span>
              {v.error_message && <span className="truncate text-danger">{v.error_message}</span>}
              <span className="flex-1" />
              {v.version > 1 && <Button size="sm" look="quiet" onClick={() => setCompared(v.version)}>{w.desk.versions.changes}</Button>}
              {me.may("knowledge:write") && v.version !== d.version && <Button size="sm" look="quiet" busy={restore.isPending && restore.variables === v.version} onClick={() => restore.mutate(v.version)}>{w.desk.versions.restore}</Button>}
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h3 className="mb-2 font-semibold">{w.knowledge.passages}</h3>
        {pages.isPending && <Spinner />}
        <ol className="space-y-2">
          {passages.map((p) => (
            <li key={p.id} id={`passage-${p.id}`} className={cx("rounded-md border p-3", p.id === passage ? "border-accent bg-accent-soft" : "border-line")}>
              <p className="mb-1 flex gap-2 text-xs text-muted"><span className="tabular-nums">{p.chunk_index + 1}</span><span className="min-w-0 flex-1 truncate">{p.heading_path.join(" › ")}</span><span>{w.knowledge.tokens(p.token_count)}</span></p>
              <p className="break-words whitespace-pre-wrap">{p.content}</p>
            </li>
          ))}
        </ol>
        {pages.hasNextPage && <Button className="mt-2" size="sm" busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>{w.more}</Button>}
      </section>
      {compared !== undefined && <Changes id={id} to={compared} onClose={() => setCompared(undefined)} />}
      <Dialog open={sure} onOpenChange={setSure} title={w.delete} description={w.knowledge.deleteConfirm(d.title)}>
        <div className="flex justify-end gap-2"><Button onClick={() => setSure(false)}>{w.cancel}</Button><Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>{w.delete}</Button></div>
      </Dialog>
    </div>
  );
}

/** From which day through which day a document holds. */
function Validity({ d }: { d: Document }) {
  const { w } = useLanguage();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  // What is kept is the instant at which it ends; people think of the last day.
  const shown = { from: d.valid_from ? dateOf(d.valid_from) : "", until: d.valid_until ? dateOf(new Date(Date.parse(d.valid_until) - 1)) : "" };
  const [edited, setEdited] = useState<typeof shown>();
  const now = edited ?? shown;
  const save = useMutation({
    mutationFn: () => {
      const body = { valid_from: now.from ? midnight(now.from) : null, valid_until: now.until ? midnight(now.until, 1) : null };
      return said(api.PATCH("/api/documents/{id}", { params: { path: { id: d.id } }, body }));
    },
    onSuccess: (saved) => {
      setEdited(undefined);
      cache.setQueryData(queries.document(d.id).queryKey, saved);
      void cache.invalidateQueries({ queryKey: ["documents"] });
      toast.done(w.saved);
    },
    onError: toast.failed,
  });
  const may = me.may("knowledge:write");
  return (
    <section className="space-y-2">
      <h3 className="font-semibold">{w.desk.validity.title}</h3>
      <form className="flex flex-wrap items-end gap-2" onSubmit={(e) => { e.preventDefault(); save.mutate(); }}>
        <TextField type="date" label={w.desk.validity.from} value={now.from} max={now.until || undefined} disabled={!may} onChange={(e) => setEdited({ ...now, from: e.target.value })} />
        <TextField type="date" label={w.desk.validity.until} value={now.until} min={now.from || undefined} disabled={!may} onChange={(e) => setEdited({ ...now, until: e.target.value })} />
        {edited && <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>}
      </form>
      <p className="text-xs text-muted">{w.desk.validity.hint}</p>
    </section>
  );
}

/** What a version changed, line by line. */
function Changes({ id, to, onClose }: { id: string; to: number; onClose: () => void }) {
  const { w } = useLanguage();
  const found = useQuery(queries.changes(id, to - 1, to));
  const c = found.data;
  const looks = { added: "bg-ok-soft text-ok", removed: "bg-danger-soft text-danger", same: "", skipped: "text-muted italic" } as const;
  const signs = { added: "+", removed: "−", same: " ", skipped: "⋯" } as const;
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={w.desk.versions.title(to - 1, to)} description={c && w.desk.versions.counts(c.added, c.removed)} wide>
      {found.isPending && <Spinner />}
      {found.isError && <Notice tone="danger" role="alert">{found.error.message}</Notice>}
      {c && c.lines.length === 0 && <p className="text-[13px] text-muted">{w.desk.versions.same}</p>}
      {c && c.lines.length > 0 && (
        <div className="overflow-hidden rounded-lg border border-line text-[13px]">
          {c.lines.map((l, i) => (
            <p key={i} className={cx("flex gap-2 px-2 py-0.5", looks[l.change])}><span aria-hidden className="w-3 shrink-0 text-center">{signs[l.change]}</span><span className="min-w-0 break-words whitespace-pre-wrap">{l.change === "skipped" ? w.desk.versions.skipped : l.text || "\u00a0"}</span></p>
          ))}
        </div>
      )}
      {c?.is_cut && <p className="mt-2 text-xs text-muted">{w.desk.versions.cut}</p>}
    </Dialog>
  );
}
