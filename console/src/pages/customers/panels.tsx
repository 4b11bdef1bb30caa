// What is known of a customer, in parts: for their page and for the column beside a conversation.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BadgeCheck, ChevronDown, Pencil, Plus, Star, Trash2, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Activity, Contact, ContactChange, CustomerChange, CustomerShown, Deal } from "~/api/schema";
import { useMe, useNames } from "~/parts/me";
import { ago, moment, money } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, Check, cx, Dialog, IconButton, Menu, MenuItem, Select, Spinner, Textarea, TextField } from "~/parts/ui";
import { named, useLanguage, useWords } from "~/words";
import { DealDialog } from "../deals/DealDialog";
import { mayGo, stageName, tone, useDealSteps } from "../deals/steps";
import { ChannelIcon } from "../inbox/channel";
import { usePreview } from "../inbox/Facts";
import { Inline, OwnField } from "./inline";
import { MergeEntry } from "./MergeDialog";

type Shown = CustomerShown & { tags: { id: string; name: string; color: string }[] };

function useEdit(id: string) {
  const cache = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: (body: CustomerChange) => said(api.PATCH("/api/customers/{id}", { params: { path: { id } }, body })),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["customer", id] });
      void cache.invalidateQueries({ queryKey: ["customers"] });
    },
    onError: toast.failed,
  });
}

type TextKey = "email" | "phone" | "wechat_id" | "company_name" | "region_city" | "remark" | "name";

export function Profile({ c }: { c: Shown }) {
  const { w, language } = useLanguage();
  const me = useMe();
  const users = useQuery({ ...queries.users(), enabled: me.may("user:read") }).data ?? [];
  const fields = useQuery(queries.customerFields()).data?.fields ?? [];
  const own = c.custom_fields as Record<string, unknown>;
  const edit = useEdit(c.id);
  const may = me.may("customer:write");
  const texts: [TextKey, string, string?][] = [
    ["name", w.name],
    ["email", w.customer.email, "email"],
    ["phone", w.customer.phone, "tel"],
    ["wechat_id", w.customer.wechat],
    ["company_name", w.customer.company],
    ["region_city", w.customer.city],
    ["remark", w.customer.remark],
  ];
  return (
    <dl className="grid grid-cols-[96px_1fr] items-center gap-x-2 gap-y-0.5 text-[13px]">
      {texts.map(([key, label, type]) => (
        <Row key={key} label={label}>
          {(id) => <Inline id={id} type={type} value={c[key] ?? ""} disabled={!may || (key === "phone" && !me.may("customer:see_phone"))} onSave={(v) => edit.mutate({ [key]: key === "name" ? v || c.name : v || null })} />}
        </Row>
      ))}
      <Row label={w.customer.stage}>
        {(id) => (
          <Select id={id} disabled={!may} value={c.stage} onChange={(e) => edit.mutate({ stage: e.target.value as CustomerShown["stage"] })} className="h-8! border-transparent! hover:border-line!">
            {Object.entries(w.customer.stages).map(([k, v]) => <option key={k} value={k}>{v}</option>)}
          </Select>
        )}
      </Row>
      <Row label={w.customer.owner}>
        {(id) => (
          <Select id={id} disabled={!may} value={c.owner_id ?? ""} onChange={(e) => edit.mutate({ owner_id: e.target.value || null })} className="h-8! border-transparent! hover:border-line!">
            <option value="">{w.customer.nobody}</option>
            {users.map((u) => <option key={u.id} value={u.id}>{u.name}</option>)}
          </Select>
        )}
      </Row>
      {fields.map((f) => (
        <Row key={f.key} label={f.label}>
          {(id) => <OwnField id={id} field={f} value={own[f.key]} disabled={!may} onSave={(v) => edit.mutate({ custom_fields: { [f.key]: v } as Record<string, never> })} />}
        </Row>
      ))}
      <dt className="text-muted">{w.customer.since}</dt>
      <dd className="px-2 py-1">{moment(c.created_at, language)}</dd>
    </dl>
  );
}

function Row({ label, children }: { label: string; children: (id: string) => React.ReactNode }) {
  const id = `profile-${label}`;
  return (
    <>
      <dt><label htmlFor={id} className="text-muted">{label}</label></dt>
      <dd className="min-w-0">{children(id)}</dd>
    </>
  );
}

