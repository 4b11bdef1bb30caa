// Fields of the organisation's own on its customers.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowUp, Pencil, Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { CustomerField } from "~/api/schema";
import { Sure } from "~/parts/sure";
import { useToast } from "~/parts/toast";
import { AreaField, Badge, Button, Card, Dialog, Empty, IconButton, SelectField, Spinner, TextField } from "~/parts/ui";
import { named, useWords } from "~/words";

/** A name for programs from what people write; something of its own where no letter can be told. */
function keyOf(label: string, taken: string[]): string {
  const plain = label.toLowerCase().normalize("NFD").replace(/[^a-z0-9]+/g, "_").replace(/^[_0-9]+|_+$/g, "").slice(0, 36) || "field";
  let key = plain;
  for (let n = 2; taken.includes(key); n++) key = `${plain}_${n}`;
  return key;
}

export function FieldsSection() {
  const w = useWords();
  const t = w.crm.fields;
  const toast = useToast();
  const cache = useQueryClient();
  const list = useQuery(queries.customerFields());
  const [edited, setEdited] = useState<CustomerField | "new">();
  const [removed, setRemoved] = useState<CustomerField>();
  const fields = list.data?.fields ?? [];
  const save = useMutation({
    mutationFn: (fields: CustomerField[]) => said(api.PUT("/api/customer-fields", { body: { fields } })),
    onSuccess: (now) => {
      cache.setQueryData(queries.customerFields().queryKey, now);
      setEdited(undefined);
      setRemoved(undefined);
    },
    onError: toast.failed,
  });
  const up = (i: number) => {
    const next = [...fields];
    next.splice(i - 1, 2, fields[i] as CustomerField, fields[i - 1] as CustomerField);
    save.mutate(next);
  };
  if (list.isPending) return <Spinner />;
  return (
    <>
      <div className="flex flex-wrap items-start justify-between gap-3">
        <p className="max-w-xl min-w-60 flex-1 text-[13px] text-muted">{t.hint}</p>
        <Button look="primary" onClick={() => setEdited("new")}><Plus size={14} aria-hidden /> {t.add}</Button>
      </div>
      {fields.length === 0 ? (
        <Empty title={t.none} />
      ) : (
        <Card>
          <ul className="divide-y divide-line text-[13px]">
            {fields.map((f, i) => (
              <li key={f.key} className="flex items-center gap-3 px-4 py-2">
                <span className="min-w-0 flex-1">
                  <span className="font-medium">{f.label}</span> <code className="text-xs text-muted">{f.key}</code>
                  {f.choices && f.choices.length > 0 && <span className="block truncate text-xs text-muted">{f.choices.join(" · ")}</span>}
                </span>
                <Badge>{named(t.kinds, f.type)}</Badge>
                <IconButton label={`${t.up}: ${f.label}`} disabled={i === 0 || save.isPending} onClick={() => up(i)}><ArrowUp size={14} aria-hidden /></IconButton>
                <IconButton label={`${w.edit}: ${f.label}`} onClick={() => setEdited(f)}><Pencil size={14} aria-hidden /></IconButton>
                <IconButton label={`${w.remove}: ${f.label}`} onClick={() => setRemoved(f)}><Trash2 size={14} aria-hidden /></IconButton>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {edited && <FieldDialog of={edited === "new" ? undefined : edited} taken={fields.map((f) => f.key)} busy={save.isPending} onClose={() => setEdited(undefined)} onSave={(f) => save.mutate(edited === "new" ? [...fields, f] : fields.map((old) => (old.key === f.key ? f : old)))} />}
      <Sure open={removed !== undefined} title={w.remove} text={removed ? t.removeConfirm(removed.label) : ""} does={w.remove} busy={save.isPending} onYes={() => save.mutate(fields.filter((f) => f !== removed))} onNo={() => setRemoved(undefined)} />
    </>
  );
}

function FieldDialog({ of, taken, busy, onSave, onClose }: { of: CustomerField | undefined; taken: string[]; busy: boolean; onSave: (f: CustomerField) => void; onClose: () => void }) {
  const w = useWords();
  const t = w.crm.fields;
  const [label, setLabel] = useState(of?.label ?? "");
  const [typedKey, setTypedKey] = useState(of?.key);
  const [kind, setKind] = useState(of?.type ?? "text");
  const key = typedKey ?? keyOf(label, taken);
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const choices = String(new FormData(e.currentTarget).get("choices") ?? "").split("\n").map((c) => c.trim()).filter(Boolean);
    onSave({ key, label: label.trim(), type: kind, choices: kind === "choice" ? choices : [] });
  }
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={of?.label ?? t.add}>
      <form onSubmit={submit} className="space-y-3">
        <TextField label={t.label} required maxLength={60} value={label} onChange={(e) => setLabel(e.target.value)} />
        <TextField label={t.key} hint={t.keyHint} required maxLength={40} pattern="[a-z][a-z0-9_]*" disabled={of !== undefined} value={key} onChange={(e) => setTypedKey(e.target.value)} />
        <SelectField label={t.kind} value={kind} onChange={(e) => setKind(e.target.value as CustomerField["type"])}>
          {Object.entries(t.kinds).map(([k, v]) => <option key={k} value={k}>{v}</option>)}
        </SelectField>
        {kind === "choice" && <AreaField name="choices" label={t.choices} hint={t.choicesHint} required rows={5} defaultValue={of?.choices?.join("\n")} />}
        <Button type="submit" look="primary" busy={busy}>{w.save}</Button>
      </form>
    </Dialog>
  );
}
