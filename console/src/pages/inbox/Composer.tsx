// Where agents write: a reply or a private note. The draft stays here until the server has it.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Lock, MessageSquareText, Send, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { api, Failure, said } from "~/api/client";
import { conversationChanged } from "~/api/list";
import { queries } from "~/api/queries";
import type { Conversation, Message } from "~/api/schema";
import { useMe, useNames } from "~/parts/me";
import { useToast } from "~/parts/toast";
import { Button, cx, Notice, Tip } from "~/parts/ui";
import { useLanguage } from "~/words";
import { AttachButton, AttachedFiles, DropHint, useAttachments, useDrop } from "./attach";
import { useCopilot } from "./Copilot";
import { useKind } from "./Facts";
import { mayType, Reach, useReach } from "./Reach";

const KEY = (id: string) => `frontdesk.draft.${id}`;
const LIMIT = 20_000;

export function Composer({ c, answered, onAnswered }: { c: Conversation; answered?: Message; onAnswered: () => void }) {
  const { w } = useLanguage();
  const me = useMe();
  const names = useNames();
  const toast = useToast();
  const cache = useQueryClient();
  const [text, setText] = useState(() => sessionStorage.getItem(KEY(c.id)) ?? "");
  const [isNote, setNote] = useState(false);
  const [conflict, setConflict] = useState<string>();
  const area = useRef<HTMLTextAreaElement>(null);
  // The version that is on the screen: what we send is refused if somebody wrote since.
  const seen = useRef(c.version);
  if (!conflict) seen.current = c.version;
  // The same until it has arrived: a double click or a second try sends once.
  const key = useRef<string>(undefined);
  // Whether what stands here was begun as a note.
  const wasNote = useRef(false);
  const othersHold = c.holder === "agent" && c.agent_id !== me.id && (c.status === "active" || c.status === "pending");
  // A draft for the customer never becomes a note by itself: whoever loses it to a colleague says so first.
  const isStuck = othersHold && !isNote && text.trim() !== "" && !wasNote.current;
  const note = isNote || (othersHold && !isStuck);
  const attached = useAttachments(c.id);
  const dropped = useDrop(attached.add, note || c.status === "closed");
  const reach = useReach(c);
  const isShut = !note && !mayType(reach);

  useEffect(() => {
    if (text) sessionStorage.setItem(KEY(c.id), text);
    else sessionStorage.removeItem(KEY(c.id));
  }, [text, c.id]);
  useLayoutEffect(() => {
    const el = area.current;
    if (!el) return;
    el.style.height = "auto";
    el.style.height = `${Math.min(el.scrollHeight, 220)}px`;
  }, [text]);

  // Whoever points at a message wants to write; another message answered is another message sent.
  useEffect(() => {
    key.current = undefined;
    if (answered) area.current?.focus();
  }, [answered]);

  const send = useMutation({
    mutationFn: async () => {
      const path = { params: { path: { id: c.id } } };
      key.current ??= crypto.randomUUID();
      if (note) return said(api.POST("/api/conversations/{id}/notes", { ...path, body: { text, idempotency_key: key.current } }));
      if (attached.chosen.length > 0) return attached.send(text, seen.current, answered?.id);
      return said(api.POST("/api/conversations/{id}/messages", { ...path, body: { text, version: seen.current, reply_to: answered?.id, idempotency_key: key.current } }));
    },
    retry: (count, error) => !(error instanceof Failure) && count < 2,
    onSuccess: () => {
      key.current = undefined;
      setText("");
      setConflict(undefined);
      if (!note) onAnswered();
      copilot.close();
      void cache.invalidateQueries({ queryKey: ["conversation", c.id] });
      conversationChanged(cache, c.id);
    },
    onError: (error) => {
      if (error instanceof Failure && error.isConflict) {
        key.current = undefined;
        setConflict(w.conversation.conflict);
        void cache.invalidateQueries({ queryKey: ["conversation", c.id] });
      } else toast.failed(error);
    },
    onSettled: () => area.current?.focus(),
  });
  const lastTyped = useRef(0);
  function typed(value: string) {
    if (!text) wasNote.current = note;
    setText(value);
    key.current = undefined;
    if (!note && value && Date.now() - lastTyped.current > 3000) {
      lastTyped.current = Date.now();
      void api.POST("/api/conversations/{id}/presence", { params: { path: { id: c.id } }, body: { typing: true } }).catch(() => {});
    }
  }
  const ready = (text.trim() !== "" || (!note && attached.chosen.length > 0)) && text.length <= LIMIT && !send.isPending && !conflict && !isShut && !isStuck;
  function submit() {
    if (ready) send.mutate();
  }

  const copilot = useCopilot(c, text, (t) => {
    typed(t);
    area.current?.focus();
  });
  const canned = useCanned(text, c, me, typed, area);
  const mentions = useMentions(note ? text : "", typed, area);
  function pressed(e: KeyboardEvent<HTMLTextAreaElement>) {
    if (canned.pressed(e) || mentions.pressed(e)) return;
    // Enter that ends the choice of an input method is not meant for us.
    if (e.key === "Enter" && !e.shiftKey && !e.nativeEvent.isComposing) {
      e.preventDefault();
      submit();
    }
    if (e.key === "Escape") area.current?.blur();
  }

  const whose = (m: Message) => (m.sender_type === "customer" ? c.customer_name : m.sender_type === "assistant" ? w.conversation.assistant : m.sender_id === me.id ? w.conversation.you : (names(m.sender_id) ?? w.conversation.colleague));
  const hint = isStuck ? w.desk.taken.keepsDraft(names(c.agent_id) ?? w.conversation.colleague) : othersHold ? w.conversation.otherHolds(names(c.agent_id) ?? w.conversation.colleague) : c.status === "closed" ? w.conversation.closed : c.status === "resolved" ? w.conversation.ended : c.holder !== "agent" && !note ? w.conversation.stepsIn : undefined;
  return (
    <div {...dropped.props} className={cx("relative shrink-0 border-t border-line px-3 pt-2 pb-3", note ? "bg-note" : "bg-panel")}>
      <DropHint on={dropped.over} />
      {canned.menu}
      {mentions.menu}
      {conflict && (
        <div className="mb-2 flex flex-wrap items-center gap-2">
          <div className="min-w-0 flex-1"><Notice tone="warn" role="alert">{conflict}</Notice></div>
          <Button size="sm" onClick={() => setConflict(undefined)}>{w.conversation.sendAnyway}</Button>
        </div>
      )}
      {copilot.panel}
      {reach && !note && c.status !== "closed" && <Reach c={c} reach={reach} onSent={() => void cache.invalidateQueries({ queryKey: ["conversation", c.id] })} />}
      <div className="mb-1.5 flex items-center gap-1">
        <div role="tablist" aria-label={w.conversation.reply} className="flex gap-1">
          <Mode on={!note} disabled={othersHold} onClick={() => setNote(false)}>{w.conversation.reply}</Mode>
          <Mode on={note} onClick={() => setNote(true)}><Lock size={12} aria-hidden /> {w.conversation.note}</Mode>
        </div>
        <span className="flex-1" />
        <AttachButton to={attached} disabled={note || c.status === "closed"} />
        <Tip text={w.conversation.canned} side="top">
          <button type="button" aria-label={w.conversation.canned} onClick={() => { typed(text.startsWith("/") ? text : `/${text}`); area.current?.focus(); }} className="inline-flex size-7 items-center justify-center rounded-md text-muted hover:bg-hover"><MessageSquareText size={15} aria-hidden /></button>
        </Tip>
        {copilot.menu}
      </div>
      {note && attached.chosen.length > 0 && <p role="status" className="mb-1 text-xs text-warn">{w.files.notInNotes}</p>}
      <AttachedFiles of={attached} />
      {answered && !note && <Answered m={answered} who={whose(answered)} isShown={reach?.has_quotes ?? true} onDrop={onAnswered} />}
      <div className="flex items-end gap-2">
        <textarea
          ref={area}
          data-composer
          rows={1}
          value={text}
          maxLength={LIMIT}
          disabled={(c.status === "closed" && !note) || isShut}
          aria-label={note ? w.conversation.note : w.conversation.reply}
          placeholder={note ? w.conversation.notePlaceholder : w.conversation.replyPlaceholder}
          onChange={(e) => typed(e.target.value)}
          onKeyDown={pressed}
          onPaste={note ? undefined : attached.onPaste}
          className={cx("min-h-10 w-full resize-none rounded-lg border bg-panel px-3 py-2 placeholder:text-muted", note ? "border-note-line" : "border-strong")}
        />
        <Button look="primary" disabled={!ready} busy={send.isPending} onClick={submit} aria-label={note ? w.conversation.addNote : w.conversation.send} className="h-10">
          <Send size={15} aria-hidden /> <span className="hidden sm:inline">{note ? w.conversation.addNote : w.conversation.send}</span>
        </Button>
      </div>
      <p className="mt-1 text-xs text-muted"><span className="hidden sm:inline">{w.conversation.sendHint}{hint && " · "}</span>{hint}</p>
    </div>
  );
}

