// Adding a deal, or changing one.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Deal, DealChange } from "~/api/schema";
import { useMe } from "~/parts/me";
import { useToast } from "~/parts/toast";
import { AreaField, Button, Dialog, SelectField, TextField } from "~/parts/ui";
import { useWords } from "~/words";
import { stageName } from "./steps";
import { CustomerPicker } from "../customers/CustomerPicker";

const CURRENCIES = ["USD", "CNY", "EUR", "SGD", "MYR", "THB", "HKD", "JPY", "GBP"];

/** Minor units of a currency: 100 for dollars, 1 for yen. */
const minor = (currency: string) => 10 ** (new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2);

export function DealDialog({ deal, customer, pipeline, onClose }: { deal?: Deal; customer?: { id: string; name: string }; pipeline?: string; onClose: () => void }) {
  const w = useWords();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const users = useQuery({ ...queries.users(), enabled: me.may("user:read") }).data ?? [];
  const pipelines = useQuery(queries.pipelines()).data ?? [];
  const [of, setOf] = useState(customer);
  const [line, setLine] = useState(pipeline ?? deal?.pipeline_id ?? "");
  const chosen = pipelines.find((p) => p.id === line) ?? pipelines.find((p) => p.is_default) ?? pipelines[0];
  const save = useMutation({
    mutationFn: (body: DealChange & { stage?: string }) =>
      deal
        ? said(api.PATCH("/api/deals/{id}", { params: { path: { id: deal.id } }, body }))
        : said(api.POST("/api/deals", { body: { ...body, customer_id: of?.id ?? "", pipeline_id: chosen?.id } })),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["deals"] });
      onClose();
    },
    onError: toast.failed,
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const text = (k: string) => String(form.get(k) ?? "").trim() || null;
    const currency = text("currency") ?? "USD";
    const amount = text("amount");
    save.mutate({
      title: text("title"),
      amount: amount === null ? null : Math.round(Number(amount) * minor(currency)),
      currency,
      expected_close_date: text("expected_close_date"),
      owner_id: text("owner_id"),
      notes: text("notes"),
      ...(text("probability") ? { probability: Number(text("probability")) } : {}),
      ...(deal ? {} : { stage: text("stage") ?? undefined }),
    });
  }
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={deal ? deal.title : w.deals.add}>
      <form onSubmit={submit} className="space-y-3">
        {!deal && !customer && <CustomerPicker label={w.deals.customer} chosen={of} onChoose={setOf} />}
        <TextField name="title" label={w.deals.dealTitle} required maxLength={200} defaultValue={deal?.title} />
        <div className="grid grid-cols-[1fr_96px] gap-2">
          <TextField name="amount" label={w.deals.amount} type="number" min={0} step="any" defaultValue={deal?.amount == null ? "" : deal.amount / minor(deal.currency)} />
          <SelectField name="currency" label={w.deals.currency} defaultValue={deal?.currency ?? "USD"}>
            {[...new Set([deal?.currency ?? "USD", ...CURRENCIES])].map((c) => <option key={c}>{c}</option>)}
          </SelectField>
        </div>
        {!deal && (
          <div className="grid grid-cols-2 gap-2">
            <SelectField label={w.deals.pipeline} value={chosen?.id ?? ""} onChange={(e) => setLine(e.target.value)}>
              {pipelines.map((p) => <option key={p.id} value={p.id}>{w.given[p.name] ?? p.name}</option>)}
            </SelectField>
            <SelectField name="stage" label={w.deals.stage}>
              {chosen?.stages.filter((s) => s.kind === "open").map((s) => <option key={s.id} value={s.key}>{stageName(w, s)}</option>)}
            </SelectField>
          </div>
        )}
        <div className="grid grid-cols-2 gap-2">
          <TextField name="expected_close_date" label={w.deals.closeDate} type="date" defaultValue={deal?.expected_close_date ?? ""} />
          <TextField name="probability" label={`${w.deals.probability} (%)`} type="number" min={0} max={100} defaultValue={deal?.probability ?? ""} />
        </div>
        <SelectField name="owner_id" label={w.deals.owner} defaultValue={deal?.owner_id ?? me.id ?? ""}>
          <option value="">{w.customer.nobody}</option>
          {users.map((u) => <option key={u.id} value={u.id}>{u.name}</option>)}
        </SelectField>
        <AreaField name="notes" label={w.deals.notes} rows={3} defaultValue={deal?.notes ?? ""} />
        <Button type="submit" look="primary" busy={save.isPending} disabled={!deal && !of}>{w.save}</Button>
      </form>
    </Dialog>
  );
}
