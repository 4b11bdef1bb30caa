// The company's identity provider: whom it knows may sign in with a button.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { IdentityProvider, ProviderChange } from "~/api/schema";
import { useToast } from "~/parts/toast";
import { AreaField, Badge, Button, Card, Check, Field, Notice, SelectField, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";
import { CopyBox } from "./people";
import { useRoleName } from "./roles";

/** What the server knows more of than the words say. */
const SAYS_MORE = ["not_a_provider", "other_issuer", "token"];
/** Roles that nobody gets by coming. */
const NEVER = ["super_admin", "admin"];

export function ProviderCard() {
  const provider = useQuery(queries.identityProvider());
  if (!provider.data) return <Spinner />;
  return <Form key={provider.dataUpdatedAt} provider={provider.data} />;
}

function Form({ provider }: { provider: IdentityProvider }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const roles = useQuery(queries.roles()).data ?? [];
  const roleName = useRoleName();
  const [p, set] = useState({ ...provider, domains: provider.domains.join("\n"), secret: "" });
  const change = (): ProviderChange => ({
    is_on: p.is_on,
    issuer: p.issuer,
    client_id: p.client_id,
    client_secret: p.secret || null,
    domains: domains(),
    role: p.role,
    label: p.label,
  });
  const domains = () => p.domains.split(/[\s,，、]+/).filter(Boolean);
  const save = useMutation({
    mutationFn: () => said(api.PUT("/api/identity-provider", { body: change() })),
    onSuccess: (now) => {
      cache.setQueryData(queries.identityProvider().queryKey, now);
      toast.done(w.saved);
    },
    onError: toast.failed,
  });
  const test = useMutation({ mutationFn: () => said(api.POST("/api/identity-provider/test", { body: change() })), onError: toast.failed });
  const moved = p.issuer.trim() !== provider.issuer;
  const secretHint = !provider.has_client_secret ? undefined : moved ? w.access.secretMoves : w.access.secretKept;
  const edit = (changed: Partial<typeof p>) => {
    test.reset();
    set({ ...p, ...changed });
  };
  const submit = (e: FormEvent) => {
    e.preventDefault();
    save.mutate();
  };
  return (
    <Card title={w.access.title} actions={<Badge tone={provider.is_on ? "ok" : "plain"}>{provider.is_on ? w.desk.factor.on : w.desk.factor.off}</Badge>}>
      <form onSubmit={submit} className="space-y-4 p-4">
        <p className="text-[13px] text-muted">{w.access.hint}</p>
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={w.access.issuer} hint={w.access.issuerHint} type="url" placeholder="https://login.example.com" required={p.is_on} value={p.issuer} onChange={(e) => edit({ issuer: e.target.value })} autoComplete="off" />
          <TextField label={w.access.label} hint={w.access.labelHint} maxLength={40} value={p.label} onChange={(e) => edit({ label: e.target.value })} autoComplete="off" />
          <TextField label={w.access.clientId} required={p.is_on} value={p.client_id} onChange={(e) => edit({ client_id: e.target.value })} autoComplete="off" />
          <TextField label={w.access.secret} hint={secretHint} type="password" value={p.secret} onChange={(e) => edit({ secret: e.target.value })} autoComplete="new-password" placeholder={provider.has_client_secret && !moved ? "••••••••" : undefined} />
        </div>
        <Field label={w.access.redirect}>{() => <CopyBox text={provider.redirect_url} />}</Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <AreaField label={w.access.domains} hint={w.access.domainsHint} rows={2} placeholder="example.com" value={p.domains} onChange={(e) => edit({ domains: e.target.value })} />
          <SelectField label={w.access.whoIsNew} hint={p.role && domains().length === 0 ? w.access.needsDomains : undefined} value={p.role ?? ""} onChange={(e) => edit({ role: e.target.value || null })}>
            <option value="">{w.access.onlyInvited}</option>
            {roles.filter((r) => !NEVER.includes(r.key)).map((r) => <option key={r.key} value={r.key}>{w.access.gets(roleName(r.key))}</option>)}
          </SelectField>
        </div>
        <div className="text-[13px]"><Check label={w.access.isOn} checked={p.is_on} onChange={(e) => edit({ is_on: e.target.checked })} /></div>
        <p className="text-xs text-muted">{w.access.factor} {w.access.onlyTop}</p>
        {test.data && (
          <Notice role="status" tone={test.data.problem ? "danger" : "ok"}>
            {test.data.problem ? (w.access.tests[test.data.problem] ?? test.data.problem) : w.access.fine}
            {test.data.problem && SAYS_MORE.includes(test.data.problem) && test.data.detail && <span className="mt-1 block text-xs break-words opacity-80">{test.data.detail}</span>}
          </Notice>
        )}
        <div className="flex flex-wrap gap-2">
          <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
          <Button busy={test.isPending} disabled={!p.issuer || !p.client_id} onClick={() => test.mutate()}>{w.access.test}</Button>
        </div>
      </form>
    </Card>
  );
}
