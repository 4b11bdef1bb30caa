// The assistant's versions: what each changed, what it would do to real conversations, which one answers.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { History, Plus, Rocket, Undo2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, Failure, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { AssistantVersion, NewAssistantVersion } from "~/api/schema";
import { useMe } from "~/parts/me";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { AreaField, Badge, Button, Card, Check, Dialog, Empty, Notice, SelectField, Spinner, TextField } from "~/parts/ui";
import { useLanguage, useWords } from "~/words";

/** What `/api/replays` answers, as far as it is shown. */
type Case = { text: string; outcome: string; said?: string };
type Replay = { version: number | null; summary: Record<string, number>; then: { cases: Case[] }; now: { cases: Case[] } };

const LAST = 200;
const SHOWN = 40;
const percent = (share: number) => `${Number((share * 100).toFixed(1))} %`;
const topics = (v: AssistantVersion | undefined) => v?.rules.to_person ?? [];
const LANGUAGES = ["en", "zh"] as const;

export function VersionsSection() {
  const w = useWords();
  const t = w.versions;
  const me = useMe();
  const { language } = useLanguage();
  const toast = useToast();
  const cache = useQueryClient();
  const assistant = useQuery(queries.assistant());
  const id = assistant.data?.id;
  const versions = useQuery({ ...queries.assistantVersions(id ?? ""), enabled: id !== undefined });
  const users = useQuery({ ...queries.users(), enabled: me.may("user:read") }).data ?? [];
  const [drafting, setDrafting] = useState(false);
  const [going, setGoing] = useState<AssistantVersion>();
  const [held, setHeld] = useState<string>();
  const [leaving, setLeaving] = useState(false);
  const stale = () => void cache.invalidateQueries({ queryKey: ["assistant"] });
  const replay = useMutation({ mutationFn: async (version?: number) => (await said(api.POST("/api/replays", { body: { last: LAST, version } }))) as unknown as Replay, onError: toast.failed });
  const publish = useMutation({
    mutationFn: ({ version, despite }: { version: number; despite: boolean }) => said(api.POST("/api/assistants/{id}/versions/{version}/publish", { params: { path: { id: id ?? "", version } }, body: { despite_regression: despite } })),
    onSuccess: (v) => { toast.done(t.done(v.version)); setGoing(undefined); stale(); },
    onError: (e) => (e instanceof Failure && e.isConflict ? setHeld(e.message) : toast.failed(e)),
  });
  const rollBack = useMutation({ mutationFn: () => said(api.POST("/api/assistants/{id}/roll-back", { params: { path: { id: id ?? "" } } })), onSuccess: () => { toast.done(t.rolledBack); stale(); }, onError: toast.failed, onSettled: () => setLeaving(false) });
  if (!versions.data) return <Spinner />;
  const all = versions.data;
  const live = all.find((v) => v.status === "published");
  const by = (user: string | null | undefined, at: string | null | undefined) => at && [users.find((u) => u.id === user)?.name, moment(at, language)].filter(Boolean).join(" · ");
  return (
    <>
      <div className="flex flex-wrap items-start justify-between gap-2">
        <p className="max-w-2xl text-[13px] text-muted">{t.hint}</p>
        {me.may("assistant:write") && <Button look="primary" onClick={() => setDrafting(true)}><Plus size={14} aria-hidden /> {t.draft}</Button>}
      </div>
      {all.length === 0 ? <Empty title={t.none} /> : (
        <ul aria-label={w.settings.sections.versions} className="divide-y divide-line rounded-lg border border-line bg-panel">
          {all.map((v) => (
            <li key={v.version} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
              <div className="min-w-56 flex-1 space-y-1">
                <p className="flex flex-wrap items-center gap-2 text-[13px]"><span className="font-medium">{t.n(v.version)}</span><Badge tone={v.status === "published" ? "ok" : v.status === "draft" ? "accent" : "plain"}>{t.status[v.status]}</Badge></p>
                {v.note && <p className="text-[13px] break-words">{v.note}</p>}
                <p className="text-xs text-muted">{t.changes}: {changes(v, all.find((x) => x.version === v.version - 1), w).join(" · ") || t.same}</p>
                <p className="text-xs text-muted">{t.who}: {by(v.created_by, v.created_at)}{v.published_at && <><br />{t.published}: {by(v.published_by, v.published_at)}</>}</p>
              </div>
              <div className="flex gap-1">
                {me.may("eval:run") && <Button size="sm" busy={replay.isPending && replay.variables === v.version} onClick={() => replay.mutate(v.version)}><History size={13} aria-hidden /> {t.replay}</Button>}
                {me.may("assistant:publish") && (v.status === "published" ? <Button size="sm" onClick={() => setLeaving(true)}><Undo2 size={13} aria-hidden /> {t.rollBack}</Button> : <Button size="sm" onClick={() => { setHeld(undefined); setGoing(v); }}><Rocket size={13} aria-hidden /> {t.publish}</Button>)}
              </div>
            </li>
          ))}
        </ul>
      )}
      {replay.data && <Outcome replay={replay.data} />}
      {drafting && id && <Draft assistant={id} from={live} onClose={() => { setDrafting(false); stale(); }} />}
      <Dialog open={going !== undefined} onOpenChange={(o) => !o && setGoing(undefined)} title={going ? `${t.publish}: ${t.n(going.version)}` : t.publish} description={going && t.publishConfirm(going.version)}>
        <div className="space-y-3">
          {held && <Notice tone="danger" role="alert"><p className="font-medium">{t.held}</p><p className="mt-1">{held}</p><p className="mt-1 text-xs">{t.insistHint}</p></Notice>}
          <div className="flex justify-end gap-2">
            <Button onClick={() => setGoing(undefined)}>{w.cancel}</Button>
            {going && <Button look={held ? "danger" : "primary"} busy={publish.isPending} onClick={() => publish.mutate({ version: going.version, despite: held !== undefined })}>{held ? t.insist : t.publish}</Button>}
          </div>
        </div>
      </Dialog>
      <Dialog open={leaving} onOpenChange={setLeaving} title={t.rollBack} description={t.rollBackConfirm}>
        <div className="flex justify-end gap-2">
          <Button onClick={() => setLeaving(false)}>{w.cancel}</Button>
          <Button look="danger" busy={rollBack.isPending} onClick={() => rollBack.mutate()}>{t.rollBack}</Button>
        </div>
      </Dialog>
    </>
  );
}

