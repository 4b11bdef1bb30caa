// The line to the server: the visitor's session, an outbox that survives a reload, and live events that resume.

const channel = address.searchParams.get("channel");
// Who the visitor is on the website that shows the chat, with its server's signature.
const vouched = new URLSearchParams(location.hash.slice(1));
const identity = vouched.get("user") && vouched.get("hash") ? { id: vouched.get("user"), hash: vouched.get("hash") } : null;
// What one user wrote on this device is not the next one's.
const KEY = `frontdesk.${channel ?? "default"}${identity ? `.${identity.hash.slice(0, 16)}` : ""}`;
const LIMIT = 4000;

class Failure extends Error {
  constructor(code, { status = 0, retryAfter = 0, message = code } = {}) {
    super(message);
    Object.assign(this, { code, status, retryAfter });
  }

  // Whether the very same call may work later.
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const link = {
  token: store.read(`${KEY}.token`),
  cursor: 0,
  company: "",
  conversation: null,
  messages: new Map(),
  outbox: JSON.parse(store.read(`${KEY}.outbox`) ?? "[]"),
  suggestions: [],
  state: "connecting", // connecting · live · offline · down
  ready: false,
  listeners: new Set(),

  tell(what, value) {
    for (const listener of this.listeners) listener(what, value);
  },

  async call(path, body) {
    const headers = { Accept: "application/json" };
    if (this.token && path !== "session") headers.Authorization = `Bearer ${this.token}`;
    if (body) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(`/api/widget/${path}`, {
        method: body ? "POST" : "GET",
        headers,
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout?.(20_000),
      });
    } catch {
      throw new Failure("unreachable");
    }
    const data = await answer.json().catch(() => null);
    if (answer.ok && data) return data;
    const wait = Number(answer.headers.get("retry-after")) || Number(/\d+/.exec(data?.error?.message ?? "")?.[0]) || 5;
    throw new Failure(data?.error?.code ?? "internal", {
      status: answer.ok ? 502 : answer.status,
      retryAfter: Math.min(wait, 60),
      message: data?.error?.message,
    });
  },

  // Tells that the visitor is writing, not what; at most every three seconds.
  typedAt: 0,
  showTyping() {
    if (!this.ready || !this.conversation || Date.now() - this.typedAt < 3000) return;
    this.typedAt = Date.now();
    fetch("/api/widget/typing", { method: "POST", headers: { Authorization: `Bearer ${this.token}` } }).catch(() => {});
  },

  enter(state) {
    if (this.state === state) return;
    this.state = state;
    this.tell("state", state);
  },

  // Opens the session, or takes it up again; tries until it works.
  async open(attempt = 0) {
    try {
      const session = await this.call("session", {
        ...(channel && { channel }),
        ...(this.token && { visitor_token: this.token }),
        ...(identity && { identity }),
        language,
      });
      this.token = session.visitor_token;
      store.write(`${KEY}.token`, this.token);
      this.company = session.company?.name ?? session.company ?? "";
      this.suggestions = session.suggestions ?? [];
      this.conversation = session.conversation;
      this.take(session.messages ?? []);
      this.cursor = session.cursor ?? 0;
      await this.restore();
      this.ready = true;
      this.state = "live";
      this.tell("open");
      this.listen();
      this.flush();
    } catch (failure) {
      if (failure.status === 401 || failure.status === 404) {
        if (this.token) this.forget();
        else return this.enter("down");
      }
      this.enter(navigator.onLine ? "down" : "offline");
      setTimeout(() => this.open(attempt + 1), backOff(attempt));
    }
  },

  forget() {
    this.token = null;
    this.cursor = 0;
    this.messages.clear();
    store.write(`${KEY}.token`, null);
  },

  // Other questions are suggested in another language.
  async translate() {
    if (!this.ready) return;
    const session = await this.call("session", { ...(channel && { channel }), ...(identity && { identity }), visitor_token: this.token, language }).catch(() => null);
    if (session) {
      this.suggestions = session.suggestions ?? [];
      this.company = session.company?.name ?? session.company ?? this.company;
      this.tell("open");
    }
  },

