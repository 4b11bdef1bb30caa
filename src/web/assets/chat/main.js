// The page: what happens when somebody writes, and when something happens on the other side.

const embedded = address.searchParams.has("embed");
let unread = 0;
let isComposing = false;

// ── writing ──
const text = $("text");

function fit() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 168)}px`;
  const length = [...text.value].length;
  const over = length - LIMIT;
  $("count").hidden = over < -300;
  $("count").classList.toggle("bad", over > 0);
  $("count").textContent = over > 0 ? say("overLimit", over) : say("left", -over);
  text.setAttribute("aria-invalid", String(over > 0));
  $("send").disabled = (!text.value.trim() && files.chosen.length === 0) || over > 0;
}

function keepDraft() {
  store.write(`${KEY}.draft`, text.value || null);
  fit();
}

function submit() {
  const written = text.value.trim();
  if ((!written && files.chosen.length === 0) || [...written].length > LIMIT) return;
  text.value = "";
  keepDraft();
  const chosen = files.take();
  if (chosen.length === 0) return ask(written);
  link.writeFiles(written, chosen);
  draw(true);
  showLatest();
}

function ask(written) {
  link.write(written);
  draw(true);
  showLatest();
}

function editAgain(message) {
  link.drop(message.echo_id);
  text.value = text.value ? `${message.text}\n${text.value}` : message.text;
  keepDraft();
  text.focus();
}

text.addEventListener("input", keepDraft);
text.addEventListener("input", () => text.value && link.showTyping());
text.addEventListener("compositionstart", () => (isComposing = true));
// Safari ends the composition before it tells of the key that ended it: the flag must outlive that event.
text.addEventListener("compositionend", () => setTimeout(() => (isComposing = false), 30));
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || isComposing || event.keyCode === 229) return;
  event.preventDefault();
  submit();
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
  text.focus();
});

async function callPerson() {
  const button = $("person");
  const label = button.querySelector("span");
  button.disabled = true;
  label.textContent = say("personAsked");
  try {
    await link.askForPerson();
    await link.catchUp();
  } catch {
    announce(say("failedPerson"));
  }
  button.disabled = false;
  label.textContent = say("person");
}
$("person").addEventListener("click", callPerson);

// ── what the page shows of the conversation ──
function announce(words) {
  $("status").textContent = "";
  requestAnimationFrame(() => ($("status").textContent = words));
}

const holder = () => link.conversation?.holder ?? "assistant";

function agentName() {
  return link.ordered().findLast?.((m) => m.by === "agent")?.name ?? "";
}

let shownBanner = "";

function showState() {
  const resolved = ["resolved", "closed"].includes(link.conversation?.status);
  const held = resolved ? "resolved" : holder();
  const words = { assistant: "stateAssistant", queue: "stateQueue", agent: "stateAgent", resolved: "stateResolved" }[held];
  $("chat").dataset.holder = held;
  $("chat").dataset.link = link.state;
  $("who-text").textContent = link.ready && link.state === "live" ? say(words ?? "stateAssistant", agentName()) : say("stateConnecting");
  $("who-mark").classList.toggle("person-mark", held === "agent");
  $("who-mark").querySelector("use").setAttribute("href", held === "agent" ? "#i-person" : "#i-bell");
  $("person").hidden = !["assistant", "resolved"].includes(held);
  const trouble = { offline: ["bannerOffline", "cloud"], down: ["bannerDown", "alert"] }[link.state];
  const [banner, sign] = trouble ?? { queue: ["bannerQueue", "person"], resolved: ["bannerResolved", "check"] }[held] ?? [];
  $("banner").hidden = !banner;
  $("banner").dataset.kind = trouble ? "trouble" : held;
  if (banner) {
    $("banner-text").textContent = say(banner);
    $("banner-icon").setAttribute("href", `#i-${sign}`);
    if (banner !== shownBanner) announce(say(banner));
  }
  shownBanner = banner ?? "";
  for (const node of document.querySelectorAll("[data-company]")) node.textContent = link.company || " ";
  $("welcome-title").textContent = say("welcome", link.company);
  document.title = (unread ? say("unread", unread) : "") + (link.company || "Frontdesk");
}

function showSuggestions() {
  const buttons = link.suggestions.slice(0, 6).map((question) =>
    make("li", {}, make("button", { type: "button", onclick: () => { ask(question); text.focus(); } }, question)));
  $("suggestions").replaceChildren(...buttons);
}

