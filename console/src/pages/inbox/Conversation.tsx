// One conversation: who holds it, what was said, and what to say next.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { AlarmClock, ArrowLeft, Bot, CheckCheck, ChevronDown, Eye, Flag, Hand, Merge, MoreHorizontal, PanelRight, UserRound } from "lucide-react";
import { lazy, type ReactNode, Suspense, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { api, said } from "~/api/client";
import { conversationChanged } from "~/api/list";
import { useCustomerTyping, usePresence } from "~/api/live";
import { queries } from "~/api/queries";
import type { Conversation as ConversationData, Message } from "~/api/schema";
import { useMe, useNames } from "~/parts/me";
import { day, moment } from "~/parts/time";
import { useToast } from "~/parts/toast";
import { Avatar, Badge, Button, cx, Empty, IconButton, Menu, MenuItem, MenuLabel, MenuLine, Spinner } from "~/parts/ui";
import type { InboxSearch } from "~/router";
import { named, useLanguage } from "~/words";
import { Brief } from "./Brief";
import { Bubble } from "./Bubble";
import { ChannelIcon, UNOFFICIAL } from "./channel";
import { Composer } from "./Composer";
import { Why } from "./Why";

const PassDialog = lazy(() => import("./PassDialog").then((m) => ({ default: m.PassDialog })));
const MergeDialog = lazy(() => import("./MergeDialog").then((m) => ({ default: m.MergeDialog })));

export function Conversation({ id, onDetails }: { id: string; onDetails?: () => void }) {
  const { w } = useLanguage();
  const me = useMe();
  const conversation = useQuery(queries.conversation(id));
  const cache = useQueryClient();
  const [why, setWhy] = useState<string>();
  const [answered, answer] = useState<Message>();
  // What was pointed at belongs to its conversation.
  const pointed = answered?.conversation_id === id ? answered : undefined;
  const c = conversation.data;

  // What is looked at is read.
  const unread = c?.unread_count ?? 0;
  const mayReply = me.may("conversation:reply");
  useEffect(() => {
    if (unread > 0 && mayReply && document.visibilityState === "visible") void api.POST("/api/conversations/{id}/read", { params: { path: { id } } }).catch(() => {});
  }, [unread, id, mayReply]);
  // Colleagues see who looks.
  useEffect(() => {
    const tell = () => document.visibilityState === "visible" && void api.POST("/api/conversations/{id}/presence", { params: { path: { id } }, body: { typing: false } }).catch(() => {});
    tell();
    const timer = setInterval(tell, 8000);
    return () => clearInterval(timer);
  }, [id]);

  // Its messages are elsewhere now.
  const elsewhere = c?.merged_into;
  const navigate = useNavigate();
  useEffect(() => {
    if (elsewhere) void navigate({ to: "/inbox/$id", params: { id: elsewhere }, search: (s) => s as InboxSearch, replace: true });
  }, [elsewhere, navigate]);

  if (conversation.isPending) return <Spinner />;
  if (!c) return <div className="flex h-full items-center justify-center"><Empty title={conversation.error?.message ?? w.notFound}><Button onClick={() => void cache.invalidateQueries({ queryKey: ["conversation", id] })}>{w.retry}</Button></Empty></div>;
  return (
    <div className="flex h-full flex-col">
      <Head c={c} onDetails={onDetails} />
      {c.holder !== "assistant" && (c.status === "pending" || c.status === "active") && c.hand_off_brief && <Brief key={`${c.id} ${c.handed_off_at}`} c={c} brief={c.hand_off_brief} />}
      <Messages c={c} onWhy={setWhy} onAnswer={mayReply && c.status !== "closed" ? answer : undefined} />
      <Foot c={c} />
      {mayReply && <Composer key={c.id} c={c} answered={pointed} onAnswered={() => answer(undefined)} />}
      <Why conversation={id} turn={why} onClose={() => setWhy(undefined)} />
    </div>
  );
}

/** Changes a conversation and shows at once what the server made of it. */
function useChange(id: string) {
  const cache = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: (call: () => Promise<{ data?: ConversationData }>) => said(call()),
    onSuccess: (now) => {
      if (now) cache.setQueryData(queries.conversation(id).queryKey, now);
      conversationChanged(cache, id);
    },
    onError: (error) => {
      toast.failed(error);
      void cache.invalidateQueries({ queryKey: ["conversation", id] });
    },
  });
}