  // Keeps messages once, whatever way and however often they came.
  take(messages) {
    let isNew = false;
    for (const message of messages) {
      isNew ||= !this.messages.has(message.id);
      this.messages.set(message.id, message);
      if (message.echo_id) this.drop(message.echo_id);
    }
    return isNew;
  },

  ordered() {
    const when = (m) => Date.parse(m.created_at);
    return [...this.messages.values()].sort((a, b) => when(a) - when(b) || a.seq - b.seq);
  },

  listen() {
    this.events?.close();
    const events = new EventSource(`/api/widget/events?token=${encodeURIComponent(this.token)}&after=${this.cursor}`);
    this.events = events;
    const alive = () => {
      this.heard = Date.now();
      this.missed = 0;
      this.enter("live");
    };
    const data = (event) => {
      alive();
      try {
        return JSON.parse(event.data);
      } catch {
        return null;
      }
    };
    events.onopen = alive;
    events.addEventListener("message", (event) => {
      const message = data(event);
      if (!message?.id) return;
      this.cursor = message.seq;
      this.tell("message", { message, isNew: this.take([message]) });
    });
    events.addEventListener("conversation", (event) => this.hold(data(event)));
    events.addEventListener("reaction", (event) => {
      const { id, reaction } = data(event) ?? {};
      const message = this.messages.get(id);
      if (!message || (message.reaction ?? null) === (reaction ?? null)) return;
      this.messages.set(id, { ...message, reaction: reaction ?? undefined });
      this.tell("reaction", { message, reaction });
    });
    events.addEventListener("typing", (event) => this.tell("typing", data(event)?.by));
    events.onerror = () => {
      // A refused stream is closed for good by the browser; a broken one it opens again by itself, from the last id.
      if (events.readyState === EventSource.CLOSED) this.again();
      else this.missed = (this.missed ?? 0) + 1;
      clearTimeout(this.alarm);
      this.alarm = setTimeout(() => {
        if (events.readyState !== EventSource.OPEN) this.enter(navigator.onLine ? "down" : "offline");
      }, 2500);
    };
  },

  hold(conversation) {
    if (!conversation) return;
    this.conversation = { ...this.conversation, ...conversation };
    this.tell("conversation", this.conversation);
  },

  // Fetches what was missed and listens again; the events may have been refused for good.
  async again() {
    clearTimeout(this.next);
    const wait = backOff(this.missed ?? 0);
    this.missed = (this.missed ?? 0) + 1;
    this.next = setTimeout(async () => {
      if (await this.catchUp()) this.listen();
      else if (this.ready) this.again();
    }, wait);
  },

  async catchUp() {
    if (!this.ready) return false;
    try {
      let news = await this.call(`messages?after=${this.cursor}`);
      // `seq` counts within one conversation: of a new one everything is news.
      if (news.conversation && news.conversation.id !== this.conversation?.id) news = await this.call("messages?after=0");
      const isNew = this.take(news.messages);
      this.cursor = news.cursor;
      this.hold(news.conversation);
      if (news.messages.length) this.tell("messages", { isNew });
      this.heard = Date.now();
      this.enter("live");
      this.flush();
      return true;
    } catch (failure) {
      if (failure.status === 401) {
        this.ready = false;
        this.events?.close();
        this.forget();
        this.open();
      } else {
        this.enter(navigator.onLine ? "down" : "offline");
      }
      return false;
    }
  },

  // ── outbox ──
  keep() {
    // Files are kept on the shelf: they are too large for this.
    const kept = this.outbox.filter((m) => !m.file);
    store.write(`${KEY}.outbox`, kept.length ? JSON.stringify(kept) : null);
    this.tell("outbox");
  },

