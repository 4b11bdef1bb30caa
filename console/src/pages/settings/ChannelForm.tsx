// The form of a channel's settings, the same for a new one and for one that is changed.
import { Dices } from "lucide-react";
import { type FormEvent, useState } from "react";
import { AreaField, Button, Check, Field, Input, TextField } from "~/parts/ui";
import { useWords } from "~/words";
import { NEEDS, type Need, shown } from "./channelNeeds";

type Props = {
  kind: string;
  name?: string;
  /** What is kept and no secret, and which secrets are kept; absent for a new one. */
  kept?: Record<string, unknown>;
  secrets?: string[];
  busy: boolean;
  action: string;
  onSubmit: (name: string, form: FormData) => void;
};

export function ChannelForm({ kind, name, kept, secrets = [], busy, action, onSubmit }: Props) {
  const w = useWords();
  const needs = NEEDS[kind] ?? [];
  const usual = needs.filter((n) => !n.rare);
  const rare = needs.filter((n) => n.rare);
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    onSubmit(String(form.get("channel_name")).trim(), form);
  }
  const field = (need: Need) => <Setting key={`${kind} ${need.key}`} kind={kind} need={need} value={kept && shown(need, kept)} kept={kept} isKept={secrets.includes(need.key)} />;
  return (
    <form onSubmit={submit} className="space-y-3">
      <TextField name="channel_name" label={w.name} required maxLength={100} defaultValue={name} autoComplete="off" />
      {usual.map(field)}
      {rare.length > 0 && (
        <details className="rounded-md border border-line px-3 py-2">
          <summary className="cursor-pointer text-[13px] font-medium">{w.settings.channels.more}</summary>
          <div className="space-y-3 pt-3">{rare.map(field)}</div>
        </details>
      )}
      <Button type="submit" look="primary" busy={busy}>{action}</Button>
    </form>
  );
}

function Setting({ kind, need, value, kept, isKept }: { kind: string; need: Need; value?: string; kept?: Record<string, unknown>; isKept: boolean }) {
  const w = useWords();
  const [made, setMade] = useState<string>();
  const [label, hint] = w.settings.channels.kinds[kind]?.fields[need.key] ?? [need.key, ""];
  if (need.shape === "flag") return <Check name={need.key} defaultChecked={Boolean(kept?.[need.key] ?? need.on)} label={<span className="text-[13px]">{label}{hint && <span className="block text-xs text-muted">{hint}</span>}</span>} />;
  const required = !need.optional && !isKept;
  if (need.shape === "lines") return <AreaField name={need.key} label={label} hint={hint} rows={2} defaultValue={value} />;
  if (need.shape !== "secret") return <TextField name={need.key} label={label} hint={hint} required={required} defaultValue={value} autoComplete="off" spellCheck={false} />;
  // What was made here is to be seen: it goes to the platform too.
  return (
    <Field label={label} hint={isKept ? w.settings.channels.kept : hint}>
      {(id, by) => (
        <div className="flex items-center gap-2">
          <Input id={id} aria-describedby={by} name={need.key} type={made === undefined ? "password" : "text"} key={made} defaultValue={made} required={required} autoComplete="new-password" spellCheck={false} className="min-w-0 flex-1 font-mono" />
          {need.make && <Button onClick={() => setMade(need.make?.())}><Dices size={14} aria-hidden /> {w.settings.channels.make}</Button>}
        </div>
      )}
    </Field>
  );
}
