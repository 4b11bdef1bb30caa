// Choosing an approved template, filling in its values, sending it.
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Conversation, Template } from "~/api/schema";
import { useMe } from "~/parts/me";
import { useToast } from "~/parts/toast";
import { Badge, Button, Dialog, Empty, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";

const VARIABLE = /\{\{\s*(\d+)\s*\}\}/g;
const variables = (body: string) => Math.max(0, ...[...body.matchAll(VARIABLE)].map((m) => Number(m[1])));

export function TemplateDialog({ c, onClose, onSent }: { c: Conversation; onClose: () => void; onSent: () => void }) {
  const w = useWords();
  const me = useMe();
  const toast = useToast();
  const all = useQuery(queries.templates(c.channel_id));
  const [sought, seek] = useState("");
  const [chosen, choose] = useState<Template>();
  const [values, setValues] = useState<string[]>([]);
  // The same until it has arrived: a double click or a second try sends once.
  const key = useRef<string>(undefined);
  const send = useMutation({
    mutationFn: (template: Template) => {
      key.current ??= crypto.randomUUID();
      return said(api.POST("/api/conversations/{id}/templates", { params: { path: { id: c.id } }, body: { template_id: template.id, values, version: c.version, idempotency_key: key.current } }));
    },
    onSuccess: () => {
      toast.done(w.desk.template.sent);
      onSent();
      onClose();
    },
    onError: (error) => {
      key.current = undefined;
      toast.failed(error);
    },
  });
  function take(template: Template) {
    // The first value nearly always greets.
    setValues(Array.from({ length: variables(template.body) }, (_, i) => (i === 0 ? c.customer_name : "")));
    choose(template);
  }
  function submit(e: FormEvent) {
    e.preventDefault();
    if (chosen) send.mutate(chosen);
  }
  const found = all.data?.filter((t) => `${t.name} ${t.body}`.toLowerCase().includes(sought.toLowerCase())) ?? [];
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={chosen ? chosen.name : w.desk.template.title} description={w.desk.template.hint}>
      {chosen ? (
        <form onSubmit={submit} className="space-y-3">
          {values.map((value, i) => (
            <TextField key={i} label={w.desk.template.value(i + 1)} value={value} required autoFocus={i === (values[0] ? 1 : 0)} maxLength={500} onChange={(e) => setValues(values.map((v, at) => (at === i ? e.target.value : v)))} />
          ))}
          <div>
            <p className="mb-1 text-xs text-muted">{w.desk.template.preview}</p>
            <p className="rounded-2xl rounded-tr-md bg-mine px-3 py-2 text-on-mine whitespace-pre-wrap break-words">
              {chosen.body.split(VARIABLE).map((part, i) => (i % 2 ? <strong key={i}>{values[Number(part) - 1] || `{{${part}}}`}</strong> : part))}
            </p>
          </div>
          <div className="flex gap-2">
            <Button type="submit" look="primary" busy={send.isPending} disabled={values.some((v) => !v.trim())}>{w.desk.template.send}</Button>
            <Button look="quiet" onClick={() => choose(undefined)}>{w.desk.template.other}</Button>
          </div>
        </form>
      ) : all.isPending ? (
        <Spinner />
      ) : all.data?.length === 0 ? (
        <Empty title={w.desk.template.none}>{me.may("channel:manage") ? <Link to="/settings/$section" params={{ section: "templates" }} className="text-accent-text underline">{w.desk.template.noneAdmin}</Link> : w.desk.template.noneOther}</Empty>
      ) : (
        <div className="space-y-2">
          {(all.data?.length ?? 0) > 5 && <TextField label={w.desk.template.search} value={sought} onChange={(e) => seek(e.target.value)} />}
          <ul className="space-y-1">
            {found.map((t) => (
              <li key={t.id}>
                <button type="button" onClick={() => take(t)} className="w-full rounded-lg border border-line px-3 py-2 text-left hover:border-accent hover:bg-hover">
                  <span className="flex items-center gap-2 text-[13px] font-semibold">{t.name} <Badge>{t.language}</Badge></span>
                  <span className="mt-0.5 line-clamp-2 text-[13px] text-muted">{t.body}</span>
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Dialog>
  );
}
