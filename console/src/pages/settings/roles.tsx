// What each role may do, and the organisation's own roles.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check as CheckIcon, Pencil, Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { NewRole, Role } from "~/api/schema";
import { useMe } from "~/parts/me";
import { useToast } from "~/parts/toast";
import { Badge, Button, Dialog, IconButton, Notice, Spinner, Table, TextField } from "~/parts/ui";
import { useWords } from "~/words";

/** A built-in role in the reader's language, one's own as it was named. */
export function useRoleName(): (key: string) => string {
  const w = useWords();
  const roles = useQuery(queries.roles()).data ?? [];
  return (key) => w.settings.roleNames[key] ?? roles.find((r) => r.key === key)?.name ?? key;
}

export function RolesSection() {
  const w = useWords();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const roles = useQuery(queries.roles());
  const nameOf = useRoleName();
  const [edited, setEdited] = useState<Role | "new">();
  const may = me.may("user:manage");
  const all = [...new Set((roles.data ?? []).flatMap((r) => r.permissions.map((p) => p.permission)))].sort();
  const remove = useMutation({ mutationFn: (key: string) => api.DELETE("/api/roles/{key}", { params: { path: { key } } }), onSuccess: () => void cache.invalidateQueries({ queryKey: ["roles"] }), onError: toast.failed });
  if (roles.isPending) return <Spinner />;
  const own = roles.data?.filter((r) => !r.is_built_in) ?? [];
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <Notice>{w.settings.roleHint}</Notice>
        {may && <Button look="primary" onClick={() => setEdited("new")}><Plus size={14} aria-hidden /> {w.desk.role.add}</Button>}
      </div>
      {may && own.length > 0 && (
        <ul className="flex flex-wrap gap-2 text-[13px]">
          {own.map((r) => (
            <li key={r.key} className="flex items-center gap-1 rounded-lg border border-line bg-panel pl-3">
              <span className="font-medium">{r.name}</span>
              <IconButton label={`${w.edit}: ${r.name}`} onClick={() => setEdited(r)}><Pencil size={14} aria-hidden /></IconButton>
              <IconButton label={`${w.delete}: ${r.name}`} onClick={() => remove.mutate(r.key)}><Trash2 size={14} aria-hidden /></IconButton>
            </li>
          ))}
        </ul>
      )}
      <Table label={w.settings.sections.roles ?? ""} head={[w.settings.permission, ...(roles.data ?? []).map((r) => nameOf(r.key))]}>
        {all.map((p) => (
          <tr key={p}>
            <td className="font-mono text-xs whitespace-nowrap">{p}</td>
            {roles.data?.map((r) => {
              const scope = r.permissions.find((x) => x.permission === p)?.scope;
              return <td key={r.key} className="text-center">{scope ? scope === "org" ? <CheckIcon size={14} className="inline text-ok" aria-label={w.settings.scopes.org} /> : <Badge>{w.settings.scopes[scope]}</Badge> : <span className="text-muted" aria-label={w.no}>–</span>}</td>;
            })}
          </tr>
        ))}
      </Table>
      {edited && <RoleDialog of={edited === "new" ? undefined : edited} all={all} templates={roles.data ?? []} onClose={() => setEdited(undefined)} />}
    </>
  );
}

type Scope = NewRole["permissions"][number]["scope"];

function RoleDialog({ of, all, templates, onClose }: { of: Role | undefined; all: string[]; templates: Role[]; onClose: () => void }) {
  const w = useWords();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const nameOf = useRoleName();
  // What has no owner is seen whole or not at all.
  const owned = new Set((useQuery(queries.permissions()).data ?? []).filter((p) => p.has_owner).map((p) => p.permission));
  const [name, setName] = useState(of?.name ?? "");
  const chosenOf = (r: Role | undefined) => Object.fromEntries((r?.permissions ?? []).map((p) => [p.permission, p.scope])) as Record<string, Scope | undefined>;
  const [chosen, setChosen] = useState(() => chosenOf(of));
  const save = useMutation({
    mutationFn: (body: NewRole) => (of ? said(api.PUT("/api/roles/{key}", { params: { path: { key: of.key } }, body })) : said(api.POST("/api/roles", { body }))),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["roles"] });
      void cache.invalidateQueries({ queryKey: ["me"] });
      onClose();
    },
    onError: toast.failed,
  });
  function submit(e: FormEvent) {
    e.preventDefault();
    const permissions = Object.entries(chosen).flatMap(([permission, scope]) => (scope ? [{ permission, scope }] : []));
    save.mutate({ name, permissions });
  }
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={of?.name ?? w.desk.role.add} description={w.desk.role.hint} wide>
      <form onSubmit={submit} className="space-y-3">
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField label={w.name} value={name} onChange={(e) => setName(e.target.value)} required maxLength={100} autoFocus />
          {!of && (
            <label className="block text-[13px]">
              <span className="mb-1 block font-medium">{w.desk.role.like}</span>
              <select defaultValue="" onChange={(e) => setChosen(chosenOf(templates.find((r) => r.key === e.target.value)))} className="h-9 w-full rounded-md border border-strong bg-panel px-2">
                <option value="">{w.none}</option>
                {templates.map((r) => <option key={r.key} value={r.key}>{nameOf(r.key)}</option>)}
              </select>
            </label>
          )}
        </div>
        <div className="max-h-[45dvh] overflow-y-auto rounded-lg border border-line" tabIndex={0} role="region" aria-label={w.settings.permission}>
          <table className="w-full text-[13px]">
            <tbody>
              {all.map((p) => (
                <tr key={p} className="border-b border-line last:border-0">
                  <td className="px-3 py-1 font-mono text-xs">{p}</td>
                  <td className="px-3 py-1 text-right">
                    <select aria-label={p} value={chosen[p] ?? ""} disabled={!me.may(p)} onChange={(e) => setChosen({ ...chosen, [p]: (e.target.value || undefined) as Scope | undefined })} className="h-8 rounded-md border border-line bg-panel px-2 disabled:opacity-45">
                      <option value="">{w.no}</option>
                      {(["own", "team", "org"] as const).filter((s) => s === "org" || s === chosen[p] || owned.has(p)).map((s) => <option key={s} value={s}>{w.settings.scopes[s]}</option>)}
                    </select>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
      </form>
    </Dialog>
  );
}
