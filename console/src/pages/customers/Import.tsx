// Customers from a CSV file: what would happen, the import, and taking it back. The server reads the file.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Undo2, Upload } from "lucide-react";
import { useRef, useState } from "react";
import { api, Failure, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { CustomerImport, CustomerImportLine, CustomerImportReport, CustomerImportUndone } from "~/api/schema";
import { useNames } from "~/parts/me";
import { Sure } from "~/parts/sure";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, Dialog, Notice, Spinner } from "~/parts/ui";
import { named, useLanguage } from "~/words";

/** So many lines are shown. */
const SHOWN = 300;
const ORDER = ["new", "added", "duplicate", "repeated", "invalid"] as const;
const TONES = { new: "accent", added: "ok", duplicate: "warn", repeated: "warn", invalid: "danger" } as const;

/** The file's text; spreadsheets in Chinese write GB 18030 as often as UTF-8. */
async function textOf(file: File): Promise<string> {
  const bytes = await file.arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}

export function Import({ onClose }: { onClose: () => void }) {
  const { w } = useLanguage();
  const t = w.importing;
  const picked = useRef<HTMLInputElement>(null);
  // Another number for each choice, also of the same file.
  const [chosen, choose] = useState<{ file: File; n: number }>();
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={t.title} description={chosen?.file.name ?? t.hint} wide>
      <div className="space-y-4 text-[13px]">
        <input
          ref={picked}
          type="file"
          accept=".csv,text/csv"
          hidden
          data-import
          onChange={(e) => {
            const file = e.target.files?.[0];
            e.target.value = "";
            if (file) choose((before) => ({ file, n: (before?.n ?? 0) + 1 }));
          }}
        />
        <Button look={chosen ? "plain" : "primary"} onClick={() => picked.current?.click()}><Upload size={15} aria-hidden /> {chosen ? t.another : t.choose}</Button>
        {chosen ? <FileReport key={chosen.n} file={chosen.file} /> : <Past />}
      </div>
    </Dialog>
  );
}

function FileReport({ file }: { file: File }) {
  const { w, language } = useLanguage();
  const t = w.importing;
  const toast = useToast();
  const cache = useQueryClient();
  // The same until another file is chosen: pressing twice, or again after a lost line, adds nobody twice.
  const key = useRef(crypto.randomUUID());
  const [done, setDone] = useState<CustomerImportReport>();
  const order = async (dry_run: boolean) => said(api.POST("/api/customer-imports", { body: { csv: await textOf(file), file_name: file.name, dry_run, idempotency_key: dry_run ? null : key.current } }));
  const dry = useQuery({ queryKey: ["import", key.current], queryFn: () => order(true), staleTime: Number.POSITIVE_INFINITY, gcTime: 0, retry: false });
  const run = useMutation({
    mutationFn: () => order(false),
    retry: (count, error) => !(error instanceof Failure) && count < 2,
    onSuccess: (report) => {
      setDone(report);
      toast.done(t.added(report.import?.added ?? 0));
      void cache.invalidateQueries({ queryKey: ["imports"] });
      void cache.invalidateQueries({ queryKey: ["customers"] });
    },
    onError: toast.failed,
  });
  if (dry.isPending) return <Spinner label={t.looking} />;
  const report = done ?? dry.data;
  if (!report) return <Notice tone="danger" role="alert">{dry.error?.message}</Notice>;
  const count = (outcome: string) => report.lines.filter((l) => l.outcome === outcome).length;
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center gap-2" role="status">
        {ORDER.map((o) => count(o) > 0 && <Badge key={o} tone={TONES[o]}>{t.outcomes[o]}: {count(o)}</Badge>)}
      </div>
      {report.unknown_columns.length > 0 && <Notice tone="warn">{t.unknown(report.unknown_columns.join(", "))}</Notice>}
      {!done && report.earlier && <Notice tone="warn">{t.earlier(moment(report.earlier.created_at, language), report.earlier.added)}</Notice>}
      <div className="max-h-[40dvh] overflow-auto rounded-md border border-line" tabIndex={0} role="region" aria-label={t.title}>
        <table className="w-full text-left">
          <tbody>{report.lines.slice(0, SHOWN).map((l) => <Row key={l.line} l={l} />)}</tbody>
        </table>
        {report.lines.length > SHOWN && <p className="px-2 py-1.5 text-muted">{t.more(report.lines.length - SHOWN)}</p>}
      </div>
      {done?.import ? (
        <UndoButton of={done.import} />
      ) : count("new") > 0 ? (
        <Button look="primary" busy={run.isPending} onClick={() => run.mutate()}>{t.run(count("new"))}</Button>
      ) : (
        <Notice>{t.nothing}</Notice>
      )}
    </div>
  );
}