// ── typing ──
let typingUntil;

function showTyping(by, forMs = 12_000) {
  clearTimeout(typingUntil);
  const shown = Boolean(by);
  const follow = nearEnd();
  $("typing").hidden = !shown;
  if (!shown) return;
  $("typing-mark").classList.toggle("person-mark", by === "agent");
  $("typing-mark").querySelector("use").setAttribute("href", by === "agent" ? "#i-person" : "#i-bell");
  $("typing-text").textContent = say(by === "agent" ? "typingAgent" : "typingAssistant");
  if (follow) showLatest();
  typingUntil = setTimeout(() => showTyping(null), forMs);
}

// ── what comes from the other side ──
function arrived(isNew, message) {
  const follow = nearEnd();
  if (message && message.by !== "customer") showTyping(null);
  draw(true);
  showState();
  if (!isNew) return;
  if (follow) showLatest();
  else $("latest").hidden = false;
  if (document.hidden || embedded) count(message?.by === "customer" ? 0 : 1);
}

function count(more) {
  unread = more ? unread + more : unread;
  tellFrame({ unread });
  showState();
}

function seen() {
  unread = 0;
  tellFrame({ unread: 0 });
  showState();
}

link.listeners.add((what, value) => {
  switch (what) {
    case "open":
      $("loading").hidden = true;
      showSuggestions();
      draw();
      showState();
      showLatest();
      // What was there before is not read aloud; what comes from now on is.
      requestAnimationFrame(() => $("thread").setAttribute("aria-busy", "false"));
      break;
    case "message":
      arrived(value.isNew, value.message);
      break;
    case "messages":
      arrived(value.isNew, link.ordered().at(-1));
      break;
    case "sent":
      draw(true);
      if (holder() === "assistant") setTimeout(() => stillWaits(value) && showTyping("assistant", 25_000), 500);
      break;
    case "outbox": {
      const follow = nearEnd();
      draw(true);
      if (follow) showLatest();
      break;
    }
    case "reaction": {
      const follow = nearEnd();
      draw();
      if (follow) showLatest();
      break;
    }
    case "conversation":
      if (holder() !== "assistant") showTyping(null);
      showState();
      break;
    case "typing":
      showTyping(value);
      break;
    case "state":
      if (value !== "live") showTyping(null);
      showState();
      break;
  }
});

const stillWaits = (message) => holder() === "assistant" && link.ordered().at(-1)?.id === message.id;

$("latest").addEventListener("click", showLatest);
let wasNearEnd = true;
$("scroll").addEventListener("scroll", () => {
  wasNearEnd = nearEnd();
  if (wasNearEnd) $("latest").hidden = true;
}, { passive: true });
// A banner, a longer draft or the phone's keyboard makes the window smaller: the last words stay in sight.
new ResizeObserver(() => wasNearEnd && $("scroll").scrollTo({ top: $("scroll").scrollHeight, behavior: "instant" })).observe($("scroll"));

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    speak(button.dataset.language);
    showState();
    draw();
    files.show();
    link.translate();
  });
}

addEventListener("online", () => (link.ready ? link.catchUp() : link.open()));
addEventListener("offline", () => link.enter("offline"));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  if (!embedded) seen();
  // A sleeping phone loses its stream without noticing.
  if (link.ready && Date.now() - (link.heard ?? 0) > 60_000) link.again();
});
setInterval(() => {
  if (link.ready && !document.hidden && (link.state !== "live" || Date.now() - (link.heard ?? 0) > 90_000)) link.catchUp();
}, 15_000);

// ── inside another page (widget.js) ──
// Only a number and a wish to close leave this frame, so any page may hear them.
function tellFrame(words) {
  if (embedded && parent !== window) parent.postMessage({ frontdesk: words }, "*");
}

if (embedded) {
  document.body.classList.add("embedded");
  $("close").hidden = false;
  $("close").addEventListener("click", () => tellFrame({ close: true }));
  addEventListener("keydown", (event) => event.key === "Escape" && tellFrame({ close: true }));
  addEventListener("message", (event) => {
    if (event.source !== parent || !event.data?.frontdesk) return;
    if (event.data.frontdesk.shown) {
      seen();
      showLatest();
      text.focus();
    }
  });
}

listenForFiles();
sayAll();
text.value = store.read(`${KEY}.draft`) ?? "";
fit();
showState();
draw();
if (!embedded && matchMedia("(pointer: fine)").matches) text.focus();
link.open();
