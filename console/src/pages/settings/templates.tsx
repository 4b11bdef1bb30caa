// The templates that platforms have approved, per channel.
import { useQuery } from "@tanstack/react-query";
import { Pencil, Plus, Trash2 } from "lucide-react";
import type { FormEvent } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { NewTemplate, Template } from "~/api/schema";
import { useEntries } from "~/parts/entries";
import { useMe } from "~/parts/me";
import { AreaField, Badge, Button, Card, Dialog, Empty, IconButton, SelectField, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";

/** The platforms that take templates when their window is closed. */
const PLATFORMS = ["whatsapp_cloud"];

export function TemplatesSection() {
  const w = useWords();
  const me = useMe();
  const list = useQuery(queries.templates());
  const channels = useQuery(queries.channels()).data?.filter((c) => PLATFORMS.includes(c.platform)) ?? [];
  const may = me.may("channel:manage");
  const { of, open, add, edit, close, save, remove } = useEntries("templates", {
    add: (body: NewTemplate) => said(api.POST("/api/templates", { body })),
    change: (of: Template, body) => said(api.PUT("/api/templates/{id}", { params: { path: { id: of.id } }, body })),
    remove: (id) => api.DELETE("/api/templates/{id}", { params: { path: { id } } }),
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    save.mutate({ channel_id: of?.channel_id ?? text("channel"), name: text("name"), language: text("language"), body: text("body") });
  }
  if (list.isPending) return <Spinner />;
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p className="max-w-xl text-[13px] text-muted">{w.settings.templates.hint}</p>
        {may && channels.length > 0 && <Button look="primary" onClick={add}><Plus size={14} aria-hidden /> {w.settings.templates.add}</Button>}
      </div>
      {list.data?.length === 0 ? (
        <Empty title={w.settings.templates.none}>{channels.length === 0 && w.settings.templates.noChannel}</Empty>
      ) : (
        <Card>
          <ul className="divide-y divide-line text-[13px]">
            {list.data?.map((t) => (
              <li key={t.id} className="flex items-start gap-3 px-4 py-2.5">
                <div className="min-w-0 flex-1">
                  <p className="flex flex-wrap items-center gap-2"><code className="rounded bg-sunken px-1.5 py-0.5 text-xs break-all">{t.name}</code> <Badge>{t.language}</Badge> <span className="text-xs text-muted">{channels.find((c) => c.id === t.channel_id)?.name}</span></p>
                  <p className="mt-1 line-clamp-3 whitespace-pre-wrap">{t.body}</p>
                </div>
                {may && <IconButton label={`${w.edit}: ${t.name}`} onClick={() => edit(t)}><Pencil size={14} aria-hidden /></IconButton>}
                {may && <IconButton label={`${w.delete}: ${t.name}`} onClick={() => remove.mutate(t.id)}><Trash2 size={14} aria-hidden /></IconButton>}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {open && (
        <Dialog open onOpenChange={(o) => !o && close()} title={of?.name ?? w.settings.templates.add}>
          <form onSubmit={submit} className="space-y-3">
            {!of && (
              <SelectField name="channel" label={w.inbox.channel} required>
                {channels.map((c) => <option key={c.id} value={c.id}>{w.given[c.name] ?? c.name}</option>)}
              </SelectField>
            )}
            <TextField name="name" label={w.settings.templates.name} hint={w.settings.templates.nameHint} required maxLength={512} pattern="[a-z0-9_]+" defaultValue={of?.name} className="font-mono" />
            <TextField name="language" label={w.language} hint={w.settings.templates.languageHint} required maxLength={6} pattern="[A-Za-z_]{2,6}" defaultValue={of?.language ?? "en_US"} className="font-mono" />
            <AreaField name="body" label={w.settings.templates.body} hint={w.settings.templates.bodyHint} required rows={5} maxLength={1024} defaultValue={of?.body} />
            <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
          </form>
        </Dialog>
      )}
    </>
  );
}
