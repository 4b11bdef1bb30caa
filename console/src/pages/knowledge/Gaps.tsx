// What customers ask and the documents do not answer.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CheckCircle2 } from "lucide-react";
import { useState } from "react";
import { queries } from "~/api/queries";
import type { Gap } from "~/api/schema";
import { useMe } from "~/parts/me";
import { ago } from "~/parts/time";
import { Badge, Button, Card, Empty, Spinner } from "~/parts/ui";
import { named, useLanguage } from "~/words";
import { FaqDialog } from "./Faqs";

export function Gaps() {
  const { w, language } = useLanguage();
  const me = useMe();
  const gaps = useQuery(queries.gaps());
  const [made, setMade] = useState<Gap>();
  if (gaps.isPending) return <Spinner />;
  return (
    <div className="space-y-3">
      <p className="text-[13px] text-muted">{w.knowledge.gapsHint}</p>
      {gaps.data?.length === 0 && <Empty title={w.knowledge.gapsNone} icon={<CheckCircle2 size={28} aria-hidden />} />}
      {gaps.data?.map((g) => (
        <Card key={g.question}>
          <div className="space-y-2 p-4 text-[13px]">
            <div className="flex flex-wrap items-start gap-2">
              <p className="min-w-0 flex-1 font-medium break-words max-sm:basis-full">{g.question}</p>
              <Badge tone={g.count > 2 ? "warn" : "plain"}>{w.knowledge.asked(g.count)}</Badge>
              <Badge>{named(w.reasons, g.reason)}</Badge>
              <span className="text-xs text-muted">{ago(g.last_asked_at, language)}</span>
            </div>
            {g.variants.length > 0 && <p className="text-xs text-muted">{w.knowledge.variants}: {g.variants.map((v) => `“${v}”`).join(" ")}</p>}
            {g.answer ? <blockquote className="border-l-2 border-accent pl-3"><span className="block text-xs text-muted">{w.knowledge.agentAnswered}</span><span className="line-clamp-4 whitespace-pre-wrap">{g.answer}</span></blockquote> : <p className="text-xs text-muted">{w.knowledge.agentNot}</p>}
            <div className="flex flex-wrap items-center gap-3">
              {me.may("knowledge:write") && <Button size="sm" look={g.answer ? "primary" : "plain"} onClick={() => setMade(g)}>{w.knowledge.makeFaq}</Button>}
              {g.conversations.slice(0, 5).map((id, i) => <Link key={id} to="/inbox/$id" params={{ id }} search={{ view: "all" }} className="text-xs text-accent-text underline">#{i + 1}</Link>)}
            </div>
          </div>
        </Card>
      ))}
      {made && <FaqDialog draft={{ question: made.question, answer: made.answer ?? "" }} onClose={() => setMade(undefined)} />}
    </div>
  );
}
