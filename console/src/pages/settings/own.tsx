// What concerns oneself: password, sessions, looks, notifications.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import { useMe } from "~/parts/me";
import { useTheme, type Theme } from "~/parts/theme";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, Card, Check, Notice, SelectField, Spinner, TextField } from "~/parts/ui";
import { SecondFactorCard } from "./secondFactor";
import { type Language, useLanguage, useWords } from "~/words";

export function AccountSection() {
  const { w, language, setLanguage } = useLanguage();
  const me = useMe();
  const [theme, setTheme] = useTheme();
  const toast = useToast();
  const cache = useQueryClient();
  const change = useMutation({
    mutationFn: (body: { current: string; new: string }) => api.POST("/api/me/password", { body }),
    onSuccess: () => {
      toast.done(w.settings.me.changed);
      void cache.invalidateQueries({ queryKey: ["sessions"] });
    },
    onError: toast.failed,
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = e.currentTarget;
    const data = new FormData(form);
    change.mutate({ current: String(data.get("current")), new: String(data.get("new")) }, { onSuccess: () => form.reset() });
  }
  return (
    <>
      <Card title={w.settings.me.appearance}>
        <div className="grid gap-3 p-4 sm:grid-cols-2">
          <SelectField label={w.language} value={language} onChange={(e) => setLanguage(e.target.value as Language)}>
            <option value="en">English</option>
            <option value="zh">中文</option>
          </SelectField>
          <SelectField label={w.theme.label} value={theme} onChange={(e) => setTheme(e.target.value as Theme)}>
            <option value="system">{w.theme.system}</option>
            <option value="light">{w.theme.light}</option>
            <option value="dark">{w.theme.dark}</option>
          </SelectField>
        </div>
      </Card>
      <Card title={w.settings.me.password}>
        <form onSubmit={submit} className="grid items-end gap-3 p-4 sm:grid-cols-[1fr_1fr_auto]">
          <input type="text" autoComplete="username" value={me.name} readOnly hidden />
          <TextField name="current" type="password" label={w.settings.me.current} autoComplete="current-password" required />
          <TextField name="new" type="password" label={w.settings.me.new} autoComplete="new-password" required />
          <Button type="submit" busy={change.isPending}>{w.settings.me.change}</Button>
        </form>
      </Card>
      <SecondFactorCard />
      <Sessions />
    </>
  );
}

function Sessions() {
  const { w, language } = useLanguage();
  const toast = useToast();
  const cache = useQueryClient();
  const sessions = useQuery(queries.sessions());
  const end = useMutation({ mutationFn: (id: string) => api.DELETE("/api/me/sessions/{id}", { params: { path: { id } } }), onSuccess: () => void cache.invalidateQueries({ queryKey: ["sessions"] }), onError: toast.failed });
  return (
    <Card title={w.settings.me.sessions}>
      {sessions.isPending && <Spinner />}
      <ul className="divide-y divide-line text-[13px]">
        {sessions.data?.map((s) => (
          <li key={s.id} className="flex items-center gap-3 px-4 py-2.5">
            <div className="min-w-0 flex-1">
              <p className="truncate">{device(s.user_agent)} {s.is_this && <Badge tone="accent">{w.settings.me.thisSession}</Badge>}</p>
              <p className="truncate text-xs text-muted">{[s.ip_address, `${w.settings.me.lastUsed} ${moment(s.last_used_at, language)}`].filter(Boolean).join(" · ")}</p>
            </div>
            {!s.is_this && <Button size="sm" onClick={() => end.mutate(s.id)}>{w.settings.me.end}</Button>}
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** "Firefox, Linux" of what a browser calls itself. */
function device(agent: string | null | undefined): string {
  if (!agent) return "–";
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\//.exec(agent)?.[1];
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(agent)?.[1];
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  const told = [browser, system].filter((x): x is string => Boolean(x)).map((x) => names[x] ?? x);
  return told.length ? told.join(", ") : agent.slice(0, 60);
}

/** What somebody set for themselves. */
export type Chosen = { sound?: boolean; browser?: boolean; away?: boolean; mail?: string };

export function NotificationSection() {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const settings = useQuery(queries.settings());
  const [blocked, setBlocked] = useState(false);
  const chosen = (settings.data?.settings ?? {}) as Chosen;
  const save = useMutation({
    mutationFn: (change: Chosen) => said(api.PUT("/api/me/settings", { body: { settings: { ...chosen, ...change } as Record<string, never> } })),
    onSuccess: (now) => cache.setQueryData(queries.settings().queryKey, now),
    onError: toast.failed,
  });
  const me = useMe();
  async function browser(on: boolean) {
    if (on && "Notification" in window && (await Notification.requestPermission()) !== "granted") {
      setBlocked(true);
      return;
    }
    setBlocked(false);
    save.mutate({ browser: on });
  }
  if (settings.isPending) return <Spinner />;
  return (
    <Card>
      <div className="space-y-3 p-4">
        <Check label={w.settings.notify.sound} checked={chosen.sound ?? true} onChange={(e) => save.mutate({ sound: e.target.checked })} />
        <Check label={w.settings.notify.browser} checked={chosen.browser ?? false} onChange={(e) => void browser(e.target.checked)} />
        {blocked && <Notice tone="warn" role="alert">{w.settings.notify.blocked}</Notice>}
        <p className="text-xs text-muted">{w.settings.notify.hint}</p>
        {me.may("conversation:reply") && (
          <div className="max-w-xs">
            <SelectField label={w.waiting.mail} value={chosen.mail ?? "never"} onChange={(e) => save.mutate({ mail: e.target.value })}>
              {Object.entries(w.waiting.mails).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
            </SelectField>
          </div>
        )}
        <Check label={<>{w.waiting.away} <span className="block text-xs text-muted">{w.waiting.awayHint}</span></>} checked={chosen.away ?? false} onChange={(e) => save.mutate({ away: e.target.checked })} />
      </div>
    </Card>
  );
}