  // Takes up what an earlier load of this page was sending.
  async restore() {
    if (this.restored) return;
    this.restored = true;
    const known = new Set([...this.messages.values(), ...this.outbox].map((m) => m.echo_id));
    for (const { echo_id, text, file, name, created_at } of await shelf.list()) {
      if (known.has(echo_id)) {
        shelf.remove(echo_id);
        continue;
      }
      const whole = file.name ? file : new File([file], name || "picture.png", { type: file.type });
      const preview = whole.type.startsWith("image/") ? URL.createObjectURL(whole) : null;
      this.outbox.push({ echo_id, text, file: whole, preview, created_at, status: "sending", shelved: true });
    }
    this.outbox.sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
    this.keep();
  },

  drop(echo) {
    shelf.remove(echo);
    const left = this.outbox.filter((m) => m.echo_id !== echo);
    if (left.length === this.outbox.length) return;
    this.outbox = left;
    this.keep();
  },

  write(text) {
    this.outbox.push({ echo_id: newId(), text, created_at: new Date().toISOString(), status: "sending" });
    this.keep();
    this.flush();
  },

  // Files go one by one; what was written goes with the first.
  writeFiles(text, chosen) {
    chosen.forEach(({ id, file, preview }, i) => {
      const message = { echo_id: id, text: i ? "" : text, file, preview, created_at: new Date(Date.now() + i).toISOString(), status: "sending" };
      this.outbox.push(message);
      shelf.put(message).then((shelved) => {
        // It may have been taken meanwhile.
        if (this.outbox.includes(message)) message.shelved = shelved;
        else shelf.remove(id);
      });
    });
    this.keep();
    this.flush();
  },

  retry(echo) {
    const waiting = this.outbox.find((m) => m.echo_id === echo);
    if (waiting) waiting.status = "sending";
    this.keep();
    this.flush();
  },

  // Sends what waits, one after the other, so that the order is the customer's. Safe to call at any time: a message
  // that was already taken is recognised by its echo id.
  async flush() {
    if (!this.ready || this.flushing) return;
    this.flushing = true;
    clearTimeout(this.later);
    try {
      for (;;) {
        const next = this.outbox.find((m) => m.status !== "failed" && m.status !== "too_long");
        if (!next) return;
        next.status = "sending";
        try {
          const { message } = next.file
            ? await upload(next, (percent) => {
                next.percent = percent;
                this.tell("outbox");
              })
            : await this.call("messages", { echo_id: next.echo_id, text: next.text });
          this.tries = 0;
          this.take([{ ...message, echo_id: message.echo_id ?? next.echo_id }]);
          this.drop(next.echo_id);
          this.tell("sent", message);
        } catch (failure) {
          if (failure.status === 401) {
            this.catchUp();
            return;
          }
          if (!failure.passes) {
            next.status = failure.code === "too_large" && !next.file ? "too_long" : "failed";
            next.problem = next.file && [413, 422].includes(failure.status) ? "fileRefused" : null;
            if (next.problem) shelf.remove(next.echo_id);
            this.keep();
            continue;
          }
          this.tries = (this.tries ?? 0) + 1;
          const wait = failure.status === 429 ? failure.retryAfter * 1000 : backOff(this.tries);
          next.status = failure.status === 429 ? "slow" : "waiting";
          next.wait_s = Math.ceil(wait / 1000);
          if (failure.status !== 429 && this.tries >= 6) next.status = "failed";
          this.keep();
          this.later = setTimeout(() => this.flush(), wait);
          return;
        }
      }
    } finally {
      this.flushing = false;
    }
  },

  async askForPerson() {
    const { conversation } = await this.call("person", { language });
    this.hold(conversation);
  },
};

// `crypto.randomUUID` exists on secure pages only; a chat on a plain http address in a local network must work too.
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// 1, 2, 4 … at most 30 seconds, and never all visitors at the same moment.
const backOff = (attempt) => Math.min(30_000, 1000 * 2 ** attempt) * (0.7 + Math.random() * 0.6);
