// The list of conversations: views, search, filters; drawn only as far as it can be seen.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDownUp, BookmarkPlus, Check as CheckIcon, ChevronDown, ListChecks, Search, SlidersHorizontal, Trash2 } from "lucide-react";
import { type FormEvent, memo, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { api, said } from "~/api/client";
import { conversationChanged } from "~/api/list";
import { type ConversationFilter, queries } from "~/api/queries";
import type { Conversation } from "~/api/schema";
import { useMe, useNames } from "~/parts/me";
import { ago, span, useNow } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Avatar, Badge, Button, cx, Dialog, Empty, IconButton, Input, Menu, MenuItem, MenuLabel, MenuLine, Select, Spinner, TextField } from "~/parts/ui";
import type { InboxSearch } from "~/router";
import { named, useLanguage, useWords } from "~/words";
import { ChannelIcon } from "./channel";
import { usePreview } from "./Facts";

const VIEWS = ["mine", "waiting", "unassigned", "assistant", "open", "snoozed", "resolved", "all"] as const;

/** What the server is asked for, by view. */
function filterOf(search: InboxSearch, me: string | undefined): ConversationFilter {
  const base: ConversationFilter = {
    search: search.q,
    channel_id: search.channel,
    priority: search.priority,
    tag_id: search.tag,
    sort: search.sort,
  };
  switch (search.view ?? "waiting") {
    case "mine":
      return { ...base, agent_id: me, open: true, snoozed: false };
    case "waiting":
      return { ...base, holder: "queue", open: true, snoozed: false, sort: search.sort };
    case "unassigned":
      return { ...base, holder: "queue", unassigned: true, open: true, snoozed: false };
    case "assistant":
      return { ...base, holder: "assistant", open: true, snoozed: false };
    case "snoozed":
      return { ...base, open: true, snoozed: true };
    case "resolved":
      return { ...base, status: "resolved" };
    case "all":
      return base;
    default:
      return { ...base, open: true, snoozed: false };
  }
}

