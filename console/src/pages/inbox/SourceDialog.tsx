// The passage that an answer rests on, in its document.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queries } from "~/api/queries";
import { Dialog, Notice, Spinner } from "~/parts/ui";
import { useWords } from "~/words";
import type { Source } from "./Bubble";

export function SourceDialog({ source, onClose }: { source: Source | undefined; onClose: () => void }) {
  const w = useWords();
  return (
    <Dialog open={source !== undefined} onOpenChange={(o) => !o && onClose()} title={source?.title ?? ""} description={w.conversation.source} wide>
      {source && <Content source={source} />}
    </Dialog>
  );
}

function Content({ source }: { source: Source }) {
  const w = useWords();
  const passage = useQuery({ ...queries.passage(source.passage_id ?? ""), enabled: Boolean(source.passage_id) });
  if (source.passage_id && passage.isPending) return <Spinner />;
  return (
    <div className="space-y-3 text-[13px]">
      {passage.data ? (
        <>
          {passage.data.heading_path.length > 0 && <p className="text-xs text-muted">{passage.data.heading_path.join(" › ")}</p>}
          <Marked text={passage.data.content} quote={source.quote} />
        </>
      ) : (
        <>
          {source.passage_id && <Notice tone="warn">{w.why.gone}</Notice>}
          <blockquote className="border-l-2 border-accent pl-3 whitespace-pre-wrap">{source.quote}</blockquote>
        </>
      )}
      {source.document_id && <Link to="/knowledge" search={{ document: source.document_id, passage: source.passage_id ?? undefined }} className="text-accent-text underline">{w.why.openDocument}</Link>}
    </div>
  );
}

/** A text with the quoted words marked. */
export function Marked({ text, quote }: { text: string; quote: string }) {
  const at = quote ? text.indexOf(quote) : -1;
  if (at < 0) return <p className="break-words whitespace-pre-wrap">{text}</p>;
  return (
    <p className="break-words whitespace-pre-wrap">
      {text.slice(0, at)}
      <mark className="rounded bg-accent-soft text-text">{quote}</mark>
      {text.slice(at + quote.length)}
    </p>
  );
}
