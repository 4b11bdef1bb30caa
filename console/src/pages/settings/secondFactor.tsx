// One's own second factor: set up, recovery codes, removed; and whether everybody must have one.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ShieldCheck } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Enrolment } from "~/api/schema";
import { useMe } from "~/parts/me";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, Card, Check, Dialog, Notice, Spinner, TextField } from "~/parts/ui";
import { useLanguage, useWords } from "~/words";
import { CopyBox } from "./people";
import { ProviderCard } from "./provider";

export function SecondFactorCard() {
  const { w, language } = useLanguage();
  const cache = useQueryClient();
  const toast = useToast();
  const factor = useQuery(queries.secondFactor());
  const [doing, setDoing] = useState<"enrol" | "renew" | "remove">();
  const [codes, setCodes] = useState<string[]>();
  const stale = () => {
    void cache.invalidateQueries({ queryKey: ["me"] });
    void cache.invalidateQueries({ queryKey: ["sessions"] });
    void cache.invalidateQueries({ queryKey: ["users"] });
  };
  const act = useMutation({
    mutationFn: async (code: string): Promise<string[] | undefined> => {
      if (doing === "remove") {
        await api.POST("/api/me/second-factor/remove", { body: { code } });
        return undefined;
      }
      return (await said(api.POST("/api/me/second-factor/recovery-codes", { body: { code } }))).codes;
    },
    onSuccess: (made) => {
      setDoing(undefined);
      setCodes(made);
      if (!made) toast.done(w.desk.factor.removed);
      stale();
    },
    onError: toast.failed,
  });
  const f = factor.data;
  return (
    <Card title={w.desk.factor.title} actions={f && <Badge tone={f.since ? "ok" : "plain"}>{f.since ? w.desk.factor.on : w.desk.factor.off}</Badge>}>
      <div className="space-y-3 p-4 text-[13px]">
        {!f ? <Spinner /> : f.since ? (
          <>
            <p>{w.desk.factor.since(moment(f.since, language))} {w.desk.factor.left(f.recovery_codes_left)}</p>
            {f.recovery_codes_left < 3 && <Notice tone="warn">{w.desk.factor.few}</Notice>}
            <div className="flex flex-wrap gap-2">
              <Button onClick={() => setDoing("renew")}>{w.desk.factor.renew}</Button>
              {!f.is_required && <Button look="danger" onClick={() => setDoing("remove")}>{w.desk.factor.remove}</Button>}
            </div>
          </>
        ) : (
          <>
            <p className="text-muted">{w.desk.factor.hint}</p>
            {f.is_required && <Notice tone="warn">{w.desk.factor.required}</Notice>}
            <Button look="primary" onClick={() => setDoing("enrol")}><ShieldCheck size={14} aria-hidden /> {w.desk.factor.setUp}</Button>
          </>
        )}
      </div>
      {doing === "enrol" && <Dialog open onOpenChange={(o) => !o && setDoing(undefined)} title={w.desk.factor.title}><Enrol onDone={(made) => { setDoing(undefined); setCodes(made); stale(); }} /></Dialog>}
      {(doing === "renew" || doing === "remove") && (
        <Dialog open onOpenChange={(o) => !o && setDoing(undefined)} title={doing === "renew" ? w.desk.factor.renew : w.desk.factor.remove}>
          <CodeForm busy={act.isPending} submit={doing === "renew" ? w.desk.factor.renew : w.desk.factor.remove} onCode={(code) => act.mutate(code)} />
        </Dialog>
      )}
      {codes && <Dialog open onOpenChange={(o) => !o && setCodes(undefined)} title={w.desk.factor.codes}><Codes codes={codes} onDone={() => setCodes(undefined)} /></Dialog>}
    </Card>
  );
}

function CodeForm({ busy, submit, onCode }: { busy: boolean; submit: string; onCode: (code: string) => void }) {
  const w = useWords();
  const [code, setCode] = useState("");
  return (
    <form className="space-y-3" onSubmit={(e) => { e.preventDefault(); onCode(code); }}>
      <TextField label={w.desk.factor.code} hint={w.desk.factor.codeHint} value={code} onChange={(e) => setCode(e.target.value)} autoComplete="one-time-code" inputMode="text" required autoFocus maxLength={20} className="font-mono tracking-widest" />
      <Button type="submit" look="primary" busy={busy}>{submit}</Button>
    </form>
  );
}