function Head({ c, onDetails }: { c: ConversationData; onDetails?: () => void }) {
  const { w, language } = useLanguage();
  const me = useMe();
  const names = useNames();
  const teams = useQuery({ ...queries.teams(), enabled: Boolean(c.team_id) && me.may("user:read") }).data ?? [];
  const toast = useToast();
  const navigate = useNavigate();
  const change = useChange(c.id);
  const [merging, setMerging] = useState(false);
  const [passing, setPassing] = useState(false);
  const path = { params: { path: { id: c.id } } };
  const isOpen = c.status === "pending" || c.status === "active";
  const isMine = c.holder === "agent" && c.agent_id === me.id && isOpen;
  const isOthers = c.holder === "agent" && c.agent_id !== me.id && isOpen;
  const may = me.may("conversation:reply");
  const takeOver = () => change.mutate(() => api.POST("/api/conversations/{id}/take-over", path));
  const giveBack = (scope: "now" | "until_resolved" | "never") => change.mutate(() => api.POST("/api/conversations/{id}/give-back", { ...path, body: { scope } }));
  const resolve = () => change.mutate(() => api.POST("/api/conversations/{id}/resolve", path), { onSuccess: () => toast.done(w.conversation.resolved) });
  const canTake = may && isOpen && !isMine && !isOthers;

  useEffect(() => {
    const pressed = (e: KeyboardEvent) => {
      if (e.metaKey || e.ctrlKey || e.altKey || (e.target as HTMLElement).closest("input,textarea,select,[role=dialog],[role=menu]")) return;
      if (e.key === "t" && canTake) takeOver();
      else if (e.key === "g" && isMine && may) giveBack("now");
      else if (e.key === "e" && isOpen && may) resolve();
      else if (e.key === "r") document.querySelector<HTMLTextAreaElement>("[data-composer]")?.focus();
      else return;
      e.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  });

  const holder = !isOpen ? w.statuses[c.status] : isMine ? w.conversation.heldByYou : c.holder === "agent" ? w.conversation.held(names(c.agent_id) ?? w.holders.agent ?? "") : c.holder === "queue" ? w.conversation.heldByQueue : w.conversation.heldByAssistant;
  return (
    <header className="flex min-h-14 shrink-0 items-center gap-2 border-b border-line bg-panel px-3 py-1.5">
      <Link to="/inbox" search={(s) => s as InboxSearch} aria-label={w.back} className="inline-flex size-8 items-center justify-center rounded-md text-muted hover:bg-hover md:hidden"><ArrowLeft size={18} aria-hidden /></Link>
      <span className="hidden sm:block"><Avatar name={c.customer_name} size={32} /></span>
      <div className="min-w-0 flex-1">
        <h2 className="truncate font-semibold"><button type="button" className="max-w-full truncate" onClick={() => (onDetails ? onDetails() : void navigate({ to: "/customers/$id", params: { id: c.customer_id } }))}>{c.customer_name}</button></h2>
        <p className="flex items-center gap-1.5 truncate text-xs text-muted">
          <ChannelIcon kind={c.channel_type} size={12} /> <span className="hidden sm:inline">{named(w.channels, c.channel_type)}{UNOFFICIAL.includes(c.channel_type) && ` (${w.settings.channels.unofficialShort})`} ·</span>
          <span className={cx("truncate", c.holder === "queue" && isOpen && "font-medium text-warn")}>{holder}</span>
          {c.priority !== "medium" && <Badge tone={c.priority === "low" ? "plain" : "danger"}>{w.priorities[c.priority]}</Badge>}
          {c.holder === "queue" && isOpen && c.team_id && <Badge>{w.waiting.passedTo(teams.find((x) => x.id === c.team_id)?.name ?? "")}</Badge>}
          {c.snoozed_until && Date.parse(c.snoozed_until) > Date.now() && <Badge><AlarmClock size={11} aria-hidden /> {moment(c.snoozed_until, language)}</Badge>}
          {c.satisfaction_score && <Badge tone={c.satisfaction_score > 3 ? "ok" : "warn"}>{w.conversation.satisfaction(c.satisfaction_score)}</Badge>}
        </p>
      </div>
      {canTake && <Button look="primary" busy={change.isPending} title={`${w.conversation.takeOverHint} (t)`} onClick={takeOver}><Hand size={15} aria-hidden /> {w.conversation.takeOver}</Button>}
      {may && isMine && (
        <Menu trigger={<Button busy={change.isPending} title="g"><Bot size={15} aria-hidden /> <span className="hidden sm:inline">{w.conversation.giveBack}</span> <ChevronDown size={13} aria-hidden /></Button>}>
          <MenuItem onSelect={() => giveBack("now")} hint="g">{w.conversation.giveBackNow}</MenuItem>
          <MenuItem onSelect={() => giveBack("until_resolved")}>{w.conversation.giveBackUntil}</MenuItem>
          <MenuItem onSelect={() => giveBack("never")}>{w.conversation.giveBackNever}</MenuItem>
        </Menu>
      )}
      {may && isOpen && <Button className="hidden sm:inline-flex" look={isMine ? "primary" : "plain"} title="e" onClick={resolve}><CheckCheck size={15} aria-hidden /> {w.conversation.resolve}</Button>}
      {may && (
        <Menu trigger={<button type="button" aria-label={w.actions} className="inline-flex size-8 items-center justify-center rounded-md text-muted hover:bg-hover"><MoreHorizontal size={17} aria-hidden /></button>}>
          {isOpen && <MenuItem className="sm:hidden" onSelect={resolve}><CheckCheck size={14} aria-hidden /> {w.conversation.resolve}</MenuItem>}
          <More c={c} change={change.mutate} />
          <MenuLine />
          {isOpen && (me.may("conversation:assign") || !isOthers) && me.may("user:read") && <MenuItem onSelect={() => setPassing(true)}><UserRound size={14} aria-hidden /> {me.may("conversation:assign") ? w.conversation.assign : w.waiting.pass} …</MenuItem>}
          <MenuItem onSelect={() => setMerging(true)}><Merge size={14} aria-hidden /> {w.desk.merge.action}</MenuItem>
        </Menu>
      )}
      {passing && <Suspense><PassDialog c={c} change={change.mutate} onClose={() => setPassing(false)} /></Suspense>}
      {merging && <Suspense><MergeDialog c={c} onClose={() => setMerging(false)} /></Suspense>}
      {onDetails && <IconButton label={w.conversation.details} onClick={onDetails}><PanelRight size={17} aria-hidden /></IconButton>}
    </header>
  );
}

function More({ c, change }: { c: ConversationData; change: (call: () => Promise<{ data?: ConversationData }>) => void }) {
  const { w } = useLanguage();
  const path = { params: { path: { id: c.id } } };
  const edit = (body: { priority?: string; snoozed_until?: string | null }) => change(() => api.PATCH("/api/conversations/{id}", { ...path, body }));
  const snoozed = c.snoozed_until && Date.parse(c.snoozed_until) > Date.now();
  return (
    <>
      <MenuLabel><Flag size={11} className="inline" aria-hidden /> {w.conversation.priority}</MenuLabel>
      {Object.entries(w.priorities).map(([priority, text]) => (
        <MenuItem key={priority} checked={c.priority === priority} onSelect={() => edit({ priority })}>{text}</MenuItem>
      ))}
      <MenuLine />
      <MenuLabel><AlarmClock size={11} className="inline" aria-hidden /> {w.conversation.snooze}</MenuLabel>
      {snoozed ? (
        <MenuItem onSelect={() => edit({ snoozed_until: null })}>{w.conversation.unsnooze}</MenuItem>
      ) : (
        snoozes().map(([key, at]) => (
          <MenuItem key={key} onSelect={() => edit({ snoozed_until: at.toISOString() })}>{w.conversation.snoozeUntil[key]}</MenuItem>
        ))
      )}
    </>
  );
}

function snoozes(): ["hour" | "evening" | "tomorrow" | "week", Date][] {
  const at = (days: number, hour: number) => {
    const d = new Date();
    d.setDate(d.getDate() + days);
    d.setHours(hour, 0, 0, 0);
    return d;
  };
  const monday = (8 - new Date().getDay()) % 7 || 7;
  const all: ["hour" | "evening" | "tomorrow" | "week", Date][] = [
    ["hour", new Date(Date.now() + 3_600_000)],
    ["evening", at(0, 18)],
    ["tomorrow", at(1, 9)],
    ["week", at(monday, 9)],
  ];
  return all.filter(([, d]) => d.getTime() > Date.now() + 60_000);
}

function Messages({ c, onWhy, onAnswer }: { c: ConversationData; onWhy: (turn: string) => void; onAnswer?: (m: Message) => void }) {
  const { w, language } = useLanguage();
  const names = useNames();
  const me = useMe();
  const pages = useInfiniteQuery(queries.messages(c.id));
  const reacts = useQuery({ ...queries.reach(c.id), enabled: me.may("conversation:reply") }).data?.has_reactions;
  const messages = useMemo(() => [...(pages.data?.pages ?? [])].reverse().flat(), [pages.data]);
  const box = useRef<HTMLDivElement>(null);
  const stick = useRef(true);
  const height = useRef(0);
  const typing = useCustomerTyping(c.id);
  const lastId = messages.at(-1)?.id;
  const firstId = messages[0]?.id;

  // New messages are followed as long as the reader is at the end; earlier ones don't move what is being read.
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    if (stick.current) el.scrollTop = el.scrollHeight;
    else if (height.current) el.scrollTop += el.scrollHeight - height.current;
    height.current = 0;
  }, [lastId, firstId, typing]);

  if (pages.isPending) return <div className="flex-1"><Spinner /></div>;
  const nodes: ReactNode[] = [];
  let lastDay = "";
  let lastEpoch = messages[0]?.epoch;
  let before: Message | undefined;
  for (const m of messages) {
    const date = new Date(m.created_at).toDateString();
    if (date !== lastDay) {
      nodes.push(<Line key={`d${m.id}`}>{date === new Date().toDateString() ? w.conversation.today : date === new Date(Date.now() - 86_400_000).toDateString() ? w.conversation.yesterday : day(m.created_at, language)}</Line>);
      lastDay = date;
      before = undefined;
    }
    if (m.epoch !== lastEpoch) {
      nodes.push(<Line key={`e${m.id}`}>{w.conversation.newEpoch}</Line>);
      lastEpoch = m.epoch;
      before = undefined;
    }
    const author = m.sender_type === "customer" ? c.customer_name : m.sender_type === "assistant" ? (w.conversation.assistant as string) : m.sender_type === "agent" ? (m.sender_id === me.id ? w.conversation.you : (names(m.sender_id) ?? w.conversation.colleague)) : w.conversation.system;
    const joined = before !== undefined && before.sender_type === m.sender_type && before.sender_id === m.sender_id && before.is_private === m.is_private && Date.parse(m.created_at) - Date.parse(before.created_at) < 120_000;
    nodes.push(<Bubble key={m.id} m={m} author={author} joined={joined} reacts={reacts} onWhy={onWhy} onAnswer={onAnswer} />);
    before = m;
  }
  return (
    <div
      ref={box}
      tabIndex={0}
      role="log"
      aria-label={w.conversation.customer}
      className="min-h-0 flex-1 overflow-y-auto px-3 py-3 outline-offset-[-2px] sm:px-5"
      onScroll={(e) => {
        const el = e.currentTarget;
        stick.current = el.scrollHeight - el.scrollTop - el.clientHeight < 80;
        if (el.scrollTop < 120 && pages.hasNextPage && !pages.isFetchingNextPage) {
          height.current = el.scrollHeight;
          void pages.fetchNextPage();
        }
      }}
    >
      {pages.hasNextPage && <div className="text-center"><Button size="sm" look="quiet" busy={pages.isFetchingNextPage} onClick={() => { height.current = box.current?.scrollHeight ?? 0; stick.current = false; void pages.fetchNextPage(); }}>{w.conversation.earlier}</Button></div>}
      {nodes}
      {typing && <p className="mt-2 flex items-center gap-2 text-xs text-muted"><Dots /> {w.conversation.typing(c.customer_name)}</p>}
    </div>
  );
}

