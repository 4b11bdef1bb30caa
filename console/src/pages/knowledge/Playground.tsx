// Asking as a customer would, and seeing how the answer came about. Nothing is stored.
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { useToast } from "~/parts/toast";
import { Button, Card, Input } from "~/parts/ui";
import { useWords } from "~/words";
import type { Source } from "../inbox/Bubble";
import { SourceDialog } from "../inbox/SourceDialog";
import { type Trace, TraceView } from "../inbox/Why";

export function Playground() {
  const w = useWords();
  const toast = useToast();
  const [question, setQuestion] = useState("");
  const [source, setSource] = useState<Source>();
  const ask = useMutation({ mutationFn: (question: string) => said(api.POST("/api/ask", { body: { question } })), onError: toast.failed });
  const a = ask.data;
  return (
    <div className="space-y-4">
      <form className="flex gap-2" onSubmit={(e: FormEvent) => { e.preventDefault(); if (question.trim()) ask.mutate(question); }}>
        <Input aria-label={w.knowledge.question} placeholder={w.knowledge.askPlaceholder} value={question} maxLength={4000} onChange={(e) => setQuestion(e.target.value)} />
        <Button type="submit" look="primary" busy={ask.isPending} disabled={!question.trim()}>{w.knowledge.ask}</Button>
      </form>
      <p className="text-xs text-muted">{w.knowledge.askHint}</p>
      {a && (
        <div className="grid items-start gap-4 lg:grid-cols-2">
          <Card title={w.knowledge.answerShown}>
            <div className="space-y-3 p-4">
              <p className="rounded-xl bg-machine px-3 py-2 break-words whitespace-pre-wrap">{a.answer || w.knowledge.noAnswer}</p>
              <ul className="space-y-1.5">
                {a.sources.map((s, i) => (
                  <li key={i}><button type="button" onClick={() => setSource(s as Source)} className="w-full rounded-md border border-line px-2.5 py-1.5 text-left text-[13px] hover:border-accent"><span className="font-medium">[{i + 1}] {s.title}</span><span className="block line-clamp-2 text-xs text-muted">“{s.quote}”</span></button></li>
                ))}
              </ul>
            </div>
          </Card>
          <Card title={w.why.title}><div className="p-4"><TraceView decision={a.decision} reason={a.reason} confidence={a.confidence} trace={a.trace as unknown as Trace} /></div></Card>
        </div>
      )}
      <SourceDialog source={source} onClose={() => setSource(undefined)} />
    </div>
  );
}
