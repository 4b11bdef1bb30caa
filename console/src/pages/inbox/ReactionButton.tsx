// An emoji of ours on what the customer wrote.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { SmilePlus } from "lucide-react";
import { useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { Message } from "~/api/schema";
import { useToast } from "~/parts/toast";
import { cx, Popover } from "~/parts/ui";
import { useWords } from "~/words";

/** Every platform that has reactions takes these. */
const EMOJIS = ["👍", "❤️", "🙏", "👏", "🎉", "😁", "😢", "🤔"];

export function ReactionButton({ m }: { m: Message }) {
  const { files: t } = useWords();
  const cache = useQueryClient();
  const toast = useToast();
  const [isOpen, open] = useState(false);
  const data = (m.metadata ?? {}) as { reactions?: Record<string, string>; revoked?: boolean };
  const ours = data.reactions?.agent;
  const react = useMutation({
    mutationFn: (emoji: string | null) => said(api.PUT("/api/conversations/{id}/messages/{message}/reaction", { params: { path: { id: m.conversation_id, message: m.id } }, body: { emoji } })),
    onSuccess: () => void cache.invalidateQueries({ queryKey: queries.messages(m.conversation_id).queryKey }),
    onError: toast.failed,
  });
  if (data.revoked) return null;
  const choose = (emoji: string) => {
    open(false);
    react.mutate(emoji === ours ? null : emoji);
  };
  return (
    <Popover
      open={isOpen}
      onOpenChange={open}
      trigger={<button type="button" aria-label={t.react} title={t.react} disabled={react.isPending} className="inline-flex items-center rounded hover:text-text aria-expanded:text-text disabled:opacity-50"><SmilePlus size={14} aria-hidden /></button>}
    >
      <div role="group" aria-label={t.react} className="flex justify-between p-1.5">
        {EMOJIS.map((emoji) => (
          <button key={emoji} type="button" aria-label={emoji === ours ? t.unreact : t.reactWith(emoji)} aria-pressed={emoji === ours} onClick={() => choose(emoji)} className={cx("size-8 rounded-md text-lg leading-none hover:bg-hover", emoji === ours && "bg-hover ring-1 ring-accent")}>{emoji}</button>
        ))}
      </div>
    </Popover>
  );
}
