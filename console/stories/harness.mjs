// A real server with the demo company, and real browsers in front of it.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
export const PASSWORD = "correct horse battery staple";

function binary() {
  const named = process.env.STORIES_BINARY;
  const found = named ?? [join(target, "debug/frontdesk"), join(target, "release/frontdesk")].find(existsSync);
  if (!found) throw new Error("build the program first: cargo build");
  return found;
}

/** Starts a server on a spare port with a data directory of its own. */
export async function serve({ dataDir = mkdtempSync(join(tmpdir(), "frontdesk-stories-")), keep = false, port = 0, settings = {} } = {}) {
  // Settings of the machine are not the stories'.
  const env = { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("FRONTDESK_"))), ...settings };
  const child = spawn(binary(), ["serve", "--demo", "--data-dir", dataDir, "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "pipe"], env });
  let said = "";
  child.stdout.on("data", (d) => (said += d));
  child.stderr.on("data", (d) => (said += d));
  await new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`the server did not start:\n${said}`)), 120_000);
    child.on("exit", (code) => fail(new Error(`the server ended with ${code}:\n${said}`)));
    const look = setInterval(() => {
      if (!said.includes("Ctrl-C")) return;
      clearTimeout(timer);
      clearInterval(look);
      done();
    }, 50);
  });
  const url = /API\s+(http:\S+)\/openapi\.json/.exec(said)?.[1];
  const token = /Demo admin\s+\S+\/setup\?token=(\S+)/.exec(said)?.[1];
  const server = {
    url,
    token,
    dataDir,
    async stop() {
      child.removeAllListeners("exit");
      if (child.exitCode !== null) return;
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await ended;
      if (!keep) rmSync(dataDir, { recursive: true, force: true });
    },
    /** Calls the API as a signed-in user. */
    async call(session, method, path, body) {
      const answer = await fetch(url + path, { method, headers: { authorization: `Bearer ${session}`, ...(body ? { "content-type": "application/json" } : {}) }, body: body && JSON.stringify(body) });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return text ? JSON.parse(text) : null;
    },
    /** Writes as a visitor of the website; the token of their session. */
    async visitor(language, ...says) {
      const post = async (path, body, visitor) => {
        const answer = await fetch(`${url}/api/widget/${path}`, { method: "POST", headers: { "content-type": "application/json", ...(visitor ? { authorization: `Bearer ${visitor}` } : {}) }, body: JSON.stringify(body) });
        if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
        return answer.json();
      };
      const { visitor_token } = await post("session", { language });
      for (const text of says) await post("messages", { echo_id: crypto.randomUUID(), text }, visitor_token);
      return visitor_token;
    },
  };
  return server;
}

/** Makes the first admin and colleagues; a session for each. */
export async function staff(server) {
  const setup = await fetch(`${server.url}/api/setup`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token: server.token, password: PASSWORD, email: "ada@example.com", name: "Ada" }) });
  if (!setup.ok) throw new Error(await setup.text());
  const admin = (await setup.json()).token;
  const add = (name, email, role) => server.call(admin, "POST", "/api/users", { name, email, roles: [role], password: PASSWORD });
  await add("Mei", "mei@example.com", "agent");
  await add("Tom", "tom@example.com", "agent");
  return admin;
}

/** Waits until the documents of the demo company can be searched. */
export async function ready(server, admin) {
  for (let i = 0; i < 240; i++) {
    const page = await server.call(admin, "GET", "/api/documents?limit=200");
    const open = page.items.filter((d) => !["completed", "failed"].includes(d.processing_status));
    if (page.items.length > 0 && open.length === 0) return;
    await new Promise((r) => setTimeout(r, 500));
  }
  throw new Error("the documents were not read in time");
}

export function launch() {
  const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
  if (!executablePath) throw new Error("install chromium, or name it in CHROMIUM");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
}

export const DESKTOP = { viewport: { width: 1440, height: 900 } };
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** A browser of somebody's own; what its console complains about is kept. */
export async function person(browser, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", colorScheme: "light", ...DESKTOP, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (e) => faults.push(`error: ${e.message}`));
  page.on("console", (m) => {
    const text = m.text();
    // What the server refused is shown to the user; the browser's own note of it is no fault of the page.
    if (m.type() === "error" && !/Failed to load resource|net::ERR_/.test(text)) faults.push(`console: ${text}`);
  });
  page.setDefaultTimeout(45_000);
  return { context, page, faults };
}

export async function signIn(page, server, email = "ada@example.com") {
  await page.goto(`${server.url}/sign-in`);
  await page.fill("input[type=email]", email);
  await page.fill("input[type=password]", PASSWORD);
  await page.click("button[type=submit]");
  await page.waitForURL("**/inbox**");
}

/** Asks in the chat page as a customer does. */
export async function say(page, text) {
  await page.fill("#text", text);
  await page.press("#text", "Enter");
}

/** Waits until the chat shows a text. */
export const heard = (page, text) => page.locator("#thread", { hasText: text }).waitFor({ timeout: 60_000 });

/** What `is` gives as soon as it gives something, within half a minute. */
export async function until(is) {
  for (let i = 0; i < 300; i++) {
    const found = await is();
    if (found) return found;
    await new Promise((r) => setTimeout(r, 100));
  }
  throw new Error("it did not come");
}

/** Opens the conversation that the inbox lists with `text`. */
export async function open(page, server, text) {
  await page.goto(`${server.url}/inbox?view=all`);
  await page.locator("a[href*='/inbox/']", { hasText: text }).first().click();
  await page.getByRole("log").waitFor();
}

/** A picture for people to look at, where STORIES_PICTURES names a folder. */
export async function picture(page, name) {
  if (process.env.STORIES_PICTURES) await page.screenshot({ path: `${process.env.STORIES_PICTURES}/${name}.png`, animations: "disabled" });
}
