// The ways deals go, and their stages.
import { useQuery } from "@tanstack/react-query";
import { ArrowUp, Pencil, Plus, Trash2, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { DealStageForm, Pipeline, PipelineForm } from "~/api/schema";
import { useEntries } from "~/parts/entries";
import { Sure } from "~/parts/sure";
import { Badge, Button, Card, Dialog, IconButton, Input, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";
import { stageName, tone } from "../deals/steps";

const ordered = (p: Pipeline) => [...p.stages].sort((a, b) => a.position - b.position);

export function PipelinesSection() {
  const w = useWords();
  const t = w.crm.pipelines;
  const list = useQuery(queries.pipelines());
  const [removed, setRemoved] = useState<Pipeline>();
  const { of, open, add, edit, close, save, remove } = useEntries("pipelines", {
    add: (body: PipelineForm) => said(api.POST("/api/pipelines", { body })),
    change: (of: Pipeline, body) => said(api.PUT("/api/pipelines/{id}", { params: { path: { id: of.id } }, body })),
    remove: (id) => api.DELETE("/api/pipelines/{id}", { params: { path: { id } } }),
  });
  if (list.isPending) return <Spinner />;
  return (
    <>
      <div className="flex flex-wrap items-start justify-between gap-3">
        <p className="max-w-xl min-w-60 flex-1 text-[13px] text-muted">{t.hint}</p>
        <Button look="primary" onClick={add}><Plus size={14} aria-hidden /> {t.add}</Button>
      </div>
      {list.data?.map((p) => (
        <Card
          key={p.id}
          title={<>{w.given[p.name] ?? p.name} {p.is_default && <Badge>{t.isDefault}</Badge>}</>}
          actions={
            <>
              <IconButton label={`${w.edit}: ${w.given[p.name] ?? p.name}`} onClick={() => edit(p)}><Pencil size={14} aria-hidden /></IconButton>
              {!p.is_default && <IconButton label={`${w.delete}: ${p.name}`} onClick={() => setRemoved(p)}><Trash2 size={14} aria-hidden /></IconButton>}
            </>
          }
        >
          <ol className="flex flex-wrap gap-1.5 p-4">
            {ordered(p).map((s) => <li key={s.id}><Badge tone={tone(s.kind)}><bdi>{stageName(w, s)}</bdi> · {s.probability} %</Badge></li>)}
          </ol>
        </Card>
      ))}
      {open && <PipelineDialog of={of} busy={save.isPending} onClose={close} onSave={(form) => save.mutate(form)} />}
      <Sure open={removed !== undefined} title={w.delete} text={removed ? t.removeConfirm(removed.name) : ""} does={w.delete} busy={remove.isPending} onYes={() => removed && remove.mutate(removed.id, { onSettled: () => setRemoved(undefined) })} onNo={() => setRemoved(undefined)} />
    </>
  );
}

/** A stage being edited; `n` tells new ones apart. */
type Draft = DealStageForm & { n: number };

function PipelineDialog({ of, busy, onSave, onClose }: { of: Pipeline | undefined; busy: boolean; onSave: (form: PipelineForm) => void; onClose: () => void }) {
  const w = useWords();
  const t = w.crm.pipelines;
  const begin: DealStageForm[] = of ? ordered(of) : [{ name: "", probability: 50, kind: "open" }, { name: w.deals.win, probability: 100, kind: "won" }, { name: w.deals.lose, probability: 0, kind: "lost" }];
  const [stages, set] = useState<Draft[]>(() => begin.map(({ id, name, probability, kind }, n) => ({ id, name, probability, kind, n })));
  const change = (n: number, changed: Partial<DealStageForm>) => set(stages.map((s) => (s.n === n ? { ...s, ...changed } : s)));
  const add = () => {
    const at = stages.findIndex((s) => s.kind !== "open");
    const fresh: Draft = { name: "", probability: 50, kind: "open", n: Math.max(...stages.map((s) => s.n)) + 1 };
    set(stages.toSpliced(at < 0 ? stages.length : at, 0, fresh));
  };
  const up = (i: number) => set(stages.toSpliced(i - 1, 2, stages[i] as Draft, stages[i - 1] as Draft));
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const name = String(new FormData(e.currentTarget).get("name"));
    onSave({ name, stages: stages.map(({ n: _, ...stage }) => stage) });
  }
  const open = stages.filter((s) => s.kind === "open").length;
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={of ? (w.given[of.name] ?? of.name) : t.add} wide>
      <form onSubmit={submit} className="space-y-4">
        <TextField name="name" label={w.name} required maxLength={100} defaultValue={of?.name} />
        <fieldset className="space-y-2">
          <legend className="mb-1 text-[13px] font-medium">{t.stages}</legend>
          {stages.map((s, i) => (
            <div key={s.n} className="flex items-center gap-2">
              <Input aria-label={`${t.stage} ${i + 1}`} required maxLength={100} value={s.name} onChange={(e) => change(s.n, { name: e.target.value })} />
              <Input aria-label={`${t.probability}: ${s.name}`} title={t.probability} type="number" min={0} max={100} required className="w-20!" value={s.probability} onChange={(e) => change(s.n, { probability: Number(e.target.value) })} />
              <span className="w-16 shrink-0"><Badge tone={tone(s.kind)}>{t.kinds[s.kind]}</Badge></span>
              <IconButton label={`${t.up}: ${s.name}`} disabled={i === 0} onClick={() => up(i)}><ArrowUp size={14} aria-hidden /></IconButton>
              <IconButton label={`${w.remove}: ${s.name}`} disabled={s.kind !== "open" || open === 1} onClick={() => set(stages.filter((other) => other.n !== s.n))}><X size={14} aria-hidden /></IconButton>
            </div>
          ))}
          <Button size="sm" onClick={add}><Plus size={13} aria-hidden /> {t.addStage}</Button>
        </fieldset>
        <Button type="submit" look="primary" busy={busy}>{w.save}</Button>
      </form>
    </Dialog>
  );
}