/** The message that is being answered, over the text. */
function Answered({ m, who, isShown, onDrop }: { m: Message; who: string; isShown: boolean; onDrop: () => void }) {
  const { w } = useLanguage();
  const kind = useKind();
  return (
    <div role="status" className="mb-1.5 flex items-start gap-2 rounded-md border-l-2 border-accent bg-sunken px-2 py-1 text-[13px]">
      <span className="min-w-0 flex-1">
        <span className="block text-xs font-medium">{w.crm.answer.answering(who)}</span>
        <span className="line-clamp-1 break-words text-muted">{m.content || kind(m)}</span>
        {!isShown && <span className="block text-xs text-warn">{w.crm.answer.plain}</span>}
      </span>
      <button type="button" aria-label={w.crm.answer.cancel} onClick={onDrop} className="inline-flex size-6 shrink-0 items-center justify-center rounded text-muted hover:bg-hover"><X size={13} aria-hidden /></button>
    </div>
  );
}

function Mode({ on, children, ...rest }: { on: boolean; disabled?: boolean; onClick: () => void; children: React.ReactNode }) {
  return <button type="button" role="tab" aria-selected={on} {...rest} className={cx("inline-flex h-7 items-center gap-1 rounded-md px-2 text-[13px] font-medium disabled:opacity-45", on ? "bg-sunken text-text" : "text-muted hover:text-text")}>{children}</button>;
}

