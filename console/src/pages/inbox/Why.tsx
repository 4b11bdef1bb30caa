// The stored trace of one move of the assistant: what was searched, found, proven, and which rule decided.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queries } from "~/api/queries";
import { Badge, Dialog, Empty, Notice, Spinner } from "~/parts/ui";
import { named, useWords } from "~/words";

export type SourceRef = { kind: "passage" | "faq"; id: string };
/** As `turn/ask.rs` stores it. */
export type Trace = {
  rewritten?: string | null;
  /** The ways a question that leans on the conversation may have been meant. */
  considered?: { text: string; worth: number }[];
  signals?: Record<string, unknown>;
  evidence?: (SourceRef & { score: number; lexical: number; dense: number })[];
  proven?: { draft?: { sentences?: Sentence[]; from?: { by: string; because?: string | null; name?: string } }; cut?: unknown[]; confidence?: number } | null;
  threshold?: number;
  degraded?: string | null;
  model_calls?: { purpose: string; model: string; outcome: string; prompt_tokens: number; completion_tokens: number; duration_ms: number }[];
  timings_ms?: { search: number; draft: number; proof: number; total: number };
};
type Sentence = { text: string; citations?: { source: SourceRef; quote: string }[] };

export function Why({ conversation, turn, onClose }: { conversation: string; turn: string | undefined; onClose: () => void }) {
  const w = useWords();
  const turns = useQuery({ ...queries.turns(conversation), enabled: turn !== undefined });
  const row = turns.data?.find((t) => t.id === turn);
  return (
    <Dialog open={turn !== undefined} onOpenChange={(o) => !o && onClose()} title={w.why.title} description={w.why.description} side>
      {turns.isPending ? <Spinner /> : row ? <TraceView decision={row.decision} reason={row.reason} confidence={row.confidence} trace={row.trace as Trace} /> : <Empty title={w.why.none} />}
    </Dialog>
  );
}

const percent = (n: number | null | undefined) => (n == null ? "–" : `${Math.round(n * 100)} %`);
const ms = (n: number | undefined) => (n === undefined ? "–" : n < 10 ? `${n.toFixed(1)} ms` : `${Math.round(n)} ms`);

