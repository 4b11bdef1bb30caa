// A customer's rights over their data: all of it as a file, and all of it gone, with a receipt.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Download, Eraser } from "lucide-react";
import { useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Customer } from "~/api/schema";
import { download } from "~/parts/csv";
import { useMe } from "~/parts/me";
import { useToast } from "~/parts/toast";
import { Button, Dialog, Notice, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";

export function DataButtons({ c }: { c: Customer }) {
  const w = useWords();
  const t = w.customer.data;
  const me = useMe();
  const toast = useToast();
  const [erasing, setErasing] = useState(false);
  const path = { params: { path: { id: c.id } } };
  const take = useMutation({
    mutationFn: () => said(api.POST("/api/customers/{id}/export", path)),
    onSuccess: (all) => download(`${c.name}.json`, JSON.stringify(all, null, 2), "application/json"),
    onError: toast.failed,
  });
  return (
    <>
      {me.may("customer:export") && <Button busy={take.isPending} onClick={() => take.mutate()} title={t.exportHint}><Download size={15} aria-hidden /> <span className="hidden sm:inline">{t.export}</span><span className="sr-only sm:hidden">{t.export}</span></Button>}
      {me.may("customer:erase") && <Button look="danger" onClick={() => setErasing(true)}><Eraser size={15} aria-hidden /> <span className="hidden sm:inline">{t.erase}</span><span className="sr-only sm:hidden">{t.erase}</span></Button>}
      {erasing && <EraseDialog c={c} onClose={() => setErasing(false)} />}
    </>
  );
}

function EraseDialog({ c, onClose }: { c: Customer; onClose: () => void }) {
  const w = useWords();
  const t = w.customer.data;
  const toast = useToast();
  const cache = useQueryClient();
  const [name, setName] = useState("");
  const navigate = useNavigate();
  const [ordered, setOrdered] = useState<string>();
  // Nobody is on this page any more.
  const close = () => (ordered ? void navigate({ to: "/customers" }) : onClose());
  const erase = useMutation({
    mutationFn: () => said(api.POST("/api/customers/{id}/erase", { params: { path: { id: c.id } } })),
    onSuccess: (erasure) => {
      setOrdered(erasure.id);
      for (const queryKey of [["customers"], ["conversations"], ["deals"]]) void cache.invalidateQueries({ queryKey });
    },
    onError: toast.failed,
  });
  return (
    <Dialog open onOpenChange={(o) => !o && close()} title={t.eraseTitle(c.name)} description={ordered ? undefined : t.eraseHint}>
      {ordered ? (
        <Receipt id={ordered} name={c.name} />
      ) : (
        <form className="space-y-3" onSubmit={(e) => { e.preventDefault(); erase.mutate(); }}>
          <Notice tone="danger">{t.eraseWarning}</Notice>
          <TextField label={t.typeName(c.name)} value={name} autoComplete="off" onChange={(e) => setName(e.target.value)} />
          <div className="flex justify-end gap-2"><Button onClick={onClose}>{w.cancel}</Button><Button type="submit" look="danger" busy={erase.isPending} disabled={name.trim() !== c.name.trim()}>{t.eraseNow}</Button></div>
        </form>
      )}
    </Dialog>
  );
}

/** What was removed; it says so once it is done. */
function Receipt({ id, name }: { id: string; name: string }) {
  const w = useWords();
  const t = w.customer.data;
  const found = useQuery({ ...queries.erasure(id), refetchInterval: (q) => (q.state.data?.erased_at ? false : 1000) }).data;
  if (!found?.erased_at) return <div role="status"><Spinner /><p className="text-center text-[13px] text-muted">{t.underWay}</p></div>;
  const counts = Object.entries(found.receipt ?? {}).filter(([, n]) => typeof n === "number" && n > 0) as [string, number][];
  return (
    <div className="space-y-3 text-[13px]" role="status">
      <Notice>{t.done(name)}</Notice>
      <ul className="grid grid-cols-2 gap-x-4">{counts.map(([what, n]) => <li key={what} className="flex justify-between gap-2 border-b border-line py-1"><span>{t.counts[what] ?? what}</span><span className="tabular-nums">{n}</span></li>)}</ul>
      <p className="text-xs text-muted">{found.is_genuine ? t.genuine : t.notGenuine} <code className="break-all">{found.id}</code></p>
      <div className="flex justify-end"><Button onClick={() => download(`erasure-${found.id}.json`, JSON.stringify(found, null, 2), "application/json")}><Download size={14} aria-hidden /> {t.receipt}</Button></div>
    </div>
  );
}
