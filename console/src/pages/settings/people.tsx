// Who works here, in which teams, and what they may do.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check as CheckIcon, Copy, MoreHorizontal, Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { User } from "~/api/schema";
import { useMe } from "~/parts/me";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { AreaField, Avatar, Badge, Button, Card, Dialog, Empty, Menu, MenuItem, MenuLabel, MenuLine, SelectField, Spinner, Table, TextField } from "~/parts/ui";
import { useLanguage, useWords } from "~/words";
import { useRoleName } from "./roles";

export function PeopleSection() {
  const { w, language } = useLanguage();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const users = useQuery(queries.users());
  const roles = useQuery(queries.roles()).data ?? [];
  const roleName = useRoleName();
  const [inviting, setInviting] = useState(false);
  const [link, setLink] = useState<string>();
  const [suspended, setSuspended] = useState<User>();
  const [lost, setLost] = useState<User>();
  const may = me.may("user:manage");
  const [forgotten, setForgotten] = useState<User>();
  const stale = () => void cache.invalidateQueries({ queryKey: ["users"] });
  const edit = useMutation({ mutationFn: ({ id, ...body }: { id: string; status?: User["status"]; roles?: string[]; languages?: User["languages"] }) => said(api.PATCH("/api/users/{id}", { params: { path: { id } }, body })), onSuccess: stale, onError: toast.failed });
  const reset = useMutation({ mutationFn: (id: string) => said(api.POST("/api/users/{id}/reset-link", { params: { path: { id } } })), onSuccess: (made) => setLink(made.link), onError: toast.failed });
  const resetFactor = useMutation({ mutationFn: (id: string) => api.DELETE("/api/users/{id}/second-factor", { params: { path: { id } } }), onSuccess: stale, onError: toast.failed });
  const forget = useMutation({ mutationFn: (id: string) => api.DELETE("/api/users/{id}/identity", { params: { path: { id } } }), onSuccess: stale, onError: toast.failed });
  if (users.isPending) return <Spinner />;
  return (
    <>
      {may && <div className="flex justify-end"><Button look="primary" onClick={() => setInviting(true)}><Plus size={14} aria-hidden /> {w.settings.people.invite}</Button></div>}
      <Table label={w.settings.sections.people ?? ""} head={[w.name, w.settings.people.role, "", w.settings.people.lastSeen, ""]}>
        {users.data?.map((u) => (
          <tr key={u.id}>
            <td><span className="flex items-center gap-2"><Avatar name={u.name} size={28} /><span className="min-w-0"><span className="block font-medium">{u.name}</span><span className="block text-xs text-muted">{u.email}</span></span></span></td>
            <td className="whitespace-nowrap">{u.roles.map((r) => roleName(r)).join(", ")}</td>
            <td><Badge tone={u.status === "active" ? "ok" : u.status === "suspended" ? "danger" : "warn"}>{w.settings.people.status[u.status]}</Badge> {u.has_second_factor && <Badge>{w.desk.factor.badge}</Badge>} {u.has_identity && <Badge>{w.access.badge}</Badge>}</td>
            <td className="whitespace-nowrap text-muted">{u.last_login_at ? moment(u.last_login_at, language) : w.settings.people.never}</td>
            <td className="text-right">
              {may && (
                <Menu trigger={<button type="button" aria-label={`${w.actions}: ${u.name}`} className="inline-flex size-8 items-center justify-center rounded-md text-muted hover:bg-hover"><MoreHorizontal size={15} aria-hidden /></button>}>
                  <MenuLabel>{w.settings.people.role}</MenuLabel>
                  {roles.map((r) => <MenuItem key={r.key} checked={u.roles.includes(r.key)} onSelect={() => edit.mutate({ id: u.id, roles: [r.key] })}>{roleName(r.key)}</MenuItem>)}
                  <MenuLine />
                  <MenuLabel>{w.waiting.languages}</MenuLabel>
                  {(["en", "zh"] as const).map((l) => <MenuItem key={l} checked={u.languages.includes(l)} onSelect={() => edit.mutate({ id: u.id, languages: u.languages.includes(l) ? u.languages.filter((x) => x !== l) : [...u.languages, l] })}>{w.waiting.spoken[l]}</MenuItem>)}
                  <MenuLine />
                  <MenuItem onSelect={() => reset.mutate(u.id)}>{w.settings.people.reset}</MenuItem>
                  {u.has_second_factor && u.id !== me.id && <MenuItem onSelect={() => setLost(u)}>{w.desk.factor.reset}</MenuItem>}
                  {u.has_identity && u.id !== me.id && <MenuItem onSelect={() => setForgotten(u)}>{w.access.forget}</MenuItem>}
                  {u.id !== me.id && (u.status === "suspended" ? <MenuItem onSelect={() => edit.mutate({ id: u.id, status: "active" })}>{w.settings.people.letIn}</MenuItem> : <MenuItem danger onSelect={() => setSuspended(u)}>{w.settings.people.suspend}</MenuItem>)}
                </Menu>
              )}
            </td>
          </tr>
        ))}
      </Table>
      <Dialog open={lost !== undefined} onOpenChange={(o) => !o && setLost(undefined)} title={w.desk.factor.reset} description={lost && w.desk.factor.resetConfirm(lost.name)}>
        <div className="flex justify-end gap-2">
          <Button onClick={() => setLost(undefined)}>{w.cancel}</Button>
          <Button look="danger" onClick={() => { if (lost) resetFactor.mutate(lost.id); setLost(undefined); }}>{w.desk.factor.reset}</Button>
        </div>
      </Dialog>
      <Dialog open={forgotten !== undefined} onOpenChange={(o) => !o && setForgotten(undefined)} title={w.access.forget} description={forgotten && w.access.forgetConfirm(forgotten.name)}>
        <div className="flex justify-end gap-2">
          <Button onClick={() => setForgotten(undefined)}>{w.cancel}</Button>
          <Button look="danger" onClick={() => { if (forgotten) forget.mutate(forgotten.id); setForgotten(undefined); }}>{w.access.forget}</Button>
        </div>
      </Dialog>
      {inviting && <Invite onClose={() => setInviting(false)} onLink={setLink} />}
      <LinkDialog link={link} onClose={() => setLink(undefined)} />
      <Dialog open={suspended !== undefined} onOpenChange={(o) => !o && setSuspended(undefined)} title={w.settings.people.suspend} description={suspended && w.settings.people.suspendConfirm(suspended.name)}>
        <div className="flex justify-end gap-2">
          <Button onClick={() => setSuspended(undefined)}>{w.cancel}</Button>
          <Button look="danger" onClick={() => { if (suspended) edit.mutate({ id: suspended.id, status: "suspended" }); setSuspended(undefined); }}>{w.settings.people.suspend}</Button>
        </div>
      </Dialog>
    </>
  );
}

