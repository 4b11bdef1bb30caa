// Whether everything the server stands on works.
import { useQuery } from "@tanstack/react-query";
import { CheckCircle2, CircleAlert } from "lucide-react";
import { queries } from "~/api/queries";
import { useMe } from "~/parts/me";
import { Badge, Card, Notice, Page, Spinner } from "~/parts/ui";
import { named, useWords } from "~/words";
import { ChannelIcon } from "../inbox/channel";

type Ready = { status: "ok" | "degraded" | "down"; database: string; vectors: string; bus: string; files: string; model: string; jobs: { ready: number; running: number; failed: number } | null };

export function Health() {
  const w = useWords();
  const me = useMe();
  const ready = useQuery(queries.ready());
  const index = useQuery({ ...queries.index(), enabled: me.may("knowledge:read") }).data;
  const channels = useQuery({ ...queries.channels(), enabled: me.may("conversation:read") }).data ?? [];
  const r = ready.data as Ready | undefined;
  if (ready.isPending) return <Spinner />;
  if (!r) return <Page title={w.health.title}><Notice tone="danger" role="alert">{w.offline}</Notice></Page>;
  const fine = (text: string) => text === "ok";
  return (
    <Page title={w.health.title}>
      <div className="space-y-4">
        <Notice tone={r.status === "ok" ? "ok" : r.status === "degraded" ? "warn" : "danger"} role="status">{w.health[r.status]}</Notice>
        <Card>
          <dl className="divide-y divide-line text-[13px]">
            <Row name={w.health.parts.database} ok={fine(r.database)} text={fine(r.database) ? w.health.fine : r.database} />
            <Row name={w.health.parts.vectors} ok={fine(r.vectors)} text={fine(r.vectors) ? [w.health.fine, index && `${w.knowledge.index[index.state]}, ${w.knowledge.passagesOf(index.passages)}`].filter(Boolean).join(" · ") : r.vectors} />
            <Row name={w.health.parts.bus} ok={fine(r.bus)} text={fine(r.bus) ? w.health.fine : r.bus} />
            <Row name={w.health.parts.files} ok={fine(r.files)} text={fine(r.files) ? w.health.fine : r.files} />
            <Row name={w.health.parts.model} ok text={r.model.startsWith("no model") ? w.settings.model.hint : r.model} />
            {r.jobs && <Row name={w.health.parts.jobs} ok={r.jobs.failed === 0} text={w.health.jobs(r.jobs.ready, r.jobs.running, r.jobs.failed)} />}
          </dl>
        </Card>
        <Card title={w.health.parts.channels}>
          <ul className="divide-y divide-line text-[13px]">
            {channels.map((c) => (
              <li key={c.id} className="flex items-center gap-2 px-4 py-2.5"><ChannelIcon kind={c.platform} /> <span className="flex-1">{w.given[c.name] ?? c.name}</span><Badge tone={c.status === "active" ? "ok" : "warn"}>{named(w.settings.channels.status, c.status)}</Badge></li>
            ))}
          </ul>
        </Card>
        <p className="text-xs text-muted">{w.health.refresh}</p>
      </div>
    </Page>
  );
}

function Row({ name, ok, text }: { name: string | undefined; ok: boolean; text: string }) {
  return (
    <div className="flex items-start gap-3 px-4 py-2.5">
      {ok ? <CheckCircle2 size={16} className="mt-0.5 shrink-0 text-ok" aria-hidden /> : <CircleAlert size={16} className="mt-0.5 shrink-0 text-warn" aria-hidden />}
      <dt className="w-28 shrink-0 font-medium">{name}</dt>
      <dd className="min-w-0 break-words text-muted">{text}</dd>
    </div>
  );
}