/** Password, picture to scan, first code. */
export function Enrol({ onDone }: { onDone: (codes: string[]) => void }) {
  const w = useWords();
  const toast = useToast();
  const [enrolment, setEnrolment] = useState<Enrolment>();
  const begin = useMutation({ mutationFn: (password: string) => said(api.POST("/api/me/second-factor", { body: { password } })), onSuccess: setEnrolment, onError: toast.failed });
  const confirm = useMutation({ mutationFn: (code: string) => said(api.POST("/api/me/second-factor/confirm", { body: { code } })), onSuccess: (made) => onDone(made.codes), onError: toast.failed });
  if (!enrolment)
    return (
      <form className="space-y-3" onSubmit={(e: FormEvent<HTMLFormElement>) => { e.preventDefault(); begin.mutate(String(new FormData(e.currentTarget).get("password"))); }}>
        <TextField name="password" type="password" label={w.desk.factor.password} autoComplete="current-password" required autoFocus />
        <Button type="submit" look="primary" busy={begin.isPending}>{w.desk.factor.next}</Button>
      </form>
    );
  return (
    <div className="space-y-3">
      <p className="text-[13px] text-muted">{w.desk.factor.scan}</p>
      <img alt={w.desk.factor.qr} src={`data:image/svg+xml;utf8,${encodeURIComponent(enrolment.qr_svg)}`} className="mx-auto size-48 rounded-lg bg-white p-1" />
      <p className="text-xs text-muted">{w.desk.factor.byHand}</p>
      <CopyBox text={enrolment.secret} />
      <CodeForm busy={confirm.isPending} submit={w.desk.factor.confirm} onCode={(code) => confirm.mutate(code)} />
    </div>
  );
}

/** Shown once. */
export function Codes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const w = useWords();
  return (
    <div className="space-y-3">
      <Notice tone="warn">{w.desk.factor.codesHint}</Notice>
      <ul className="grid grid-cols-2 gap-1 rounded-lg bg-sunken p-3 font-mono text-[13px]">{codes.map((c) => <li key={c}>{c}</li>)}</ul>
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => void navigator.clipboard.writeText(codes.join("\n"))}>{w.copy}</Button>
        <Button look="primary" onClick={onDone}>{w.desk.factor.kept}</Button>
      </div>
    </div>
  );
}

/** Whether everybody must have one. */
export function SecuritySection() {
  const w = useWords();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const security = useQuery(queries.security());
  const users = useQuery({ ...queries.users(), enabled: me.may("user:read") }).data?.filter((u) => u.status === "active") ?? [];
  const save = useMutation({
    mutationFn: (requires_second_factor: boolean) => said(api.PUT("/api/security", { body: { requires_second_factor } })),
    onSuccess: (now) => {
      cache.setQueryData(queries.security().queryKey, now);
      toast.done(w.saved);
    },
    onError: toast.failed,
  });
  const without = users.filter((u) => !u.has_second_factor).length;
  if (security.isPending) return <Spinner />;
  return (
    <>
      <Card title={w.desk.factor.title}>
        <div className="space-y-3 p-4">
          <Check label={w.desk.factor.requireAll} checked={security.data?.requires_second_factor ?? false} disabled={save.isPending} onChange={(e) => save.mutate(e.target.checked)} />
          <p className="text-[13px] text-muted">{w.desk.factor.requireHint}</p>
          {users.length > 0 && <p className="text-[13px]">{w.desk.factor.count(users.length - without, users.length)}</p>}
        </div>
      </Card>
      <ProviderCard />
    </>
  );
}

/** All that is shown to who must set one up first. */
export function MustEnrol() {
  const w = useWords();
  const cache = useQueryClient();
  const [codes, setCodes] = useState<string[]>();
  return (
    <main className="flex min-h-full flex-col items-center justify-center gap-4 p-4">
      <div className="w-full max-w-sm space-y-3 rounded-xl border border-line bg-panel p-6 shadow-sm">
        <h1 className="text-base font-semibold">{w.desk.factor.title}</h1>
        {codes ? <Codes codes={codes} onDone={() => void cache.resetQueries()} /> : <><p className="text-[13px] text-muted">{w.desk.factor.must}</p><Enrol onDone={setCodes} /></>}
      </div>
    </main>
  );
}
