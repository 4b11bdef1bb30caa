// What happened: numbers, pictures, and the tables behind them.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { BarChart3, Download, Table2 } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { queries } from "~/api/queries";
import { download, toCsv } from "~/parts/csv";
import { useMe, useNames } from "~/parts/me";
import { dateOf, midnight, number, span, spent } from "~/parts/time";
import { Card, Empty, IconButton, Input, Page, Select, Spinner } from "~/parts/ui";
import type { OverviewSearch } from "~/router";
import { named, useLanguage } from "~/words";

const percent = (part: number, of: number) => (of === 0 ? "–" : `${Math.round((part / of) * 100)} %`);

/** From the beginning of the first day to the end of the last. */
function spanOf(first: string | undefined, last: string | undefined, days: number): [string, string] {
  const to = last ?? dateOf(new Date());
  return [first ? midnight(first) : midnight(to, 1 - days), midnight(to, 1)];
}

export function Overview() {
  const { w, language } = useLanguage();
  const navigate = useNavigate();
  const names = useNames();
  const me = useMe();
  const teams = useQuery({ ...queries.teams(), enabled: me.may("user:read") }).data ?? [];
  const search = useSearch({ from: "/inside/overview" });
  const { from: first, to: last, days = 30 } = search;
  const [from, to] = useMemo(() => spanOf(first, last, days), [first, last, days]);
  const isChosen = first !== undefined || last !== undefined;
  const choose = (change: OverviewSearch) => void navigate({ to: "/overview", search: { ...search, days: undefined, ...change }, replace: true });
  const overview = useQuery(queries.overview(from, to));
  const o = overview.data;
  const s = (seconds: number | null | undefined) => (seconds == null ? "–" : seconds < 1 ? `${Math.round(seconds * 1000)} ms` : span(seconds, language));
  return (
    <Page
      wide
      title={w.overview.title}
      actions={
        <>
          <Select aria-label={w.overview.range} className="w-40!" value={isChosen ? "" : days} onChange={(e) => void navigate({ to: "/overview", search: { days: Number(e.target.value) } })}>
            {isChosen && <option value="">{w.crm.spent.chosen}</option>}
            {[7, 30, 90].map((d) => <option key={d} value={d}>{w.overview.days(d)}</option>)}
          </Select>
          <Input type="date" className="w-38!" aria-label={w.crm.spent.from} title={w.crm.spent.from} value={first ?? dateOf(from)} max={last} onChange={(e) => e.target.value && choose({ from: e.target.value, to: last ?? dateOf(to, -1) })} />
          <Input type="date" className="w-38!" aria-label={w.crm.spent.to} title={w.crm.spent.to} value={last ?? dateOf(to, -1)} min={first} onChange={(e) => e.target.value && choose({ from: first ?? dateOf(from), to: e.target.value })} />
        </>
      }
    >
      {!o ? (
        overview.isError ? <Empty title={overview.error.message} /> : <Spinner />
      ) : o.conversations === 0 ? (
        <Empty title={w.overview.nothing} icon={<BarChart3 size={28} aria-hidden />} />
      ) : (
        <div className="space-y-4">
          <div className="grid grid-cols-2 gap-3 md:grid-cols-4">
            <Figure term={w.overview.conversations} value={number(o.conversations, language)} />
            <Figure term={w.overview.handOffs} value={number(o.hand_offs, language)} more={w.overview.handOffShare(percent(o.hand_offs, o.conversations))} />
            <Figure term={w.overview.firstResponse} value={s(o.median_first_response_s)} />
            <Figure term={w.overview.resolutionTime} value={s(o.median_resolution_s)} />
            <Figure term={w.overview.satisfaction} value={o.satisfaction == null ? "–" : `${o.satisfaction.toFixed(1)} / 5`} more={w.overview.marks(o.satisfaction_count)} />
            <Figure term={w.overview.turnTime} value={o.p90_turn_ms == null ? "–" : `${Math.round(o.p90_turn_ms)} ms`} />
            <Figure term={w.overview.tokens} value={number(o.prompt_tokens + o.completion_tokens, language)} more={`${number(o.prompt_tokens, language)} + ${number(o.completion_tokens, language)}`} />
            {o.cost && <Figure term={w.crm.spent.cost} value={spent(o.cost, language)} more={w.crm.spent.costHint} />}
          </div>
          <div className="grid gap-4 lg:grid-cols-2">
            <Chart name="conversations-by-day" title={w.overview.byDay} head={[w.overview.day, w.overview.conversations, w.overview.handOffs, w.overview.resolvedShort]} rows={o.by_day.map((d) => [d.date, d.conversations, d.hand_offs, d.resolved])} label={(v) => String(v).slice(5)} />
            <Card title={w.overview.resolutions}>
              <div className="p-4">
                <ul className="space-y-2 text-[13px]">
                  {(["confirmed", "assumed", "durable", "reopened", "open"] as const).map((k) => (
                    <li key={k} className="grid grid-cols-[150px_1fr_70px] items-center gap-3">
                      <span>{w.overview.resolution[k]}</span>
                      <span className="h-2 rounded-full bg-sunken"><span className="block h-2 rounded-full bg-accent" style={{ width: `${(o.resolutions[k] / Math.max(1, o.conversations)) * 100}%` }} /></span>
                      <span className="text-right tabular-nums">{o.resolutions[k]} <span className="text-muted">{percent(o.resolutions[k], o.conversations)}</span></span>
                    </li>
                  ))}
                </ul>
                <p className="mt-3 text-xs text-muted">{w.overview.resolutionHint}</p>
              </div>
            </Card>
            <Chart name="hand-offs-by-reason" title={w.overview.byReason} across head={[w.why.reason, w.overview.count]} rows={o.by_reason.map((t) => [named(w.reasons, t.key), t.count])} />
            <Chart name="busiest-hours" title={w.overview.byHour} head={[w.overview.hour, w.overview.conversations]} rows={o.by_hour.map((n, h) => [h, n])} />
            <Chart name="confidence" title={w.overview.byConfidence} hint={w.overview.confidenceHint} head={[w.why.confidence, w.overview.answered, w.overview.needed]} rows={o.by_confidence.map((b) => [`${Math.round(b.from * 100)}–${Math.round(b.to * 100)} %`, b.answers, b.needed_person])} />
            <Chart name="channels" title={w.overview.byChannel} across head={[w.inbox.channel, w.overview.conversations]} rows={o.by_channel.map((t) => [named(w.channels, t.key), t.count])} />
            {o.by_agent.length > 0 && <Chart name="agents" title={w.overview.byAgent} across head={[w.holders.agent ?? "", w.overview.conversations, w.overview.resolvedShort]} rows={o.by_agent.map((a) => [names(a.agent_id) ?? a.agent_id.slice(0, 8), a.conversations, a.resolved])} />}
            {o.by_team.length > 0 && <Chart name="teams" title={w.crm.spent.byTeam} across head={[w.settings.sections.teams ?? "", w.overview.conversations, w.overview.resolvedShort]} rows={o.by_team.map((t) => [teams.find((of) => of.id === t.team_id)?.name ?? t.team_id.slice(0, 8), t.conversations, t.resolved])} />}
          </div>
        </div>
      )}
    </Page>
  );
}

