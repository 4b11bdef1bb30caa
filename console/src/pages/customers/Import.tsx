// Customers from a CSV file: first a dry run that shows what would be added, what is known already and what is wrong.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, Failure, said } from "~/api/client";
import type { CustomerShown } from "~/api/schema";
import { fromCsv } from "~/parts/csv";
import { useToast } from "~/parts/toast";
import { Badge, Button, Dialog, Notice } from "~/parts/ui";
import { useWords } from "~/words";

const COLUMNS = {
  name: ["name", "customer", "姓名", "名称", "客户"],
  email: ["email", "e-mail", "mail", "邮箱"],
  phone: ["phone", "telephone", "mobile", "电话", "手机"],
  company_name: ["company", "company_name", "公司"],
  wechat_id: ["wechat", "wechat_id", "微信号", "微信"],
  region_city: ["city", "region_city", "城市"],
  remark: ["remark", "notes", "备注"],
} as const;
type Key = keyof typeof COLUMNS;
type Row = { line: number; values: Partial<Record<Key, string>>; state: "new" | "known" | "wrong" | "added"; why?: string };

/** How many requests are under way at a time. */
const LANES = 5;
const MOST = 5000;

async function each<T>(items: T[], work: (item: T) => Promise<void>) {
  const queue = [...items];
  await Promise.all(Array.from({ length: LANES }, async () => { for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item); }));
}

const digits = (text: string | null | undefined) => (text ?? "").replace(/\D/g, "");

/** Somebody with the same address or number is known already. */
async function known(row: Row): Promise<string | undefined> {
  for (const sought of [row.values.email, row.values.phone]) {
    if (!sought) continue;
    const page = await said(api.GET("/api/customers", { params: { query: { search: sought, limit: 10 } } }));
    const same = (c: CustomerShown) => (row.values.email && c.email?.toLowerCase() === row.values.email.toLowerCase()) || (row.values.phone && digits(c.phone).endsWith(digits(row.values.phone)) && digits(row.values.phone).length >= 6);
    const found = page.items.find(same);
    if (found) return found.name;
  }
  return undefined;
}

export function Import({ file, onClose }: { file: File; onClose: () => void }) {
  const w = useWords();
  const t = w.importing;
  const toast = useToast();
  const cache = useQueryClient();
  const [rows, setRows] = useState<Row[]>();
  const [done, setDone] = useState(0);
  const dry = useMutation({
    mutationFn: async () => {
      const [head = [], ...lines] = fromCsv(await file.text());
      const at = Object.fromEntries(Object.entries(COLUMNS).map(([key, names]) => [key, head.findIndex((h) => (names as readonly string[]).includes(h.trim().toLowerCase()))])) as Record<Key, number>;
      if (at.name < 0) throw new TypeError(t.noName);
      if (lines.length > MOST) throw new TypeError(t.tooMany(MOST));
      const seen = new Set<string>();
      const read = lines.map((cells, i): Row => {
        const values = Object.fromEntries(Object.entries(at).flatMap(([key, n]) => (n >= 0 && cells[n]?.trim() ? [[key, cells[n].trim()]] : []))) as Row["values"];
        if (!values.name) return { line: i + 2, values, state: "wrong", why: t.nameMissing };
        if (values.email && !/^[^@\s]+@[^@\s]+$/.test(values.email)) return { line: i + 2, values, state: "wrong", why: t.badEmail };
        const key = values.email?.toLowerCase() ?? digits(values.phone);
        if (key && seen.has(key)) return { line: i + 2, values, state: "known", why: t.twice };
        if (key) seen.add(key);
        return { line: i + 2, values, state: "new" };
      });
      setDone(0);
      await each(read.filter((r) => r.state === "new"), async (row) => {
        const name = await known(row);
        if (name) Object.assign(row, { state: "known", why: name });
        setDone((n) => n + 1);
      });
      return read;
    },
    onSuccess: setRows,
    onError: (e) => (e instanceof TypeError && !(e instanceof Failure) ? toast.done(e.message) : toast.failed(e)),
  });
  const run = useMutation({
    mutationFn: async (all: Row[]) => {
      setDone(0);
      const result = all.map((r) => ({ ...r }));
      await each(result.filter((r) => r.state === "new"), async (row) => {
        try {
          await said(api.POST("/api/customers", { body: { type: row.values.company_name ? "enterprise" : "individual", ...row.values } }));
          row.state = "added";
        } catch (error) {
          if (!(error instanceof Failure) || error.status >= 500) throw error;
          Object.assign(row, { state: "wrong", why: error.message });
        }
        setDone((n) => n + 1);
      });
      return result;
    },
    onSuccess: (result) => {
      setRows(result);
      toast.done(t.added(result.filter((r) => r.state === "added").length));
    },
    onError: toast.failed,
    onSettled: () => void cache.invalidateQueries({ queryKey: ["customers"] }),
  });
  const count = (state: Row["state"]) => rows?.filter((r) => r.state === state).length ?? 0;
  const tone = { new: "accent", known: "warn", wrong: "danger", added: "ok" } as const;
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={t.title} description={`${file.name} · ${t.hint}`} wide>
      <div className="space-y-3 text-[13px]">
        {!rows && <Button look="primary" busy={dry.isPending} onClick={() => dry.mutate()}>{dry.isPending ? t.looking(done) : t.dryRun}</Button>}
        {rows && (
          <>
            <div className="flex flex-wrap items-center gap-2" role="status">
              {(["new", "added", "known", "wrong"] as const).map((s) => count(s) > 0 && <Badge key={s} tone={tone[s]}>{t.states[s]}: {count(s)}</Badge>)}
            </div>
            <div className="max-h-[45dvh] overflow-auto rounded-md border border-line" tabIndex={0} role="region" aria-label={t.title}>
              <table className="w-full text-left">
                <tbody>
                  {rows.slice(0, 300).map((r) => (
                    <tr key={r.line} className="border-b border-line last:border-0 [&_td]:px-2 [&_td]:py-1.5">
                      <td className="text-muted tabular-nums">{r.line}</td>
                      <td><Badge tone={tone[r.state]}>{t.states[r.state]}</Badge></td>
                      <td className="font-medium">{r.values.name}</td>
                      <td className="text-muted">{[r.values.email, r.values.phone].filter(Boolean).join(" · ")}</td>
                      <td>{r.why}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {count("new") > 0 ? <Button look="primary" busy={run.isPending} onClick={() => run.mutate(rows)}>{run.isPending ? t.adding(done) : t.run(count("new"))}</Button> : <Notice>{t.nothing}</Notice>}
          </>
        )}
      </div>
    </Dialog>
  );
}
