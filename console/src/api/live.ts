// Server-sent events say what changed; the pages ask again for what they show.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { keepFresh, refresh } from "./fresh";
import { conversationChanged } from "./list";

type Change = { org: string; kind: string; id?: string; user?: string; typing?: boolean };

/** Who looks at a conversation, and until when we believe it. */
type Seen = { user: string; typing: boolean; until: number };
const presence = new Map<string, Map<string, Seen>>();
const customersTyping = new Map<string, number>();
const listeners = new Set<() => void>();
let version = 0;
const tell = () => {
  version++;
  for (const l of listeners) l();
};
const subscribe = (l: () => void) => {
  listeners.add(l);
  return () => listeners.delete(l);
};

/** How long a sign of presence holds: it is repeated every eight seconds. */
const HOLDS = 12_000;

/** What changes by itself while somebody looks. */
const LIVELY = ["conversation", "conversations", "notifications"];

function heard(queries: QueryClient, change: Change) {
  const stale = (...queryKey: unknown[]) => queries.invalidateQueries({ queryKey });
  switch (change.kind) {
    case "conversation":
      customersTyping.delete(change.id ?? "");
      tell();
      void stale("conversation", change.id);
      if (change.id) conversationChanged(queries, change.id);
      break;
    case "customer":
      void stale("customer", change.id);
      void stale("customers");
      break;
    case "deal":
      void stale("deals");
      break;
    case "document":
      void stale("documents");
      void stale("document", change.id);
      void stale("bases");
      break;
    case "notification":
      void stale("notifications");
      void stale("me");
      break;
    case "presence": {
      const of = presence.get(change.id ?? "") ?? new Map<string, Seen>();
      of.set(change.user ?? "", { user: change.user ?? "", typing: change.typing ?? false, until: Date.now() + HOLDS });
      presence.set(change.id ?? "", of);
      tell();
      break;
    }
    case "customer_typing":
      customersTyping.set(change.id ?? "", Date.now() + 6000);
      tell();
      break;
  }
}

/** Follows the changes as long as the page is open; says whether the line stands. */
export function useLive(): boolean {
  const queries = useQueryClient();
  const [isConnected, setConnected] = useState(true);
  useEffect(() => {
    let source: EventSource;
    let wasLost = false;
    let isFirst = true;
    let again: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      source = new EventSource("/api/events");
      source.addEventListener("open", () => {
        setConnected(true);
        // What happened while the line was down, or not up yet, was not told.
        if (wasLost) void queries.invalidateQueries();
        else if (isFirst) for (const key of LIVELY) void queries.invalidateQueries({ queryKey: [key] });
        wasLost = isFirst = false;
      });
      source.addEventListener("changed", (e) => heard(queries, JSON.parse((e as MessageEvent<string>).data) as Change));
      source.addEventListener("resync", () => void queries.invalidateQueries());
      source.addEventListener("error", () => {
        wasLost = true;
        setConnected(false);
        // The browser tries again by itself, except after an answer that is no stream.
        if (source.readyState === EventSource.CLOSED) {
          clearTimeout(again);
          again = setTimeout(() => void refresh().catch(() => {}).finally(open), 3000);
        }
      });
    };
    // The browser knows before the line does.
    const lost = () => {
      wasLost = true;
      setConnected(false);
    };
    const back = () => {
      source.close();
      open();
    };
    addEventListener("offline", lost);
    addEventListener("online", back);
    open();
    const stale = keepFresh();
    const fade = setInterval(() => {
      const now = Date.now();
      let faded = false;
      for (const of of presence.values())
        for (const [user, seen] of of)
          if (seen.until < now) {
            of.delete(user);
            faded = true;
          }
      for (const [id, until] of customersTyping)
        if (until < now) {
          customersTyping.delete(id);
          faded = true;
        }
      if (faded) tell();
    }, 2000);
    return () => {
      removeEventListener("offline", lost);
      removeEventListener("online", back);
      stale();
      clearInterval(fade);
      clearTimeout(again);
      source.close();
    };
  }, [queries]);
  return isConnected;
}

/** The others who look at a conversation now. */
export function usePresence(id: string, me: string | undefined): Seen[] {
  useSyncExternalStore(subscribe, () => version);
  return [...(presence.get(id)?.values() ?? [])].filter((s) => s.user !== me);
}

/** Whether the customer is writing. */
export function useCustomerTyping(id: string): boolean {
  useSyncExternalStore(subscribe, () => version);
  return customersTyping.has(id);
}
