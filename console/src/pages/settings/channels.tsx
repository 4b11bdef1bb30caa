// The places where customers write: how they are, connecting, changing, pausing and removing them.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ExternalLink, Plus } from "lucide-react";
import { useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { ChannelView as Channel } from "~/api/schema";
import { useMe } from "~/parts/me";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, Card, Notice, Spinner } from "~/parts/ui";
import { named, useLanguage } from "~/words";
import { ChannelIcon } from "../inbox/channel";
import { ConnectDialog, EditDialog, RemoveDialog, SetUpDialog } from "./ChannelDialogs";
import { CopyBox } from "./people";

type Open = { what: "edit" | "remove" | "setUp"; channel: Channel };
/** As long ahead as the server warns. */
const SOON = 7 * 24 * 3600_000;

export function ChannelsSection() {
  const { w } = useLanguage();
  const me = useMe();
  const channels = useQuery(queries.channels());
  const [adding, setAdding] = useState(false);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  if (channels.isPending) return <Spinner />;
  return (
    <>
      {me.may("channel:manage") && <div className="flex justify-end"><Button look="primary" onClick={() => setAdding(true)}><Plus size={14} aria-hidden /> {w.settings.channels.add}</Button></div>}
      {channels.data?.map((c) => <ChannelCard key={c.id} channel={c} onOpen={(what) => setOpen({ what, channel: c })} />)}
      {adding && <ConnectDialog onClose={() => setAdding(false)} />}
      {open?.what === "edit" && <EditDialog channel={open.channel} onClose={close} />}
      {open?.what === "remove" && <RemoveDialog channel={open.channel} onClose={close} />}
      {open?.what === "setUp" && <SetUpDialog channel={open.channel} onClose={close} />}
    </>
  );
}

function ChannelCard({ channel: c, onOpen }: { channel: Channel; onOpen: (what: Open["what"]) => void }) {
  const { w, language } = useLanguage();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const stale = () => void cache.invalidateQueries({ queryKey: ["channels"] });
  const of = { params: { path: { id: c.id } } };
  const pause = useMutation({
    mutationFn: (on: boolean) => said(on ? api.POST("/api/channels/{id}/pause", of) : api.POST("/api/channels/{id}/resume", of)),
    onSuccess: stale,
    onError: toast.failed,
  });
  const test = useMutation({ mutationFn: () => said(api.POST("/api/channels/{id}/test", of)), onSuccess: stale, onError: toast.failed });
  const v = w.settings.channels;
  const state = c.status === "paused" ? "paused" : c.error ? "error" : "active";
  const endsSoon = c.token_expires_at && new Date(c.token_expires_at).getTime() - Date.now() < SOON;
  return (
    <Card title={<span className="flex items-center gap-2"><ChannelIcon kind={c.platform} /> {w.given[c.name] ?? c.name}</span>} actions={<Badge tone={state === "active" ? "ok" : state === "paused" ? "warn" : "danger"}>{named(v.status, state)}</Badge>}>
      <div className="space-y-3 p-4 text-[13px]">
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-muted">
          {named(w.channels, c.platform)}
          {c.unofficial && <Badge tone="warn">{v.unofficial}</Badge>}
          {c.last_inbound_at && <span>{v.heard(moment(c.last_inbound_at, language))}</span>}
          {c.connection && <span>{c.connection}</span>}
          {c.quality && <Badge tone={c.quality === "RED" ? "danger" : c.quality === "YELLOW" ? "warn" : "plain"}>{v.quality(named(v.qualities, c.quality))}</Badge>}
          {c.token_expires_at && <Badge tone={endsSoon ? "danger" : "plain"}>{v.tokenEnds(moment(c.token_expires_at, language))}</Badge>}
        </p>
        {c.error ? (
          <Notice tone="danger" role="alert">{c.error}</Notice>
        ) : (
          c.last_error && c.last_error_at && <p className="text-xs text-muted">{v.lastError(moment(c.last_error_at, language))} {c.last_error}</p>
        )}
        {c.platform === "web" && (
          <>
            <p className="font-medium">{v.widget}</p>
            <CopyBox text={`<script src="${location.origin}/widget.js" data-channel="${c.id}" async></script>`} />
            <a href={`/chat?channel=${c.id}`} target="_blank" rel="noreferrer" className="inline-flex items-center gap-1 text-accent-text underline">{v.preview} <ExternalLink size={12} aria-hidden /></a>
          </>
        )}
        {test.data && <Notice role="status" tone={test.data.ok ? "ok" : "danger"}>{test.data.ok ? v.works : v.fails}: {test.data.detail}</Notice>}
        {me.may("channel:manage") && (
          <div className="flex flex-wrap gap-2">
            {c.platform !== "web" && <Button size="sm" busy={test.isPending} onClick={() => test.mutate()}>{v.test}</Button>}
            {c.platform !== "web" && <Button size="sm" onClick={() => onOpen("setUp")}>{v.setUp}</Button>}
            <Button size="sm" onClick={() => onOpen("edit")}>{v.edit}</Button>
            <Button size="sm" busy={pause.isPending} onClick={() => pause.mutate(c.status === "active")}>{c.status === "active" ? v.pause : v.resume}</Button>
            <Button size="sm" look="danger" onClick={() => onOpen("remove")}>{w.remove}</Button>
          </div>
        )}
      </div>
    </Card>
  );
}
