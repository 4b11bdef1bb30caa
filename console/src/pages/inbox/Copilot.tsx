// Help for who writes: a suggested reply, other words, another language, the conversation summed up.
import { useMutation, useQuery } from "@tanstack/react-query";
import { AlertTriangle, Languages, ListChecks, Sparkles } from "lucide-react";
import { useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Conversation, Summary, Tone } from "~/api/schema";
import { useMe } from "~/parts/me";
import { ago } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, cx, Menu, MenuItem, MenuLabel, MenuLine } from "~/parts/ui";
import { named, useLanguage } from "~/words";
import type { Source } from "./Bubble";
import { SourceDialog } from "./SourceDialog";

type Offer =
  | { kind: "suggestion"; text: string; confidence: number; sources: Source[]; title?: string }
  | { kind: "nothing" }
  | { kind: "writing"; text: string; differs: string[] }
  | { kind: "summary"; summary: Summary };

/** What is on offer, and the menu that asks for it. `text` is the draft. */
export function useCopilot(c: Conversation, text: string, take: (text: string) => void) {
  const { w, language } = useLanguage();
  const toast = useToast();
  const able = useQuery({ ...queries.copilot(), enabled: true }).data;
  const [offer, setOffer] = useState<Offer>();
  const withheld = useWithheld(c);
  const [declined, decline] = useState<string>();
  const shown: Offer | undefined = offer ?? (withheld && withheld.turn !== declined ? withheld.offer : undefined);
  const close = () => {
    setOffer(undefined);
    decline(withheld?.turn);
  };
  const path = { params: { path: { id: c.id } } };
  const ask = useMutation({ mutationFn: (call: () => Promise<Offer>) => call(), onSuccess: setOffer, onError: toast.failed });
  const suggest = () =>
    ask.mutate(async () => {
      const found = await said(api.POST("/api/conversations/{id}/suggest", path));
      return found.answer.trim() ? { kind: "suggestion", text: found.answer, confidence: found.confidence, sources: found.sources as Source[] } : { kind: "nothing" };
    });
  const reword = (tone: Tone) => ask.mutate(async () => ({ kind: "writing", ...(await said(api.POST("/api/conversations/{id}/reword", { ...path, body: { text, tone } }))) }));
  const translate = (to: string) => ask.mutate(async () => ({ kind: "writing", ...(await said(api.POST("/api/conversations/{id}/translate", { ...path, body: { text, to } }))) }));
  const sumUp = () => ask.mutate(async () => ({ kind: "summary", summary: await said(api.POST("/api/conversations/{id}/summary", { ...path, body: { language } })) }));

  // The customer's language first: that is what is nearly always wanted.
  const languages = able?.languages ?? [];
  const theirs = c.language && languages.includes(c.language) ? [c.language] : [];
  const others = languages.filter((l) => l !== c.language);
  const [showsAll, showAll] = useState(false);
  const canWrite = able?.has_model === true && text.trim() !== "";
  const why = able && !able.has_model ? w.desk.copilot.needsModel : w.desk.copilot.needsText;
  return {
    busy: ask.isPending,
    close,
    menu: (
      <Menu trigger={<Button size="sm" look="quiet" busy={ask.isPending}>{!ask.isPending && <Sparkles size={14} aria-hidden />} <span className="hidden sm:inline">{w.desk.copilot.title}</span><span className="sr-only sm:hidden">{w.desk.copilot.title}</span></Button>}>
        <MenuItem onSelect={suggest}><Sparkles size={14} aria-hidden /> {w.conversation.suggest}</MenuItem>
        <MenuItem onSelect={sumUp}><ListChecks size={14} aria-hidden /> {w.desk.copilot.sumUp}</MenuItem>
        <MenuLine />
        <MenuLabel>{w.desk.copilot.reword}{!canWrite && ` · ${why}`}</MenuLabel>
        {(["shorter", "friendlier", "formal"] as const).map((tone) => <MenuItem key={tone} disabled={!canWrite} onSelect={() => reword(tone)}>{w.desk.copilot.tones[tone]}</MenuItem>)}
        <MenuLine />
        <MenuLabel><Languages size={11} className="inline" aria-hidden /> {w.desk.copilot.translate}</MenuLabel>
        {(showsAll ? [...theirs, ...others] : [...theirs, ...others].slice(0, 2)).map((l) => (
          <MenuItem key={l} disabled={!canWrite} onSelect={() => translate(l)} hint={l === c.language ? w.desk.copilot.theirs : undefined}>{nameOf(l, language)}</MenuItem>
        ))}
        {!showsAll && <MenuItem disabled={!canWrite} onSelect={(e) => { e.preventDefault(); showAll(true); }}>{w.desk.copilot.otherLanguages}</MenuItem>}
      </Menu>
    ),
    panel: shown && <Panel offer={shown} onUse={(t) => { take(t); close(); }} onClose={close} />,
  };
}

/** What the assistant was writing when one took over, as long as nobody has said anything since. */
function useWithheld(c: Conversation): { turn: string; offer: Offer } | undefined {
  const { w } = useLanguage();
  const me = useMe();
  const isMine = c.holder === "agent" && c.agent_id === me.id && c.status === "active";
  const turn = useQuery({ ...queries.lastTurn(c.id), enabled: isMine }).data?.[0];
  const draft = (turn?.trace as { withheld?: { text: string; sources: Source[] | null } } | undefined)?.withheld;
  if (!isMine || !turn || turn.decision !== "withheld" || !draft) return;
  if (c.last_message_at && Date.parse(c.last_message_at) > Date.parse(turn.created_at)) return;
  return { turn: turn.id, offer: { kind: "suggestion", text: draft.text, confidence: turn.confidence ?? 0, sources: draft.sources ?? [], title: w.desk.taken.offered } };
}

