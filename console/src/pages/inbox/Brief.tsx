// What an agent needs to know when taking over.
import { useQuery } from "@tanstack/react-query";
import { ChevronDown, ChevronUp, LifeBuoy } from "lucide-react";
import { useState } from "react";
import { queries } from "~/api/queries";
import type { Brief as BriefData, Conversation } from "~/api/schema";
import { useMe } from "~/parts/me";
import { ago } from "~/parts/time";
import { Badge } from "~/parts/ui";
import { named, useLanguage } from "~/words";

export function Brief({ c, brief }: { c: Conversation; brief: BriefData }) {
  const { w, language } = useLanguage();
  const me = useMe();
  // Who answers has read it: it stays within reach, folded.
  const [open, setOpen] = useState(() => c.holder === "queue" && matchMedia("(min-width: 768px)").matches);
  const known = brief.memory_ids ?? [];
  const memories = useQuery({ ...queries.memories(c.customer_id), enabled: open && known.length > 0 && me.may("memory:read") }).data ?? [];
  // What was forgotten since is not shown here either.
  const remembered = memories.filter((m) => known.includes(m.id) && m.status === "active");
  return (
    <section className="shrink-0 border-b border-line bg-warn-soft text-[13px]">
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className="flex w-full items-center gap-2 px-4 py-2 text-left font-medium text-warn">
        <LifeBuoy size={15} aria-hidden />
        <span className="min-w-0 flex-1 truncate">{named(w.reasons, c.hand_off_reason)}</span>
        {c.holder === "agent" && c.handed_off_at && <span className="text-xs font-normal">{w.desk.taken.ago(ago(c.handed_off_at, language))}</span>}
        {brief.mood === "upset" && <Badge tone="danger">{w.conversation.mood.upset}</Badge>}
        {open ? <ChevronUp size={15} aria-hidden /> : <ChevronDown size={15} aria-hidden />}
        <span className="sr-only">{open ? w.brief.hide : w.brief.show}</span>
      </button>
      {open && (
        <dl className="grid max-h-[32dvh] gap-x-6 gap-y-2 overflow-y-auto px-4 pb-3 sm:grid-cols-2">
          {brief.question && <Item term={w.brief.question}>{brief.question}</Item>}
          {brief.missing && <Item term={w.brief.missing}>{w.brief.step(brief.missing)}</Item>}
          {brief.tried.length > 0 && (
            <Item term={w.brief.tried}>
              <ul className="list-disc pl-4">{brief.tried.map((t, i) => <li key={i}>{w.brief.step(t)}</li>)}</ul>
            </Item>
          )}
          {brief.evidence.length > 0 && (
            <Item term={w.brief.evidence}>
              <ul className="space-y-1">
                {brief.evidence.slice(0, 3).map((e, i) => (
                  <li key={i}><span className="font-medium">{e.title}</span> <span className="line-clamp-2 text-muted">“{e.quote.replaceAll("**", "")}”</span></li>
                ))}
              </ul>
            </Item>
          )}
          {remembered.length > 0 && (
            <Item term={w.desk.taken.memories}>
              <ul className="list-disc pl-4">{remembered.map((m) => <li key={m.id}><span className="text-muted">{named(w.memory.kinds, m.kind)}:</span> {m.value ?? m.content}</li>)}</ul>
            </Item>
          )}
        </dl>
      )}
    </section>
  );
}

function Item({ term, children }: { term: string; children: React.ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs font-semibold text-muted">{term}</dt>
      <dd className="mt-0.5 break-words">{children}</dd>
    </div>
  );
}
