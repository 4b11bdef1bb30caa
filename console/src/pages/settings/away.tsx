// Whom we call outside the console when a customer waits too long, and the server that sends our mails.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { AwayChannels, AwayChange, MailChange, MailSettings } from "~/api/schema";
import { useToast } from "~/parts/toast";
import { AreaField, Button, Card, Notice, SelectField, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";

export function AwaySection() {
  const away = useQuery(queries.away());
  const server = useQuery(queries.mailServer());
  if (!away.data || !server.data) return <Spinner />;
  return (
    <>
      <Calls key={away.dataUpdatedAt} away={away.data} hasServer={server.data.source !== "nobody"} />
      <Server key={`s${server.dataUpdatedAt}`} server={server.data} />
    </>
  );
}

function Calls({ away, hasServer }: { away: AwayChannels; hasServer: boolean }) {
  const w = useWords();
  const t = w.waiting.calls;
  const toast = useToast();
  const cache = useQueryClient();
  const save = useMutation({
    mutationFn: (body: AwayChange) => said(api.PUT("/api/away-channels", { body })),
    onSuccess: (now) => {
      toast.done(w.saved);
      cache.setQueryData(queries.away().queryKey, now);
    },
    onError: toast.failed,
  });
  const isFixed = away.is_robot_configured;
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const robot = String(form.get("robot") ?? "").trim();
    save.mutate({
      after_minutes: Number(form.get("after")),
      mail_to: away.is_mail_configured ? [] : String(form.get("mail_to") ?? "").split(/\s+/).filter(Boolean),
      robot_url: robot || undefined,
      robot_kind: (form.get("kind") as AwayChange["robot_kind"]) ?? away.robot_kind,
    });
  }
  return (
    <Card title={t.title}>
      <form className="space-y-3 p-4" onSubmit={submit}>
        <p className="text-xs text-muted">{t.hint}</p>
        <div className="max-w-xs"><TextField name="after" type="number" min={0} max={1440} required label={t.after} defaultValue={away.after_minutes} /></div>
        <AreaField name="mail_to" rows={3} label={t.mailTo} hint={away.is_mail_configured ? t.configured : t.mailToHint} disabled={away.is_mail_configured} defaultValue={away.mail_to.join("\n")} />
        {!hasServer && away.mail_to.length > 0 && <Notice tone="warn">{t.noServer}</Notice>}
        <div className="grid gap-3 sm:grid-cols-[1fr_14rem]">
          <TextField name="robot" type="url" label={t.robot} hint={isFixed ? t.configured : away.has_robot ? t.robotKept : t.robotNone} disabled={isFixed} autoComplete="off" />
          <SelectField name="kind" label={t.kind} defaultValue={away.robot_kind} disabled={isFixed}>
            {Object.entries(t.kinds).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
          </SelectField>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
          {away.has_robot && !isFixed && <Button onClick={() => save.mutate({ after_minutes: away.after_minutes, mail_to: away.is_mail_configured ? [] : away.mail_to, robot_url: "", robot_kind: away.robot_kind })}>{t.robotRemove}</Button>}
        </div>
      </form>
    </Card>
  );
}

const PORTS = { tls: 465, starttls: 587, none: 25 } as const;

function Server({ server }: { server: MailSettings }) {
  const w = useWords();
  const t = w.waiting.server;
  const toast = useToast();
  const cache = useQueryClient();
  const [security, setSecurity] = useState(server.security);
  const [port, setPort] = useState(server.port);
  const fixed = !server.is_editable;
  // What the default organisation set is not for others to see.
  const isElsewhere = fixed && !server.host;
  const save = useMutation({
    mutationFn: (body: MailChange) => said(api.PUT("/api/mail", { body })),
    onSuccess: (now) => {
      toast.done(w.saved);
      cache.setQueryData(queries.mailServer().queryKey, now);
    },
    onError: toast.failed,
  });
  const test = useMutation({ mutationFn: () => api.POST("/api/mail/test"), onSuccess: () => toast.done(w.settings.mail.sent), onError: toast.failed });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    save.mutate({ host: text("host"), port, security, user: text("user"), password: String(form.get("password") ?? "") || undefined, from: text("from") });
  }
  return (
    <Card title={t.title}>
      <form className="space-y-3 p-4" onSubmit={submit}>
        <p className="text-xs text-muted">{t.hint}</p>
        {fixed && <Notice>{isElsewhere ? t.elsewhere : t.configured}</Notice>}
        {!isElsewhere && <>
        <div className="grid gap-3 sm:grid-cols-[1fr_9rem_7rem]">
          <TextField name="host" label={t.host} placeholder="smtp.example.com" defaultValue={server.host} disabled={fixed} />
          <SelectField label={t.security} value={security} disabled={fixed} onChange={(e) => { const next = e.target.value as keyof typeof PORTS; setSecurity(next); setPort(PORTS[next]); }}>
            {Object.entries(t.securities).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
          </SelectField>
          <TextField type="number" min={1} max={65535} label={t.port} value={port} disabled={fixed} onChange={(e) => setPort(Number(e.target.value))} />
        </div>
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField name="user" label={t.user} defaultValue={server.user} disabled={fixed} autoComplete="off" />
          <TextField name="password" type="password" label={t.password} hint={server.has_password ? t.passwordKept : undefined} disabled={fixed} autoComplete="new-password" />
        </div>
        <TextField name="from" type="email" label={t.from} hint={t.fromHint} defaultValue={server.from} disabled={fixed} />
        </>}
        <div className="flex flex-wrap gap-2">
          {!fixed && <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>}
          {server.source !== "nobody" && <Button busy={test.isPending} onClick={() => test.mutate()}>{w.settings.mail.test}</Button>}
        </div>
      </form>
    </Card>
  );
}
