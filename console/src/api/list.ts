// The list of conversations kept up to date without asking for all of it again: who has scrolled far has many pages.
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { api, Failure, said } from "./client";
import { type ConversationFilter, queries } from "./queries";
import type { Conversation } from "./schema";

type Page = { items: Conversation[]; next?: string | null };
type List = InfiniteData<Page, unknown>;

/** Whether a conversation still belongs on a list, as far as can be told here; a search and a tag only the server knows. */
function belongs(c: Conversation, f: ConversationFilter): boolean {
  const isOpen = c.status === "pending" || c.status === "active";
  const isSnoozed = c.snoozed_until != null && Date.parse(c.snoozed_until) > Date.now();
  return (
    !c.merged_into &&
    (!f.status || c.status === f.status) &&
    (!f.holder || c.holder === f.holder) &&
    (!f.agent_id || c.agent_id === f.agent_id) &&
    (!f.unassigned || !c.agent_id) &&
    (!f.customer_id || c.customer_id === f.customer_id) &&
    (!f.channel_id || c.channel_id === f.channel_id) &&
    (!f.priority || c.priority === f.priority) &&
    (!f.open || isOpen) &&
    (f.snoozed == null || isSnoozed === f.snoozed)
  );
}

/** The loaded pages with a newly read first page and one conversation as it is now (`undefined`: it is out of sight). */
export function renewed(list: List, first: Page, id: string, now: Conversation | undefined, filter: ConversationFilter): List {
  const [before, ...rest] = list.pages;
  const onTop = new Set(first.items.map((c) => c.id));
  const stay = (items: Conversation[]) =>
    items.filter((c) => !onTop.has(c.id) && (c.id !== id || (now && belongs(now, filter)))).map((c) => (c.id === id && now ? now : c));
  // What slid off the first page stands at the top of the second.
  const slid = stay(before?.items ?? []);
  const pages = rest.map((page, i) => ({ ...page, items: i === 0 ? [...slid, ...stay(page.items)] : stay(page.items) }));
  // The second page was asked for from the old end of the first: what came in between is all there.
  return { ...list, pages: [first, ...pages] };
}

const pending = new Set<string>();
let running: Promise<void> | undefined;

/** A conversation changed: every list that is shown is brought up to date. Changes that come at once are one. */
export function conversationChanged(cache: QueryClient, id: string): void {
  pending.add(id);
  running ??= (async () => {
    try {
      while (pending.size > 0) {
        const ids = [...pending];
        pending.clear();
        await bring(cache, ids);
      }
    } finally {
      running = undefined;
    }
  })();
}

async function bring(cache: QueryClient, ids: string[]): Promise<void> {
  void cache.invalidateQueries({ queryKey: ["conversations", "counts"] });
  const long = cache
    .getQueryCache()
    .findAll({ queryKey: ["conversations", "list"] })
    .filter((q) => q.isActive() && ((q.state.data as List | undefined)?.pages.length ?? 0) > 1);
  // A short list is simply asked for again; one that nobody looks at, when somebody does.
  void cache.invalidateQueries({ predicate: (q) => q.queryKey[0] === "conversations" && q.queryKey[1] === "list" && !long.includes(q) });
  for (const query of long) {
    const filter = query.queryKey[2] as ConversationFilter;
    const key = queries.conversations(filter).queryKey;
    try {
      const first = await said(api.GET("/api/conversations", { params: { query: { ...filter, limit: 50 } } }));
      for (const id of ids) {
        const now = first.items.find((c) => c.id === id) ?? (holds(query.state.data as List, id) ? await read(id) : undefined);
        cache.setQueryData(key, (list: List | undefined) => list && renewed(list, first, id, now, filter));
      }
    } catch {
      void cache.invalidateQueries({ queryKey: key });
    }
  }
}

const holds = (list: List, id: string) => list.pages.some((page) => page.items.some((c) => c.id === id));

/** The conversation as it is now; `undefined`: it is gone, or out of one's sight. */
async function read(id: string): Promise<Conversation | undefined> {
  try {
    return await said(api.GET("/api/conversations/{id}", { params: { path: { id } } }));
  } catch (error) {
    if (error instanceof Failure && error.status === 404) return undefined;
    throw error;
  }
}
