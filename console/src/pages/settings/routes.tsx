// Which team gets conversations in which language, of which channel.
import { useQuery } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { queries } from "~/api/queries";
import type { Route, Rules } from "~/api/schema";
import { Button, Card, IconButton, Select } from "~/parts/ui";
import { useWords } from "~/words";

export function RoutesCard({ rules, onChange }: { rules: Rules; onChange: (routes: Route[]) => void }) {
  const w = useWords();
  const t = w.waiting;
  const teams = useQuery(queries.teams()).data ?? [];
  const channels = useQuery(queries.channels()).data ?? [];
  const routes = rules.routes ?? [];
  const change = (at: number, to: Partial<Route>) => onChange(routes.map((r, i) => (i === at ? { ...r, ...to } : r)));
  const first = teams[0];
  return (
    <Card title={t.routes}>
      <div className="space-y-2 p-4 text-[13px]">
        <p className="text-xs text-muted">{t.routesHint}</p>
        {routes.map((r, i) => (
          <div key={i} className="flex flex-wrap items-center gap-2">
            <Select aria-label={t.language} className="w-auto! min-w-32" value={r.language ?? ""} onChange={(e) => change(i, { language: (e.target.value || null) as Route["language"] })}>
              <option value="">{t.anyLanguage}</option>
              {Object.entries(t.spoken).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
            </Select>
            <Select aria-label={t.channel} className="w-auto! min-w-32" value={r.channel ?? ""} onChange={(e) => change(i, { channel: e.target.value || null })}>
              <option value="">{t.anyChannel}</option>
              {channels.map((c) => <option key={c.id} value={c.id}>{w.given[c.name] ?? c.name}</option>)}
            </Select>
            <span aria-hidden>→</span>
            <Select aria-label={t.team} className="w-auto! min-w-32" value={r.team} onChange={(e) => change(i, { team: e.target.value })}>
              {teams.map((x) => <option key={x.id} value={x.id}>{x.name}</option>)}
            </Select>
            <IconButton label={w.remove} onClick={() => onChange(routes.filter((_, j) => j !== i))}><Trash2 size={14} aria-hidden /></IconButton>
          </div>
        ))}
        {first ? <Button size="sm" onClick={() => onChange([...routes, { language: null, channel: null, team: first.id }])}><Plus size={13} aria-hidden /> {t.addRoute}</Button> : <p className="text-xs text-muted">{t.noTeams}</p>}
        <p className="text-xs text-muted">{t.here}</p>
      </div>
    </Card>
  );
}
