// Measures the console against a real server: what the inbox loads, how quickly 10,000 conversations answer to keys, and
// how soon a message is on the screen after its webhook was answered. Prints one line each; fails above the limits.
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch, person, ready, serve, signIn, staff } from "./harness.mjs";

const CONVERSATIONS = 10_000;
const dataDir = mkdtempSync(join(tmpdir(), "frontdesk-bench-"));
const quantile = (values, part) => values.sort((a, b) => a - b)[Math.max(0, Math.ceil(part * values.length) - 1)];
let failed = false;
function line(name, value, unit, limit) {
  if (value > limit) failed = true;
  console.log(`${name}: ${value.toFixed(unit === "ms" ? 0 : 1)} ${unit} (limit ${limit})${value > limit ? "  TOO MUCH" : ""}`);
}

/** Copies one conversation many times, straight in the database: its message too, so that search has to look. */
const copies = `
import sqlite3, sys, uuid, datetime
db = sqlite3.connect(sys.argv[1] + "/frontdesk.db")
db.execute("PRAGMA foreign_keys = OFF")
def columns(table): return [r[1] for r in db.execute(f"PRAGMA table_info({table})")]
def row(table, where): return dict(zip(columns(table), db.execute(f"SELECT * FROM {table} WHERE {where} LIMIT 1").fetchone()))
def insert(table, r): db.execute(f"INSERT INTO {table} ({','.join(r)}) VALUES ({','.join('?' * len(r))})", list(r.values()))
c = row("conversations", "holder = 'queue'"); p = row("customers", "name LIKE 'Visitor%'"); m = row("messages", "sender_type = 'customer'")
base = datetime.datetime(2026, 1, 1)
for i in range(int(sys.argv[2])):
    new = lambda: uuid.uuid4().bytes if isinstance(c["id"], bytes) else str(uuid.uuid4())
    at = (base + datetime.timedelta(seconds=61 * i)).isoformat(sep="T", timespec="microseconds") + "+00:00" if "T" in str(c["created_at"]) else (base + datetime.timedelta(seconds=61 * i)).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
    person, talk = new(), new()
    insert("customers", {**p, "id": person, "name": f"Customer {i:05d}"})
    insert("conversations", {**c, "id": talk, "customer_id": person, "identity_id": None, "last_message_at": at, "last_customer_message_at": at, "created_at": at, "last_message_preview": f"Question number {i}"})
    insert("messages", {**m, "id": new(), "conversation_id": talk, "customer_id": person, "content": f"Question number {i}", "external_message_id": None, "idempotency_key": None, "created_at": at})
db.commit()
`;

const browser = await launch();
let server = await serve({ dataDir, keep: true });
try {
  let admin = await staff(server);
  await ready(server, admin);
  await server.visitor("en", "Do you sell submarines with a nuclear reactor?");
  for (let i = 0; i < 40 && !(await server.call(admin, "GET", "/api/conversations?holder=queue")).items.length; i++) await new Promise((r) => setTimeout(r, 500));
  await server.stop();
  execFileSync("python3", ["-c", copies, dataDir, String(CONVERSATIONS)], { stdio: "inherit" });
  server = await serve({ dataDir, keep: true });

  const agent = await person(browser);
  let scripts = 0;
  agent.page.on("response", async (r) => {
    if (r.url().endsWith(".js")) scripts += Number((await r.allHeaders())["content-length"] ?? 0);
  });
  await signIn(agent.page, server);
  await agent.page.goto(`${server.url}/inbox?view=waiting`);
  await agent.page.locator("a[href*='/inbox/']").first().waitFor();
  await agent.page.waitForTimeout(500);
  const shown = await server.call(await session(server), "GET", "/api/conversations/counts");
  console.log(`conversations waiting: ${shown.waiting}`);

  // Interaction to next paint: as browsers measure it, over sixty moves through the list and sixty wheels.
  await agent.page.evaluate(() => {
    window.slow = [];
    new PerformanceObserver((list) => {
      for (const e of list.getEntries()) if (e.interactionId) window.slow.push(e.duration);
    }).observe({ type: "event", durationThreshold: 16, buffered: false });
  });
  for (let i = 0; i < 60; i++) {
    await agent.page.keyboard.press("j");
    await agent.page.waitForTimeout(60);
  }
  for (let i = 0; i < 20; i++) await agent.page.locator(".overflow-y-auto").first().click({ position: { x: 120, y: 60 + (i % 8) * 84 } });
  const frames = await agent.page.evaluate(async () => {
    const list = document.querySelector("[data-index]")?.closest(".overflow-y-auto");
    const gaps = [];
    let last = performance.now();
    for (let i = 0; i < 120; i++) {
      list.scrollTop += 240;
      await new Promise((r) => requestAnimationFrame(r));
      gaps.push(performance.now() - last);
      last = performance.now();
    }
    return gaps;
  });
  const slow = await agent.page.evaluate(() => window.slow);
  console.log(`interactions: ${slow.length} of 16 ms or more, p50 ${quantile(slow.length ? slow : [0], 0.5)} ms, p75 ${quantile(slow.length ? slow : [0], 0.75)} ms`);
  line("interaction to next paint, p98", quantile(slow.length ? slow : [0], 0.98), "ms", 100);
  line("frame while scrolling, p95", quantile(frames, 0.95), "ms", 100);
  const drawn = await agent.page.locator("[data-index]").count();
  console.log(`rows drawn at once: ${drawn}`);

  // A message on the screen after its webhook.
  const channel = await server.call(await session(server), "POST", "/api/channels", { platform: "webhook", name: "Bench", config: { secret: "a shared secret of the bench", send_url: "http://127.0.0.1:9/none" } });
  const times = [];
  await agent.page.goto(`${server.url}/inbox?view=all`);
  await agent.page.locator("a[href*='/inbox/']").first().waitFor();
  for (let i = 0; i < 20; i++) {
    const text = `bench message ${i} ${Math.random().toString(36).slice(2)}`;
    const body = JSON.stringify({ id: `b${i}`, from: { id: "bench", name: "Bench customer" }, text });
    const t = Math.floor(Date.now() / 1000);
    const signature = `t=${t},v1=${createHmac("sha256", "a shared secret of the bench").update(`${t}.${body}`).digest("hex")}`;
    const seen = agent.page.waitForFunction((text) => document.body.innerText.includes(text) && performance.timeOrigin + performance.now(), text, { polling: "raf" });
    await agent.page.waitForTimeout(50);
    const answer = await fetch(`${server.url}${channel.webhook_path}`, { method: "POST", headers: { "content-type": "application/json", "x-frontdesk-signature": signature }, body });
    if (!answer.ok) throw new Error(`webhook: ${answer.status} ${await answer.text()}`);
    const answered = Date.now();
    times.push((await (await seen).jsonValue()) - answered);
    await new Promise((r) => setTimeout(r, 150));
  }
  line("webhook answered to message on the screen, p50", Math.max(0, quantile(times, 0.5)), "ms", 300);
  line("webhook answered to message on the screen, p95", Math.max(0, quantile(times, 0.95)), "ms", 300);
  line("JavaScript loaded by the inbox", scripts / 1024, "KB", 300);
} finally {
  await browser.close();
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);

async function session(server) {
  const { PASSWORD } = await import("./harness.mjs");
  const answer = await fetch(`${server.url}/api/sign-in`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email: "ada@example.com", password: PASSWORD }) });
  return (await answer.json()).token;
}
