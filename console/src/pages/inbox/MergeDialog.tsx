// Choosing another conversation of the customer whose messages come into this one.
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Conversation } from "~/api/schema";
import { useMe, useNames } from "~/parts/me";
import { moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Badge, Button, cx, Dialog, Empty, Spinner } from "~/parts/ui";
import { named, useLanguage } from "~/words";
import { ChannelIcon } from "./channel";
import { usePreview } from "./Facts";

const isOpen = (c: Conversation) => c.status === "pending" || c.status === "active";

export function MergeDialog({ c, onClose }: { c: Conversation; onClose: () => void }) {
  const { w, language } = useLanguage();
  const toast = useToast();
  const cache = useQueryClient();
  const me = useMe();
  const names = useNames();
  const preview = usePreview();
  const all = useInfiniteQuery(queries.conversations({ customer_id: c.customer_id }));
  const others = all.data?.pages.flatMap((p) => p.items).filter((o) => o.id !== c.id) ?? [];
  const [chosen, choose] = useState<string>();
  /** Why the server would refuse it. */
  const held = (o: Conversation) => isOpen(o) && o.holder === "agent" && o.agent_id && o.agent_id !== me.id && w.conversation.held(names(o.agent_id) ?? w.conversation.colleague);
  const refused = (o: Conversation) => held(c) || held(o) || (!isOpen(c) && isOpen(o) && w.desk.merge.stillOpen);
  const merge = useMutation({
    mutationFn: (from: string) => said(api.POST("/api/conversations/{id}/merge", { params: { path: { id: c.id } }, body: { from, version: c.version } })),
    onSuccess: (now) => {
      cache.setQueryData(queries.conversation(c.id).queryKey, now);
      void cache.invalidateQueries({ queryKey: ["conversation"] });
      void cache.invalidateQueries({ queryKey: ["conversations"] });
      toast.done(w.desk.merge.done);
      onClose();
    },
    onError: toast.failed,
  });
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={w.desk.merge.title} description={w.desk.merge.hint(c.customer_name)}>
      {all.isPending ? <Spinner /> : others.length === 0 ? <Empty title={w.desk.merge.none} /> : (
        <form className="space-y-3" onSubmit={(e) => { e.preventDefault(); if (chosen) merge.mutate(chosen); }}>
          <div role="radiogroup" aria-label={w.desk.merge.title} className="space-y-1">
            {others.map((o) => {
              const why = refused(o);
              return (
                <label key={o.id} className={cx("flex items-start gap-2 rounded-lg border px-3 py-2 text-[13px]", why ? "border-line text-muted" : chosen === o.id ? "cursor-pointer border-accent bg-accent-soft" : "cursor-pointer border-line hover:bg-hover")}>
                  <input type="radio" name="from" value={o.id} disabled={Boolean(why)} checked={!why && chosen === o.id} onChange={() => choose(o.id)} className="mt-1 accent-accent" />
                  <span className="min-w-0 flex-1">
                    <span className="flex flex-wrap items-center gap-1.5 text-xs text-muted"><ChannelIcon kind={o.channel_type} size={12} /> {named(w.channels, o.channel_type)} · {moment(o.last_message_at, language)} <Badge>{w.statuses[o.status]}</Badge> <Badge>{w.desk.merge.messages(o.message_count)}</Badge></span>
                    {/* What the customer wanted tells them apart; the last word is often the same. */}
                    <span className="mt-0.5 line-clamp-2 break-words">{o.hand_off_brief?.question || preview(o.last_message_preview)}</span>
                    {why && <span className="mt-0.5 block text-xs text-warn">{why}</span>}
                  </span>
                </label>
              );
            })}
          </div>
          {all.hasNextPage && <Button size="sm" look="quiet" onClick={() => void all.fetchNextPage()}>{w.more}</Button>}
          <Button type="submit" look="primary" disabled={!others.some((o) => o.id === chosen && !refused(o))} busy={merge.isPending}>{w.desk.merge.submit}</Button>
        </form>
      )}
    </Dialog>
  );
}
