// The button a shop puts on its pages:
//   <script src="https://support.example.com/widget.js" data-channel="…" async></script>
// Optional: data-language="zh|en", data-position="left", data-color="#0d6b55", data-label="Chat with us".
// For users who are signed in on the website, with what its server computed (docs/channels/web.md):
//   data-user-id="42" data-user-hash="<hex HMAC-SHA256 of the id with the channel's identity_secret>"
// Scripts may call window.frontdesk.open(), .close() and .toggle().
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || window.frontdesk) return;
  const { channel, language, position, color, label, userId, userHash } = script.dataset;
  const home = new URL(script.src).origin;
  const isChinese = (language ?? document.documentElement.lang ?? navigator.language).toLowerCase().startsWith("zh");
  const words = isChinese
    ? { open: label ?? "打开对话", close: "关闭对话", title: "客服对话", unread: (n) => `${n} 条新消息` }
    : { open: label ?? "Open the chat", close: "Close the chat", title: "Chat", unread: (n) => `${n} new messages` };
  const KNOWN = `frontdesk.known.${channel ?? "default"}`;

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const side = position === "left" ? "left" : "right";
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { all: initial; position: fixed; z-index: 2147483000; ${side}: 20px; bottom: 20px; }
    [hidden] { display: none !important; }
    button { all: unset; box-sizing: border-box; width: 58px; height: 58px; border-radius: 20px; display: grid; place-items: center; cursor: pointer;
      background: var(--color, #0d6b55); color: #fff; box-shadow: 0 2px 6px rgb(0 0 0 / 16%), 0 12px 32px -6px rgb(0 0 0 / 32%); transition: transform .18s; }
    button:hover { transform: translateY(-2px); }
    button:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px var(--color, #0d6b55); }
    svg { width: 28px; height: 28px; fill: none; stroke: currentcolor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
    .badge { position: absolute; top: -6px; ${side}: -6px; min-width: 22px; height: 22px; padding: 0 6px; box-sizing: border-box; border-radius: 11px;
      background: #c8391f; color: #fff; font: 600 12px/22px system-ui, sans-serif; text-align: center; pointer-events: none; }
    .panel { position: fixed; ${side}: 20px; bottom: 92px; width: min(400px, calc(100vw - 40px)); height: min(680px, calc(100dvh - 116px)); border-radius: 22px;
      overflow: hidden; background: Canvas; box-shadow: 0 0 0 1px rgb(0 0 0 / 7%), 0 24px 70px -12px rgb(0 0 0 / 38%); transform-origin: bottom ${side}; animation: grow .2s cubic-bezier(.2, .8, .3, 1); }
    iframe { width: 100%; height: 100%; border: 0; display: block; color-scheme: light dark; }
    @keyframes grow { from { opacity: 0; transform: translateY(12px) scale(.97); } }
    @media (max-width: 520px), (max-height: 480px) { .panel { inset: 0; width: auto; height: auto; border-radius: 0; } .open ~ button { display: none; } }
    @media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
    @media print { :host { display: none; } }`);
  root.adoptedStyleSheets = [style];
  if (color && CSS.supports("color", color)) host.style.setProperty("--color", color);

  const shapes = {
    bell: "M4 18.5h16M5.8 15.7a6.2 6.2 0 0 1 12.4 0zM12 9.3V6.8M9.9 6.4h4.2",
    down: "m6 9.5 6 6 6-6",
  };
  const panel = document.createElement("div");
  const button = document.createElement("button");
  const badge = document.createElement("span");
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  drawing.append(path);
  panel.className = "panel";
  panel.hidden = true;
  badge.className = "badge";
  badge.hidden = true;
  button.type = "button";
  button.append(drawing);
  root.append(panel, button, badge);

  let frame;
  let unread = 0;

  // The chat is loaded when it is first opened; a visitor who has written before gets it at once, for the unread count.
  function load() {
    if (frame) return;
    frame = document.createElement("iframe");
    frame.title = words.title;
    frame.allow = "clipboard-write";
    const source = new URL("/chat", home);
    source.searchParams.set("embed", "1");
    if (channel) source.searchParams.set("channel", channel);
    if (language) source.searchParams.set("language", language);
    // Behind the hash, which no server and no log sees.
    if (userId && userHash) source.hash = new URLSearchParams({ user: userId, hash: userHash }).toString();
    frame.src = source;
    frame.addEventListener("load", () => panel.hidden || shown());
    panel.append(frame);
  }

  const shown = () => frame.contentWindow.postMessage({ frontdesk: { shown: true } }, home);

  function show(isOpen) {
    if (isOpen === !panel.hidden) return;
    if (isOpen) load();
    panel.hidden = !isOpen;
    panel.classList.toggle("open", isOpen);
    if (isOpen) {
      unread = 0;
      remember();
      frame.focus();
      shown();
    } else {
      button.focus();
    }
    draw();
  }

  function draw() {
    const isOpen = !panel.hidden;
    path.setAttribute("d", isOpen ? shapes.down : shapes.bell);
    badge.hidden = isOpen || unread === 0;
    badge.textContent = unread > 9 ? "9+" : unread;
    button.setAttribute("aria-expanded", String(isOpen));
    button.setAttribute("aria-label", isOpen ? words.close : words.open + (unread ? ` (${words.unread(unread)})` : ""));
  }

  function remember() {
    try {
      localStorage.setItem(KNOWN, "1");
    } catch {
      // Storage may be forbidden: then the chat is loaded when it is opened.
    }
  }

  function isKnown() {
    try {
      return localStorage.getItem(KNOWN) === "1";
    } catch {
      return false;
    }
  }

  addEventListener("message", (event) => {
    if (event.origin !== home || event.source !== frame?.contentWindow) return;
    const said = event.data?.frontdesk;
    if (said?.close) show(false);
    if (typeof said?.unread === "number") {
      unread = panel.hidden ? said.unread : 0;
      draw();
    }
  });
  button.addEventListener("click", () => show(panel.hidden));
  window.frontdesk = { open: () => show(true), close: () => show(false), toggle: () => show(panel.hidden) };
  draw();

  function enter() {
    document.body.append(host);
    if (isKnown()) (window.requestIdleCallback ?? setTimeout)(load);
  }
  if (document.body) enter();
  else addEventListener("DOMContentLoaded", enter);
})();
