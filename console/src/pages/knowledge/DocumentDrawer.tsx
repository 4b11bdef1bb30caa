// One document: its passages as the assistant sees them, and its versions.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RefreshCw, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import { useMe, useNames } from "~/parts/me";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, cx, Dialog, Notice, Spinner } from "~/parts/ui";
import { useLanguage } from "~/words";
import { size, StatusBadge } from "./Documents";

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
      <section>
        <h3 className="mb-2 font-semibold">{w.knowledge.versions}</h3>
        <ul className="space-y-1">
          {versions.map((v) => (
            <li key={v.id} className="flex items-center gap-2">
              <span className="w-8 tabular-nums">v{v.version}</span>
              {v.version === d.current_version ? <Badge tone="ok">{w.knowledge.current}</Badge> : <StatusBadge d={v} />}
              <span className="text-muted">{moment(v.created_at, language)}</span>
              <span className="truncate text-muted">{names(v.created_by)}</span>
              {v.error_message && <span className="truncate text-danger">{v.error_message}</span>}
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
      <Dialog open={sure} onOpenChange={setSure} title={w.delete} description={w.knowledge.deleteConfirm(d.title)}>
        <div className="flex justify-end gap-2"><Button onClick={() => setSure(false)}>{w.cancel}</Button><Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>{w.delete}</Button></div>
      </Dialog>
    </div>
  );
}
