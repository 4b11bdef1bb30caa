// What the server knows, by key; `live.ts` says what became stale.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, said } from "./client";
import type { MemoryStatus, paths } from "./schema";

type Query<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? NonNullable<Q> : never;
export type ConversationFilter = Omit<Query<"/api/conversations">, "cursor" | "limit">;
export type CustomerFilter = Omit<Query<"/api/customers">, "cursor" | "limit">;
export type DealFilter = Omit<Query<"/api/deals">, "cursor" | "limit">;
export type DocumentFilter = Omit<Query<"/api/documents">, "cursor" | "limit">;

const LONG = 5 * 60_000;

export const queries = {
  me: () => queryOptions({ queryKey: ["me"], queryFn: () => said(api.GET("/api/me")), staleTime: LONG }),
  organization: () => queryOptions({ queryKey: ["organization"], queryFn: () => said(api.GET("/api/organization")), staleTime: LONG }),
  settings: () => queryOptions({ queryKey: ["me", "settings"], queryFn: () => said(api.GET("/api/me/settings")), staleTime: LONG }),
  sessions: () => queryOptions({ queryKey: ["sessions"], queryFn: () => said(api.GET("/api/me/sessions")) }),

  secondFactor: () => queryOptions({ queryKey: ["me", "second-factor"], queryFn: () => said(api.GET("/api/me/second-factor")) }),
  signInOptions: (organization?: string) => queryOptions({ queryKey: ["sign-in", organization ?? ""], queryFn: () => said(api.GET("/api/sign-in/options", { params: { query: { organization } } })), staleTime: LONG, retry: false }),
  assistant: () => queryOptions({ queryKey: ["assistant"], queryFn: () => said(api.GET("/api/assistant")) }),
  assistantVersions: (id: string) => queryOptions({ queryKey: ["assistant", id, "versions"], queryFn: () => said(api.GET("/api/assistants/{id}/versions", { params: { path: { id } } })) }),
  modelPrice: () => queryOptions({ queryKey: ["model-price"], queryFn: () => said(api.GET("/api/model/price")) }),
  model: () => queryOptions({ queryKey: ["model"], queryFn: () => said(api.GET("/api/model")) }),
  identityProvider: () => queryOptions({ queryKey: ["identity-provider"], queryFn: () => said(api.GET("/api/identity-provider")), staleTime: LONG }),
  security: () => queryOptions({ queryKey: ["security"], queryFn: () => said(api.GET("/api/security")) }),

  conversations: (filter: ConversationFilter) =>
    infiniteQueryOptions({
      queryKey: ["conversations", "list", filter],
      queryFn: ({ pageParam }) => said(api.GET("/api/conversations", { params: { query: { ...filter, cursor: pageParam, limit: 50 } } })),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next ?? undefined,
      placeholderData: keepPreviousData,
    }),
  counts: () => queryOptions({ queryKey: ["conversations", "counts"], queryFn: () => said(api.GET("/api/conversations/counts")) }),
  conversation: (id: string) => queryOptions({ queryKey: ["conversation", id], queryFn: () => said(api.GET("/api/conversations/{id}", { params: { path: { id } } })) }),
  messages: (id: string) =>
    infiniteQueryOptions({
      queryKey: ["conversation", id, "messages"],
      queryFn: ({ pageParam }) => said(api.GET("/api/conversations/{id}/messages", { params: { path: { id }, query: { before: pageParam, limit: 60 } } })),
      // Pages go backwards: the first holds the latest.
      initialPageParam: 2 ** 52,
      getNextPageParam: (page) => (page.length < 60 ? undefined : page[0]?.seq),
    }),
  copilot: () => queryOptions({ queryKey: ["copilot"], queryFn: () => said(api.GET("/api/copilot")), staleTime: LONG }),
  reach: (id: string) => queryOptions({ queryKey: ["conversation", id, "reach"], queryFn: () => said(api.GET("/api/conversations/{id}/reach", { params: { path: { id } } })) }),
  templates: (channel?: string) => queryOptions({ queryKey: ["templates", channel ?? "all"], queryFn: () => said(api.GET("/api/templates", { params: { query: { channel_id: channel } } })), staleTime: LONG }),
  turns: (id: string) => queryOptions({ queryKey: ["conversation", id, "turns"], queryFn: () => said(api.GET("/api/conversations/{id}/turns", { params: { path: { id } } })) }),
  /** The latest move alone: what was being written at take-over. */
  lastTurn: (id: string) => queryOptions({ queryKey: ["conversation", id, "last-turn"], queryFn: () => said(api.GET("/api/conversations/{id}/turns", { params: { path: { id }, query: { limit: 1 } } })) }),
  rules: () => queryOptions({ queryKey: ["rules"], queryFn: () => said(api.GET("/api/inbox-rules")), staleTime: LONG }),
  away: () => queryOptions({ queryKey: ["away-channels"], queryFn: () => said(api.GET("/api/away-channels")) }),
  mailServer: () => queryOptions({ queryKey: ["mail"], queryFn: () => said(api.GET("/api/mail")) }),
  knowledgeUse: () => queryOptions({ queryKey: ["knowledge", "use"], queryFn: () => said(api.GET("/api/knowledge/use")) }),
  contradictions: () => queryOptions({ queryKey: ["knowledge", "contradictions"], queryFn: () => said(api.GET("/api/knowledge/contradictions")) }),
  cannedReplies: () => queryOptions({ queryKey: ["canned-replies"], queryFn: () => said(api.GET("/api/canned-replies")), staleTime: LONG }),
  views: () => queryOptions({ queryKey: ["views"], queryFn: () => said(api.GET("/api/views")), staleTime: LONG }),

  customers: (filter: CustomerFilter) =>
    infiniteQueryOptions({
      queryKey: ["customers", filter],
      queryFn: ({ pageParam }) => said(api.GET("/api/customers", { params: { query: { ...filter, cursor: pageParam } } })),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next ?? undefined,
      placeholderData: keepPreviousData,
    }),
  imports: () =>
    infiniteQueryOptions({
      queryKey: ["imports"],
      queryFn: ({ pageParam }) => said(api.GET("/api/customer-imports", { params: { query: { cursor: pageParam, limit: 20 } } })),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next ?? undefined,
    }),
  customerFields: () => queryOptions({ queryKey: ["customer-fields"], queryFn: () => said(api.GET("/api/customer-fields")), staleTime: LONG }),
  customer: (id: string) => queryOptions({ queryKey: ["customer", id], queryFn: () => said(api.GET("/api/customers/{id}", { params: { path: { id } } })) }),
  identities: (id: string) => queryOptions({ queryKey: ["customer", id, "identities"], queryFn: () => said(api.GET("/api/customers/{id}/identities", { params: { path: { id } } })) }),
  contacts: (id: string) => queryOptions({ queryKey: ["customer", id, "contacts"], queryFn: () => said(api.GET("/api/customers/{id}/contacts", { params: { path: { id } } })) }),
  memories: (id: string) => queryOptions({ queryKey: ["customer", id, "memories"], queryFn: () => said(api.GET("/api/customers/{id}/memories", { params: { path: { id } } })) }),
  erasure: (id: string) => queryOptions({ queryKey: ["erasure", id], queryFn: () => said(api.GET("/api/erasures/{id}", { params: { path: { id } } })) }),
  timeline: (id: string) =>
    infiniteQueryOptions({
      queryKey: ["customer", id, "timeline"],
      queryFn: ({ pageParam }) => said(api.GET("/api/customers/{id}/timeline", { params: { path: { id }, query: { cursor: pageParam, limit: 20 } } })),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next ?? undefined,
    }),
  merges: (id: string) => queryOptions({ queryKey: ["customer", id, "merges"], queryFn: () => said(api.GET("/api/customers/{id}/merges", { params: { path: { id } } })) }),
  mergePreview: (into: string, from: string) => queryOptions({ queryKey: ["customer", into, "merge", from], queryFn: () => said(api.GET("/api/customers/{id}/merge", { params: { path: { id: into }, query: { from } } })), retry: false, staleTime: 0, gcTime: 0 }),
  tags: () => queryOptions({ queryKey: ["tags"], queryFn: () => said(api.GET("/api/tags")), staleTime: LONG }),

  pipelines: () => queryOptions({ queryKey: ["pipelines"], queryFn: () => said(api.GET("/api/pipelines")), staleTime: LONG }),
  deals: (filter: DealFilter) =>
    queryOptions({
      queryKey: ["deals", filter],
      queryFn: async () => {
        const all = [];
        let cursor: string | undefined;
        do {
          const page = await said(api.GET("/api/deals", { params: { query: { ...filter, cursor, limit: 200 } } }));
          all.push(...page.items);
          cursor = page.next ?? undefined;
        } while (cursor && all.length < 2000);
        return all;
      },
      placeholderData: keepPreviousData,
    }),
  dealTotals: (filter: DealFilter) => queryOptions({ queryKey: ["deals", "totals", filter], queryFn: () => said(api.GET("/api/deals/totals", { params: { query: filter } })), placeholderData: keepPreviousData }),

  bases: () => queryOptions({ queryKey: ["bases"], queryFn: () => said(api.GET("/api/knowledge-bases")) }),
  documents: (filter: DocumentFilter) =>
    infiniteQueryOptions({
      queryKey: ["documents", filter],
      queryFn: ({ pageParam }) => said(api.GET("/api/documents", { params: { query: { ...filter, cursor: pageParam, limit: 100 } } })),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next ?? undefined,
    }),
  document: (id: string) => queryOptions({ queryKey: ["document", id], queryFn: () => said(api.GET("/api/documents/{id}", { params: { path: { id } } })) }),
  versions: (id: string) => queryOptions({ queryKey: ["document", id, "versions"], queryFn: () => said(api.GET("/api/documents/{id}/versions", { params: { path: { id } } })) }),
  changes: (id: string, from: number, to: number) => queryOptions({ queryKey: ["document", id, "changes", from, to], queryFn: () => said(api.GET("/api/documents/{id}/versions/{version}/changes", { params: { path: { id, version: to }, query: { from } } })), staleTime: LONG, retry: false }),
  passages: (id: string) =>
    infiniteQueryOptions({
      queryKey: ["document", id, "passages"],
      queryFn: ({ pageParam }) => said(api.GET("/api/documents/{id}/passages", { params: { path: { id }, query: { after: pageParam, limit: 50 } } })),
      initialPageParam: undefined as number | undefined,
      getNextPageParam: (page) => (page.length < 50 ? undefined : page.at(-1)?.chunk_index),
    }),
  passage: (id: string) => queryOptions({ queryKey: ["passage", id], queryFn: () => said(api.GET("/api/passages/{id}", { params: { path: { id } } })), retry: false }),
  faqs: (base?: string) =>
    infiniteQueryOptions({
      queryKey: ["faqs", base],
      queryFn: ({ pageParam }) => said(api.GET("/api/faqs", { params: { query: { kb_id: base, cursor: pageParam, limit: 100 } } })),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next ?? undefined,
    }),
  sharedMemories: (status: MemoryStatus) => queryOptions({ queryKey: ["memories", status], queryFn: () => said(api.GET("/api/memories", { params: { query: { status } } })) }),
  gaps: () => queryOptions({ queryKey: ["gaps"], queryFn: () => said(api.GET("/api/gaps")) }),
  index: () => queryOptions({ queryKey: ["index"], queryFn: () => said(api.GET("/api/reindex")) }),

  overview: (from: string, to: string) =>
    queryOptions({
      queryKey: ["overview", from, to],
      queryFn: () => said(api.GET("/api/overview", { params: { query: { from, to, zone_minutes: -new Date().getTimezoneOffset() } } })),
      placeholderData: keepPreviousData,
    }),
  ready: () =>
    queryOptions({
      queryKey: ["ready"],
      queryFn: async () => (await (await fetch("/readyz")).json()) as Record<string, unknown>,
      refetchInterval: 5000,
    }),

  users: () =>
    queryOptions({
      queryKey: ["users"],
      queryFn: async () => {
        const all = [];
        let cursor: string | undefined;
        do {
          const page = await said(api.GET("/api/users", { params: { query: { cursor, limit: 200 } } }));
          all.push(...page.items);
          cursor = page.next ?? undefined;
        } while (cursor);
        return all;
      },
      staleTime: LONG,
    }),
  permissions: () => queryOptions({ queryKey: ["permissions"], queryFn: () => said(api.GET("/api/permissions")), staleTime: LONG }),
  roles: () => queryOptions({ queryKey: ["roles"], queryFn: () => said(api.GET("/api/roles")), staleTime: LONG }),
  teams: () => queryOptions({ queryKey: ["teams"], queryFn: () => said(api.GET("/api/teams")) }),
  apiKeys: () => queryOptions({ queryKey: ["api-keys"], queryFn: () => said(api.GET("/api/api-keys")) }),
  channels: () => queryOptions({ queryKey: ["channels"], queryFn: () => said(api.GET("/api/channels")), staleTime: LONG }),
  webhooks: () => queryOptions({ queryKey: ["webhooks"], queryFn: () => said(api.GET("/api/webhooks")) }),
  deliveries: (id: string) =>
    infiniteQueryOptions({
      queryKey: ["deliveries", id],
      queryFn: ({ pageParam }) => said(api.GET("/api/webhooks/{id}/deliveries", { params: { path: { id }, query: { cursor: pageParam } } })),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next ?? undefined,
    }),
  audit: (filter: { user_id?: string; resource_id?: string; action?: string; from?: string; to?: string; search?: string }) =>
    infiniteQueryOptions({
      queryKey: ["audit", filter],
      queryFn: ({ pageParam }) => said(api.GET("/api/audit-logs", { params: { query: { ...filter, cursor: pageParam } } })),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next ?? undefined,
    }),
  notifications: () => queryOptions({ queryKey: ["notifications"], queryFn: () => said(api.GET("/api/notifications", { params: { query: { limit: 30 } } })) }),
};
