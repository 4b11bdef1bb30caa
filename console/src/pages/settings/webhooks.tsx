// The organisation's own servers that are told what happens: adding one, what it was told, sending it again.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, RotateCw } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Webhook, WebhookDelivery } from "~/api/schema";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, Card, Check, Dialog, Empty, Notice, Spinner, TextField } from "~/parts/ui";
import { named, useLanguage } from "~/words";
import { CopyBox } from "./people";

const EVENTS = ["message_created", "conversation_created", "conversation_status_changed"];

export function WebhooksSection() {
  const { w, language } = useLanguage();
  const toast = useToast();
  const cache = useQueryClient();
  const hooks = useQuery(queries.webhooks());
  const [adding, setAdding] = useState(false);
  const [told, setTold] = useState<Webhook>();
  const [removed, setRemoved] = useState<Webhook>();
  const stale = () => void cache.invalidateQueries({ queryKey: ["webhooks"] });
  const enable = useMutation({ mutationFn: (id: string) => said(api.POST("/api/webhooks/{id}/enable", { params: { path: { id } } })), onSuccess: stale, onError: toast.failed });
  const remove = useMutation({
    mutationFn: (id: string) => said(api.DELETE("/api/webhooks/{id}", { params: { path: { id } } })),
    onSuccess: () => {
      stale();
      setRemoved(undefined);
    },
    onError: toast.failed,
  });
  const v = w.settings.webhooks;
  if (hooks.isPending) return <Spinner />;
  return (
    <>
      <div className="flex flex-wrap items-start justify-between gap-3">
        <p className="max-w-xl min-w-60 flex-1 text-[13px] text-muted">{v.hint}</p>
        <Button look="primary" onClick={() => setAdding(true)}><Plus size={14} aria-hidden /> {v.add}</Button>
      </div>
      {hooks.data?.length === 0 && <Empty title={v.none} />}
      {hooks.data?.map((h) => (
        <Card key={h.id} title={<span className="break-all">{h.url}</span>} actions={<Badge tone={h.status === "disabled" ? "danger" : h.failing_since ? "warn" : "ok"}>{named(v.status, h.status === "active" && h.failing_since ? "failing" : h.status)}</Badge>}>
          <div className="space-y-3 p-4 text-[13px]">
            <p className="flex flex-wrap gap-1.5">{h.events.length === 0 ? <span className="text-muted">{v.everything}</span> : h.events.map((e) => <Badge key={e}>{named(v.events, e)}</Badge>)}</p>
            {h.failing_since && <Notice tone={h.status === "disabled" ? "danger" : "warn"} role="status">{h.status === "disabled" ? v.disabled(moment(h.failing_since, language)) : v.failing(moment(h.failing_since, language))}</Notice>}
            <div className="flex flex-wrap gap-2">
              <Button size="sm" onClick={() => setTold(h)}>{v.deliveries}</Button>
              {h.status === "disabled" && <Button size="sm" busy={enable.isPending} onClick={() => enable.mutate(h.id)}>{v.enable}</Button>}
              <Button size="sm" look="danger" onClick={() => setRemoved(h)}>{w.remove}</Button>
            </div>
          </div>
        </Card>
      ))}
      {adding && <AddDialog onClose={() => setAdding(false)} onAdded={stale} />}
      {told && <Deliveries hook={told} onClose={() => setTold(undefined)} />}
      <Dialog open={removed !== undefined} onOpenChange={(o) => !o && setRemoved(undefined)} title={v.removeTitle} description={v.removeHint}>
        <p className="mb-3 text-[13px] break-all">{removed?.url}</p>
        <div className="flex justify-end gap-2"><Button onClick={() => setRemoved(undefined)}>{w.cancel}</Button><Button look="danger" busy={remove.isPending} onClick={() => removed && remove.mutate(removed.id)}>{w.remove}</Button></div>
      </Dialog>
    </>
  );
}