export function TraceView({ decision, reason, confidence, trace }: { decision: string; reason?: string | null; confidence?: number | null; trace: Trace }) {
  const w = useWords();
  const sure = confidence ?? 0;
  const threshold = trace.threshold ?? 0;
  const sentences = trace.proven?.draft?.sentences ?? [];
  const cut = trace.proven?.cut ?? [];
  const signals = Object.entries(trace.signals ?? {}).filter(([, v]) => v && !(Array.isArray(v) && v.length === 0));
  return (
    <div className="space-y-5 text-[13px]">
      <section className="grid grid-cols-3 gap-2">
        <Fact term={w.why.decision}><Badge tone={decision === "answer" ? "ok" : decision === "hand_off" ? "warn" : "accent"}>{named(w.decisions, decision)}</Badge></Fact>
        <Fact term={w.why.confidence}>{percent(confidence)}</Fact>
        <Fact term={w.why.threshold}>{percent(trace.threshold)}</Fact>
      </section>
      <div role="img" aria-label={`${w.why.confidence} ${percent(confidence)}, ${w.why.threshold} ${percent(threshold)}`} className="relative h-2 rounded-full bg-sunken">
        <span className={sure >= threshold ? "absolute inset-y-0 left-0 rounded-full bg-ok" : "absolute inset-y-0 left-0 rounded-full bg-warn"} style={{ width: `${sure * 100}%` }} />
        <span className="absolute -inset-y-1 w-0.5 bg-text" style={{ left: `${threshold * 100}%` }} />
      </div>
      {reason && <Fact term={w.why.reason}>{named(w.reasons, reason)}</Fact>}
      {trace.rewritten && <Fact term={w.why.rewritten}>{trace.rewritten}</Fact>}
      {(trace.considered ?? []).length > 1 && (
        <details>
          <summary className="cursor-pointer text-muted">{w.why.considered}</summary>
          <ol className="mt-1 space-y-1">
            {[...(trace.considered ?? [])].sort((a, b) => b.worth - a.worth).map((c) => (
              <li key={c.text} className="flex justify-between gap-3"><span>{c.text}</span><span className="text-muted tabular-nums">{c.worth.toFixed(2)}</span></li>
            ))}
          </ol>
        </details>
      )}
      {trace.degraded && <Notice tone="warn">{w.why.degraded}: {trace.degraded}</Notice>}

      <section>
        <h3 className="mb-1 font-semibold">{w.why.proven}</h3>
        {sentences.length === 0 && <p className="text-muted">–</p>}
        <ol className="space-y-2">
          {sentences.map((s, i) => (
            <li key={i} className="rounded-md border border-line p-2">
              <p className="whitespace-pre-wrap">{s.text.trim()}</p>
              {s.citations?.map((c, j) => <Cited key={j} source={c.source} quote={c.quote} />)}
            </li>
          ))}
        </ol>
        {cut.length > 0 && (
          <>
            <h4 className="mt-2 mb-1 font-medium">{w.why.dropped}</h4>
            <ul className="list-disc space-y-1 pl-5 text-muted">{cut.map((c, i) => <li key={i}>{cutText(c)}</li>)}</ul>
          </>
        )}
      </section>

      <section>
        <h3 className="mb-1 font-semibold">{w.why.evidence}</h3>
        {(trace.evidence ?? []).length === 0 ? (
          <p className="text-muted">{w.why.evidenceNone}</p>
        ) : (
          <table className="w-full text-left">
            <thead><tr className="text-xs text-muted"><th scope="col" className="font-medium">{w.conversation.source}</th><th scope="col" className="text-right font-medium">{w.why.score}</th><th scope="col" className="text-right font-medium">{w.why.byWords}</th><th scope="col" className="text-right font-medium">{w.why.byMeaning}</th></tr></thead>
            <tbody>
              {trace.evidence?.map((e, i) => (
                <tr key={i} className="border-t border-line">
                  <td className="max-w-48 py-1 pr-2"><PassageLine source={e} /></td>
                  <td className="text-right tabular-nums">{e.score.toFixed(2)}</td>
                  <td className="text-right text-muted tabular-nums">{e.lexical.toFixed(2)}</td>
                  <td className="text-right text-muted tabular-nums">{e.dense.toFixed(2)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>

      {signals.length > 0 && (
        <section>
          <h3 className="mb-1 font-semibold">{w.why.signals}</h3>
          <div className="flex flex-wrap gap-1">{signals.map(([k, v]) => <Badge key={k}>{k.replaceAll("_", " ")}{v === true ? "" : `: ${Array.isArray(v) ? v.join(", ") : String(v)}`}</Badge>)}</div>
        </section>
      )}
      <section>
        <h3 className="mb-1 font-semibold">{w.why.model}</h3>
        {(trace.model_calls ?? []).length === 0 ? <p className="text-muted">{w.why.modelNone}</p> : (
          <ul className="space-y-1">{trace.model_calls?.map((c, i) => <li key={i}>{c.purpose} · {c.model} · {c.outcome} · {c.prompt_tokens} + {c.completion_tokens} · {ms(c.duration_ms)}</li>)}</ul>
        )}
      </section>
      {trace.timings_ms && (
        <section>
          <h3 className="mb-1 font-semibold">{w.why.timings}</h3>
          <p className="text-muted">{w.why.search} {ms(trace.timings_ms.search)} · {w.why.draft} {ms(trace.timings_ms.draft)} · {w.why.proof} {ms(trace.timings_ms.proof)} · {w.why.total} {ms(trace.timings_ms.total)}</p>
        </section>
      )}
      <details>
        <summary className="cursor-pointer text-muted">{w.why.raw}</summary>
        <pre tabIndex={0} className="mt-1 max-h-80 overflow-auto rounded-md bg-sunken p-2 text-xs">{JSON.stringify(trace, null, 2)}</pre>
      </details>
    </div>
  );
}

function cutText(c: unknown): string {
  if (typeof c === "string") return c;
  const o = c as { sentence?: { text?: string }; text?: string; because?: string; why?: string; reason?: unknown };
  const text = o.sentence?.text ?? o.text ?? JSON.stringify(c);
  const why = o.because ?? o.why ?? (typeof o.reason === "string" ? o.reason : undefined);
  return why ? `${text} — ${why}` : text;
}

function Fact({ term, children }: { term: string; children: React.ReactNode }) {
  return <div><p className="text-xs text-muted">{term}</p><p className="font-medium">{children}</p></div>;
}

/** A found passage by the title of its document. */
function PassageLine({ source }: { source: SourceRef }) {
  const w = useWords();
  const passage = useQuery({ ...queries.passage(source.id), enabled: source.kind === "passage", staleTime: Infinity });
  if (source.kind === "faq") return <span>FAQ</span>;
  const p = passage.data;
  if (!p) return <span className="text-muted">{passage.isError ? w.why.gone : "…"}</span>;
  return <Link to="/knowledge" search={{ document: p.document_id, passage: p.id }} className="block truncate underline decoration-dotted underline-offset-2" title={p.content.slice(0, 400)}>{p.title}{p.heading_path.length > 0 && ` › ${p.heading_path.at(-1)}`}</Link>;
}

function Cited({ source, quote }: { source: SourceRef; quote: string }) {
  return <div className="mt-1 border-l-2 border-accent pl-2 text-xs text-muted"><PassageLine source={source} /><span className="line-clamp-3">“{quote}”</span></div>;
}
