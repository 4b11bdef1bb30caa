// What the platform still permits, and what to do when it permits nothing but a template.
import { useQuery } from "@tanstack/react-query";
import { Clock3, LayoutTemplate, MessagesSquare } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { queries } from "~/api/queries";
import type { Conversation, Reach as Data } from "~/api/schema";
import { clock, moment, span, useNow } from "~/parts/time";
import { Badge, Button, Notice, Tip } from "~/parts/ui";
import { useLanguage } from "~/words";

const TemplateDialog = lazy(() => import("./TemplateDialog").then((m) => ({ default: m.TemplateDialog })));

/** How the customer is reached now, asked again when the window closes. */
export function useReach(c: Conversation): Data | undefined {
  const now = useNow();
  const reach = useQuery({
    ...queries.reach(c.id),
    // The window closes by itself: nothing tells the page.
    refetchInterval: ({ state }) => (state.data?.closes_at ? Math.max(1000, Math.min(600_000, Date.parse(state.data.closes_at) - now + 500)) : false),
  });
  return reach.data;
}

/** Whether what is typed would go out as a message. */
export const mayType = (reach: Data | undefined) => !reach || reach.way === "open" || reach.way === "paced" || reach.way === "held" || (reach.way === "template" && reach.wraps);

const LITTLE_S = 2 * 3600;

/** What is left and until when; when nothing is, why, and the way out. */
export function Reach({ c, reach, onSent }: { c: Conversation; reach: Data; onSent: () => void }) {
  const { w, language } = useLanguage();
  const now = useNow();
  const [isChoosing, choose] = useState(false);
  const left = reach.closes_at ? (Date.parse(reach.closes_at) - now) / 1000 : undefined;
  const isShut = reach.way === "template" || reach.way === "closed" || reach.way === "spent" || reach.way === "no_address";
  const why = reach.way === "template" ? (reach.wraps ? w.desk.reach.wraps : w.desk.reach.template) : reach.way === "closed" ? w.desk.reach.closed : reach.way === "spent" ? w.desk.reach.spent : reach.way === "no_address" ? w.desk.reach.noAddress : undefined;
  return (
    <>
      {isShut && (
        <div className="mb-2 flex flex-wrap items-center gap-2">
          <div className="min-w-0 flex-[1_1_16rem]"><Notice tone="warn" role="status">{why}{!mayType(reach) && ` ${w.desk.reach.noteStill}`}</Notice></div>
          {reach.way === "template" && <Button look={reach.wraps ? "plain" : "primary"} onClick={() => choose(true)}><LayoutTemplate size={14} aria-hidden /> {w.desk.reach.choose}</Button>}
        </div>
      )}
      {reach.way === "held" && <div className="mb-2"><Notice tone="warn" role="status">{w.desk.reach.held}</Notice></div>}
      {!isShut && (left !== undefined || reach.left != null) && (
        <p className="mb-1.5 flex flex-wrap gap-1.5">
          {left !== undefined && reach.closes_at && (
            <Tip side="top" text={w.desk.reach.closesHint(left < 86_400 ? clock(reach.closes_at, language) : moment(reach.closes_at, language))}>
              <span tabIndex={0}><Badge tone={left < LITTLE_S ? "warn" : "plain"}><Clock3 size={11} aria-hidden /> {w.desk.reach.closes(span(Math.max(0, left), language))}</Badge></span>
            </Tip>
          )}
          {reach.left != null && reach.quota != null && (
            <Tip side="top" text={w.desk.reach.leftHint}>
              <span tabIndex={0}><Badge tone={reach.left <= 2 ? "warn" : "plain"}><MessagesSquare size={11} aria-hidden /> {w.desk.reach.left(reach.left, reach.quota)}</Badge></span>
            </Tip>
          )}
          {reach.way === "paced" && reach.waits_until && <Badge>{w.desk.reach.paced(span(Math.max(1, (Date.parse(reach.waits_until) - now) / 1000), language))}</Badge>}
        </p>
      )}
      {isChoosing && <Suspense><TemplateDialog c={c} onClose={() => choose(false)} onSent={onSent} /></Suspense>}
    </>
  );
}