function Invite({ onClose, onLink }: { onClose: () => void; onLink: (link: string) => void }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const roles = useQuery(queries.roles()).data ?? [];
  const roleName = useRoleName();
  const add = useMutation({
    mutationFn: (body: { name: string; email: string; roles: string[] }) => said(api.POST("/api/users", { body })),
    onSuccess: (added) => {
      void cache.invalidateQueries({ queryKey: ["users"] });
      onClose();
      if (added.link) onLink(added.link);
    },
    onError: toast.failed,
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    add.mutate({ name: String(form.get("name")), email: String(form.get("email")), roles: [String(form.get("role"))] });
  }
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={w.settings.people.invite} description={w.settings.people.inviteHint}>
      <form onSubmit={submit} className="space-y-3">
        <TextField name="name" label={w.name} required />
        <TextField name="email" type="email" label={w.signIn.email} required />
        <SelectField name="role" label={w.settings.people.role} defaultValue="agent">{roles.map((r) => <option key={r.key} value={r.key}>{roleName(r.key)}</option>)}</SelectField>
        <Button type="submit" look="primary" busy={add.isPending}>{w.settings.people.invite}</Button>
      </form>
    </Dialog>
  );
}

export function CopyBox({ text }: { text: string }) {
  const w = useWords();
  const [copied, setCopied] = useState(false);
  return (
    <div className="flex items-center gap-2">
      <code className="min-w-0 flex-1 rounded-md border border-line bg-sunken px-2 py-1.5 text-xs break-all select-all">{text}</code>
      <Button size="sm" onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}>{copied ? <CheckIcon size={13} aria-hidden /> : <Copy size={13} aria-hidden />} {copied ? w.copied : w.copy}</Button>
    </div>
  );
}