export function List({ selected }: { selected: string | undefined }) {
  const { w } = useLanguage();
  const me = useMe();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as InboxSearch;
  const view = search.view ?? "waiting";
  const filter = useMemo(() => filterOf(search, me.id), [search, me.id]);
  const list = useInfiniteQuery(queries.conversations(filter));
  const all = useMemo(() => list.data?.pages.flatMap((p) => p.items) ?? [], [list.data]);
  const [many, setMany] = useState<Set<string> | null>(null);
  const names = useNames();
  const now = useNow();
  const choose = useCallback(
    (id: string) =>
      setMany((before) => {
        const next = new Set(before);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [],
  );
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({ count: all.length, getScrollElement: () => scroller.current, estimateSize: () => 84, overscan: 8, getItemKey: (i) => all[i]?.id ?? i });
  const visible = rows.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;

  useEffect(() => {
    if (last >= all.length - 10 && list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage();
  }, [last, all.length, list]);

  const at = all.findIndex((c) => c.id === selected);
  const go = (to: number) => {
    const next = all[Math.max(0, Math.min(all.length - 1, to))];
    if (!next) return;
    rows.scrollToIndex(all.indexOf(next));
    void navigate({ to: "/inbox/$id", params: { id: next.id }, search: (s: InboxSearch) => s });
  };
  const move = useRef(go);
  move.current = go;
  const place = useRef(at);
  place.current = at;
  useEffect(() => {
    const pressed = (e: KeyboardEvent) => {
      const target = e.target as HTMLElement;
      if (e.metaKey || e.ctrlKey || e.altKey || target.closest("input,textarea,select,[contenteditable],[role=dialog],[role=menu]")) return;
      if (e.key === "j" || e.key === "k") {
        e.preventDefault();
        move.current(place.current + (e.key === "j" ? 1 : -1));
      }
      if (e.key === "/") {
        e.preventDefault();
        document.querySelector<HTMLInputElement>("[data-inbox-search]")?.focus();
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);

  return (
    <>
      <Head view={view} search={search} many={many !== null} onMany={() => setMany(many ? null : new Set())} />
      {many && <Bulk chosen={many} onDone={() => setMany(null)} />}
      <div
        ref={scroller}
        className="min-h-0 flex-1 overflow-y-auto"
        onKeyDown={(e) => {
          if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
          e.preventDefault();
          const to = Math.max(0, Math.min(all.length - 1, Number((e.target as HTMLElement).dataset.index ?? at) + (e.key === "ArrowDown" ? 1 : -1)));
          rows.scrollToIndex(to);
          requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index="${to}"]`)?.focus());
        }}
      >
        {list.isPending && <Spinner />}
        {list.isError && !list.data && <Empty title={w.offline}><Button onClick={() => void list.refetch()}>{w.retry}</Button></Empty>}
        {list.isSuccess && all.length === 0 && <Empty title={view === "mine" ? w.inbox.emptyMine : view === "waiting" && !search.q ? w.inbox.emptyWaiting : w.inbox.empty} />}
        <ul className="relative" style={{ height: rows.getTotalSize() }}>
          {visible.map((row) => {
            const c = all[row.index];
            if (!c) return null;
            return (
              <li key={row.key} className="absolute inset-x-0 top-0" style={{ transform: `translateY(${row.start}px)`, height: row.size }}>
                <Row c={c} index={row.index} selected={c.id === selected} chosen={many?.has(c.id)} onChoose={many ? choose : undefined} agent={names(c.agent_id)} now={now} />
              </li>
            );
          })}
        </ul>
        {list.isFetchingNextPage && <Spinner />}
      </div>
    </>
  );
}

function Head({ view, search, many, onMany }: { view: string; search: InboxSearch; many: boolean; onMany: () => void }) {
  const { w } = useLanguage();
  const me = useMe();
  const navigate = useNavigate();
  const counts = useQuery(queries.counts()).data;
  const channels = useQuery(queries.channels()).data ?? [];
  const tags = useQuery({ ...queries.tags(), enabled: me.may("customer:read") }).data ?? [];
  const views = (useQuery(queries.views()).data ?? []).filter((v) => v.page === "inbox");
  const [q, setQ] = useState(search.q ?? "");
  const typed = useDeferredValue(q);
  const [saving, setSaving] = useState(false);
  const isFiltered = Boolean(search.channel || search.priority || search.tag);
  const [filtering, setFiltering] = useState(isFiltered);
  const set = (change: InboxSearch) => void navigate({ to: ".", search: (s: InboxSearch) => ({ ...s, ...change }), replace: true });
  const setNow = useRef(set);
  setNow.current = set;
  useEffect(() => {
    if (typed === (search.q ?? "")) return;
    const timer = setTimeout(() => setNow.current({ q: typed || undefined }), 250);
    return () => clearTimeout(timer);
  }, [typed, search.q]);
  const count: Record<string, number | undefined> = { mine: counts?.mine, waiting: counts?.waiting, unassigned: counts?.unassigned, assistant: counts?.assistant, open: counts?.open, snoozed: counts?.snoozed };
  const cache = useQueryClient();
  const drop = useMutation({ mutationFn: (id: string) => api.DELETE("/api/views/{id}", { params: { path: { id } } }), onSuccess: () => cache.invalidateQueries({ queryKey: ["views"] }) });
  return (
    <div className="shrink-0 space-y-2 border-b border-line p-2.5">
      <div className="flex items-center gap-1">
        <Menu
          align="start"
          trigger={
            <button type="button" className="flex min-w-0 flex-1 items-center gap-1.5 rounded-md px-1.5 py-1 text-left font-semibold hover:bg-hover">
              <span className="truncate">{named(w.inbox.views, view)}</span>
              {count[view] !== undefined && <span className="font-normal text-muted tabular-nums">{count[view]}</span>}
              <ChevronDown size={14} aria-hidden className="shrink-0 text-muted" />
            </button>
          }
        >
          {VIEWS.map((v) => (
            <MenuItem key={v} checked={v === view} hint={count[v]} onSelect={() => set({ view: v })}>{w.inbox.views[v]}</MenuItem>
          ))}
          {views.length > 0 && <MenuLine />}
          {views.map((v) => (
            <MenuItem key={v.id} onSelect={() => void navigate({ to: "/inbox", search: v.filters as InboxSearch })} hint={<button type="button" aria-label={w.remove} onClick={(e) => { e.stopPropagation(); drop.mutate(v.id); }}><Trash2 size={12} aria-hidden /></button>}>{v.name}</MenuItem>
          ))}
          <MenuLine />
          <MenuItem onSelect={() => setSaving(true)}><BookmarkPlus size={14} aria-hidden /> {w.inbox.saveView}</MenuItem>
        </Menu>
        <Menu trigger={<button type="button" aria-label={search.sort === "waiting" ? w.inbox.sortWaiting : w.inbox.sortLatest} className={cx("inline-flex size-8 items-center justify-center rounded-md text-muted hover:bg-hover", search.sort && "text-accent-text")}><ArrowDownUp size={15} aria-hidden /></button>}>
          <MenuItem checked={!search.sort} onSelect={() => set({ sort: undefined })}>{w.inbox.sortLatest}</MenuItem>
          <MenuItem checked={search.sort === "waiting"} onSelect={() => set({ sort: "waiting" })}>{w.inbox.sortWaiting}</MenuItem>
        </Menu>
        <IconButton label={w.inbox.filters} aria-pressed={filtering} className={isFiltered ? "text-accent-text!" : undefined} onClick={() => setFiltering(!filtering)}><SlidersHorizontal size={15} aria-hidden /></IconButton>
        {me.may("conversation:reply") && <IconButton label={w.inbox.selectMany} aria-pressed={many} onClick={onMany}><ListChecks size={16} aria-hidden /></IconButton>}
      </div>
      <div className="relative">
        <Search size={14} aria-hidden className="absolute top-2.5 left-2.5 text-muted" />
        <Input type="search" data-inbox-search aria-label={w.inbox.searchLabel} placeholder={w.inbox.searchLabel} value={q} onChange={(e) => setQ(e.target.value)} className="border-transparent bg-sunken pl-8" />
      </div>
      {filtering && (
        <div className="grid grid-cols-3 gap-1.5">
          <Select aria-label={w.inbox.channel} value={search.channel ?? ""} onChange={(e) => set({ channel: e.target.value || undefined })}>
            <option value="">{w.inbox.channel}</option>
            {channels.map((c) => <option key={c.id} value={c.id}>{w.given[c.name] ?? c.name}</option>)}
          </Select>
          <Select aria-label={w.inbox.priority} value={search.priority ?? ""} onChange={(e) => set({ priority: e.target.value || undefined })}>
            <option value="">{w.inbox.priority}</option>
            {Object.entries(w.priorities).map(([k, v]) => <option key={k} value={k}>{v}</option>)}
          </Select>
          <Select aria-label={w.inbox.tag} value={search.tag ?? ""} onChange={(e) => set({ tag: e.target.value || undefined })}>
            <option value="">{w.inbox.tag}</option>
            {tags.map((t) => <option key={t.id} value={t.id}>{t.name}</option>)}
          </Select>
          {isFiltered && <Button look="quiet" size="sm" className="col-span-3" onClick={() => set({ channel: undefined, priority: undefined, tag: undefined })}>{w.inbox.clear}</Button>}
        </div>
      )}
      <SaveView open={saving} onOpenChange={setSaving} search={search} />
    </div>
  );
}

function SaveView({ open, onOpenChange, search }: { open: boolean; onOpenChange: (o: boolean) => void; search: InboxSearch }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const [name, setName] = useState("");
  const save = useMutation({
    mutationFn: () => said(api.POST("/api/views", { body: { page: "inbox", name, filters: search as Record<string, never> } })),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["views"] });
      onOpenChange(false);
      setName("");
    },
    onError: toast.failed,
  });
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={w.inbox.saveView}>
      <form className="space-y-4" onSubmit={(e: FormEvent) => { e.preventDefault(); save.mutate(); }}>
        <TextField label={w.inbox.viewName} required maxLength={60} value={name} onChange={(e) => setName(e.target.value)} />
        <Button look="primary" type="submit" busy={save.isPending}>{w.save}</Button>
      </form>
    </Dialog>
  );
}

function Bulk({ chosen, onDone }: { chosen: Set<string>; onDone: () => void }) {
  const w = useWords();
  const me = useMe();
  const toast = useToast();
  const cache = useQueryClient();
  const users = useQuery({ ...queries.users(), enabled: me.may("conversation:assign") }).data ?? [];
  const act = useMutation({
    mutationFn: async (one: (id: string) => Promise<unknown>) => {
      const results = await Promise.allSettled([...chosen].map(one));
      const failed = results.find((r) => r.status === "rejected");
      if (failed) throw (failed as PromiseRejectedResult).reason;
    },
    onError: toast.failed,
    onSettled: () => {
      for (const id of chosen) conversationChanged(cache, id);
      onDone();
    },
  });
  const none = chosen.size === 0;
  return (
    <div className="flex flex-wrap items-center gap-1 border-b border-line bg-accent-soft px-2.5 py-1.5 text-[13px]">
      <span className="mr-auto">{w.inbox.selected(chosen.size)}</span>
      <Button size="sm" disabled={none} busy={act.isPending} onClick={() => act.mutate((id) => api.POST("/api/conversations/{id}/resolve", { params: { path: { id } } }))}>{w.conversation.resolve}</Button>
      <Menu trigger={<Button size="sm" disabled={none}>{w.conversation.priority}</Button>}>
        {Object.entries(w.priorities).map(([priority, text]) => (
          <MenuItem key={priority} onSelect={() => act.mutate((id) => api.PATCH("/api/conversations/{id}", { params: { path: { id } }, body: { priority } }))}>{text}</MenuItem>
        ))}
      </Menu>
      {me.may("conversation:assign") && (
        <Menu trigger={<Button size="sm" disabled={none}>{w.conversation.assign}</Button>}>
          <MenuLabel>{w.conversation.assign}</MenuLabel>
          {users.filter((u) => u.status === "active").map((u) => (
            <MenuItem key={u.id} onSelect={() => act.mutate((id) => api.POST("/api/conversations/{id}/assign", { params: { path: { id } }, body: { agent_id: u.id } }))}>{u.name}</MenuItem>
          ))}
        </Menu>
      )}
      <Button size="sm" look="quiet" onClick={onDone}>{w.cancel}</Button>
    </div>
  );
}

/** Drawn anew only when what it shows changes: moving the selection touches two rows. */
const Row = memo(function Row({ c, index, selected, chosen, onChoose, agent, now }: { c: Conversation; index: number; selected: boolean; chosen?: boolean; onChoose?: (id: string) => void; agent: string | undefined; now: number }) {
  const { w, language } = useLanguage();
  const preview = usePreview();
  const waits = c.holder === "queue" && (c.last_customer_message_at ?? c.handed_off_at);
  const due = c.holder === "queue" ? c.sla_first_response_at : c.holder === "agent" ? c.sla_resolve_deadline : undefined;
  const body = (
    <>
      <span className="relative shrink-0">
        {onChoose ? <span aria-hidden className={cx("flex size-9 items-center justify-center rounded-full border", chosen ? "border-accent bg-accent text-on-accent" : "border-strong")}>{chosen && <CheckIcon size={16} />}</span> : <Avatar name={c.customer_name} size={36} />}
        <span className="absolute -right-1 -bottom-1 rounded-full bg-panel p-0.5 text-muted"><ChannelIcon kind={c.channel_type} size={11} /></span>
      </span>
      <span className="min-w-0 flex-1">
        <span className="flex items-baseline gap-2">
          <span className={cx("min-w-0 flex-1 truncate", c.unread_count > 0 ? "font-semibold" : "font-medium")}>{c.customer_name}</span>
          <time dateTime={c.last_message_at ?? undefined} className="shrink-0 text-xs text-muted">{ago(c.last_message_at, language, now)}</time>
        </span>
        <span className="mt-0.5 flex items-center gap-2">
          <span className="min-w-0 flex-1 truncate text-[13px] text-muted">{(c.holder === "queue" && c.hand_off_brief?.question) || preview(c.last_message_preview)}</span>
          {c.unread_count > 0 && <span role="img" aria-label={w.inbox.unread(c.unread_count)} className="shrink-0 rounded-full bg-accent px-1.5 text-[11px] leading-[18px] font-semibold text-on-accent">{c.unread_count}</span>}
        </span>
        <span className="mt-1 flex items-center gap-1 overflow-hidden">
          {waits ? <Badge tone="warn">{w.inbox.waits(span((now - Date.parse(waits)) / 1000, language))}</Badge> : <Badge tone={c.holder === "assistant" && c.status === "active" ? "accent" : "plain"}>{c.status === "resolved" || c.status === "closed" ? w.statuses[c.status] : c.holder === "agent" ? (agent ?? w.holders.agent) : w.holders[c.holder]}</Badge>}
          {(c.priority === "urgent" || c.priority === "high") && <Badge tone="danger">{w.priorities[c.priority]}</Badge>}
          {due && (c.status === "pending" || c.status === "active") && <Due at={due} now={now} />}
          {c.holder === "queue" && c.agent_id && <Badge>{agent}</Badge>}
          {c.hand_off_reason && c.holder === "queue" && <span className="truncate text-xs text-muted">{named(w.reasons, c.hand_off_reason)}</span>}
        </span>
      </span>
    </>
  );
  const look = cx("flex h-full w-full items-start gap-2.5 border-b border-line px-3 py-2.5 text-left outline-offset-[-2px]", selected ? "bg-accent-soft" : "hover:bg-hover");
  return onChoose ? (
    <button type="button" data-index={index} aria-pressed={chosen} onClick={() => onChoose(c.id)} className={look}>{body}</button>
  ) : (
    <Link to="/inbox/$id" params={{ id: c.id }} search={(s) => s as InboxSearch} data-index={index} aria-current={selected ? "true" : undefined} className={look}>{body}</Link>
  );
});

function Due({ at, now }: { at: string; now: number }) {
  const { w, language } = useLanguage();
  const left = (Date.parse(at) - now) / 1000;
  return <Badge tone={left < 0 ? "danger" : left < 600 ? "warn" : "plain"}>{left < 0 ? w.inbox.overdue(span(-left, language)) : w.inbox.due(span(left, language))}</Badge>;
}
