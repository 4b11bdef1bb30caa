// Who changed what, when and from where.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "~/api/queries";
import { useNames } from "~/parts/me";
import { moment } from "~/parts/time";
import { Button, Empty, Select, Spinner, Table } from "~/parts/ui";
import { useLanguage, useWords } from "~/words";
import { Chain } from "./chain";

export function AuditSection() {
  const { w, language } = useLanguage();
  const names = useNames();
  const users = useQuery(queries.users()).data ?? [];
  const [user, setUser] = useState("");
  const [resource, setResource] = useState("");
  const pages = useInfiniteQuery(queries.audit({ user_id: user || undefined, resource_id: resource || undefined }));
  const all = pages.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <>
      <div className="flex flex-wrap gap-2">
        <Select aria-label={w.settings.audit.who} className="w-56!" value={user} onChange={(e) => setUser(e.target.value)}>
          <option value="">{w.settings.audit.anyone}</option>
          {users.map((u) => <option key={u.id} value={u.id}>{u.name}</option>)}
        </Select>
        {resource && <Button onClick={() => setResource("")}>{w.inbox.clear}</Button>}
        <Chain />
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
              <td className="whitespace-nowrap">{names(a.user_id) ?? a.actor.replaceAll("_", " ")}</td>
              <td><code className="text-xs">{a.action}</code></td>
              <td>{a.resource_id && <button type="button" title={a.resource_id} className="text-xs whitespace-nowrap underline decoration-dotted" onClick={() => setResource(a.resource_id ?? "")}>{a.resource_type} …{a.resource_id.slice(-4)}</button>}</td>
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

const short = (v: unknown) => (v == null || v === "" ? "–" : typeof v === "object" ? JSON.stringify(v) : String(v));

function Changes({ changes }: { changes: Record<string, unknown> | null }) {
  const w = useWords();
  // Ids and moments of what was made say nothing to a reader.
  const entries = Object.entries(changes ?? {}).filter(([k, v]) => k !== "id" && !k.endsWith("_id") && !k.endsWith("_at") && v !== null && !(Array.isArray(v) && v.every((x) => x == null || x === "" || (Array.isArray(x) && x.length === 0))));
  if (entries.length === 0) return null;
  return (
    <ul className="space-y-0.5">
      {entries.slice(0, 8).map(([k, v]) => (
        <li key={k} className="break-words">
          <span className="text-muted">{k.replaceAll("_", " ")}:</span>{" "}
          {Array.isArray(v) && v.length === 2 ? <><span className="sr-only">{w.settings.audit.before} </span><span className="line-through decoration-muted">{short(v[0])}</span> → <span className="sr-only">{w.settings.audit.after} </span>{short(v[1])}</> : short(v)}
        </li>
      ))}
    </ul>
  );
}