function Figure({ term, value, more }: { term: string; value: string; more?: string }) {
  return (
    <div className="rounded-lg border border-line bg-panel px-4 py-3">
      <p className="text-xs text-muted">{term}</p>
      <p className="text-xl font-semibold tabular-nums">{value}</p>
      {more && <p className="text-xs text-muted">{more}</p>}
    </div>
  );
}

const COLORS = ["var(--accent)", "var(--warn)", "var(--strong)"];

/** A picture of a table whose first column names the rows, with the table itself and a file one click away. */
function Chart({ name, title, hint, head, rows, across, label }: { name: string; title: string; hint?: string; head: string[]; rows: (string | number)[][]; across?: boolean; label?: (v: unknown) => string }) {
  const { w } = useLanguage();
  const [asTable, setAsTable] = useState(false);
  const data = rows.map((r) => Object.fromEntries(r.map((v, i) => [`c${i}`, v])));
  const ticks = { fontSize: 11, fill: "var(--muted)" };
  let picture: ReactNode;
  if (asTable)
    picture = (
      <div className="max-h-64 overflow-y-auto" tabIndex={0} role="region" aria-label={title}>
        <table className="w-full text-left text-[13px]">
          <thead><tr className="text-xs text-muted">{head.map((h, i) => <th key={h} scope="col" className={i ? "text-right font-medium" : "font-medium"}>{h}</th>)}</tr></thead>
          <tbody>{rows.map((r, i) => <tr key={i} className="border-t border-line">{r.map((v, j) => <td key={j} className={j ? "py-1 text-right tabular-nums" : "py-1"}>{v}</td>)}</tr>)}</tbody>
        </table>
      </div>
    );
  else
    picture = (
      <div role="img" aria-label={title} className="h-60">
        <ResponsiveContainer>
          <BarChart data={data} layout={across ? "vertical" : "horizontal"} margin={{ top: 4, right: 8, bottom: 0, left: across ? 8 : -20 }} barGap={1} accessibilityLayer={false}>
            <CartesianGrid stroke="var(--line)" vertical={across === true} horizontal={!across} />
            {across ? <XAxis type="number" allowDecimals={false} tick={ticks} stroke="var(--line)" /> : <XAxis dataKey="c0" tick={ticks} stroke="var(--line)" tickFormatter={label} />}
            {across ? <YAxis type="category" dataKey="c0" width={150} tick={ticks} stroke="var(--line)" /> : <YAxis allowDecimals={false} tick={ticks} stroke="var(--line)" />}
            <Tooltip cursor={{ fill: "var(--hover)" }} contentStyle={{ background: "var(--panel)", border: "1px solid var(--line)", borderRadius: 8, fontSize: 12, color: "var(--text)" }} />
            {head.slice(1).map((h, i) => <Bar key={h} dataKey={`c${i + 1}`} name={h} fill={COLORS[i]} radius={2} isAnimationActive={false} maxBarSize={22} />)}
          </BarChart>
        </ResponsiveContainer>
      </div>
    );
  return (
    <Card
      title={title}
      actions={
        <>
          <IconButton label={asTable ? w.overview.chart : w.overview.table} onClick={() => setAsTable(!asTable)}>{asTable ? <BarChart3 size={14} aria-hidden /> : <Table2 size={14} aria-hidden />}</IconButton>
          <IconButton label={w.overview.csv} onClick={() => download(`${name}.csv`, toCsv([head, ...rows]))}><Download size={14} aria-hidden /></IconButton>
        </>
      }
    >
      <div className="p-4">
        {rows.length === 0 ? <p className="text-[13px] text-muted">{w.overview.nothing}</p> : picture}
        {head.length > 2 && !asTable && <p className="mt-2 flex gap-3 text-xs text-muted">{head.slice(1).map((h, i) => <span key={h} className="inline-flex items-center gap-1"><span aria-hidden className="size-2 rounded-sm" style={{ background: COLORS[i] }} />{h}</span>)}</p>}
        {hint && <p className="mt-2 text-xs text-muted">{hint}</p>}
      </div>
    </Card>
  );
}
