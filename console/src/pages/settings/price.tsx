// What the model's tokens cost, so that the overview can tell what was spent.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { ModelPrice } from "~/api/schema";
import { useToast } from "~/parts/toast";
import { Button, Card, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";

const MICROS = 1_000_000;

export function PriceCard() {
  const w = useWords();
  const t = w.crm.spent;
  const toast = useToast();
  const cache = useQueryClient();
  const found = useQuery(queries.modelPrice());
  const save = useMutation({
    mutationFn: (body: ModelPrice) => said(api.PUT("/api/model/price", { body })),
    onSuccess: (now) => {
      cache.setQueryData(queries.modelPrice().queryKey, now);
      void cache.invalidateQueries({ queryKey: ["overview"] });
      toast.done(w.saved);
    },
    onError: toast.failed,
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const micros = (name: string) => Math.round(Number(text(name)) * MICROS);
    const isEmpty = !text("input") && !text("output");
    save.mutate({ price: isEmpty ? null : { currency: text("currency").toUpperCase(), input_micros: micros("input"), output_micros: micros("output") } });
  }
  if (!found.data) return <Spinner />;
  const price = found.data.price;
  const shown = (micros: number | undefined) => (micros === undefined ? "" : String(micros / MICROS));
  return (
    <Card title={t.price}>
      <form key={found.dataUpdatedAt} onSubmit={submit} className="space-y-4 p-4">
        <p className="text-[13px] text-muted">{t.priceHint}</p>
        <div className="grid gap-4 sm:grid-cols-3">
          <TextField name="currency" label={t.currency} pattern="[A-Za-z]{3}" maxLength={3} placeholder="USD" required defaultValue={price?.currency ?? "USD"} />
          <TextField name="input" type="number" min={0} step="any" label={t.input} placeholder="0.27" defaultValue={shown(price?.input_micros)} />
          <TextField name="output" type="number" min={0} step="any" label={t.output} placeholder="1.10" defaultValue={shown(price?.output_micros)} />
        </div>
        <Button type="submit" busy={save.isPending}>{w.save}</Button>
      </form>
    </Card>
  );
}