function LinkDialog({ link, onClose }: { link: string | undefined; onClose: () => void }) {
  const w = useWords();
  return (
    <Dialog open={link !== undefined} onOpenChange={(o) => !o && onClose()} title={w.settings.people.link} description={w.settings.people.linkHint}>
      {link && <CopyBox text={link} />}
    </Dialog>
  );
}

export function TeamsSection() {
  const w = useWords();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const teams = useQuery(queries.teams());
  const users = useQuery(queries.users()).data ?? [];
  const [adding, setAdding] = useState(false);
  const may = me.may("user:manage");
  const stale = () => void cache.invalidateQueries({ queryKey: ["teams"] });
  const member = useMutation({
    mutationFn: async ({ id, user, on }: { id: string; user: string; on: boolean }) => {
      const at = { params: { path: { id, user } } };
      await (on ? api.PUT("/api/teams/{id}/members/{user}", at) : api.DELETE("/api/teams/{id}/members/{user}", at));
    },
    onSuccess: stale,
    onError: toast.failed,
  });
  const remove = useMutation({ mutationFn: (id: string) => api.DELETE("/api/teams/{id}", { params: { path: { id } } }), onSuccess: stale, onError: toast.failed });
  const add = useMutation({ mutationFn: (body: { name: string; description?: string }) => said(api.POST("/api/teams", { body })), onSuccess: () => { stale(); setAdding(false); }, onError: toast.failed });
  const memberId = (m: unknown) => (typeof m === "string" ? m : ((m as { user_id?: string; id?: string }).user_id ?? (m as { id: string }).id));
  return (
    <>
      {may && <div className="flex justify-end"><Button look="primary" onClick={() => setAdding(true)}><Plus size={14} aria-hidden /> {w.settings.teams.add}</Button></div>}
      {teams.data?.length === 0 && <Empty title={w.settings.teams.none} />}
      {teams.data?.map((t) => {
        const ids = (t.members as unknown[]).map(memberId);
        return (
          <Card key={t.id} title={t.name} actions={may && <button type="button" aria-label={`${w.delete}: ${t.name}`} onClick={() => remove.mutate(t.id)} className="text-muted hover:text-danger"><Trash2 size={14} aria-hidden /></button>}>
            <div className="space-y-2 p-4 text-[13px]">
              {t.description && <p className="text-muted">{t.description}</p>}
              <div className="flex flex-wrap items-center gap-2">
                {ids.map((id) => {
                  const u = users.find((x) => x.id === id);
                  return <span key={id} className="inline-flex items-center gap-1.5 rounded-full border border-line py-0.5 pr-2 pl-0.5"><Avatar name={u?.name ?? "?"} size={22} />{u?.name ?? id.slice(0, 8)}{may && <button type="button" aria-label={`${w.remove}: ${u?.name ?? ""}`} onClick={() => member.mutate({ id: t.id, user: id, on: false })} className="text-muted hover:text-danger">×</button>}</span>;
                })}
                {may && (
                  <Menu align="start" trigger={<Button size="sm"><Plus size={13} aria-hidden /> {w.settings.teams.addMember}</Button>}>
                    {users.filter((u) => !ids.includes(u.id)).map((u) => <MenuItem key={u.id} onSelect={() => member.mutate({ id: t.id, user: u.id, on: true })}>{u.name}</MenuItem>)}
                  </Menu>
                )}
              </div>
            </div>
          </Card>
        );
      })}
      <Dialog open={adding} onOpenChange={setAdding} title={w.settings.teams.add}>
        <form className="space-y-3" onSubmit={(e: FormEvent<HTMLFormElement>) => { e.preventDefault(); const form = new FormData(e.currentTarget); add.mutate({ name: String(form.get("name")), description: String(form.get("description") ?? "").trim() || undefined }); }}>
          <TextField name="name" label={w.name} required />
          <AreaField name="description" label={w.settings.teams.description} rows={2} />
          <Button type="submit" look="primary" busy={add.isPending}>{w.add}</Button>
        </form>
      </Dialog>
    </>
  );
}
