// Which language models are asked: set, tried, in force at once.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { ModelChange, ModelSettings, ModelTried } from "~/api/schema";
import { useMe } from "~/parts/me";
import { useToast } from "~/parts/toast";
import { Button, Card, Check, Dialog, Notice, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";
import { PriceCard } from "./price";

/** What answers now, for who may ask; the settings, for who may change them. */
export function ModelSection() {
  const me = useMe();
  return (
    <>
      {me.may("settings:manage") ? <Settings /> : <InUse />}
      {me.may("settings:manage") && <PriceCard />}
      <AskCard />
    </>
  );
}

function InUse() {
  const w = useWords();
  const ready = useQuery(queries.ready());
  return (
    <Card title={w.settings.model.now}>
      <div className="space-y-2 p-4 text-[13px]"><p className="font-medium">{String(ready.data?.model ?? "…")}</p><p className="text-muted">{w.settings.model.hint}</p></div>
    </Card>
  );
}

function AskCard() {
  const w = useWords();
  const toast = useToast();
  const [question, setQuestion] = useState("");
  const ask = useMutation({ mutationFn: () => said(api.POST("/api/ask", { body: { question } })), onError: toast.failed });
  const total = (ask.data?.timings_ms as { total?: number } | undefined)?.total;
  return (
    <Card title={w.settings.model.test}>
      <form className="space-y-3 p-4" onSubmit={(e) => { e.preventDefault(); ask.mutate(); }}>
        <TextField label={w.knowledge.question} required value={question} onChange={(e) => setQuestion(e.target.value)} />
        <Button type="submit" busy={ask.isPending}>{w.knowledge.ask}</Button>
        {ask.data && <Notice role="status"><p className="whitespace-pre-wrap">{ask.data.answer || w.knowledge.noAnswer}</p>{total !== undefined && <p className="mt-1 text-xs text-muted">{w.settings.model.testDone(`${Math.round(total)} ms`)}</p>}</Notice>}
      </form>
    </Card>
  );
}

function Settings() {
  const model = useQuery(queries.model());
  if (!model.data) return <Spinner />;
  return <Form key={model.dataUpdatedAt} model={model.data} />;
}

function Form({ model }: { model: ModelSettings }) {
  const w = useWords();
  const t = w.model;
  const toast = useToast();
  const cache = useQueryClient();
  const [m, set] = useState({ ...model, api_key: "", embedding_api_key: "", apart: model.embedding_base_url !== "" });
  const [sure, setSure] = useState(false);
  const fixed = !model.is_editable;
  /** Another organisation's matter: there is nothing to see here. */
  const elsewhere = fixed && model.source !== "configuration";
  const change = (rebuilds_index: boolean): ModelChange => ({
    base_url: m.base_url,
    api_key: m.api_key || null,
    chat_model: m.chat_model,
    embedding_model: m.embedding_model,
    embedding_base_url: m.apart ? m.embedding_base_url : "",
    embedding_api_key: m.apart ? m.embedding_api_key || null : null,
    embedding_dimensions: m.embedding_dimensions,
    timeout_s: m.timeout_s,
    context_tokens: m.context_tokens,
    answer_tokens: m.answer_tokens,
    rebuilds_index,
  });
  const test = useMutation({ mutationFn: () => said(api.POST("/api/model/test", { body: change(false) })), onError: toast.failed });
  const save = useMutation({
    mutationFn: (rebuilds: boolean) => said(api.PUT("/api/model", { body: change(rebuilds) })),
    onSuccess: (now) => {
      cache.setQueryData(queries.model().queryKey, now);
      void cache.invalidateQueries({ queryKey: ["ready"] });
      void cache.invalidateQueries({ queryKey: ["copilot"] });
      void cache.invalidateQueries({ queryKey: ["index"] });
      toast.done(t.saves);
    },
    onError: toast.failed,
    onSettled: () => setSure(false),
  });
  const edit = (changed: Partial<typeof m>) => {
    test.reset();
    set({ ...m, ...changed });
  };
  const meaning = (x: { embedding_model: string; embedding_dimensions: number }) => x.embedding_model.trim() && `${x.embedding_model.trim()} ${x.embedding_dimensions}`;
  const rebuilds = model.indexed > 0 && meaning(m) !== meaning(model);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (rebuilds) setSure(true);
    else save.mutate(false);
  };
  const keyHint = (has: boolean, moved: boolean) => (!has ? t.keyNone : moved ? t.keyMoves : fixed ? undefined : t.keyKept);
  const moved = m.base_url.trim() !== model.base_url;
  const movedEmbedding = m.embedding_base_url.trim() !== model.embedding_base_url;
  const number = (name: "embedding_dimensions" | "timeout_s" | "context_tokens" | "answer_tokens", label: string, min: number, max: number, hint?: string) => (
    <TextField label={label} hint={hint} type="number" min={min} max={max} required value={m[name]} onChange={(e) => edit({ [name]: Number(e.target.value) })} />
  );
  return (
    <Card title={t.title}>
      <form onSubmit={submit} className="space-y-4 p-4">
        <p className="flex flex-wrap gap-x-3 text-[13px]"><span className="text-muted">{w.settings.model.now}</span><span className="font-medium">{model.source === "nobody" ? w.none : model.now}</span></p>
        {fixed ? <Notice>{model.source === "configuration" ? t.inFile : t.elsewhere}</Notice> : <p className="text-[13px] text-muted">{t.hint}</p>}
        {elsewhere ? null : <fieldset disabled={fixed} className="space-y-4">
          <div className="grid gap-4 sm:grid-cols-2">
            <TextField label={t.baseUrl} type="url" placeholder="https://api.deepseek.com/v1" value={m.base_url} onChange={(e) => edit({ base_url: e.target.value })} autoComplete="off" />
            <TextField label={t.key} hint={keyHint(model.has_api_key, moved)} type="password" value={m.api_key} onChange={(e) => edit({ api_key: e.target.value })} placeholder={model.has_api_key && !moved ? "••••••••" : undefined} autoComplete="new-password" />
            <TextField label={t.chat} placeholder="deepseek-chat" value={m.chat_model} onChange={(e) => edit({ chat_model: e.target.value })} autoComplete="off" />
          </div>
          <div className="grid gap-4 sm:grid-cols-2">
            <TextField label={t.embedding} hint={t.embeddingHint} placeholder="text-embedding-3-small" value={m.embedding_model} onChange={(e) => edit({ embedding_model: e.target.value })} autoComplete="off" />
            {m.embedding_model && number("embedding_dimensions", t.dimensions, 1, 8192)}
          </div>
          {m.embedding_model && (
            <>
              <div className="text-[13px]"><Check label={t.elsewhereEmbedding} checked={m.apart} onChange={(e) => edit({ apart: e.target.checked })} /></div>
              {m.apart && (
                <div className="grid gap-4 sm:grid-cols-2">
                  <TextField label={t.embeddingUrl} type="url" required value={m.embedding_base_url} onChange={(e) => edit({ embedding_base_url: e.target.value })} autoComplete="off" />
                  <TextField label={t.embeddingKey} hint={keyHint(model.has_embedding_api_key, movedEmbedding)} type="password" value={m.embedding_api_key} onChange={(e) => edit({ embedding_api_key: e.target.value })} placeholder={model.has_embedding_api_key && !movedEmbedding ? "••••••••" : undefined} autoComplete="new-password" />
                </div>
              )}
            </>
          )}
          <details>
            <summary className="cursor-pointer text-[13px] font-medium">{t.limits}</summary>
            <div className="mt-3 grid gap-4 sm:grid-cols-3">
              {number("timeout_s", t.timeout, 1, 120, t.timeoutHint)}
              {number("context_tokens", t.context, 500, 1_000_000)}
              {number("answer_tokens", t.answer, 50, 16_000)}
            </div>
          </details>
        </fieldset>}
        {test.data && (
          <div className="space-y-2">
            {test.data.chat && <Outcome name={t.chatName} tried={test.data.chat} />}
            {test.data.embedding && <Outcome name={t.embeddingName} tried={test.data.embedding} onDimensions={fixed ? undefined : (n) => edit({ embedding_dimensions: n })} />}
          </div>
        )}
        <div className="flex flex-wrap gap-2">
          {!fixed && <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>}
          {(model.source === "configuration" || !fixed) && <Button busy={test.isPending} disabled={!m.chat_model && !m.embedding_model} onClick={() => test.mutate()}>{t.test}</Button>}
        </div>
      </form>
      <Dialog open={sure} onOpenChange={setSure} title={t.rebuildTitle} description={t.rebuild(model.indexed)}>
        <div className="flex justify-end gap-2">
          <Button onClick={() => setSure(false)}>{w.cancel}</Button>
          <Button look="primary" busy={save.isPending} onClick={() => save.mutate(true)}>{t.rebuildGo}</Button>
        </div>
      </Dialog>
    </Card>
  );
}