/** A language's name in the reader's language. */
export function nameOf(code: string, language: string): string {
  return new Intl.DisplayNames([language === "zh" ? "zh-CN" : "en"], { type: "language" }).of(code) ?? code;
}

function Panel({ offer, onUse, onClose }: { offer: Offer; onUse: (text: string) => void; onClose: () => void }) {
  const { w } = useLanguage();
  const [source, setSource] = useState<Source>();
  const isSummary = offer.kind === "summary";
  return (
    <section aria-label={isSummary ? w.desk.copilot.summary : w.conversation.suggestion} className="fade-in mb-2 rounded-lg border border-line bg-machine p-2.5 text-[13px]">
      <p className="mb-1 flex items-center gap-1.5 text-xs font-semibold text-muted">
        <Sparkles size={12} aria-hidden /> {isSummary ? w.desk.copilot.summary : (offer.kind === "suggestion" && offer.title) || w.conversation.suggestion}
        {offer.kind === "suggestion" && <Badge>{w.conversation.confidence(`${Math.round(offer.confidence * 100)} %`)}</Badge>}
      </p>
      {offer.kind === "nothing" && <p>{w.conversation.suggestionNone}</p>}
      {(offer.kind === "suggestion" || offer.kind === "writing") && <p className="max-h-40 overflow-y-auto whitespace-pre-wrap" tabIndex={0}>{offer.text}</p>}
      {offer.kind === "writing" && <Differs words={offer.differs} text={w.desk.copilot.differs} />}
      {offer.kind === "suggestion" && (
        <div className="mt-1 flex flex-wrap gap-1">
          {offer.sources.map((s, i) => <button key={i} type="button" onClick={() => setSource(s)} className="max-w-full truncate rounded border border-line bg-panel px-1.5 py-0.5 text-xs text-muted hover:border-accent">[{i + 1}] {s.title}</button>)}
        </div>
      )}
      {isSummary && <Summed summary={offer.summary} />}
      <div className="mt-2 flex gap-2">
        {(offer.kind === "suggestion" || offer.kind === "writing") && <Button size="sm" look="primary" onClick={() => onUse(offer.text)}>{w.conversation.suggestionUse}</Button>}
        <Button size="sm" look="quiet" onClick={onClose}>{w.close}</Button>
      </div>
      <SourceDialog source={source} onClose={() => setSource(undefined)} />
    </section>
  );
}

function Summed({ summary }: { summary: Summary }) {
  const { w, language } = useLanguage();
  return (
    <div className="max-h-56 space-y-1.5 overflow-y-auto" tabIndex={0}>
      {summary.text ? (
        <p className="whitespace-pre-wrap">{summary.text}</p>
      ) : (
        <>
          <p className="text-xs text-muted">{summary.because === "not_configured" ? w.desk.copilot.byRule : w.desk.copilot.byRuleFailed}</p>
          <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-1">
            {summary.points.map((p, i) => (
              <div key={i} className="contents">
                <dt className="font-medium whitespace-nowrap text-muted">{w.desk.copilot.points[p.kind]}</dt>
                <dd className="min-w-0 break-words">{p.kind === "handed_off" ? named(w.reasons, p.text) : p.text} {p.at && <span className="text-xs whitespace-nowrap text-muted">{ago(p.at, language)}</span>}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
      <Differs words={summary.unproven} text={w.desk.copilot.unproven} />
    </div>
  );
}

/** What must be looked at before it is believed. */
function Differs({ words, text }: { words: string[]; text: string }) {
  if (words.length === 0) return null;
  return (
    <p role="alert" className="mt-1.5 flex items-start gap-1.5 rounded-md bg-warn-soft px-2 py-1 text-xs text-warn">
      <AlertTriangle size={13} className="mt-px shrink-0" aria-hidden /> <span>{text} {words.map((x, i) => <span key={i}>{i > 0 && ", "}<strong>{x}</strong></span>)}</span>
    </p>
  );
}

/** A customer's message in the reader's language, below it. */
export function Translation({ conversation, text }: { conversation: string; text: string }) {
  const { w, language } = useLanguage();
  const toast = useToast();
  const able = useQuery(queries.copilot()).data;
  const translate = useMutation({
    mutationFn: () => said(api.POST("/api/conversations/{id}/translate", { params: { path: { id: conversation } }, body: { text: text.slice(0, 4000), to: language } })),
    onError: toast.failed,
  });
  if (!able?.has_model) return null;
  const done = translate.data;
  return (
    <>
      {!done && <button type="button" disabled={translate.isPending} onClick={() => translate.mutate()} className={cx("inline-flex items-center gap-0.5 underline decoration-dotted underline-offset-2 hover:text-text", translate.isPending && "opacity-60")}><Languages size={12} aria-hidden /> {w.desk.copilot.translateThis}</button>}
      {done && (
        <div className="basis-full">
          <p className="mt-0.5 max-w-[min(560px,86%)] rounded-xl border border-dashed border-line px-3 py-1.5 text-[13px] break-words whitespace-pre-wrap text-text">{done.text}</p>
          <Differs words={done.differs} text={w.desk.copilot.differs} />
        </div>
      )}
    </>
  );
}
