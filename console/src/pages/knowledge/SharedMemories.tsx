// What the organisation remembers beyond any one customer: it waits, is approved, is put away.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Shown } from "~/api/schema";
import { useMe, useNames } from "~/parts/me";
import { ago } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { AreaField, Button, Card, Spinner } from "~/parts/ui";
import { named, useLanguage } from "~/words";

export function SharedMemories() {
  const { w } = useLanguage();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const proposed = useQuery(queries.sharedMemories("proposed"));
  const active = useQuery(queries.sharedMemories("active"));
  const [value, setValue] = useState("");
  const stale = () => void cache.invalidateQueries({ queryKey: ["memories"] });
  const propose = useMutation({
    mutationFn: (value: string) => said(api.POST("/api/memories", { body: { value } })),
    onSuccess: () => {
      stale();
      setValue("");
      toast.done(w.memory.shared.proposed);
    },
    onError: toast.failed,
  });
  const decide = useMutation({
    mutationFn: ({ id, is_approved }: { id: string; is_approved: boolean }) => said(api.POST("/api/memories/{id}/decide", { params: { path: { id } }, body: { is_approved } })),
    onSuccess: (m) => toast.done(m.status === "active" ? w.memory.shared.approvedDone : w.memory.shared.putAwayDone),
    onError: toast.failed,
    onSettled: stale,
  });
  if (proposed.isPending || active.isPending) return <Spinner />;
  const button = (m: Shown, is_approved: boolean) =>
    me.may("settings:manage") && (
      <Button size="sm" look={is_approved ? "primary" : "plain"} aria-describedby={m.id} disabled={decide.isPending} onClick={() => decide.mutate({ id: m.id, is_approved })}>
        {is_approved ? w.memory.shared.approve : w.memory.shared.putAway}
      </Button>
    );
  return (
    <div className="space-y-4">
      <p className="text-[13px] text-muted">{w.memory.shared.hint}</p>
      <Card title={w.memory.shared.waiting}>
        {proposed.data?.length === 0 && <p className="p-4 text-[13px] text-muted">{w.memory.shared.waitingNone}</p>}
        <ul>{proposed.data?.map((m) => <Row key={m.id} memory={m}>{button(m, true)}{button(m, false)}</Row>)}</ul>
      </Card>
      <Card title={w.memory.shared.approved}>
        {active.data?.length === 0 && <p className="p-4 text-[13px] text-muted">{w.memory.shared.approvedNone}</p>}
        <ul>{active.data?.map((m) => <Row key={m.id} memory={m}>{button(m, false)}</Row>)}</ul>
      </Card>
      {me.may("memory:write") && (
        <Card>
          <form className="space-y-3 p-4" onSubmit={(e: FormEvent) => { e.preventDefault(); if (value.trim()) propose.mutate(value.trim()); }}>
            <AreaField label={w.memory.shared.add} hint={w.memory.shared.addHint} rows={2} value={value} maxLength={1000} onChange={(e) => setValue(e.target.value)} />
            <Button type="submit" look="primary" busy={propose.isPending} disabled={!value.trim()}>{w.memory.shared.propose}</Button>
          </form>
        </Card>
      )}
    </div>
  );
}

function Row({ memory: m, children }: { memory: Shown; children: ReactNode }) {
  const { w, language } = useLanguage();
  const me = useMe();
  const approver = useNames()(m.approved_by);
  const source = named(w.memory.shared.sources, m.source_type);
  return (
    <li className="flex flex-wrap items-start gap-x-3 gap-y-2 border-b border-line px-4 py-3 text-[13px] last:border-0">
      <div className="min-w-0 flex-1 max-sm:basis-full">
        <p id={m.id} className="font-medium break-words whitespace-pre-wrap">{m.content}</p>
        <p className="mt-1 flex flex-wrap gap-x-3 text-xs text-muted">
          <span>{ago(m.approved_at ?? m.created_at, language)}</span>
          {m.source_type === "conversation" && m.source_id && me.may("conversation:read") ? <Link to="/inbox/$id" params={{ id: m.source_id }} search={{ view: "all" }} className="text-accent-text underline">{source}</Link> : <span>{source}</span>}
          {approver && <span>{w.memory.shared.approvedBy(approver)}</span>}
        </p>
      </div>
      <div className="flex gap-2 empty:hidden">{children}</div>
    </li>
  );
}