/** How one call came out, in plain words. */
function Outcome({ name, tried, onDimensions }: { name: string; tried: ModelTried; onDimensions?: (n: number) => void }) {
  const w = useWords();
  const t = w.model;
  const took = tried.duration_ms < 1000 ? `${tried.duration_ms} ms` : `${(tried.duration_ms / 1000).toFixed(1)} s`;
  const notes = [tried.is_slow && t.slow, tried.mode && t.fallback[tried.mode]].filter(Boolean);
  const other = tried.problem === "wrong_dimensions" ? tried.dimensions : undefined;
  return (
    <Notice role="status" tone={tried.problem ? "danger" : notes.length > 0 ? "warn" : "ok"}>
      <p><span className="font-medium">{name}</span>: {tried.problem ? (t.problems[tried.problem] ?? tried.problem) : t.fine(took)}</p>
      {notes.map((note) => <p key={String(note)} className="mt-1">{note}</p>)}
      {tried.problem && tried.problem !== "wrong_dimensions" && tried.detail && <p className="mt-1 text-xs break-words opacity-80">{tried.detail}</p>}
      {other && onDimensions && <div className="mt-2"><Button size="sm" onClick={() => onDimensions(other)}>{t.useDimensions(other)}</Button></div>}
    </Notice>
  );
}
