// A deal goes from stage to stage, is won, or is lost with a reason: on the board and beside a conversation.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api, said } from "~/api/client";
import { type DealFilter, queries } from "~/api/queries";
import type { Deal, DealStage } from "~/api/schema";
import { useToast } from "~/parts/toast";
import { AreaField, Button, Dialog } from "~/parts/ui";
import { useWords, type Words } from "~/words";
import { en } from "~/words/en";

/** The stages that come with the product are called in the reader's language, until somebody gives them another name. */
export const stageName = (w: Words, stage: { key: string; name: string }) => (en.deals.stages[stage.key] === stage.name ? (w.deals.stages[stage.key] ?? stage.name) : stage.name);

/** The colour of an open, won or lost deal, and of such a stage. */
export const tone = (kind: DealStage["kind"]) => (kind === "won" ? "ok" : kind === "lost" ? "danger" : "plain");

/** A deal that is won or lost goes on only from an open stage. */
export const mayGo = (deal: Deal, stage: DealStage) => deal.status === "open" || stage.kind === "open" || deal.stage_id === stage.id;

type Step = { deal: Deal; stage: DealStage; reason?: string };

/** Moves the deals that `filter` lists; `dialog` asks why one was lost. */
export function useDealSteps(filter: DealFilter): { stagesOf: (deal: Deal) => DealStage[]; nameOf: (deal: Deal) => string; moveTo: (deal: Deal, key: string) => void; dialog: ReactNode } {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const pipelines = useQuery(queries.pipelines()).data ?? [];
  const [losing, setLosing] = useState<{ deal: Deal; stage: DealStage }>();
  const stagesOf = (deal: Deal) => [...(pipelines.find((p) => p.id === deal.pipeline_id)?.stages ?? [])].sort((a, b) => a.position - b.position);
  const nameOf = (deal: Deal) => stageName(w, stagesOf(deal).find((s) => s.id === deal.stage_id) ?? { key: deal.stage, name: deal.stage.replaceAll("_", " ") });

  const step = useMutation({
    mutationFn: ({ deal, stage, reason }: Step) => {
      const at = { params: { path: { id: deal.id } } };
      if (stage.kind === "won") return said(api.POST("/api/deals/{id}/win", at));
      if (stage.kind === "lost") return said(api.POST("/api/deals/{id}/lose", { ...at, body: { reason: reason ?? "" } }));
      return said(api.POST("/api/deals/{id}/move", { ...at, body: { stage: stage.key } }));
    },
    // It stands in its new place at once; the server's word comes after.
    onMutate: ({ deal, stage }) => {
      const key = queries.deals(filter).queryKey;
      const before = cache.getQueryData(key);
      cache.setQueryData(key, (all) => all?.map((d) => (d.id === deal.id ? { ...d, stage: stage.key, stage_id: stage.id, status: stage.kind } : d)));
      return { before };
    },
    onSuccess: (_, { stage }) => toast.done(w.deals.moved(stageName(w, stage))),
    onError: (error, _, context) => {
      cache.setQueryData(queries.deals(filter).queryKey, context?.before);
      toast.failed(error);
    },
    onSettled: (_, __, { deal }) => {
      void cache.invalidateQueries({ queryKey: ["deals"] });
      void cache.invalidateQueries({ queryKey: ["customer", deal.customer_id, "timeline"] });
    },
  });
  const moveTo = (deal: Deal, key: string) => {
    const stage = stagesOf(deal).find((s) => s.key === key);
    if (!stage || stage.id === deal.stage_id) return;
    if (stage.kind === "lost") setLosing({ deal, stage });
    else step.mutate({ deal, stage });
  };
  const dialog = losing && (
    <LoseDialog
      deal={losing.deal}
      onClose={() => setLosing(undefined)}
      onLose={(reason) => {
        step.mutate({ ...losing, reason });
        setLosing(undefined);
      }}
    />
  );
  return { stagesOf, nameOf, moveTo, dialog };
}

function LoseDialog({ deal, onClose, onLose }: { deal: Deal; onClose: () => void; onLose: (reason: string) => void }) {
  const w = useWords();
  const [reason, setReason] = useState("");
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={`${w.deals.lose}: ${deal.title}`}>
      <form className="space-y-3" onSubmit={(e) => { e.preventDefault(); onLose(reason.trim()); }}>
        <AreaField label={w.deals.lossReason} required rows={3} value={reason} onChange={(e) => setReason(e.target.value)} />
        <Button type="submit" look="danger" disabled={!reason.trim()}>{w.deals.lose}</Button>
      </form>
    </Dialog>
  );
}
