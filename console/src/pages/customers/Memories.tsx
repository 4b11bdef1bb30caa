// What the assistant remembers of a customer: see it, ask why, correct, pin and forget.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { HelpCircle, Pencil, Pin, PinOff, Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import { useMe } from "~/parts/me";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, cx, Dialog, IconButton, Input, Spinner, TextField } from "~/parts/ui";
import { named, useLanguage } from "~/words";
import { Marked } from "../inbox/SourceDialog";

export function Memories({ id }: { id: string }) {
  const { w } = useLanguage();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const list = useQuery(queries.memories(id));
  const [asked, setAsked] = useState<string>();
  const [edited, setEdited] = useState<{ id: string; value: string }>();
  const [note, setNote] = useState("");
  const may = me.may("memory:write");
  const stale = () => void cache.invalidateQueries({ queryKey: ["customer", id, "memories"] });
  const path = (memory: string) => ({ params: { path: { id, memory } } });
  const change = useMutation({
    mutationFn: ({ memory, ...body }: { memory: string; value?: string; is_pinned?: boolean }) => said(api.PATCH("/api/customers/{id}/memories/{memory}", { ...path(memory), body })),
    onSuccess: () => {
      stale();
      setEdited(undefined);
    },
    onError: toast.failed,
  });
  const forget = useMutation({ mutationFn: (memory: string) => api.DELETE("/api/customers/{id}/memories/{memory}", path(memory)), onSuccess: stale, onError: toast.failed });
  const add = useMutation({
    mutationFn: (value: string) => said(api.POST("/api/customers/{id}/memories", { params: { path: { id } }, body: { value } })),
    onSuccess: () => {
      stale();
      setNote("");
    },
    onError: toast.failed,
  });
  if (list.isPending) return <Spinner />;
  const all = (list.data ?? []).filter((m) => m.status === "active");
  return (
    <div className="space-y-2 text-[13px]">
      {all.length === 0 && <p className="text-muted">{w.memory.none}</p>}
      <ul className="space-y-1.5">
        {all.map((m) => (
          <li key={m.id} className="group rounded-md border border-line p-2">
            <p className="flex items-start gap-1.5">
              <span className="min-w-0 flex-1 break-words"><span className="text-muted">{named(w.memory.kinds, m.kind)}:</span> {m.value ?? m.content}</span>
              {m.is_pinned && <Pin size={12} className="mt-0.5 text-accent-text" aria-label={w.memory.pinned} />}
            </p>
            <div className="mt-1 flex items-center gap-1">
              <span role="img" aria-label={`${w.memory.strength} ${Math.round(m.strength * 100)} %`} title={`${w.memory.strength} ${Math.round(m.strength * 100)} %`} className="h-1 w-12 rounded-full bg-sunken"><span className={cx("block h-1 rounded-full", m.strength > 0.3 ? "bg-accent" : "bg-strong")} style={{ width: `${Math.round(m.strength * 100)}%` }} /></span>
              {m.is_stale && <Badge tone="warn">{w.memory.stale}</Badge>}
              <span className="flex-1" />
              <IconButton label={w.memory.why} onClick={() => setAsked(m.id)}><HelpCircle size={13} aria-hidden /></IconButton>
              {may && (
                <>
                  <IconButton label={m.is_pinned ? w.memory.unpin : w.memory.pin} onClick={() => change.mutate({ memory: m.id, is_pinned: !m.is_pinned })}>{m.is_pinned ? <PinOff size={13} aria-hidden /> : <Pin size={13} aria-hidden />}</IconButton>
                  <IconButton label={w.edit} onClick={() => setEdited({ id: m.id, value: m.value ?? m.content })}><Pencil size={13} aria-hidden /></IconButton>
                  <IconButton label={w.memory.forget} onClick={() => forget.mutate(m.id)}><Trash2 size={13} aria-hidden /></IconButton>
                </>
              )}
            </div>
          </li>
        ))}
      </ul>
      {may && (
        <form className="flex gap-1.5" onSubmit={(e: FormEvent) => { e.preventDefault(); if (note.trim()) add.mutate(note.trim()); }}>
          <Input aria-label={w.memory.add} placeholder={w.memory.add} value={note} maxLength={1000} onChange={(e) => setNote(e.target.value)} />
          <Button type="submit" aria-label={w.add} busy={add.isPending} disabled={!note.trim()}><Plus size={14} aria-hidden /></Button>
        </form>
      )}
      <Dialog open={edited !== undefined} onOpenChange={(o) => !o && setEdited(undefined)} title={w.memory.correct}>
        <form className="space-y-3" onSubmit={(e: FormEvent<HTMLFormElement>) => { e.preventDefault(); if (edited) change.mutate({ memory: edited.id, value: String(new FormData(e.currentTarget).get("value")) }); }}>
          <TextField name="value" label={w.memory.value} required maxLength={1000} defaultValue={edited?.value} />
          <Button type="submit" look="primary" busy={change.isPending}>{w.save}</Button>
        </form>
      </Dialog>
      {asked && <WhyDialog customer={id} memory={asked} onClose={() => setAsked(undefined)} />}
    </div>
  );
}

function WhyDialog({ customer, memory, onClose }: { customer: string; memory: string; onClose: () => void }) {
  const { w, language } = useLanguage();
  const why = useQuery({ queryKey: ["customer", customer, "memories", memory], queryFn: () => said(api.GET("/api/customers/{id}/memories/{memory}", { params: { path: { id: customer, memory } } })) });
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={w.memory.why}>
      {why.isPending ? <Spinner /> : why.data?.message ? (
        <div className="space-y-2 text-[13px]"><p className="text-xs text-muted">{moment(why.data.said_at, language)}</p><Marked text={why.data.message} quote={why.data.words ?? ""} /></div>
      ) : (
        <p className="text-[13px] text-muted">{w.memory.byHand}</p>
      )}
    </Dialog>
  );
}