function Row({ l }: { l: CustomerImportLine }) {
  const { w } = useLanguage();
  const t = w.importing;
  return (
    <tr className="border-b border-line last:border-0 [&_td]:px-2 [&_td]:py-1.5">
      <td className="text-muted tabular-nums">{l.line}</td>
      <td><Badge tone={TONES[l.outcome]}>{t.outcomes[l.outcome]}</Badge></td>
      <td className="font-medium">{l.name}</td>
      <td className="text-muted">{[l.email, l.phone].filter(Boolean).join(" · ")}</td>
      <td>
        {l.outcome === "duplicate" && (l.known_id ? <Link to="/customers/$id" params={{ id: l.known_id }} className="underline decoration-dotted">{t.known(l.known_name ?? "")}</Link> : t.knownHidden)}
        {l.first_line != null && t.repeated(l.first_line)}
        {l.fault && <>{t.faults[l.fault]}{l.reason && <span className="block text-xs text-muted">{l.reason}</span>}</>}
      </td>
    </tr>
  );
}

/** What was imported before, each with its way back. */
function Past() {
  const { w, language } = useLanguage();
  const t = w.importing;
  const names = useNames();
  const pages = useInfiniteQuery(queries.imports());
  const all = pages.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <section className="space-y-2">
      <h3 className="font-semibold">{t.past}</h3>
      {pages.isPending ? (
        <Spinner />
      ) : all.length === 0 ? (
        <p className="text-muted">{t.pastNone}</p>
      ) : (
        <ul className="divide-y divide-line rounded-md border border-line">
          {all.map((i) => (
            <li key={i.id} className="flex flex-wrap items-start gap-x-3 gap-y-1 px-3 py-2">
              <span className="min-w-0 flex-1">
                <span className="block truncate font-medium">{i.file_name ?? i.id.slice(-8)}</span>
                <span className="block text-xs text-muted">{[moment(i.created_at, language), names(i.created_by), t.counts(i.added, i.duplicates, i.invalid)].filter(Boolean).join(" · ")}</span>
              </span>
              <UndoButton of={i} />
            </li>
          ))}
        </ul>
      )}
      {pages.hasNextPage && <Button size="sm" busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>{w.more}</Button>}
    </section>
  );
}

function UndoButton({ of }: { of: CustomerImport }) {
  const { w } = useLanguage();
  const t = w.importing;
  const toast = useToast();
  const cache = useQueryClient();
  const [sure, setSure] = useState(false);
  const [undone, setUndone] = useState<CustomerImportUndone>();
  const undo = useMutation({
    mutationFn: () => said(api.DELETE("/api/customer-imports/{id}", { params: { path: { id: of.id } } })),
    onSuccess: (what) => {
      setUndone(what);
      toast.done(t.undone(what.removed));
      void cache.invalidateQueries({ queryKey: ["imports"] });
      void cache.invalidateQueries({ queryKey: ["customers"] });
    },
    onError: toast.failed,
    onSettled: () => setSure(false),
  });
  const now = undone?.import ?? of;
  return (
    <div className="space-y-1">
      <Sure open={sure} title={t.undo} text={t.undoConfirm(of.added)} does={t.undo} busy={undo.isPending} onYes={() => undo.mutate()} onNo={() => setSure(false)} />
      {now.undone_at ? (
        <Badge>{t.wasUndone(now.removed)}</Badge>
      ) : (
        of.added > 0 && <Button size="sm" busy={undo.isPending} onClick={() => setSure(true)}><Undo2 size={13} aria-hidden /> {t.undo}</Button>
      )}
      {undone && undone.kept.length > 0 && (
        <div role="status">
          <p>{t.kept(undone.kept.length)}</p>
          <ul className="list-disc pl-5 text-xs text-muted">
            {undone.kept.slice(0, 50).map((k, i) => <li key={k.customer_id ?? i}>{k.name ?? t.hidden}: {k.why.map((why) => named(t.why, why)).join(", ")}</li>)}
          </ul>
        </div>
      )}
    </div>
  );
}