/** In what a version differs from the one before it. */
function changes(v: AssistantVersion, before: AssistantVersion | undefined, { versions: t, languages }: ReturnType<typeof useWords>): string[] {
  const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
  const prompts = Object.keys(v.prompts).filter((k) => !same((v.prompts as Record<string, string>)[k], (before?.prompts as Record<string, string> | undefined)?.[k]));
  return [
    !same(v.max_error_rate, before?.max_error_rate) && t.rate(percent(v.max_error_rate)),
    !same(topics(v), topics(before)) && t.topics(topics(v).length),
    !same(v.rules.name, before?.rules.name) && (v.rules.name ? t.manner.named(v.rules.name) : t.manner.nameless),
    !same(v.rules.tone ?? "friendly", before?.rules.tone ?? "friendly") && `${t.manner.tone}: ${t.manner.tones[v.rules.tone ?? "friendly"]}`,
    !same(v.rules.languages ?? [], before?.rules.languages ?? []) && `${t.manner.languages}: ${(v.rules.languages?.length ? v.rules.languages : LANGUAGES).map((l) => languages[l]).join(", ")}`,
    !same(v.rules.instructions ?? [], before?.rules.instructions ?? []) && t.manner.rules(v.rules.instructions?.length ?? 0),
    !same(v.knowledge_base_ids, before?.knowledge_base_ids) && (v.knowledge_base_ids ? t.bases(v.knowledge_base_ids.length) : t.allBases),
    prompts.length > 0 && t.prompts(prompts.join(", ")),
  ].filter((x) => typeof x === "string");
}

/** Both sides of what would come out otherwise. */
function Outcome({ replay }: { replay: Replay }) {
  const w = useWords();
  const t = w.versions;
  const words = (outcome: string) => {
    const [decision = "", reason] = outcome.split(": ");
    return decision === "not recorded" ? t.counts.not_recorded : [w.decisions[decision] ?? decision, reason && (w.reasons[reason] ?? reason.replaceAll("_", " "))].filter(Boolean).join(" · ");
  };
  const pairs = replay.then.cases.map((then, i) => ({ then, now: replay.now.cases[i] })).filter(({ then, now }) => now && (then.outcome !== now.outcome || (then.said ?? "") !== (now.said ?? "")));
  return (
    <Card title={t.replayTitle(replay.version === null ? t.settings : t.n(replay.version), replay.summary.turns ?? 0)}>
      <div className="space-y-3 p-4 text-[13px]" role="status">
        {!replay.summary.turns ? <p className="text-muted">{t.noTurns}</p> : (
          <ul className="flex flex-wrap gap-2">{Object.keys(t.counts).map((k) => <li key={k}><Badge tone={k === "lost" && replay.summary[k] ? "danger" : k === "same" ? "ok" : "plain"}>{replay.summary[k] ?? 0} {t.counts[k]}</Badge></li>)}</ul>
        )}
        {replay.summary.turns ? pairs.length === 0 && <p className="text-muted">{t.nothing}</p> : null}
        <ul className="space-y-3">
          {pairs.slice(0, SHOWN).map(({ then, now }, i) => (
            <li key={i} className="rounded-md border border-line">
              <p className="border-b border-line px-3 py-2 font-medium break-words">{then.text}</p>
              <div className="grid gap-px bg-line sm:grid-cols-2">
                {([[t.then, then], [t.now, now]] as [string, Case][]).map(([name, side]) => (
                  <div key={name} className="space-y-1 bg-panel px-3 py-2">
                    <p className="flex flex-wrap items-center gap-2 text-xs text-muted">{name} <Badge tone={side.outcome === "answer" ? "ok" : "warn"}>{words(side.outcome)}</Badge></p>
                    <p className="break-words whitespace-pre-wrap">{side.outcome.startsWith("not recorded") ? t.unknown : side.said || "–"}</p>
                  </div>
                ))}
              </div>
            </li>
          ))}
        </ul>
      </div>
    </Card>
  );
}

