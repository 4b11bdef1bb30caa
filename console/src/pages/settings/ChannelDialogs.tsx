// Connecting a channel step by step, changing one, taking one away.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { type ReactNode, useState } from "react";
import { api, said } from "~/api/client";
import type { ChannelView as Channel } from "~/api/schema";
import { useToast } from "~/parts/toast";
import { Badge, Button, Check, Dialog, Notice, Spinner } from "~/parts/ui";
import { named, useWords } from "~/words";
import { ChannelIcon, UNOFFICIAL } from "../inbox/channel";
import { ChannelForm } from "./ChannelForm";
import { NEEDS, read } from "./channelNeeds";
import { CopyBox } from "./people";

type Empty = Record<string, never>;

/** Connects a channel: which kind, what to do at the platform, what it needs here, and what is left to do there. */
export function ConnectDialog({ onClose }: { onClose: () => void }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const [kind, setKind] = useState<string>();
  const [understood, setUnderstood] = useState(false);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const add = useMutation({
    mutationFn: (body: { platform: string; name: string; config: Empty; settings: Empty }) => said(api.POST("/api/channels", { body })),
    onSuccess: () => void cache.invalidateQueries({ queryKey: ["channels"] }),
    onError: toast.failed,
  });
  const c = w.settings.channels;
  if (!kind)
    return (
      <Dialog open wide onOpenChange={(o) => !o && onClose()} title={c.add} description={c.which}>
        <ul className="grid gap-2 sm:grid-cols-2">
          {Object.keys(NEEDS).map((k) => (
            <li key={k}>
              <button type="button" onClick={() => setKind(k)} className="flex h-full w-full items-start gap-3 rounded-lg border border-line p-3 text-left hover:bg-hover">
                <span className="mt-0.5 text-muted"><ChannelIcon kind={k} size={18} /></span>
                <span className="min-w-0 flex-1 space-y-0.5">
                  <span className="flex flex-wrap items-center gap-2 font-medium">{named(w.channels, k)}{UNOFFICIAL.includes(k) && <Badge tone="warn">{c.unofficialShort}</Badge>}</span>
                  <span className="block text-xs text-muted">{c.kinds[k]?.about}</span>
                </span>
                <ChevronRight size={16} aria-hidden className="mt-0.5 shrink-0 text-muted" />
              </button>
            </li>
          ))}
        </ul>
      </Dialog>
    );
  const of = c.kinds[kind];
  const title = c.addOf(named(w.channels, kind));
  if (add.data)
    return (
      <Dialog open wide onOpenChange={(o) => !o && onClose()} title={c.connected(add.data.name)}>
        <div className="space-y-4">
          <AtThePlatform channel={add.data} typed={typed} />
          <Try channel={add.data} />
          <div className="flex justify-end"><Button look="primary" onClick={onClose}>{c.done}</Button></div>
        </div>
      </Dialog>
    );
  const mayGo = !UNOFFICIAL.includes(kind) || understood;
  return (
    <Dialog open wide onOpenChange={(o) => !o && onClose()} title={title} description={of?.about}>
      <div className="space-y-4">
        {of && of.warning.length > 0 && (
          <Part title={c.beforeYouDecide}>
            <Notice tone="warn"><ul className="list-disc space-y-1 pl-4">{of.warning.map((x) => <li key={x}>{x}</li>)}</ul></Notice>
            {UNOFFICIAL.includes(kind) && <div className="text-[13px]"><Check checked={understood} onChange={(e) => setUnderstood(e.target.checked)} label={c.understood} /></div>}
          </Part>
        )}
        {mayGo && of && of.before.length > 0 && <Part title={c.atThePlatform}><Steps steps={of.before} /></Part>}
        {mayGo && (
          <Part title={of && of.before.length > 0 ? c.here : undefined}>
            <ChannelForm
              kind={kind}
              name={named(w.channels, kind)}
              busy={add.isPending}
              action={c.connect}
              onSubmit={(name, form) => {
                const { config, settings } = read(kind, form);
                setTyped(Object.fromEntries(Object.entries(config).filter((e): e is [string, string] => typeof e[1] === "string")));
                add.mutate({ platform: kind, name, config: config as Empty, settings: settings as Empty });
              }}
            />
          </Part>
        )}
        <Button look="quiet" onClick={() => { setKind(undefined); setUnderstood(false); }}>{w.back}</Button>
      </div>
    </Dialog>
  );
}