export function Tags({ c }: { c: Shown }) {
  const w = useWords();
  const me = useMe();
  const cache = useQueryClient();
  const toast = useToast();
  const tags = useQuery(queries.tags()).data ?? [];
  const may = me.may("customer:write");
  const set = useMutation({
    mutationFn: async ({ tag, on }: { tag: string; on: boolean }) => {
      const at = { params: { path: { id: c.id, tag } } };
      await (on ? api.PUT("/api/customers/{id}/tags/{tag}", at) : api.DELETE("/api/customers/{id}/tags/{tag}", at));
    },
    onSuccess: () => void cache.invalidateQueries({ queryKey: ["customer", c.id] }),
    onError: toast.failed,
  });
  const others = tags.filter((t) => !c.tags.some((own) => own.id === t.id));
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      {c.tags.map((t) => (
        <TagBadge key={t.id} name={t.name} color={t.color}>
          {may && <button type="button" aria-label={`${w.remove}: ${t.name}`} onClick={() => set.mutate({ tag: t.id, on: false })}><X size={11} aria-hidden /></button>}
        </TagBadge>
      ))}
      {c.tags.length === 0 && <span className="text-[13px] text-muted">{w.none}</span>}
      {may && others.length > 0 && (
        <Menu align="start" trigger={<button type="button" aria-label={w.customer.tagAdd} className="inline-flex size-6 items-center justify-center rounded border border-dashed border-strong text-muted hover:bg-hover"><Plus size={12} aria-hidden /></button>}>
          {others.map((t) => <MenuItem key={t.id} onSelect={() => set.mutate({ tag: t.id, on: true })}><span aria-hidden className="size-2.5 rounded-full" style={{ background: t.color }} /> {t.name}</MenuItem>)}
        </Menu>
      )}
    </div>
  );
}

export function TagBadge({ name, color, children }: { name: string; color: string; children?: React.ReactNode }) {
  return <span className="inline-flex items-center gap-1 rounded border border-line px-1.5 py-0.5 text-xs"><span aria-hidden className="size-2 rounded-full" style={{ background: color }} />{name}{children}</span>;
}

export function Identities({ id }: { id: string }) {
  const { w, language } = useLanguage();
  const channels = useQuery(queries.channels()).data ?? [];
  const list = useQuery(queries.identities(id));
  if (list.isPending) return <Spinner />;
  if (!list.data?.length) return <p className="text-[13px] text-muted">{w.customer.identitiesNone}</p>;
  return (
    <ul className="space-y-1.5 text-[13px]">
      {list.data.map((i) => {
        const channel = channels.find((c) => c.id === i.channel_id);
        return (
          <li key={i.id} className="flex items-center gap-2">
            <span className="text-muted"><ChannelIcon kind={channel?.platform ?? i.kind} /></span>
            <span className="min-w-0 flex-1">
              <span className="block truncate"><bdi>{channel ? (w.given[channel.name] ?? channel.name) : i.kind}</bdi>{i.display_name && <> · <bdi>{i.display_name}</bdi></>}</span>
              <span className="block truncate text-xs text-muted" title={i.external_id}>{i.external_id}</span>
            </span>
            {i.verified_at && <BadgeCheck size={14} className="text-ok" aria-label={moment(i.verified_at, language)} />}
          </li>
        );
      })}
    </ul>
  );
}

