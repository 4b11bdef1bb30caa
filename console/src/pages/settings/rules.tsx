// When people answer, who gets what waits, how soon it is due, and whether customers are asked for a mark.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Rules } from "~/api/schema";
import { useToast } from "~/parts/toast";
import { AreaField, Button, Card, Check, Input, SelectField, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";
import { RoutesCard } from "./routes";

export function RulesSection() {
  const rules = useQuery(queries.rules());
  if (!rules.data) return <Spinner />;
  return <Form key={rules.dataUpdatedAt} rules={rules.data} />;
}

const clock = (minutes: number) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
const ZONES = [-480, -300, 0, 60, 120, 180, 240, 330, 420, 480, 540, 600, 720];
const zoneName = (m: number) => `UTC${m < 0 ? "−" : "+"}${clock(Math.abs(m))}`;

function Form({ rules }: { rules: Rules }) {
  const w = useWords();
  const t = w.settings.rules;
  const toast = useToast();
  const cache = useQueryClient();
  const [r, set] = useState(rules);
  const hours = r.hours as { is_on: boolean; zone_minutes: number; week: (number[] | null)[]; holidays: string[] };
  const setHours = (change: Partial<typeof hours>) => set({ ...r, hours: { ...hours, ...change } as Rules["hours"] });
  const sla = r.sla ?? [];
  const setSla = (priority: string, change: { first_response_minutes?: number | null; resolution_minutes?: number | null }) => {
    const before = sla.find((s) => s.priority === priority) ?? { priority, first_response_minutes: null, resolution_minutes: null };
    const after = { ...before, ...change };
    const rest = sla.filter((s) => s.priority !== priority);
    set({ ...r, sla: after.first_response_minutes || after.resolution_minutes ? [...rest, after] : rest });
  };
  const save = useMutation({
    mutationFn: () => said(api.PUT("/api/inbox-rules", { body: r })),
    onSuccess: (now) => {
      toast.done(w.saved);
      cache.setQueryData(queries.rules().queryKey, now);
    },
    onError: toast.failed,
  });
  return (
    <form className="space-y-4" onSubmit={(e) => { e.preventDefault(); save.mutate(); }}>
      <Card title={t.hours}>
        <div className="space-y-3 p-4 text-[13px]">
          <Check label={t.hoursOn} checked={hours.is_on} onChange={(e) => setHours({ is_on: e.target.checked })} />
          <p className="text-xs text-muted">{t.hoursHint}</p>
          {hours.is_on && (
            <div className="grid gap-4 sm:grid-cols-2">
              <fieldset className="space-y-1.5">
                <legend className="sr-only">{t.hours}</legend>
                {t.days.map((day, i) => {
                  const span = hours.week[i];
                  const change = (to: number[] | null) => setHours({ week: hours.week.map((d, j) => (j === i ? to : d)) });
                  return (
                    <div key={day} className="flex h-9 items-center gap-2">
                      <span className="w-28"><Check label={day} checked={Boolean(span)} onChange={(e) => change(e.target.checked ? [540, 1080] : null)} /></span>
                      {span && (
                        <>
                          <Input type="time" aria-label={`${day}, ${t.from}`} value={clock(span[0] ?? 0)} onChange={(e) => e.target.value && change([minutes(e.target.value), span[1] ?? 1080])} />
                          <Input type="time" aria-label={`${day}, ${t.to}`} value={clock(span[1] ?? 0)} onChange={(e) => e.target.value && change([span[0] ?? 540, minutes(e.target.value)])} />
                        </>
                      )}
                    </div>
                  );
                })}
              </fieldset>
              <div className="space-y-3">
                <SelectField label={t.zone} value={hours.zone_minutes} onChange={(e) => setHours({ zone_minutes: Number(e.target.value) })}>
                  {[...new Set([...ZONES, hours.zone_minutes, -new Date().getTimezoneOffset()])].sort((a, b) => a - b).map((m) => <option key={m} value={m}>{zoneName(m)}</option>)}
                </SelectField>
                <AreaField label={t.holidays} hint={t.holidaysHint} rows={4} defaultValue={hours.holidays.join("\n")} onChange={(e) => setHours({ holidays: e.target.value.split(/\s+/).filter((d) => /^\d{4}-\d{2}-\d{2}$/.test(d)) })} />
              </div>
            </div>
          )}
        </div>
      </Card>
      <Card title={t.assignment}>
        <div className="grid gap-3 p-4 sm:grid-cols-2">
          <SelectField label={t.assignmentHint} value={r.assignment} onChange={(e) => set({ ...r, assignment: e.target.value as Rules["assignment"] })}>
            {Object.entries(t.modes).map(([k, v]) => <option key={k} value={k}>{v}</option>)}
          </SelectField>
          <TextField label={t.capacity} type="number" min={0} value={r.capacity} onChange={(e) => set({ ...r, capacity: Number(e.target.value) })} />
        </div>
      </Card>
      <RoutesCard rules={r} onChange={(routes) => set({ ...r, routes })} />
      <Card title={t.sla}>
        <div className="space-y-2 p-4 text-[13px]">
          <p className="text-xs text-muted">{t.slaHint}</p>
          <div className="grid max-w-md grid-cols-[90px_1fr_1fr] items-center gap-2">
            <span /> <span className="text-xs text-muted">{t.first}</span> <span className="text-xs text-muted">{t.solved}</span>
            {Object.entries(w.priorities).map(([priority, text]) => {
              const own = sla.find((s) => s.priority === priority);
              return [
                <span key={priority}>{text}</span>,
                <Input key={`${priority}f`} type="number" min={1} aria-label={`${text}: ${t.first}`} value={own?.first_response_minutes ?? ""} onChange={(e) => setSla(priority, { first_response_minutes: Number(e.target.value) || null })} />,
                <Input key={`${priority}r`} type="number" min={1} aria-label={`${text}: ${t.solved}`} value={own?.resolution_minutes ?? ""} onChange={(e) => setSla(priority, { resolution_minutes: Number(e.target.value) || null })} />,
              ];
            })}
          </div>
        </div>
      </Card>
      <Card title={t.links}>
        <div className="p-4">
          <AreaField label={t.linkDomains} hint={t.linksHint} rows={3} placeholder="shop.example" defaultValue={(r.link_domains ?? []).join("\n")} onChange={(e) => set({ ...r, link_domains: e.target.value.split(/\s+/).filter(Boolean) })} />
        </div>
      </Card>
      <Card title={t.csat}>
        <div className="p-4"><Check label={t.csatOn} checked={r.asks_satisfaction ?? false} onChange={(e) => set({ ...r, asks_satisfaction: e.target.checked })} /></div>
      </Card>
      <Card title={w.files.keep}>
        <div className="max-w-md p-4"><TextField label={w.files.keepDays} type="number" min={0} max={36525} value={r.keep_files_days ?? 0} onChange={(e) => set({ ...r, keep_files_days: Number(e.target.value) })} /></div>
      </Card>
      <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
    </form>
  );
}
