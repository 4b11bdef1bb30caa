// One message: who said it, how far it came, what it rests on.
import { AlertTriangle, Bot, Check, CheckCheck, Clock, HelpCircle, Lock, Reply, Undo2 } from "lucide-react";
import { useState } from "react";
import type { Message, QuotedMessage } from "~/api/schema";
import { clock } from "~/parts/time";
import { Badge, cx, Tip } from "~/parts/ui";
import { useLanguage } from "~/words";
import { Translation } from "./Copilot";
import { Facts } from "./Facts";
import { MessageFiles, Reactions } from "./MessageFiles";
import { ReactionButton } from "./ReactionButton";
import { SourceDialog } from "./SourceDialog";

export type Source = { document_id?: string | null; passage_id?: string | null; faq_id?: string | null; title: string; quote: string; score: number };

export function Bubble({ m, author, joined, reacts, onWhy, onAnswer }: { m: Message; author: string; joined: boolean; reacts?: boolean; onWhy: (turn: string) => void; onAnswer?: (m: Message) => void }) {
  const { w, language } = useLanguage();
  const [source, setSource] = useState<Source>();
  const fromCustomer = m.sender_type === "customer";
  const was = m.metadata as { body?: { type?: string }; revoked?: boolean; edited_at?: string; before_edit?: string[] } | null;
  const sources = (m.ai_sources ?? []) as unknown as Source[];
  const look = m.is_private ? "bg-note border border-note-line" : fromCustomer ? "bg-panel border border-line" : m.sender_type === "assistant" ? "bg-machine" : "bg-mine text-on-mine";
  return (
    <article id={`message-${m.id}`} data-sender={m.sender_type} className={cx("flex flex-col", fromCustomer ? "items-start" : "items-end", joined ? "mt-0.5" : "mt-3")}>
      {!joined && (
        <p className="mb-0.5 flex items-center gap-1 px-1 text-xs text-muted">
          {m.sender_type === "assistant" && <Bot size={12} aria-hidden />}
          {m.is_private && <Lock size={11} aria-hidden />}
          {author}{m.is_private && ` · ${w.conversation.note}`}
        </p>
      )}
      <div className={cx("max-w-[min(560px,86%)] rounded-2xl px-3 py-2", fromCustomer ? "rounded-tl-md" : "rounded-tr-md", look)}>
        {m.quoted && <Quote of={m.quoted} />}
        {!was?.revoked && <MessageFiles m={m} />}
        {was?.revoked && <p className="flex items-center gap-1.5 text-muted italic"><Undo2 size={13} aria-hidden /> {w.desk.message.revoked}</p>}
        {m.content && <p className="break-words whitespace-pre-wrap">{m.is_private ? mentions(m.content) : m.content}</p>}
        {!was?.revoked && <Facts m={m} />}
      </div>
      <Reactions m={m} />
      <div className="mt-0.5 flex flex-wrap items-center gap-x-2 gap-y-1 px-1 text-xs text-muted">
        <time dateTime={m.created_at}>{clock(m.created_at, language)}</time>
        {was?.edited_at && <Tip text={(was.before_edit ?? []).map((text) => w.desk.message.before(text)).join("\n")}><button type="button" className="underline decoration-dotted underline-offset-2">{w.desk.message.edited}</button></Tip>}
        {!fromCustomer && !m.is_private && <Tick m={m} />}
        {was?.body?.type === "template" && <Badge>{w.desk.template.badge}</Badge>}
        {m.ai_confidence != null && <span>{w.conversation.confidence(`${Math.round(m.ai_confidence * 100)} %`)}</span>}
        {onAnswer && !m.is_private && !was?.revoked && <Tip text={w.crm.answer.action}><button type="button" aria-label={w.crm.answer.action} onClick={() => onAnswer(m)} className="inline-flex size-5 items-center justify-center rounded hover:bg-hover hover:text-text"><Reply size={13} aria-hidden /></button></Tip>}
        {fromCustomer && reacts && !was?.revoked && <ReactionButton m={m} />}
        {fromCustomer && m.content && <Translation conversation={m.conversation_id} text={m.content} />}
        {m.turn_id && <button type="button" onClick={() => onWhy(m.turn_id as string)} className="inline-flex items-center gap-0.5 underline decoration-dotted underline-offset-2 hover:text-text"><HelpCircle size={12} aria-hidden /> {w.conversation.why}</button>}
      </div>
      {sources.length > 0 && (
        <ul aria-label={w.conversation.sources(sources.length)} className="mt-1 flex max-w-[min(560px,86%)] flex-wrap justify-end gap-1">
          {sources.map((s, i) => (
            <li key={i} className="max-w-full">
              <button type="button" onClick={() => setSource(s)} className="max-w-full rounded border border-line bg-panel px-1.5 py-0.5 text-left text-xs text-muted hover:border-accent hover:text-accent-text">
                <span className="block truncate">[{i + 1}] {s.title}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {m.status === "failed" && <p role="alert" className="mt-0.5 max-w-[86%] px-1 text-xs text-danger">{w.conversation.ticks.failed}{m.status_reason ? `: ${m.status_reason}` : ""}</p>}
      {m.status === "sending" && m.status_reason && <p className="mt-0.5 max-w-[86%] px-1 text-xs text-muted">{`${w.conversation.ticks.sending}: ${m.status_reason}`}</p>}
      <SourceDialog source={source} onClose={() => setSource(undefined)} />
    </article>
  );
}

/** What somebody pointed at. It is taken to when it is on the page. */
function Quote({ of }: { of: QuotedMessage }) {
  const { w } = useLanguage();
  const go = () => document.getElementById(`message-${of.message_id}`)?.scrollIntoView({ block: "center", behavior: "smooth" });
  return (
    <button type="button" onClick={go} disabled={!of.message_id} className="mb-1.5 block w-full rounded-md border-l-2 border-strong bg-sunken px-2 py-1 text-left text-[13px] text-muted">
      <span className="sr-only">{w.desk.message.quoted} </span>
      <span className="line-clamp-2 break-words">{of.text || w.desk.message.quotedGone}</span>
    </button>
  );
}

function mentions(text: string) {
  return text.split(/(@[\p{L}\p{N}_.-]+)/u).map((part, i) => (part.startsWith("@") ? <strong key={i}>{part}</strong> : part));
}

/** How far a message came. */
function Tick({ m }: { m: Message }) {
  const { w } = useLanguage();
  const text = w.conversation.ticks[m.status] ?? m.status;
  if (m.status === "failed" || m.status === "uncertain")
    return <Tip text={m.status_reason ?? text}><span tabIndex={0}><Badge tone={m.status === "failed" ? "danger" : "warn"}><AlertTriangle size={11} aria-hidden /> {text}</Badge></span></Tip>;
  const picture = m.status === "queued" || m.status === "sending" ? <Clock size={12} aria-hidden /> : m.status === "sent" ? <Check size={13} aria-hidden /> : <CheckCheck size={13} aria-hidden className={m.status === "read" || m.status === "played" ? "text-accent-text" : undefined} />;
  return <span className="inline-flex" title={text}>{picture}<span className="sr-only">{text}</span></span>;
}