/** A new draft from what answers now. */
function Draft({ assistant, from, onClose }: { assistant: string; from: AssistantVersion | undefined; onClose: () => void }) {
  const w = useWords();
  const me = useMe();
  const t = w.versions;
  const toast = useToast();
  const bases = useQuery(queries.bases()).data ?? [];
  const [note, setNote] = useState("");
  const [rate, setRate] = useState(from ? String(Number((from.max_error_rate * 100).toFixed(2))) : "");
  const [people, setPeople] = useState(topics(from).join("\n"));
  const [name, setName] = useState(from?.rules.name ?? "");
  const [tone, setTone] = useState(from?.rules.tone ?? "friendly");
  const [spoken, setSpoken] = useState<string[]>(from?.rules.languages?.length ? from.rules.languages : [...LANGUAGES]);
  const [instructions, setInstructions] = useState((from?.rules.instructions ?? []).join("\n"));
  const hasModel = useQuery({ ...queries.copilot(), enabled: me.may("conversation:reply") }).data?.has_model;
  const lines = (text: string) => text.split("\n").map((x) => x.trim()).filter(Boolean);
  const [read, setRead] = useState<string[]>(from?.knowledge_base_ids ?? []);
  const save = useMutation({
    mutationFn: () => {
      const body: NewAssistantVersion = { note: note || null, rules: { to_person: lines(people), name: name.trim() || null, tone, languages: LANGUAGES.filter((l) => spoken.length < LANGUAGES.length && spoken.includes(l)), instructions: lines(instructions) }, max_error_rate: rate === "" ? null : Number(rate) / 100, knowledge_base_ids: read };
      return said(api.POST("/api/assistants/{id}/versions", { params: { path: { id: assistant } }, body }));
    },
    onSuccess: () => { toast.done(w.saved); onClose(); },
    onError: toast.failed,
  });
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={t.draft} description={t.draftFrom(from ? t.n(from.version) : t.settings)}>
      <form className="space-y-3" onSubmit={(e: FormEvent) => { e.preventDefault(); save.mutate(); }}>
        <TextField label={t.note} value={note} onChange={(e) => setNote(e.target.value)} maxLength={200} autoFocus />
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField label={t.manner.name} hint={t.manner.nameHint} value={name} maxLength={40} onChange={(e) => setName(e.target.value)} />
          <SelectField label={t.manner.tone} value={tone} onChange={(e) => setTone(e.target.value as typeof tone)}>
            {Object.entries(t.manner.tones).map(([k, v]) => <option key={k} value={k}>{v}</option>)}
          </SelectField>
        </div>
        <fieldset className="space-y-1 text-[13px]">
          <legend className="font-medium">{t.manner.languages}</legend>
          <div className="flex gap-4">{LANGUAGES.map((l) => <Check key={l} label={w.languages[l]} checked={spoken.includes(l)} disabled={spoken.length === 1 && spoken.includes(l)} onChange={() => setSpoken(spoken.includes(l) ? spoken.filter((x) => x !== l) : [...spoken, l])} />)}</div>
          <p className="text-xs text-muted">{t.manner.languagesHint}</p>
        </fieldset>
        <AreaField label={t.manner.instructions} hint={t.manner.instructionsHint} rows={4} value={instructions} onChange={(e) => setInstructions(e.target.value)} />
        {hasModel === false && <Notice>{t.manner.modelless}</Notice>}
        <TextField label={t.rateLabel} hint={t.rateHint} type="number" min={0.1} max={50} step={0.1} value={rate} onChange={(e) => setRate(e.target.value)} />
        <AreaField label={t.topicsLabel} hint={t.topicsHint} rows={3} value={people} onChange={(e) => setPeople(e.target.value)} />
        {bases.length > 1 && (
          <fieldset className="space-y-1 text-[13px]">
            <legend className="font-medium">{t.basesLabel}</legend>
            {bases.map((b) => <Check key={b.id} label={b.name} checked={read.length === 0 || read.includes(b.id)} onChange={() => { const now = read.length === 0 ? bases.map((x) => x.id) : read; const next = now.includes(b.id) ? now.filter((x) => x !== b.id) : [...now, b.id]; setRead(next.length === bases.length ? [] : next); }} />)}
          </fieldset>
        )}
        <div className="flex justify-end gap-2"><Button onClick={onClose}>{w.cancel}</Button><Button type="submit" look="primary" busy={save.isPending}>{t.save}</Button></div>
      </form>
    </Dialog>
  );
}