export function Contacts({ id }: { id: string }) {
  const w = useWords();
  const me = useMe();
  const cache = useQueryClient();
  const toast = useToast();
  const list = useQuery(queries.contacts(id));
  const [edited, setEdited] = useState<Contact | "new">();
  const remove = useMutation({
    mutationFn: (contact: string) => api.DELETE("/api/customers/{id}/contacts/{contact}", { params: { path: { id, contact } } }),
    onSuccess: () => void cache.invalidateQueries({ queryKey: ["customer", id, "contacts"] }),
    onError: toast.failed,
  });
  const may = me.may("customer:write");
  if (list.isPending) return <Spinner />;
  return (
    <div className="space-y-2 text-[13px]">
      <ul className="space-y-2">
        {list.data?.map((k) => (
          <li key={k.id} className="flex items-start gap-2">
            <span className="min-w-0 flex-1">
              <span className="flex items-center gap-1 font-medium">{k.name} {k.is_primary && <Star size={12} className="text-warn" aria-label={w.customer.primary} />}</span>
              <span className="block truncate text-xs text-muted">{[k.title, k.email, k.phone].filter(Boolean).join(" · ") || "–"}</span>
            </span>
            {may && <IconButton label={w.edit} onClick={() => setEdited(k)}><Pencil size={13} aria-hidden /></IconButton>}
            {may && <IconButton label={w.remove} onClick={() => remove.mutate(k.id)}><Trash2 size={13} aria-hidden /></IconButton>}
          </li>
        ))}
      </ul>
      {may && <Button size="sm" onClick={() => setEdited("new")}><Plus size={13} aria-hidden /> {w.customer.contactAdd}</Button>}
      {edited && <ContactDialog id={id} contact={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </div>
  );
}

function ContactDialog({ id, contact, onClose }: { id: string; contact: Contact | undefined; onClose: () => void }) {
  const w = useWords();
  const cache = useQueryClient();
  const toast = useToast();
  const save = useMutation({
    mutationFn: (body: ContactChange) => (contact ? said(api.PATCH("/api/customers/{id}/contacts/{contact}", { params: { path: { id, contact: contact.id } }, body })) : said(api.POST("/api/customers/{id}/contacts", { params: { path: { id } }, body }))),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["customer", id, "contacts"] });
      onClose();
    },
    onError: toast.failed,
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const text = (k: string) => String(form.get(k) ?? "").trim() || null;
    save.mutate({ name: text("name"), title: text("title"), email: text("email"), phone: text("phone"), is_primary: form.get("is_primary") === "on" });
  }
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={contact ? contact.name : w.customer.contactAdd}>
      <form onSubmit={submit} className="space-y-3">
        <TextField name="name" label={w.name} required defaultValue={contact?.name} />
        <TextField name="title" label={w.customer.contactTitle} defaultValue={contact?.title ?? ""} />
        <TextField name="email" type="email" label={w.customer.email} defaultValue={contact?.email ?? ""} />
        <TextField name="phone" type="tel" label={w.customer.phone} defaultValue={contact?.phone ?? ""} />
        <Check name="is_primary" label={w.customer.primary} defaultChecked={contact?.is_primary} />
        <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
      </form>
    </Dialog>
  );
}

/** Where a deal stands; who may, moves, wins or loses it here. */
function DealStep({ d, steps }: { d: Deal; steps: ReturnType<typeof useDealSteps> }) {
  const { w } = useLanguage();
  const me = useMe();
  const badge = <Badge tone={tone(d.status)}>{steps.nameOf(d)}</Badge>;
  if (!me.may("deal:write")) return badge;
  return (
    <Menu trigger={<button type="button" aria-label={`${w.deals.stage}: ${d.title}, ${steps.nameOf(d)}`} className="inline-flex items-center gap-0.5 rounded hover:bg-hover">{badge}<ChevronDown size={12} className="text-muted" aria-hidden /></button>}>
      {steps.stagesOf(d).map((s) => <MenuItem key={s.id} checked={s.id === d.stage_id} disabled={!mayGo(d, s)} onSelect={() => steps.moveTo(d, s.key)}>{stageName(w, s)}</MenuItem>)}
    </Menu>
  );
}

export function CustomerDeals({ id, name }: { id: string; name: string }) {
  const { w, language } = useLanguage();
  const me = useMe();
  const filter = { customer: id };
  const deals = useQuery(queries.deals(filter));
  const steps = useDealSteps(filter);
  const [adding, setAdding] = useState(false);
  if (deals.isPending) return <Spinner />;
  return (
    <div className="space-y-2 text-[13px]">
      {deals.data?.length === 0 && <p className="text-muted">{w.customer.dealsNone}</p>}
      <ul className="space-y-1.5">
        {deals.data?.map((d) => (
          <li key={d.id} className="flex items-center justify-between gap-2">
            <Link to="/deals" search={{ pipeline: d.pipeline_id }} className="min-w-0 flex-1 truncate hover:underline">{d.title}</Link>
            <span className="text-muted tabular-nums">{money(d.amount, d.currency, language)}</span>
            <DealStep d={d} steps={steps} />
          </li>
        ))}
      </ul>
      {steps.dialog}
      {me.may("deal:write") && <Button size="sm" onClick={() => setAdding(true)}><Plus size={13} aria-hidden /> {w.deals.add}</Button>}
      {adding && <DealDialog customer={{ id, name }} onClose={() => setAdding(false)} />}
    </div>
  );
}