/** `/` at the beginning opens the canned replies; what follows narrows them. */
function useCanned(text: string, c: Conversation, me: ReturnType<typeof useMe>, set: (t: string) => void, area: React.RefObject<HTMLTextAreaElement | null>) {
  const { w } = useLanguage();
  const isOpen = text.startsWith("/") && !text.includes("\n");
  const all = useQuery({ ...queries.cannedReplies(), enabled: isOpen }).data ?? [];
  const [at, setAt] = useState(0);
  const [dismissed, dismiss] = useState<string>();
  const sought = text.slice(1).toLowerCase();
  const found = isOpen && dismissed !== text ? all.filter((r) => r.shortcut.includes(sought) || r.content.toLowerCase().includes(sought)).slice(0, 8) : [];
  const chosen = Math.min(at, found.length - 1);
  const take = (i: number) => {
    const reply = found[i];
    if (!reply) return;
    const filled: Record<string, string> = { customer: c.customer_name, agent: me.name, company: me.organization };
    set(reply.content.replace(/\{\{\s*(\w+)\s*\}\}/g, (whole, name: string) => filled[name] ?? whole));
    area.current?.focus();
  };
  const shown = isOpen && dismissed !== text;
  return {
    pressed(e: KeyboardEvent): boolean {
      if (!shown || e.nativeEvent.isComposing) return false;
      if (e.key === "Escape") dismiss(text);
      else if (found.length === 0) return false;
      else if (e.key === "ArrowDown") setAt((chosen + 1) % found.length);
      else if (e.key === "ArrowUp") setAt((chosen - 1 + found.length) % found.length);
      else if (e.key === "Enter" || e.key === "Tab") take(chosen);
      else return false;
      e.preventDefault();
      return true;
    },
    menu: shown && (
      <div className="fade-in absolute right-3 bottom-full left-3 z-20 mb-1 max-h-64 overflow-y-auto rounded-lg border border-line bg-panel p-1 shadow-lg">
        {found.length === 0 && <p className="px-2 py-1.5 text-[13px] text-muted">{w.conversation.cannedNone}</p>}
        <ul role="listbox" aria-label={w.conversation.canned}>
          {found.map((r, i) => (
            <li key={r.id} role="option" aria-selected={i === chosen} onMouseDown={(e) => { e.preventDefault(); take(i); }} className={cx("cursor-pointer rounded-md px-2 py-1.5 text-[13px]", i === chosen && "bg-hover")}>
              <span className="font-semibold">/{r.shortcut}</span> <span className="line-clamp-1 text-muted">{r.content}</span>
            </li>
          ))}
        </ul>
      </div>
    ),
  };
}

/** `@` in a note offers the colleagues whose names begin so; they are notified. */
function useMentions(text: string, set: (t: string) => void, area: React.RefObject<HTMLTextAreaElement | null>) {
  const { w } = useLanguage();
  const me = useMe();
  const sought = /@([\p{L}\p{N}]*)$/u.exec(text)?.[1]?.toLowerCase();
  const users = useQuery({ ...queries.users(), enabled: sought !== undefined && me.may("user:read") }).data ?? [];
  const found = sought === undefined ? [] : users.filter((u) => u.id !== me.id && u.status === "active" && u.name.toLowerCase().replaceAll(" ", "").startsWith(sought)).slice(0, 6);
  const [at, setAt] = useState(0);
  const chosen = Math.min(at, found.length - 1);
  const take = (i: number) => {
    const user = found[i];
    if (!user) return;
    set(text.replace(/@[\p{L}\p{N}]*$/u, `@${user.name.replaceAll(" ", "")} `));
    area.current?.focus();
  };
  return {
    pressed(e: KeyboardEvent): boolean {
      if (found.length === 0 || e.nativeEvent.isComposing) return false;
      if (e.key === "ArrowDown") setAt((chosen + 1) % found.length);
      else if (e.key === "ArrowUp") setAt((chosen - 1 + found.length) % found.length);
      else if (e.key === "Enter" || e.key === "Tab") take(chosen);
      else return false;
      e.preventDefault();
      return true;
    },
    menu: found.length > 0 && (
      <ul role="listbox" aria-label={w.conversation.colleague} className="fade-in absolute bottom-full left-3 z-20 mb-1 w-60 rounded-lg border border-line bg-panel p-1 shadow-lg">
        {found.map((u, i) => (
          <li key={u.id} role="option" aria-selected={i === chosen} onMouseDown={(e) => { e.preventDefault(); take(i); }} className={cx("cursor-pointer rounded-md px-2 py-1.5 text-[13px]", i === chosen && "bg-hover")}>{u.name}</li>
        ))}
      </ul>
    ),
  };
}
