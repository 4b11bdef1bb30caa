// The organisation's canned replies, tags and API keys.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { CannedReply, Tag } from "~/api/schema";
import { useEntries } from "~/parts/entries";
import { useMe } from "~/parts/me";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { AreaField, Badge, Button, Card, Check, Dialog, Empty, IconButton, SelectField, Spinner, Table, TextField } from "~/parts/ui";
import { useLanguage, useWords } from "~/words";
import { TagBadge } from "../customers/panels";
import { CopyBox } from "./people";

export function CannedSection() {
  const w = useWords();
  const me = useMe();
  const list = useQuery(queries.cannedReplies());
  const may = me.may("canned_reply:manage");
  const { of, open, add, edit, close, save, remove } = useEntries("canned-replies", {
    add: (body: { shortcut: string; content: string; language: "en" | "zh" | null }) => said(api.POST("/api/canned-replies", { body })),
    change: (of: CannedReply, body) => said(api.PUT("/api/canned-replies/{id}", { params: { path: { id: of.id } }, body })),
    remove: (id) => api.DELETE("/api/canned-replies/{id}", { params: { path: { id } } }),
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    save.mutate({ shortcut: String(form.get("shortcut")), content: String(form.get("content")), language: (String(form.get("language")) || null) as "en" | "zh" | null });
  }
  if (list.isPending) return <Spinner />;
  return (
    <>
      {may && <div className="flex justify-end"><Button look="primary" onClick={add}><Plus size={14} aria-hidden /> {w.settings.canned.add}</Button></div>}
      {list.data?.length === 0 ? (
        <Empty title={w.settings.canned.none}>{w.settings.canned.variables}</Empty>
      ) : (
        <Card>
          <ul className="divide-y divide-line text-[13px]">
            {list.data?.map((r) => (
              <li key={r.id} className="flex items-start gap-3 px-4 py-2.5">
                <code className="shrink-0 rounded bg-sunken px-1.5 py-0.5 text-xs">/{r.shortcut}</code>
                <p className="line-clamp-3 min-w-0 flex-1 whitespace-pre-wrap">{r.content}</p>
                {r.language && <Badge>{w.languages[r.language]}</Badge>}
                {may && <IconButton label={`${w.edit}: ${r.shortcut}`} onClick={() => edit(r)}><Pencil size={14} aria-hidden /></IconButton>}
                {may && <IconButton label={`${w.delete}: ${r.shortcut}`} onClick={() => remove.mutate(r.id)}><Trash2 size={14} aria-hidden /></IconButton>}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {open && (
        <Dialog open onOpenChange={(o) => !o && close()} title={of ? `/${of.shortcut}` : w.settings.canned.add}>
          <form onSubmit={submit} className="space-y-3">
            <TextField name="shortcut" label={w.settings.canned.shortcut} hint={w.settings.canned.shortcutHint} required maxLength={40} defaultValue={of?.shortcut} />
            <AreaField name="content" label={w.settings.canned.content} hint={w.settings.canned.variables} required rows={6} maxLength={5000} defaultValue={of?.content} />
            <SelectField name="language" label={w.language} defaultValue={of?.language ?? ""}>
              <option value="">{w.all}</option>
              <option value="en">English</option>
              <option value="zh">中文</option>
            </SelectField>
            <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
          </form>
        </Dialog>
      )}
    </>
  );
}

export function TagsSection() {
  const w = useWords();
  const me = useMe();
  const tags = useQuery(queries.tags());
  const may = me.may("tag:manage");
  const { of, open, add, edit, close, save, remove } = useEntries("tags", {
    add: (body: { name: string; color: string; category: string | null }) => said(api.POST("/api/tags", { body })),
    change: (of: Tag, body) => said(api.PATCH("/api/tags/{id}", { params: { path: { id: of.id } }, body })),
    remove: (id) => api.DELETE("/api/tags/{id}", { params: { path: { id } } }),
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    save.mutate({ name: String(form.get("name")), color: String(form.get("color")), category: String(form.get("category") ?? "").trim() || null });
  }
  if (tags.isPending) return <Spinner />;
  return (
    <>
      {may && <div className="flex justify-end"><Button look="primary" onClick={add}><Plus size={14} aria-hidden /> {w.settings.tags.add}</Button></div>}
      {tags.data?.length === 0 ? (
        <Empty title={w.settings.tags.none} />
      ) : (
        <Card>
          <ul className="divide-y divide-line text-[13px]">
            {tags.data?.map((t) => (
              <li key={t.id} className="flex items-center gap-3 px-4 py-2">
                <TagBadge name={t.name} color={t.color} />
                <span className="flex-1 text-muted">{t.category}</span>
                {may && <IconButton label={`${w.edit}: ${t.name}`} onClick={() => edit(t)}><Pencil size={14} aria-hidden /></IconButton>}
                {may && <IconButton label={`${w.delete}: ${t.name}`} onClick={() => remove.mutate(t.id)}><Trash2 size={14} aria-hidden /></IconButton>}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {open && (
        <Dialog open onOpenChange={(o) => !o && close()} title={of?.name ?? w.settings.tags.add}>
          <form onSubmit={submit} className="space-y-3">
            <TextField name="name" label={w.name} required maxLength={50} defaultValue={of?.name} />
            <TextField name="color" type="color" label={w.settings.tags.color} defaultValue={of?.color ?? "#0f766e"} className="w-20 p-1" />
            <TextField name="category" label={w.settings.tags.category} defaultValue={of?.category ?? ""} />
            <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
          </form>
        </Dialog>
      )}
    </>
  );
}

export function KeysSection() {
  const { w, language } = useLanguage();
  const toast = useToast();
  const cache = useQueryClient();
  const keys = useQuery(queries.apiKeys());
  const me = useQuery(queries.me()).data;
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<string>();
  const [revoked, setRevoked] = useState<{ id: string; name: string }>();
  const stale = () => void cache.invalidateQueries({ queryKey: ["api-keys"] });
  const make = useMutation({
    mutationFn: (body: { name: string; scopes: string[]; expires_at: string | null; per_minute: number }) => said(api.POST("/api/api-keys", { body })),
    onSuccess: (key) => {
      stale();
      setAdding(false);
      setMade(key.key);
    },
    onError: toast.failed,
  });
  const revoke = useMutation({ mutationFn: (id: string) => api.DELETE("/api/api-keys/{id}", { params: { path: { id } } }), onSuccess: stale, onError: toast.failed });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const expires = String(form.get("expires") ?? "");
    make.mutate({ name: String(form.get("name")), scopes: form.getAll("scope").map(String), expires_at: expires ? new Date(`${expires}T00:00:00`).toISOString() : null, per_minute: Number(form.get("per_minute")) });
  }
  if (keys.isPending) return <Spinner />;
  return (
    <>
      <div className="flex justify-end"><Button look="primary" onClick={() => setAdding(true)}><Plus size={14} aria-hidden /> {w.settings.keys.add}</Button></div>
      {keys.data?.length === 0 ? (
        <Empty title={w.settings.keys.none} />
      ) : (
        <Table label={w.settings.sections.keys ?? ""} head={[w.name, w.settings.keys.prefix, w.settings.keys.scopes, w.settings.keys.perMinute, w.settings.keys.lastUsed, w.settings.keys.expires, ""]}>
          {keys.data?.map((k) => (
            <tr key={k.id} className={k.revoked_at ? "text-muted" : undefined}>
              <td className="font-medium">{k.name}</td>
              <td><code className="text-xs">{k.prefix}…</code></td>
              <td className="max-w-72 text-xs">{k.scopes.join(", ")}</td>
              <td className="tabular-nums">{k.per_minute}</td>
              <td className="whitespace-nowrap">{k.last_used_at ? moment(k.last_used_at, language) : w.settings.keys.never}</td>
              <td className="whitespace-nowrap">{k.expires_at ? moment(k.expires_at, language) : w.settings.keys.never}</td>
              <td className="text-right">{k.revoked_at ? <Badge>{w.settings.keys.revoked}</Badge> : <Button size="sm" look="danger" onClick={() => setRevoked(k)}>{w.settings.keys.revoke}</Button>}</td>
            </tr>
          ))}
        </Table>
      )}
      <Dialog open={adding} onOpenChange={setAdding} title={w.settings.keys.add}>
        <form onSubmit={submit} className="space-y-3">
          <TextField name="name" label={w.name} required />
          <fieldset>
            <legend className="mb-1 text-[13px] font-medium">{w.settings.keys.scopes}</legend>
            <div className="grid max-h-52 gap-1 overflow-y-auto rounded-md border border-line p-2 text-[13px]">
              {me?.permissions.map((p) => <Check key={p} name="scope" value={p} label={<code className="text-xs">{p}</code>} />)}
            </div>
          </fieldset>
          <TextField name="per_minute" type="number" min={1} max={60000} defaultValue={600} required label={w.settings.keys.perMinute} />
          <TextField name="expires" type="date" label={w.settings.keys.expires} />
          <Button type="submit" look="primary" busy={make.isPending}>{w.add}</Button>
        </form>
      </Dialog>
      <Dialog open={made !== undefined} onOpenChange={(o) => !o && setMade(undefined)} title={w.settings.keys.add} description={w.settings.keys.made}>{made && <CopyBox text={made} />}</Dialog>
      <Dialog open={revoked !== undefined} onOpenChange={(o) => !o && setRevoked(undefined)} title={w.settings.keys.revoke} description={revoked && w.settings.keys.revokeConfirm(revoked.name)}>
        <div className="flex justify-end gap-2"><Button onClick={() => setRevoked(undefined)}>{w.cancel}</Button><Button look="danger" onClick={() => { if (revoked) revoke.mutate(revoked.id); setRevoked(undefined); }}>{w.settings.keys.revoke}</Button></div>
      </Dialog>
    </>
  );
}
