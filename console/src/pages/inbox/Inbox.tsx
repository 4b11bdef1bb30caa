// The inbox: list, conversation and customer side by side; on a phone one after the other.
import { useParams } from "@tanstack/react-router";
import { MessagesSquare } from "lucide-react";
import { useDeferredValue, useEffect, useState } from "react";
import { cx, Dialog, Empty } from "~/parts/ui";
import { useWords } from "~/words";
import { Conversation } from "./Conversation";
import { CustomerColumn } from "./CustomerColumn";
import { List } from "./List";

const WIDE = "(min-width: 1180px)";

function useWide() {
  const [wide, set] = useState(() => matchMedia(WIDE).matches);
  useEffect(() => {
    const query = matchMedia(WIDE);
    const changed = () => set(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return wide;
}

export function Inbox() {
  const w = useWords();
  const { id: selected } = useParams({ strict: false });
  // The list answers to a key at once; what stands beside it follows when there is time.
  const id = useDeferredValue(selected);
  const wide = useWide();
  const [details, setDetails] = useState(false);
  return (
    <div className="flex h-full">
      <h1 className="sr-only">{w.inbox.title}</h1>
      <section aria-label={w.inbox.list} className={cx("flex min-h-0 w-full flex-col border-r border-line bg-panel md:w-[340px] md:shrink-0", id && "hidden md:flex")}>
        <List selected={selected} />
      </section>
      <section className={cx("min-w-0 flex-1", !id && "hidden md:block")}>
        {id ? (
          <Conversation key={id} id={id} onDetails={wide ? undefined : () => setDetails(true)} />
        ) : (
          <div className="flex h-full items-center justify-center">
            <Empty title={w.inbox.noneSelected} icon={<MessagesSquare size={28} aria-hidden />}>{w.inbox.noneSelectedHint}</Empty>
          </div>
        )}
      </section>
      {id && wide && (
        <aside aria-label={w.customer.title} className="w-[320px] shrink-0 overflow-y-auto border-l border-line bg-panel">
          <CustomerColumn conversationId={id} />
        </aside>
      )}
      {id && !wide && (
        <Dialog open={details} onOpenChange={setDetails} title={w.customer.title} side>
          <div className="-mx-5">
            <CustomerColumn conversationId={id} />
          </div>
        </Dialog>
      )}
    </div>
  );
}