const Line = ({ children }: { children: ReactNode }) => (
  <div className="my-3 flex items-center gap-3 text-xs text-muted"><span className="h-px flex-1 bg-line" />{children}<span className="h-px flex-1 bg-line" /></div>
);

export const Dots = () => (
  <span aria-hidden className="inline-flex gap-0.5">{[0, 1, 2].map((i) => <span key={i} className="dot size-1.5 rounded-full bg-muted" />)}</span>
);

/** Who else is here. */
function Foot({ c }: { c: ConversationData }) {
  const { w } = useLanguage();
  const me = useMe();
  const names = useNames();
  const others = usePresence(c.id, me.id);
  if (others.length === 0) return null;
  const typing = others.filter((o) => o.typing).map((o) => names(o.user) ?? w.conversation.colleague);
  const viewing = others.filter((o) => !o.typing).map((o) => names(o.user) ?? w.conversation.colleague);
  return (
    <p role="status" className="flex shrink-0 items-center gap-1.5 bg-warn-soft px-4 py-1 text-xs text-warn">
      {typing.length > 0 ? <><Dots /> {w.conversation.typing(typing.join(", "))}</> : <><Eye size={12} aria-hidden /> {w.conversation.viewing(viewing.join(", "))}</>}
    </p>
  );
}
