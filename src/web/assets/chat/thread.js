// Draws the conversation: what the server has, then what waits in the outbox. Nodes are kept, so that nothing is read
// aloud twice and opened sources stay open.

const $ = (id) => document.getElementById(id);
const drawn = new Map();

function initials(name) {
  const words = name.trim().split(/\s+/);
  return /\p{Script=Han}/u.test(name) ? name.trim().slice(-2) : words.slice(0, 2).map((w) => w[0]).join("").toUpperCase();
}

function mark(message) {
  if (message.by === "agent") {
    return make("span", { class: "mark small person-mark", "aria-hidden": "true" }, message.name ? initials(message.name) : icon("person"));
  }
  return make("span", { class: "mark small", "aria-hidden": "true" }, icon("bell"));
}

const speaker = (message) =>
  ({ customer: say("you"), assistant: say("assistant"), agent: message.name || say("colleague") })[message.by] ?? "";

function sourceCards(sources) {
  const cards = sources.map((source, i) =>
    make("details", { class: "source" },
      make("summary", {},
        make("span", { class: "number", "aria-hidden": "true" }, String(i + 1)),
        make("span", { class: "source-title" }, source.title || "–"),
        icon("down")),
      make("blockquote", {}, ...rich(source.quote ?? ""))));
  return make("div", { class: "sources" }, make("p", { class: "sources-label" }, icon("page"), say("sources", sources.length)), ...cards);
}

function bubble(message) {
  if (message.by === "system") return [make("p", { class: "note" }, ...inline(message.text))];
  const sources = message.by === "assistant" ? (message.sources ?? []) : [];
  const cards = sources.length ? sourceCards(sources) : null;
  const cite = (n) => {
    const card = cards?.querySelectorAll("details")[n - 1];
    if (!card) return null;
    const open = () => {
      card.open = true;
      card.scrollIntoView({ block: "nearest" });
      card.querySelector("summary").focus({ preventScroll: true });
    };
    return make("button", { type: "button", class: "cite", "aria-label": say("source", n), onclick: open }, String(n));
  };
  const who = make("span", { class: message.by === "agent" ? "name" : "sr" }, speaker(message) + (message.by === "agent" ? "" : ": "));
  const said = message.text.trim();
  const words = !said ? [] : message.by === "customer" ? [make("p", {}, ...inline(message.text))] : rich(message.text, cite);
  const body = [...attachments(message), ...words];
  return [
    message.by === "customer" ? null : mark(message),
    make("div", { class: "bubble" }, who, make("div", { class: "body" }, ...body), cards),
  ].filter(Boolean);
}

// The line below a message: its time, or what became of it.
function fate(message, isLast) {
  const time = make("time", { datetime: message.created_at }, clockTime(new Date(message.created_at)));
  const button = (word, act) => make("button", { type: "button", class: "link", onclick: act }, say(word));
  const edit = () => editAgain(message);
  switch (message.pending && message.status) {
    case "sending":
      return [message.percent > 0 ? say("uploading", message.percent) : say("sending")];
    case "waiting":
      return [say("waitingSend")];
    case "slow":
      return [say("slowDown", message.wait_s ?? 5)];
    case "failed":
      return [make("span", { class: "bad" }, icon("alert"), say(message.problem ?? "notSent")), message.problem ? "" : button("retry", () => link.retry(message.echo_id)), button("discard", () => link.drop(message.echo_id))];
    case "too_long":
      return [make("span", { class: "bad" }, icon("alert"), say("tooLong")), button("edit", edit), button("discard", () => link.drop(message.echo_id))];
    default:
      return isLast && message.by === "customer" ? [icon("check"), `${say("sent")} · `, time] : [time];
  }
}

function row(key, message) {
  const item = make("li", { class: `row ${message.by}` }, make("div", { class: "line" }, ...bubble(message)));
  if (message.reaction) item.append(make("p", { class: "reaction" }, make("span", { class: "sr" }, `${say("reaction")}: `), message.reaction));
  if (message.by !== "system") item.append(make("p", { class: "fate" }));
  drawn.set(key, { node: item, language, look: look(message) });
  return item;
}

// What a drawn row depends on; links to files are new each time and mean the same.
const look = (message) => JSON.stringify([message.text, message.reaction, message.pending && Boolean(message.file), message.files?.map((f) => Boolean(f.url))]);

// An offered person is one tap away, while the offer is the last word.
function offer(message) {
  if (message.kind !== "offer_person" || link.ordered().at(-1)?.id !== message.id || link.outbox.length) return null;
  return make("button", { type: "button", class: "offer", onclick: callPerson }, icon("person"), say("person"));
}

// Draws everything; `fresh` rows are shown with a small movement.
function draw(fresh = false) {
  const list = $("thread");
  const items = [...link.ordered(), ...link.outbox.map((m) => ({ ...m, by: "customer", pending: true }))];
  const wanted = [];
  let day = "";
  items.forEach((message, i) => {
    const date = new Date(message.created_at);
    if (date.toDateString() !== day) {
      day = date.toDateString();
      const key = `day ${day} ${language}`;
      const node = drawn.get(key)?.node ?? make("li", { class: "day" }, make("span", {}, dayName(date)));
      drawn.set(key, { node });
      wanted.push(node);
    }
    const key = message.echo_id ?? message.id;
    const known = drawn.get(key);
    const node = known && known.language === language && known.look === look(message) ? known.node : row(key, message);
    if (!known && fresh) node.classList.add("fresh");
    const next = items[i + 1];
    const ends = !next || next.by !== message.by || next.name !== message.name || new Date(next.created_at) - date > 300_000;
    const before = items[i - 1];
    node.classList.toggle("ends", ends);
    node.classList.toggle("begins", !before || before.by !== message.by || before.name !== message.name);
    node.classList.toggle("pending", Boolean(message.pending));
    const line = node.querySelector(".fate");
    const shown = message.pending || ends;
    const state = JSON.stringify([shown, message.status, message.wait_s, message.percent, message.pending, !next, language]);
    if (line && line.dataset.state !== state) {
      line.dataset.state = state;
      line.replaceChildren(...(shown ? fate(message, !next) : []));
      node.querySelector(".offer")?.remove();
      const button = message.pending ? null : offer(message);
      if (button) line.after(button);
    }
    wanted.push(node);
  });
  wanted.forEach((node, i) => {
    if (list.children[i] !== node) list.insertBefore(node, list.children[i] ?? null);
  });
  while (list.children.length > wanted.length) list.lastChild.remove();
  $("welcome").hidden = !link.ready || items.length > 0;
}

// ── where the reader is ──
const nearEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 140;

// Shows the newest message: its beginning, when it is longer than the window.
function showLatest() {
  const scroll = $("scroll");
  const last = $("thread").lastElementChild;
  $("latest").hidden = true;
  const end = scroll.scrollHeight - scroll.clientHeight;
  const start = last && $("typing").hidden ? last.offsetTop - 16 : end;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches || !link.ready;
  scroll.scrollTo({ top: Math.min(end, Math.max(0, start)), behavior: calm ? "instant" : "smooth" });
}
