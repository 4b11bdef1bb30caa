// What a message shows that is neither text nor file: a place, a business card, an order, a form.
import { ExternalLink } from "lucide-react";
import type { Message } from "~/api/schema";
import { useWords } from "~/words";

type Card = { title: string; lines: string[]; url?: string };

/** In a word what kind of message it is, where nothing else can be read of it. */
export function useKind() {
  const w = useWords();
  return (m: Message) => w.desk.message.kinds[m.content_type] ?? w.desk.message.kinds.unsupported;
}

/** What a list shows of a conversation's last message: its text, or in a word what kind of message it is. */
export function usePreview() {
  const { kinds } = useWords().desk.message;
  return (preview: string | null | undefined) => {
    const kind = /^\[([a-z_]+)\]$/.exec(preview ?? "")?.[1];
    return kind ? kinds[kind] ?? kinds.unsupported : preview;
  };
}

export function Facts({ m }: { m: Message }) {
  const w = useWords();
  const kind = useKind()(m);
  const card = (m.metadata as { card?: Card } | null)?.card;
  if (!card) return !m.content && !m.media_url && m.files.length === 0 ? <p className="italic">{kind}</p> : null;
  return (
    <div className="my-0.5 border-l-2 border-line pl-2 text-[13px]">
      <p className="text-xs text-muted">{kind}</p>
      {card.title && <p className="font-medium break-words">{card.title}</p>}
      {card.lines.map((line, i) => <p key={i} className="break-words">{line}</p>)}
      {card.url && <a href={card.url} target="_blank" rel="noreferrer noopener" className="inline-flex items-center gap-1 underline underline-offset-2"><ExternalLink size={12} aria-hidden /> {m.content_type === "location" ? w.desk.message.map : w.desk.message.open}</a>}
    </div>
  );
}