export function Conversations({ id, but }: { id: string; but?: string }) {
  const { w, language } = useLanguage();
  const preview = usePreview();
  const list = useInfiniteQuery(queries.conversations({ customer_id: id }));
  if (list.isPending) return <Spinner />;
  const all = (list.data?.pages.flatMap((p) => p.items) ?? []).filter((c) => c.id !== but);
  if (all.length === 0) return <p className="text-[13px] text-muted">{w.customer.conversationsNone}</p>;
  return (
    <ul className="space-y-1 text-[13px]">
      {all.map((c) => (
        <li key={c.id}>
          <Link to="/inbox/$id" params={{ id: c.id }} search={{ view: "all" }} className="-mx-2 block rounded-md px-2 py-1.5 hover:bg-hover">
            <span className="flex items-center gap-2"><ChannelIcon kind={c.channel_type} size={12} /> <span className="flex-1">{w.statuses[c.status]}</span><span className="text-xs text-muted">{ago(c.last_message_at, language)}</span></span>
            <span className="block truncate text-xs text-muted">{preview(c.last_message_preview)}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

export function Timeline({ id }: { id: string }) {
  const { w, language } = useLanguage();
  const me = useMe();
  const names = useNames();
  const toast = useToast();
  const cache = useQueryClient();
  const pages = useInfiniteQuery(queries.timeline(id));
  const [note, setNote] = useState("");
  const add = useMutation({
    mutationFn: () => said(api.POST("/api/customers/{id}/notes", { params: { path: { id } }, body: { text: note } })),
    onSuccess: () => {
      setNote("");
      void cache.invalidateQueries({ queryKey: ["customer", id, "timeline"] });
    },
    onError: toast.failed,
  });
  const all = pages.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <div className="space-y-3 text-[13px]">
      {me.may("customer:write") && (
        <form onSubmit={(e) => { e.preventDefault(); add.mutate(); }} className="space-y-1.5">
          <Textarea rows={2} aria-label={w.customer.noteAdd} placeholder={w.customer.notePlaceholder} value={note} onChange={(e) => setNote(e.target.value)} />
          {note.trim() && <Button type="submit" size="sm" look="primary" busy={add.isPending}>{w.customer.noteAdd}</Button>}
        </form>
      )}
      {pages.isPending && <Spinner />}
      {pages.isSuccess && all.length === 0 && <p className="text-muted">{w.customer.timelineNone}</p>}
      <ol className="space-y-2.5 border-l border-line pl-3">
        {all.map((a) => (
          <li key={a.id} className="relative">
            <span aria-hidden className={cx("absolute top-1.5 -left-[16.5px] size-2 rounded-full", a.type === "note_added" ? "bg-warn" : "bg-strong")} />
            <p><span className="font-medium">{named(w.activities, a.type)}</span> <Detail a={a} id={id} /></p>
            {a.description && <p className="break-words whitespace-pre-wrap">{a.description}</p>}
            <p className="text-xs text-muted">{[names(a.user_id), moment(a.created_at, language)].filter(Boolean).join(" · ")}</p>
          </li>
        ))}
      </ol>
      {pages.hasNextPage && <Button size="sm" look="quiet" onClick={() => void pages.fetchNextPage()}>{w.more}</Button>}
    </div>
  );
}

function Detail({ a, id }: { a: Activity; id: string }) {
  const w = useWords();
  const m = a.metadata as { from?: string; to?: string; reason?: string; conversation_id?: string; merge_id?: string; customer_id?: string };
  if (a.type === "merged" || a.type === "merge_undone") return <MergeEntry id={id} merge={m.merge_id} other={m.customer_id} wasUndone={a.type === "merge_undone"} />;
  if (a.type === "handed_off") return <span className="text-muted">{named(w.reasons, m.reason)}</span>;
  if (m.conversation_id) return <Link to="/inbox/$id" params={{ id: m.conversation_id }} search={{ view: "all" }} className="text-accent-text underline">{w.openIt}</Link>;
  if (typeof m.from === "string" || typeof m.to === "string") {
    const names = a.type.startsWith("deal") ? w.deals.stages : w.customer.stages;
    return <span className="text-muted">{named(names, m.from)} → {named(names, m.to)}</span>;
  }
  return a.title ? <span className="text-muted">{a.title}</span> : null;
}
