// Which documents answers rest on, which were never needed, which are the oldest, and where they contradict one another.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "~/api/queries";
import type { Contradiction } from "~/api/schema";
import { date } from "~/parts/time";
import { Badge, Button, Card, Empty, Notice, Spinner, Table } from "~/parts/ui";
import { useLanguage } from "~/words";

type Order = "used" | "unused" | "oldest";
type Open = (document: string, passage?: string) => void;

export function Use({ base, onOpen }: { base?: string; onOpen: Open }) {
  const { w, language } = useLanguage();
  const t = w.knowledge.use;
  const [order, setOrder] = useState<Order>("used");
  const use = useQuery(queries.knowledgeUse());
  if (!use.data) return use.isError ? <Notice tone="danger" role="alert">{use.error.message}</Notice> : <Spinner />;
  const all = use.data.documents.filter((d) => !base || d.kb_id === base);
  const shown = order === "used" ? all.filter((d) => d.answers > 0) : order === "unused" ? all.filter((d) => d.answers === 0) : [...all].sort((a, b) => a.changed_at.localeCompare(b.changed_at));
  const count = { used: all.filter((d) => d.answers > 0).length, unused: all.filter((d) => d.answers === 0).length, oldest: all.length };
  return (
    <div className="space-y-4">
      {use.data.answers > 0 && <p className="text-[13px] text-muted">{t.hint(use.data.answers)}</p>}
      <div className="flex flex-wrap gap-2" role="group" aria-label={t.show}>
        {(["used", "unused", "oldest"] as const).map((o) => <Button key={o} size="sm" look={order === o ? "primary" : "plain"} aria-pressed={order === o} onClick={() => setOrder(o)}>{t.orders[o]} ({count[o]})</Button>)}
      </div>
      {shown.length === 0 ? <Empty title={t.none[order] ?? ""} /> : (
        <Table label={t.orders[order] ?? ""} head={[t.document, t.answers, t.passages, t.last, t.changed]}>
          {shown.slice(0, 500).map((d) => (
            <tr key={d.id}>
              <td><button type="button" className="text-left font-medium hover:underline" onClick={() => onOpen(d.id)}>{d.title}</button> {d.valid_until && Date.parse(d.valid_until) < Date.now() && <Badge tone="warn">{t.expired}</Badge>}</td>
              <td>{d.answers}</td>
              <td className="whitespace-nowrap">{t.of(d.passages_cited, d.passages)}</td>
              <td className="whitespace-nowrap text-muted">{d.last_cited_at ? date(d.last_cited_at, language) : t.never}</td>
              <td className="whitespace-nowrap text-muted">{date(d.changed_at, language)}</td>
            </tr>
          ))}
        </Table>
      )}
      <Contradictions onOpen={onOpen} />
    </div>
  );
}

function Contradictions({ onOpen }: { onOpen: Open }) {
  const { w } = useLanguage();
  const t = w.knowledge.use;
  const found = useQuery(queries.contradictions());
  return (
    <Card title={t.contradictions}>
      <div className="space-y-3 p-4 text-[13px]">
        <p className="text-xs text-muted">{t.contradictionsHint}</p>
        {found.isPending && <Spinner />}
        {found.isError && <Notice tone="danger" role="alert">{found.error.message}</Notice>}
        {found.data?.length === 0 && <p>{t.noContradictions}</p>}
        <ul className="space-y-3">
          {found.data?.map((c) => (
            <li key={`${c.one.passage_id} ${c.other.passage_id} ${c.one.sentence}`} className="grid gap-2 rounded-md border border-line p-3 sm:grid-cols-2">
              <Side of={c.one} onOpen={onOpen} />
              <Side of={c.other} onOpen={onOpen} />
            </li>
          ))}
        </ul>
      </div>
    </Card>
  );
}

function Side({ of, onOpen }: { of: Contradiction["one"]; onOpen: Open }) {
  return (
    <div className="min-w-0 space-y-1">
      <p className="text-xs text-muted"><button type="button" className="hover:underline" onClick={() => onOpen(of.document_id, of.passage_id)}>{[of.title, of.heading].filter((x, i, a) => x && a.indexOf(x) === i).join(" › ")}</button></p>
      <p><Badge tone="warn">{of.says}</Badge></p>
      <p className="break-words">{of.sentence}</p>
    </div>
  );
}