/** Adds one; its secret is shown this once. */
function AddDialog({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const { w } = useLanguage();
  const toast = useToast();
  const add = useMutation({ mutationFn: (body: { url: string; events: string[] }) => said(api.POST("/api/webhooks", { body })), onSuccess: onAdded, onError: toast.failed });
  const v = w.settings.webhooks;
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const events = form.getAll("event").map(String);
    add.mutate({ url: String(form.get("url")).trim(), events: events.length === EVENTS.length ? [] : events });
  }
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={add.data ? v.added : v.add} description={add.data && v.secretHint}>
      {add.data ? (
        <div className="space-y-4">
          <div className="space-y-1"><p className="text-xs font-medium">{v.secret}</p><CopyBox text={add.data.secret ?? ""} /></div>
          <p className="text-[13px] text-muted">{v.signed}</p>
          <div className="flex justify-end"><Button look="primary" onClick={onClose}>{w.settings.channels.done}</Button></div>
        </div>
      ) : (
        <form onSubmit={submit} className="space-y-3">
          <TextField name="url" type="url" label={v.url} hint={v.urlHint} required autoComplete="off" placeholder="https://" />
          <fieldset>
            <legend className="mb-1 text-[13px] font-medium">{v.hears}</legend>
            <div className="grid gap-1.5 text-[13px]">{EVENTS.map((e) => <Check key={e} name="event" value={e} defaultChecked label={<>{named(v.events, e)} <code className="text-xs text-muted">{e}</code></>} />)}</div>
          </fieldset>
          <Button type="submit" look="primary" busy={add.isPending}>{w.add}</Button>
        </form>
      )}
    </Dialog>
  );
}

/** What a webhook was told, the newest first. */
function Deliveries({ hook, onClose }: { hook: Webhook; onClose: () => void }) {
  const { w } = useLanguage();
  // What it is told meanwhile comes by itself.
  const pages = useInfiniteQuery({ ...queries.deliveries(hook.id), refetchInterval: 3000 });
  const all = pages.data?.pages.flatMap((p) => p.items) ?? [];
  const v = w.settings.webhooks;
  return (
    <Dialog open side onOpenChange={(o) => !o && onClose()} title={v.deliveries} description={<span className="break-all">{hook.url}</span>}>
      {pages.isPending ? <Spinner /> : all.length === 0 ? <Empty title={v.noDeliveries} /> : <ul className="divide-y divide-line">{all.map((d) => <Delivery key={d.id} delivery={d} />)}</ul>}
      {pages.hasNextPage && <div className="pt-2 text-center"><Button busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>{w.more}</Button></div>}
    </Dialog>
  );
}

function Delivery({ delivery: d }: { delivery: WebhookDelivery }) {
  const { w, language } = useLanguage();
  const toast = useToast();
  const cache = useQueryClient();
  const v = w.settings.webhooks;
  const replay = useMutation({
    mutationFn: () => said(api.POST("/api/webhook-deliveries/{id}/replay", { params: { path: { id: d.id } } })),
    onSuccess: () => {
      toast.done(v.replayed);
      void cache.invalidateQueries({ queryKey: ["deliveries"] });
    },
    onError: toast.failed,
  });
  return (
    <li className="space-y-1 py-2.5 text-[13px]">
      <div className="flex flex-wrap items-center gap-2">
        <Badge tone={d.status === "failed" ? "danger" : d.status === "delivered" ? "ok" : "plain"}>{named(v.states, d.status)}</Badge>
        <span className="font-medium">{named(v.events, d.event)}</span>
        <span className="text-xs text-muted">{moment(d.created_at, language)}</span>
        {d.status !== "waiting" && <Button size="sm" className="ml-auto" busy={replay.isPending} onClick={() => replay.mutate()}><RotateCw size={12} aria-hidden /> {v.replay}</Button>}
      </div>
      <p className="text-xs text-muted">{[d.response_status && `HTTP ${d.response_status}`, v.attempts(d.attempts), d.status !== "delivered" && d.error_message].filter(Boolean).join(" · ")}</p>
      <details>
        <summary className="cursor-pointer text-xs text-muted">{v.body}</summary>
        <pre className="mt-1 max-h-64 overflow-auto rounded-md bg-sunken p-2 text-xs break-all whitespace-pre-wrap" tabIndex={0}>{pretty(d.payload)}</pre>
      </details>
    </li>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
