// What the assistant knows: documents, FAQs, trying it out, what is missing, and what is remembered beyond any one customer.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { MoreHorizontal, Pencil, Plus, RefreshCw, Trash2 } from "lucide-react";
import { type FormEvent, lazy, Suspense, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { KnowledgeBase } from "~/api/schema";
import { useMe } from "~/parts/me";
import { useToast } from "~/parts/toast";
import { AreaField, Badge, Button, Dialog, Empty, Menu, MenuItem, MenuLine, Select, Spinner, Tabs, TextField, straight } from "~/parts/ui";
import { useWords } from "~/words";
import { DocumentDrawer } from "./DocumentDrawer";
import { Documents } from "./Documents";

const Faqs = lazy(() => import("./Faqs").then((m) => ({ default: m.Faqs })));
const Playground = lazy(() => import("./Playground").then((m) => ({ default: m.Playground })));
const Gaps = lazy(() => import("./Gaps").then((m) => ({ default: m.Gaps })));
const Use = lazy(() => import("./Use").then((m) => ({ default: m.Use })));
const SharedMemories = lazy(() => import("./SharedMemories").then((m) => ({ default: m.SharedMemories })));

export function Knowledge() {
  const w = useWords();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const search = useSearch({ from: "/inside/knowledge" });
  const tab = search.tab ?? "documents";
  const bases = useQuery(queries.bases()).data ?? [];
  const index = useQuery({ ...queries.index(), refetchInterval: 10_000 }).data;
  const base = bases.find((b) => b.id === search.base);
  const [edited, setEdited] = useState<KnowledgeBase | "new">();
  const may = me.may("knowledge:write");
  const reindex = useMutation({ mutationFn: () => api.POST("/api/reindex"), onSuccess: () => { toast.done(w.knowledge.reindexDone); void cache.invalidateQueries({ queryKey: ["index"] }); }, onError: toast.failed });
  const remove = useMutation({
    mutationFn: (id: string) => api.DELETE("/api/knowledge-bases/{id}", { params: { path: { id } } }),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["bases"] });
      void navigate({ to: "/knowledge", search: { ...search, base: undefined } });
    },
    onError: toast.failed,
  });
  const tabs: [string, string][] = ["documents", "faqs", "use", "playground", ...(me.may("conversation:read") ? ["gaps"] : []), ...(me.may("memory:read") ? ["memories"] : [])].filter((t) => t !== "playground" || me.may("assistant:ask")).map((t) => [t, w.knowledge.tabs[t] as string]);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <header className="flex min-h-14 shrink-0 flex-wrap items-center gap-2 bg-panel px-4 py-2">
        <h1 className="mr-auto text-base font-semibold">{w.knowledge.title}</h1>
        {index && <Badge tone={index.state === "live" ? "ok" : "warn"}>{w.knowledge.index[index.state]} · {w.knowledge.passagesOf(index.passages)}</Badge>}
        <Select aria-label={w.knowledge.base} className="w-48!" value={search.base ?? ""} onChange={(e) => void navigate({ to: "/knowledge", search: { ...search, base: e.target.value || undefined } })}>
          <option value="">{w.knowledge.allBases}</option>
          {bases.map((b) => <option key={b.id} value={b.id}>{straight(b.name)} ({b.document_count})</option>)}
        </Select>
        {may && (
          <Menu trigger={<button type="button" aria-label={w.actions} className="inline-flex size-9 items-center justify-center rounded-md border border-line text-muted hover:bg-hover"><MoreHorizontal size={16} aria-hidden /></button>}>
            <MenuItem onSelect={() => setEdited("new")}><Plus size={14} aria-hidden /> {w.knowledge.baseAdd}</MenuItem>
            {base && <MenuItem onSelect={() => setEdited(base)}><Pencil size={14} aria-hidden /> {w.knowledge.baseEdit}</MenuItem>}
            {base && <MenuItem danger onSelect={() => remove.mutate(base.id)}><Trash2 size={14} aria-hidden /> {w.delete}: {base.name}</MenuItem>}
            <MenuLine />
            <MenuItem onSelect={() => reindex.mutate()}><RefreshCw size={14} aria-hidden /> {w.knowledge.reindex}</MenuItem>
          </Menu>
        )}
      </header>
      <div className="flex min-h-0 flex-1 flex-col bg-page">
        <div className="flex min-h-0 flex-1 flex-col [&_[role=tablist]]:bg-panel">
          <Tabs label={w.knowledge.title} value={tab} onChange={(t) => void navigate({ to: "/knowledge", search: { ...search, tab: t } })} tabs={tabs}>
            <div className="mx-auto max-w-5xl p-4">
              <Suspense fallback={<Spinner />}>
                {tab === "documents" && <Documents base={search.base} onOpen={(document) => void navigate({ to: "/knowledge", search: { ...search, document } })} />}
                {tab === "faqs" && <Faqs base={search.base} />}
                {tab === "use" && <Use base={search.base} onOpen={(document, passage) => void navigate({ to: "/knowledge", search: { ...search, document, passage } })} />}
                {tab === "playground" && <Playground />}
                {tab === "gaps" && <Gaps />}
                {tab === "memories" && (me.may("memory:read") ? <SharedMemories /> : <Empty title={w.notAllowed} />)}
              </Suspense>
            </div>
          </Tabs>
        </div>
      </div>
      <DocumentDrawer id={search.document} passage={search.passage} onClose={() => void navigate({ to: "/knowledge", search: { ...search, document: undefined, passage: undefined } })} />
      {edited && <BaseDialog base={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </div>
  );
}

function BaseDialog({ base, onClose }: { base: KnowledgeBase | undefined; onClose: () => void }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const save = useMutation({
    mutationFn: (body: { name: string; description: string | null }) => (base ? said(api.PUT("/api/knowledge-bases/{id}", { params: { path: { id: base.id } }, body })) : said(api.POST("/api/knowledge-bases", { body }))),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["bases"] });
      onClose();
    },
    onError: toast.failed,
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    save.mutate({ name: String(form.get("name")), description: String(form.get("description") ?? "").trim() || null });
  }
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={base ? w.knowledge.baseEdit : w.knowledge.baseAdd}>
      <form onSubmit={submit} className="space-y-3">
        <TextField name="name" label={w.name} required maxLength={200} defaultValue={base?.name} />
        <AreaField name="description" label={w.knowledge.baseDescription} rows={3} defaultValue={base?.description ?? ""} hint={base && w.knowledge.baseDeleteHint} />
        <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
      </form>
    </Dialog>
  );
}
