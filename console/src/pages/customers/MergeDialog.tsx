// Making one of two customers: who is the other one, side by side what will be, and which value stays.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ArrowLeftRight, Combine } from "lucide-react";
import { useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { MergedField } from "~/api/schema";
import { useMe, useNames } from "~/parts/me";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Button, cx, Dialog, IconButton, Notice, Spinner } from "~/parts/ui";
import { useLanguage, useWords } from "~/words";
import { CustomerPicker } from "./CustomerPicker";

type Who = { id: string; name: string };

export function MergeButton({ c, icon }: { c: Who; icon?: boolean }) {
  const w = useWords();
  const me = useMe();
  const [open, setOpen] = useState(false);
  if (!me.may("customer:merge")) return null;
  return (
    <>
      {icon ? <IconButton label={w.merging.action} onClick={() => setOpen(true)}><Combine size={15} aria-hidden /></IconButton> : <Button onClick={() => setOpen(true)}><Combine size={15} aria-hidden /> {w.merging.action}</Button>}
      {open && <MergeDialog c={c} onClose={() => setOpen(false)} />}
    </>
  );
}

function MergeDialog({ c, onClose }: { c: Who; onClose: () => void }) {
  const w = useWords();
  const [other, setOther] = useState<Who>();
  const [isSwapped, swap] = useState(false);
  const chosen = other && other.id !== c.id ? other : undefined;
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={w.merging.title} description={w.merging.hint(c.name)} wide={chosen !== undefined}>
      <div className="space-y-4">
        <CustomerPicker label={w.merging.pick} chosen={chosen} onChoose={setOther} but={c.id} />
        {chosen && <Compare key={`${chosen.id}${isSwapped}`} into={isSwapped ? chosen : c} from={isSwapped ? c : chosen} onSwap={() => swap(!isSwapped)} onDone={onClose} opened={c.id} />}
      </div>
    </Dialog>
  );
}

function Compare({ into, from, opened, onSwap, onDone }: { into: Who; from: Who; opened: string; onSwap: () => void; onDone: () => void }) {
  const w = useWords();
  const t = w.merging;
  const toast = useToast();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const undo = useUndoMerge();
  const preview = useQuery(queries.mergePreview(into.id, from.id));
  /** The fields whose value is chosen otherwise than by rule. */
  const [picked, setPicked] = useState<Record<string, MergedField["wins"]>>({});
  const merge = useMutation({
    mutationFn: (take: string[]) => said(api.POST("/api/customers/{id}/merge", { params: { path: { id: into.id } }, body: { from: from.id, take } })),
    onSuccess: (made) => {
      void cache.invalidateQueries();
      toast.done(t.done(from.name, into.name), { label: t.undo, run: () => undo.mutate({ id: made.id, name: from.name }) });
      onDone();
      // Whoever stands on the page of the one who went sees where they are now.
      if (opened === from.id && location.pathname.startsWith("/customers/")) void navigate({ to: "/customers/$id", params: { id: into.id }, replace: true });
    },
    onError: toast.failed,
  });
  if (preview.isPending) return <Spinner />;
  if (!preview.data) return <Notice tone="danger" role="alert">{preview.error?.message}</Notice>;
  const wins = (f: MergedField) => picked[f.field] ?? f.wins;
  const moves = Object.entries(preview.data.moves).filter(([, n]) => n > 0) as [keyof typeof t.counts, number][];
  const take = preview.data.fields.filter((f) => wins(f) === "from" && f.from != null).map((f) => f.field);
  return (
    <form className="space-y-4 text-[13px]" onSubmit={(e) => { e.preventDefault(); merge.mutate(take); }}>
      <div className="flex items-center justify-between gap-2">
        <p className="text-muted">{t.compare}</p>
        <Button size="sm" onClick={onSwap}><ArrowLeftRight size={13} aria-hidden /> {t.swap}</Button>
      </div>
      <div className="max-h-[42dvh] overflow-auto rounded-md border border-line" tabIndex={0} role="region" aria-label={t.compare}>
        <table className="w-full table-fixed text-left">
          <thead className="sticky top-0 bg-panel">
            <tr className="border-b border-line [&_th]:px-3 [&_th]:py-2 [&_th]:align-top [&_th]:font-medium">
              <th scope="col" className="w-[26%] text-xs text-muted">{t.field}</th>
              {[[t.stays, into.name], [t.goes, from.name]].map(([what, name]) => <th key={what} scope="col"><span className="block text-xs text-muted">{what}</span><span className="block truncate">{name}</span></th>)}
            </tr>
          </thead>
          <tbody>
            {preview.data.fields.map((f) => <FieldRow key={f.field} f={f} wins={wins(f)} onPick={(side) => setPicked({ ...picked, [f.field]: side })} names={[into.name, from.name]} />)}
          </tbody>
        </table>
      </div>
      <div>
        <p className="font-medium">{t.moves}</p>
        <p className="text-muted">{moves.length ? moves.map(([what, n]) => t.counts[what](n)).join(" · ") : t.movesNone}</p>
      </div>
      {preview.data.moves.identities > 0 && <Notice>{t.privacy}</Notice>}
      <Button type="submit" look="primary" busy={merge.isPending} className="max-w-full"><span className="truncate">{t.submit(from.name, into.name)}</span></Button>
    </form>
  );
}