/** Changes a channel; its secrets stay unless new ones are typed. */
export function EditDialog({ channel, onClose }: { channel: Channel; onClose: () => void }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const path = { path: { id: channel.id } };
  const kept = useQuery({ queryKey: ["channels", channel.id], queryFn: () => said(api.GET("/api/channels/{id}", { params: path })), gcTime: 0 });
  const save = useMutation({
    mutationFn: (body: { name: string; config: Empty; settings: Empty }) => said(api.PATCH("/api/channels/{id}", { params: path, body })),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["channels"] });
      toast.done(w.saved);
      onClose();
    },
    onError: toast.failed,
  });
  const before: Record<string, unknown> = { ...kept.data?.config, ...kept.data?.settings };
  return (
    <Dialog open wide onOpenChange={(o) => !o && onClose()} title={w.settings.channels.editTitle(channel.name)} description={named(w.channels, channel.platform)}>
      {!kept.data ? (
        <Spinner />
      ) : (
        <ChannelForm
          kind={channel.platform}
          name={channel.name}
          kept={before}
          secrets={kept.data.secrets}
          busy={save.isPending}
          action={w.save}
          onSubmit={(name, form) => {
            const { config, settings } = read(channel.platform, form, before);
            save.mutate({ name, config: config as Empty, settings: settings as Empty });
          }}
        />
      )}
    </Dialog>
  );
}

/** What is to be done at the platform, for a channel that is connected. */
export function SetUpDialog({ channel, onClose }: { channel: Channel; onClose: () => void }) {
  const w = useWords();
  const of = w.settings.channels.kinds[channel.platform];
  return (
    <Dialog open wide onOpenChange={(o) => !o && onClose()} title={channel.name} description={w.settings.channels.howTo}>
      <div className="space-y-4">
        {of && of.before.length > 0 && <Steps steps={of.before} />}
        <AtThePlatform channel={channel} typed={{}} />
      </div>
    </Dialog>
  );
}

export function RemoveDialog({ channel, onClose }: { channel: Channel; onClose: () => void }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const remove = useMutation({
    mutationFn: () => said(api.DELETE("/api/channels/{id}", { params: { path: { id: channel.id } } })),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["channels"] });
      onClose();
    },
    onError: toast.failed,
  });
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={w.settings.channels.removeTitle(channel.name)} description={w.settings.channels.removeHint}>
      <div className="flex justify-end gap-2"><Button onClick={onClose}>{w.cancel}</Button><Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>{w.remove}</Button></div>
    </Dialog>
  );
}

function Part({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <section className="space-y-2">
      {title && <h3 className="text-[13px] font-semibold">{title}</h3>}
      {children}
    </section>
  );
}

const Steps = ({ steps }: { steps: string[] }) => <ol className="list-decimal space-y-1.5 pl-5 text-[13px]">{steps.map((x) => <li key={x} className="break-words">{x}</li>)}</ol>;

/** The address, and what was typed here that the platform must be told too. */
function AtThePlatform({ channel, typed }: { channel: Channel; typed: Record<string, string> }) {
  const w = useWords();
  const c = w.settings.channels;
  const of = c.kinds[channel.platform];
  const address = channel.webhook_path && `${location.origin}${channel.webhook_path}`;
  const made = (NEEDS[channel.platform] ?? []).filter((n) => n.make && !n.rare && typed[n.key]);
  const hook = channel.platform === "telegram" && address && telegram(typed.bot_token ?? "BOT_TOKEN", address, typed.secret_token ?? "SECRET");
  if (!of || (of.after.length === 0 && !address)) return null;
  return (
    <Part title={c.now}>
      <Steps steps={of.after} />
      {channel.platform === "web" && <CopyBox text={`<script src="${location.origin}/widget.js" data-channel="${channel.id}" async></script>`} />}
      {address && location.protocol !== "https:" && !UNOFFICIAL.includes(channel.platform) && <Notice tone="warn">{c.https}</Notice>}
      {hook && <CopyBox text={hook} />}
      {address && !hook && (
        <>
          <p className="text-xs text-muted">{c.path}</p>
          <CopyBox text={address} />
        </>
      )}
      {made.length > 0 && !hook && (
        <>
          <p className="text-xs text-muted">{c.made}</p>
          {made.map((n) => (
            <div key={n.key} className="space-y-1">
              <p className="text-xs font-medium">{of.fields[n.key]?.[0]}</p>
              <CopyBox text={typed[n.key] ?? ""} />
            </div>
          ))}
        </>
      )}
    </Part>
  );
}

/** The address by which Telegram hears where to deliver. */
function telegram(bot: string, address: string, secret: string): string {
  const asked = new URLSearchParams({ url: address, secret_token: secret, allowed_updates: '["message","edited_message","callback_query","message_reaction"]' });
  return `https://api.telegram.org/bot${bot}/setWebhook?${asked}`;
}

/** Asks the platform whether it works, and says how to see it for oneself. */
function Try({ channel }: { channel: Channel }) {
  const w = useWords();
  const toast = useToast();
  const test = useMutation({ mutationFn: () => said(api.POST("/api/channels/{id}/test", { params: { path: { id: channel.id } } })), onError: toast.failed });
  const c = w.settings.channels;
  return (
    <div className="space-y-2">
      <p className="text-[13px] text-muted">{c.kinds[channel.platform]?.proof}</p>
      {channel.platform !== "web" && <Button busy={test.isPending} onClick={() => test.mutate()}>{c.test}</Button>}
      {test.data && <Notice role="status" tone={test.data.ok ? "ok" : "danger"}>{test.data.ok ? c.works : c.fails}: {test.data.detail}</Notice>}
    </div>
  );
}
