// Who changed what, when and from where.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { queries } from "~/api/queries";
import { useNames } from "~/parts/me";
import { midnight, moment } from "~/parts/time";
import { Button, Empty, SelectField, Spinner, Table, TextField } from "~/parts/ui";
import type { SettingsSearch } from "~/router";
import { named, useLanguage, useWords } from "~/words";
import { Chain } from "./chain";

export function AuditSection() {
  const { w, language } = useLanguage();
  const t = w.crm.audit;
  const names = useNames();
  const users = useQuery(queries.users()).data ?? [];
  const search = useSearch({ from: "/inside/settings/$section" });
  const navigate = useNavigate();
  const set = (change: SettingsSearch) => void navigate({ to: "/settings/$section", params: { section: "audit" }, search: { ...search, ...change }, replace: true });
  const pages = useInfiniteQuery(queries.audit({ user_id: search.user, resource_id: search.resource, action: search.action, from: search.from && midnight(search.from), to: search.to && midnight(search.to, 1), search: search.q }));
  const all = pages.data?.pages.flatMap((p) => p.items) ?? [];
  const isNarrowed = Object.values(search).some((v) => v !== undefined);
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-3">
        <SelectField label={w.settings.audit.who} value={search.user ?? ""} onChange={(e) => set({ user: e.target.value || undefined })}>
          <option value="">{w.settings.audit.anyone}</option>
          {users.map((u) => <option key={u.id} value={u.id}>{u.name}</option>)}
        </SelectField>
        <Late key={`a${search.action}`} label={t.action} hint={t.actionHint} value={search.action} onKeep={(action) => set({ action })} />
        <Late key={`q${search.q}`} label={t.text} hint={t.textHint} value={search.q} onKeep={(q) => set({ q })} />
        <TextField type="date" label={t.since} value={search.from ?? ""} max={search.to} onChange={(e) => set({ from: e.target.value || undefined })} />
        <TextField type="date" label={t.until} value={search.to ?? ""} min={search.from} onChange={(e) => set({ to: e.target.value || undefined })} />
        {isNarrowed && <div className="self-end"><Button onClick={() => void navigate({ to: "/settings/$section", params: { section: "audit" }, search: {}, replace: true })}>{w.inbox.clear}</Button></div>}
        <div className="flex flex-wrap items-end gap-2 self-end sm:col-span-3"><Chain /></div>
      </div>
      {pages.isPending ? (
        <Spinner />
      ) : all.length === 0 ? (
        <Empty title={w.settings.audit.none} />
      ) : (
        <Table label={w.settings.sections.audit ?? ""} head={[w.settings.audit.when, w.settings.audit.who, w.settings.audit.what, w.settings.audit.on, w.settings.audit.changes, w.settings.audit.from]}>
          {all.map((a) => (
            <tr key={a.id}>
              <td className="whitespace-nowrap">{moment(a.created_at, language)}</td>
              <td className="whitespace-nowrap">{names(a.user_id) ?? named(w.audit.actors, a.actor)}</td>
              <td><code className="text-xs">{a.action}</code></td>
              <td>{a.resource_id && <button type="button" title={a.resource_id} className="text-xs whitespace-nowrap underline decoration-dotted" onClick={() => set({ resource: a.resource_id ?? undefined })}>{named(w.audit.resources, a.resource_type)} …{a.resource_id.slice(-4)}</button>}</td>
              <td className="max-w-80 text-xs"><Changes changes={a.changes as unknown as Record<string, unknown>} /></td>
              <td className="text-xs whitespace-nowrap text-muted">{a.ip_address}</td>
            </tr>
          ))}
        </Table>
      )}
      {pages.hasNextPage && <div className="text-center"><Button busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>{w.more}</Button></div>}
    </>
  );
}

/** A text that is searched for once it stands: at Enter, or when the field is left. */
function Late({ label, hint, value, onKeep }: { label: string; hint: string; value: string | undefined; onKeep: (v: string | undefined) => void }) {
  const [typed, setTyped] = useState(value ?? "");
  const keep = () => typed.trim() !== (value ?? "") && onKeep(typed.trim() || undefined);
  return <TextField type="search" label={label} placeholder={hint} value={typed} onChange={(e) => setTyped(e.target.value)} onBlur={keep} onKeyDown={(e) => e.key === "Enter" && !e.nativeEvent.isComposing && keep()} />;
}

/** A value in a word. What is one of a few keys is named as on its own page. */
function useShort() {
  const w = useWords();
  const keys: Record<string, Record<string, string>> = {
    status: { ...w.statuses, ...w.deals.status },
    stage: { ...w.customer.stages, ...w.deals.stages },
    type: w.customer.kinds,
    role: w.settings.roleNames,
    roles: w.settings.roleNames,
    platform: w.channels,
    priority: w.priorities,
    language: w.languages,
  };
  const short = (key: string, v: unknown): string => {
    if (v == null || v === "") return "–";
    if (typeof v === "boolean") return v ? w.audit.yes : w.audit.no;
    if (Array.isArray(v) && v.every((x) => typeof x === "string")) return v.map((x) => short(key, x)).join(", ");
    return typeof v === "object" ? JSON.stringify(v) : (keys[key]?.[String(v)] ?? String(v));
  };
  return short;
}

function Changes({ changes }: { changes: Record<string, unknown> | null }) {
  const w = useWords();
  const short = useShort();
  // Ids and moments of what was made say nothing to a reader.
  const entries = Object.entries(changes ?? {}).filter(([k, v]) => k !== "id" && !k.endsWith("_id") && !k.endsWith("_at") && v !== null && !(Array.isArray(v) && v.every((x) => x == null || x === "" || (Array.isArray(x) && x.length === 0))));
  if (entries.length === 0) return null;
  return (
    <ul className="space-y-0.5">
      {entries.slice(0, 8).map(([k, v]) => (
        <li key={k} className="break-words">
          <span className="text-muted">{named(w.audit.fields, k)}:</span>{" "}
          {Array.isArray(v) && v.length === 2 ? <><span className="sr-only">{w.settings.audit.before} </span><span className="line-through decoration-muted">{short(k, v[0])}</span> → <span className="sr-only">{w.settings.audit.after} </span>{short(k, v[1])}</> : short(k, v)}
        </li>
      ))}
    </ul>
  );
}