/** Fields that only one side can have, or that are nobody's choice. */
const FIXED = ["created_at"];

function FieldRow({ f, wins, onPick, names }: { f: MergedField; wins: MergedField["wins"]; onPick: (side: MergedField["wins"]) => void; names: [string, string] }) {
  const label = useFieldName()(f.field);
  const shown = useShown();
  const isSame = JSON.stringify(f.into) === JSON.stringify(f.from);
  const isChoice = !isSame && f.into != null && f.from != null && !FIXED.includes(f.field);
  const cell = (side: "into" | "from", name: string) => {
    const value = f[side];
    const stays = value != null && (isSame || wins === side);
    const text = <span className={cx("min-w-0 break-words", stays ? "font-medium" : "text-muted", !stays && value != null && "line-through decoration-1")}>{value == null ? "–" : shown(f.field, value)}</span>;
    if (!isChoice) return text;
    return (
      <label className="flex cursor-pointer items-start gap-2">
        <input type="radio" name={`wins ${f.field}`} checked={wins === side} onChange={() => onPick(side)} aria-label={`${label}: ${name}`} className="mt-1 accent-accent" />
        {text}
      </label>
    );
  };
  return (
    <tr className="border-b border-line last:border-0 [&_td]:px-3 [&_td]:py-2 [&_td]:align-top">
      <td className="break-words text-muted">{label}</td>
      <td>{cell("into", names[0])}</td>
      <td>{cell("from", names[1])}</td>
    </tr>
  );
}

function useFieldName() {
  const w = useWords();
  const known: Record<string, string> = {
    ...w.merging.fields,
    name: w.name,
    phone: w.customer.phone,
    email: w.customer.email,
    wechat_id: w.customer.wechat,
    company_name: w.customer.company,
    region_city: w.customer.city,
    stage: w.customer.stage,
    score: w.customer.score,
    owner_id: w.customer.owner,
    remark: w.customer.remark,
  };
  return (field: string) => known[field] ?? field.replace(/^custom_fields\./, "").replaceAll("_", " ");
}

function useShown() {
  const { w, language } = useLanguage();
  const names = useNames();
  return (field: string, value: unknown) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (field === "stage") return w.customer.stages[text] ?? text;
    if (field === "type") return w.customer.kinds[text] ?? text;
    if (field === "owner_id") return names(text) ?? w.customer.nobody;
    if (field === "created_at") return moment(text, language);
    return text;
  };
}

/** Takes two apart again, and says what became of it. */
export function useUndoMerge() {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async ({ id, name }: { id: string; name: string }) => ({ name, ...(await said(api.POST("/api/customer-merges/{id}/undo", { params: { path: { id } } }))) }),
    onSuccess: ({ name, mixed_conversations: mixed }) => {
      void cache.invalidateQueries();
      toast.done(mixed ? w.merging.undoneMixed(name, mixed) : w.merging.undone(name));
    },
    onError: toast.failed,
  });
}

/** What the timeline tells of a merge: with whom, and the way back. */
export function MergeEntry({ id, merge, wasUndone, other }: { id: string; merge: string | undefined; wasUndone: boolean; other: string | undefined }) {
  const w = useWords();
  const me = useMe();
  const merges = useQuery(queries.merges(id));
  const undo = useUndoMerge();
  const [asks, setAsks] = useState(false);
  const m = merges.data?.find((x) => x.id === merge);
  const name = (other === m?.from_id ? m?.from_name : m?.into_name) ?? w.merging.somebody;
  if (wasUndone) return <span className="text-muted">{name}</span>;
  return (
    <>
      <span className="text-muted">{name}{m?.undone_at && ` (${w.merging.since})`}{m?.erased_at && ` (${w.merging.erased})`}</span>
      {m && !m.undone_at && !m.erased_at && me.may("customer:merge") && (
        <Button size="sm" look="quiet" className="ml-1 h-6! underline" onClick={() => setAsks(true)}>{w.merging.undo}</Button>
      )}
      {m && (
        <Dialog open={asks} onOpenChange={setAsks} title={w.merging.undo} description={w.merging.undoConfirm(name)}>
          <div className="flex gap-2">
            <Button look="primary" busy={undo.isPending} onClick={() => undo.mutate({ id: m.id, name }, { onSettled: () => setAsks(false) })}>{w.merging.undo}</Button>
            <Button onClick={() => setAsks(false)}>{w.cancel}</Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
