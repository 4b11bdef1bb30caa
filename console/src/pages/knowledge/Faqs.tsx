// Questions whose answers somebody wrote: they come before what the documents say.
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Download, HelpCircle, Pencil, Plus, Trash2, Upload } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Faq } from "~/api/schema";
import { download, fromCsv, toCsv } from "~/parts/csv";
import { useMe } from "~/parts/me";
import { useToast } from "~/parts/toast";
import { AreaField, Badge, Button, Card, Check, Dialog, Empty, IconButton, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";

export function Faqs({ base }: { base: string | undefined }) {
  const w = useWords();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const may = me.may("knowledge:write");
  const pages = useInfiniteQuery(queries.faqs(base));
  const all = pages.data?.pages.flatMap((p) => p.items) ?? [];
  const [edited, setEdited] = useState<Faq | "new">();
  const input = useRef<HTMLInputElement>(null);
  const stale = () => void cache.invalidateQueries({ queryKey: ["faqs"] });
  const remove = useMutation({ mutationFn: (id: string) => api.DELETE("/api/faqs/{id}", { params: { path: { id } } }), onSuccess: stale, onError: toast.failed });
  const load = useMutation({
    mutationFn: async (file: File) => {
      const [head, ...rows] = fromCsv(await file.text());
      const column = (...names: string[]) => (head ?? []).findIndex((h) => names.includes(h.trim().toLowerCase()));
      const [q, a, k] = [column("question", "问题"), column("answer", "答案"), column("category", "分类")];
      if (q < 0 || a < 0) throw new TypeError(w.knowledge.importBad);
      let n = 0;
      for (const row of rows) {
        if (!row[q]?.trim() || !row[a]?.trim()) continue;
        await said(api.POST("/api/faqs", { body: { question: row[q], answer: row[a], category: row[k] || null, kb_id: base } }));
        n++;
      }
      return n;
    },
    onSuccess: (n) => toast.done(w.knowledge.imported(n)),
    onError: (e) => (e instanceof TypeError ? toast.done(e.message) : toast.failed(e)),
    onSettled: stale,
  });
  const save = useMutation({
    mutationFn: async () => {
      const rows: Faq[] = [];
      let cursor: string | undefined;
      do {
        const page = await said(api.GET("/api/faqs", { params: { query: { kb_id: base, cursor, limit: 200 } } }));
        rows.push(...page.items);
        cursor = page.next ?? undefined;
      } while (cursor);
      return rows;
    },
    onSuccess: (rows) => download("faqs.csv", toCsv([["question", "answer", "category", "language", "use_count"], ...rows.map((f) => [f.question, f.answer, f.category, f.language, f.use_count])])),
    onError: toast.failed,
  });
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap justify-end gap-2">
        <Button busy={save.isPending} onClick={() => save.mutate()}><Download size={14} aria-hidden /> {w.knowledge.exportCsv}</Button>
        {may && (
          <>
            <input ref={input} type="file" accept=".csv,text/csv" hidden onChange={(e) => { const file = e.target.files?.[0]; if (file) load.mutate(file); e.target.value = ""; }} />
            <Button busy={load.isPending} title={w.knowledge.importHint} onClick={() => input.current?.click()}><Upload size={14} aria-hidden /> {w.knowledge.importCsv}</Button>
            <Button look="primary" onClick={() => setEdited("new")}><Plus size={14} aria-hidden /> {w.knowledge.faqAdd}</Button>
          </>
        )}
      </div>
      {pages.isPending ? <Spinner /> : all.length === 0 ? <Empty title={w.knowledge.faqNone} icon={<HelpCircle size={28} aria-hidden />}>{w.knowledge.importHint}</Empty> : (
        <Card>
          <ul>
            {all.map((f) => (
              <li key={f.id} className="flex items-start gap-3 border-b border-line px-4 py-3 text-[13px] last:border-0">
                <div className="min-w-0 flex-1">
                  <p className="font-medium">{f.question}</p>
                  <p className="mt-0.5 line-clamp-3 whitespace-pre-wrap text-muted">{f.answer}</p>
                  <p className="mt-1.5 flex flex-wrap gap-1">
                    {!f.is_active && <Badge tone="warn">{w.knowledge.inactive}</Badge>}
                    {f.category && <Badge>{f.category}</Badge>}
                    {f.language && <Badge>{w.languages[f.language]}</Badge>}
                    <Badge>{w.knowledge.used(f.use_count)}</Badge>
                  </p>
                </div>
                {may && <IconButton label={w.edit} onClick={() => setEdited(f)}><Pencil size={14} aria-hidden /></IconButton>}
                {may && <IconButton label={w.delete} onClick={() => remove.mutate(f.id)}><Trash2 size={14} aria-hidden /></IconButton>}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {pages.hasNextPage && <div className="text-center"><Button onClick={() => void pages.fetchNextPage()}>{w.more}</Button></div>}
      {edited && <FaqDialog base={base} faq={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </div>
  );
}

export function FaqDialog({ base, faq, draft, onClose }: { base?: string; faq?: Faq; draft?: { question: string; answer: string }; onClose: () => void }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const save = useMutation({
    mutationFn: (body: { question: string; answer: string; category: string | null; is_active: boolean }) => {
      const { is_active, ...rest } = body;
      return faq ? said(api.PATCH("/api/faqs/{id}", { params: { path: { id: faq.id } }, body })) : said(api.POST("/api/faqs", { body: { ...rest, kb_id: base } }));
    },
    onSuccess: () => {
      toast.done(w.saved);
      void cache.invalidateQueries({ queryKey: ["faqs"] });
      onClose();
    },
    onError: toast.failed,
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    save.mutate({ question: String(form.get("question")), answer: String(form.get("answer")), category: String(form.get("category") ?? "").trim() || null, is_active: !faq || form.get("is_active") === "on" });
  }
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={faq ? w.knowledge.faqEdit : w.knowledge.faqAdd} wide>
      <form onSubmit={submit} className="space-y-3">
        <AreaField name="question" label={w.knowledge.question} required rows={2} defaultValue={faq?.question ?? draft?.question} />
        <AreaField name="answer" label={w.knowledge.answer} required rows={6} defaultValue={faq?.answer ?? draft?.answer} />
        <TextField name="category" label={w.knowledge.category} defaultValue={faq?.category ?? ""} />
        {faq && <Check name="is_active" label={w.knowledge.active} defaultChecked={faq.is_active} />}
        <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
      </form>
    </Dialog>
  );
}
