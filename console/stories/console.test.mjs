// Stories of agents and customers, each in a browser of their own, against a real server.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DESKTOP, heard, launch, PASSWORD, person, PHONE, ready, say, serve, signIn, staff } from "./harness.mjs";

const UNKNOWN = "Do you sell submarines with a nuclear reactor?";
const dataDir = mkdtempSync(join(tmpdir(), "frontdesk-stories-"));
let server;
let admin;
let browser;

before(async () => {
  server = await serve({ dataDir, keep: true });
  admin = await staff(server);
  await ready(server, admin);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** The latest conversation of the organisation. */
const latest = async (query = "") => (await server.call(admin, "GET", `/api/conversations?limit=1${query}`)).items[0];

test("a customer asks, a person takes over, answers and gives back", async () => {
  const customer = await person(browser);
  const agent = await person(browser);
  await signIn(agent.page, server, "mei@example.com");
  await customer.page.goto(`${server.url}/chat`);
  await say(customer.page, UNKNOWN);
  await heard(customer.page, "colleague");

  // It shows up by itself, with the brief.
  const row = agent.page.locator("a[href*='/inbox/']", { hasText: "submarines" }).first();
  await row.click();
  await agent.page.getByText("Nothing found in the documents").first().waitFor();
  await agent.page.getByRole("button", { name: "Take over" }).click();
  await agent.page.getByText("You answer").waitFor();
  // Both see that the other is writing.
  await agent.page.locator("[data-composer]").pressSequentially("We only sell", { delay: 20 });
  await customer.page.locator("#typing:not([hidden])").waitFor();
  await customer.page.locator("#text").pressSequentially("Are you", { delay: 20 });
  await agent.page.getByText(/is writing/).waitFor();
  await customer.page.fill("#text", "");
  await agent.page.fill("[data-composer]", "We only sell things that stay above water.");
  await agent.page.keyboard.press("Enter");
  await heard(customer.page, "above water");

  // The assistant is silent while a person holds the conversation.
  await say(customer.page, "How long is the warranty?");
  await agent.page.getByRole("log").getByText("How long is the warranty?").waitFor();
  await new Promise((r) => setTimeout(r, 2500));
  assert.equal((await latest()).holder, "agent");
  const before = await customer.page.locator("#thread > li").count();
  await agent.page.getByRole("button", { name: "Give back" }).click();
  await agent.page.getByRole("menuitem", { name: /To the assistant/ }).click();
  await agent.page.getByText("The assistant answers").waitFor();
  await customer.page.locator(`#thread > li:nth-child(${before + 1})`).waitFor({ timeout: 60_000 });
  assert.deepEqual([...customer.faults, ...agent.faults], []);
  await customer.context.close();
  await agent.context.close();
});

test("of two agents one answers, and the other keeps the draft", async () => {
  await server.visitor("en", `${UNKNOWN} Twice?`);
  const [mei, tom] = [await person(browser), await person(browser)];
  await signIn(mei.page, server, "mei@example.com");
  await signIn(tom.page, server, "tom@example.com");
  for (const { page } of [mei, tom]) {
    await page.locator("a[href*='/inbox/']", { hasText: "Twice" }).first().click();
    await page.getByText("Nothing found in the documents").first().waitFor();
  }
  // Each knows of the other.
  await tom.page.getByText("Mei also looks at this").waitFor({ timeout: 60_000 });
  await tom.page.fill("[data-composer]", "Tom's careful answer");
  // Tom's line is slow: Mei's message has not reached his page when he sends.
  await tom.page.route("**/api/events", (route) => route.abort());
  await tom.page.route(/\/api\/conversations\/[^/]+$/, (route) => (route.request().method() === "GET" ? route.abort() : route.continue()));
  await mei.page.fill("[data-composer]", "Mei was first");
  await mei.page.keyboard.press("Enter");
  await mei.page.getByRole("log").getByText("Mei was first").waitFor();
  await tom.page.locator("[data-composer]").focus();
  await tom.page.keyboard.press("Enter");
  await tom.page.getByRole("alert").first().waitFor();
  assert.equal(await tom.page.inputValue("[data-composer]"), "Tom's careful answer");
  const id = (await latest("&search=Twice")).id;
  const messages = await server.call(admin, "GET", `/api/conversations/${id}/messages`);
  assert.deepEqual(messages.filter((m) => m.sender_type === "agent").map((m) => m.content), ["Mei was first"]);
  await mei.context.close();
  await tom.context.close();
});

test("what is taught is answered from, and the answer shows where it stands", async () => {
  const agent = await person(browser);
  await signIn(agent.page, server);
  await agent.page.goto(`${server.url}/knowledge`);
  const text = "# Lighthouse tours\n\nThe lighthouse tour starts at 14:30 every Saturday and costs 18 dollars per adult.\n";
  await agent.page.setInputFiles("[data-upload]", { name: "lighthouse.md", mimeType: "text/markdown", buffer: Buffer.from(text) });
  const row = agent.page.locator("tr", { hasText: "lighthouse.md" });
  await row.getByText("Ready").waitFor({ timeout: 60_000 });
  await row.locator("button").first().click();
  await agent.page.getByRole("dialog").getByText("18 dollars").waitFor();
  await agent.page.keyboard.press("Escape");

  const customer = await person(browser);
  await customer.page.goto(`${server.url}/chat`);
  await say(customer.page, "When does the lighthouse tour start and what does it cost?");
  await heard(customer.page, "14:30");
  await agent.page.goto(`${server.url}/inbox?view=assistant`);
  await agent.page.locator("a[href*='/inbox/']", { hasText: "lighthouse" }).first().click();
  await agent.page.locator("article button", { hasText: "Lighthouse tours" }).first().click();
  await agent.page.getByRole("dialog").locator("mark").waitFor();
  await agent.page.keyboard.press("Escape");
  await agent.page.getByRole("button", { name: "Why?" }).first().click();
  await agent.page.getByRole("dialog").getByText("What was proven").waitFor();
  assert.deepEqual([...customer.faults, ...agent.faults], []);
  await customer.context.close();
  await agent.context.close();
});

test("a lost connection comes back, and what was written meanwhile is sent once", async () => {
  const visitor = await server.visitor("en", `${UNKNOWN} Offline?`);
  const agent = await person(browser);
  // The answer to the first try is lost on its way back: the page can't know whether it arrived. The browser is told
  // before it loads anything: later, a request now and then still slips through.
  let tries = 0;
  await agent.page.route("**/api/conversations/*/messages", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    if (++tries > 1) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await signIn(agent.page, server, "mei@example.com");
  await agent.page.locator("a[href*='/inbox/']", { hasText: "Offline" }).first().click();
  await agent.page.getByText("Nothing found in the documents").first().waitFor();
  await agent.page.fill("[data-composer]", "Sent over a bad line");
  await agent.page.keyboard.press("Enter");
  await agent.page.getByRole("log").getByText("Sent over a bad line").waitFor();
  await agent.page.waitForFunction(() => document.querySelector("[data-composer]")?.value === "");
  const id = (await latest("&search=Offline")).id;
  const sent = (await server.call(admin, "GET", `/api/conversations/${id}/messages`)).filter((m) => m.sender_type === "agent");
  assert.equal(sent.length, 1);
  assert.equal(tries, 2);

  // The server goes away and comes back.
  await server.stop();
  await agent.page.getByText("Reconnecting").waitFor({ timeout: 60_000 });
  server = await serve({ dataDir, keep: true, port: new URL(server.url).port });
  await fetch(`${server.url}/api/widget/messages`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${visitor}` }, body: JSON.stringify({ echo_id: crypto.randomUUID(), text: "Are you still there?" }) });
  await agent.page.getByRole("log").getByText("Are you still there?").waitFor({ timeout: 60_000 });
  await agent.context.close();
});

test("a double click sends once", async () => {
  await server.visitor("en", `${UNKNOWN} Double?`);
  const agent = await person(browser);
  await signIn(agent.page, server, "mei@example.com");
  await agent.page.locator("a[href*='/inbox/']", { hasText: "Double" }).first().click();
  await agent.page.getByText("Nothing found in the documents").first().waitFor();
  await agent.page.fill("[data-composer]", "Only once");
  await agent.page.getByRole("button", { name: "Send", exact: true }).dblclick();
  await agent.page.getByRole("log").getByText("Only once").waitFor();
  const id = (await latest("&search=Double")).id;
  const sent = (await server.call(admin, "GET", `/api/conversations/${id}/messages`)).filter((m) => m.sender_type === "agent");
  assert.equal(sent.length, 1);
  await agent.context.close();
});

test("an agent works by keyboard alone", async () => {
  await server.visitor("en", `${UNKNOWN} Keys?`);
  await server.call(admin, "POST", "/api/canned-replies", { shortcut: "sorry", content: "Sorry {{customer}}, we do not. {{agent}}" });
  const agent = await person(browser);
  await signIn(agent.page, server, "mei@example.com");
  await agent.page.locator("a[href*='/inbox/']", { hasText: "Keys" }).first().waitFor();
  await agent.page.keyboard.press("j");
  await agent.page.waitForURL(/\/inbox\/[0-9a-f-]+/);
  await agent.page.getByRole("button", { name: "Take over" }).waitFor();
  await agent.page.keyboard.press("t");
  await agent.page.getByText("You answer").waitFor();
  await agent.page.keyboard.press("r");
  await agent.page.keyboard.type("/sor");
  await agent.page.getByRole("option", { name: /sorry/ }).waitFor();
  await agent.page.keyboard.press("Enter");
  assert.match(await agent.page.inputValue("[data-composer]"), /^Sorry Visitor .*, we do not\. Mei$/);
  await agent.page.keyboard.press("Enter");
  await agent.page.getByRole("log").getByText("we do not. Mei").waitFor();
  await agent.page.keyboard.press("Escape");
  await agent.page.keyboard.press("e");
  await agent.page.getByText("Resolved").first().waitFor();
  assert.deepEqual(agent.faults, []);
  await agent.context.close();
});

test("on a phone everything can be reached and nothing is cut off", async () => {
  await server.visitor("en", `${UNKNOWN} Pocket?`);
  const agent = await person(browser, PHONE);
  await signIn(agent.page, server);
  const fits = async (where) => {
    const wide = await agent.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${where} is ${wide}px too wide`);
  };
  await agent.page.locator("a[href*='/inbox/']", { hasText: "Pocket" }).first().tap();
  await agent.page.locator("[data-composer]").waitFor();
  await fits("the conversation");
  await agent.page.getByRole("button", { name: "Customer" }).tap();
  await agent.page.getByRole("dialog").getByText("Profile").waitFor();
  await agent.page.keyboard.press("Escape");
  await agent.page.getByRole("link", { name: "Back" }).tap();
  await agent.page.getByRole("searchbox").waitFor();
  for (const place of ["customers", "deals", "knowledge", "knowledge?tab=memories", "overview", "health", "settings/me", "settings/people", "settings/rules"]) {
    await agent.page.goto(`${server.url}/${place}`);
    await agent.page.waitForLoadState("networkidle").catch(() => {});
    await fits(place);
  }
  await agent.page.getByRole("button", { name: /More/ }).tap();
  await agent.page.getByRole("menuitem", { name: /Notifications/ }).tap();
  await agent.page.getByRole("dialog").waitFor();
  assert.deepEqual(agent.faults, []);
  await agent.context.close();
});

test("an agent works in Chinese, with an input method", async () => {
  await server.visitor("zh", "你们卖核潜艇吗？");
  const agent = await person(browser, { locale: "zh-CN" });
  await agent.page.goto(`${server.url}/sign-in`);
  await agent.page.getByRole("heading", { name: "Frontdesk" }).waitFor();
  assert.equal(await agent.page.locator("html").getAttribute("lang"), "zh-CN");
  await agent.page.getByLabel("邮箱").fill("ada@example.com");
  await agent.page.getByLabel("密码").fill(PASSWORD);
  await agent.page.getByRole("button", { name: "登录" }).click();
  await agent.page.locator("a[href*='/inbox/']", { hasText: "核潜艇" }).first().click();
  await agent.page.getByRole("button", { name: "接手" }).click();
  await agent.page.getByText("由您接待").waitFor();
  // An input method ends its word with Enter: that must not send.
  await agent.page.locator("[data-composer]").fill("您好");
  await agent.page.locator("[data-composer]").dispatchEvent("keydown", { key: "Enter", isComposing: true });
  assert.equal(await agent.page.inputValue("[data-composer]"), "您好");
  await agent.context.close();
});

test("customers are imported after a dry run that knows those who are there", async () => {
  await server.call(admin, "POST", "/api/customers", { name: "Old Friend", email: "old@example.com" });
  const agent = await person(browser);
  await signIn(agent.page, server);
  await agent.page.goto(`${server.url}/customers`);
  const csv = "Name,Email,Phone,Shoe size\nNew One,new@example.com,+6591112222,38\nOld again,OLD@example.com,\n,nameless@example.com,\n\"Comma, Inc.\",comma@example.com,\nTwice,new@example.com,\n";
  await agent.page.getByRole("button", { name: "Import CSV" }).click();
  await agent.page.getByText("Nothing was imported yet.").waitFor();
  await agent.page.setInputFiles("[data-import]", { name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
  const dialog = agent.page.getByRole("dialog");
  for (const told of ["New: 2", "Known already: 1", "Twice in the file: 1", "Wrong: 1"]) await dialog.getByRole("status").getByText(told).waitFor();
  await dialog.getByText("is Old Friend").waitFor();
  await dialog.getByText("left out: Shoe size").waitFor();
  assert.equal((await server.call(admin, "GET", "/api/customers?search=comma@example.com")).items.length, 0, "a dry run adds nobody");
  // The line breaks behind the first try; the second finds that it is done.
  let tries = 0;
  await agent.page.route("**/api/customer-imports", async (route) => {
    if (route.request().method() !== "POST" || ++tries > 1) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await dialog.getByRole("button", { name: "Add 2 customers" }).click();
  await dialog.getByRole("status").getByText("Added: 2").waitFor();
  const found = async (search) => (await server.call(admin, "GET", `/api/customers?search=${search}`)).items.map((c) => c.name);
  assert.deepEqual(await found("comma@example.com"), ["Comma, Inc."]);
  assert.deepEqual([tries, (await server.call(admin, "GET", "/api/customer-imports")).items.length], [2, 1]);
  // Somebody has worked on one of them: undoing leaves that one.
  const [kept] = (await server.call(admin, "GET", "/api/customers?search=new@example.com")).items;
  await server.call(admin, "PATCH", `/api/customers/${kept.id}`, { remark: "called" });
  await dialog.getByRole("button", { name: "Undo" }).click();
  await agent.page.getByRole("dialog", { name: "Undo" }).getByRole("button", { name: "Undo" }).click();
  await dialog.getByText("New One: was changed").waitFor();
  assert.deepEqual([await found("comma@example.com"), await found("new@example.com")], [[], ["New One"]]);
  assert.deepEqual(agent.faults, []);
  await agent.context.close();
});

test("pages forbid inline scripts and frames, and hold no secret", async () => {
  const page = await fetch(`${server.url}/inbox`, { headers: { accept: "text/html" } });
  const policy = page.headers.get("content-security-policy");
  assert.match(policy, /script-src 'self';/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(page.headers.get("x-frame-options"), "DENY");
  assert.equal(page.headers.get("x-content-type-options"), "nosniff");
  const html = await page.text();
  assert.doesNotMatch(html, /<script(?![^>]*src=)/);
  assert.doesNotMatch(html, /fs_|fd_|local_/);
  const again = await (await fetch(`${server.url}/inbox`, { headers: { accept: "text/html" } })).text();
  assert.notEqual(/nonce" content="([^"]+)"/.exec(html)?.[1], /nonce" content="([^"]+)"/.exec(again)?.[1], "the nonce is another each time");
  const agent = await person(browser);
  await signIn(agent.page, server);
  const kept = await agent.page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  assert.doesNotMatch(kept, /fs_/, "the session is not within reach of scripts");
  // A browser keeps the built files for good.
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1];
  const file = await fetch(server.url + script);
  assert.match(file.headers.get("cache-control"), /immutable/);
  await agent.context.close();
});

test("a role sees only what it may do", async () => {
  await server.call(admin, "POST", "/api/users", { name: "Rea", email: "rea@example.com", roles: ["readonly"], password: PASSWORD });
  await server.visitor("en", `${UNKNOWN} Reader?`);
  const reader = await person(browser);
  await signIn(reader.page, server, "rea@example.com");
  await reader.page.locator("a[href*='/inbox/']", { hasText: "Reader" }).first().click();
  await reader.page.getByText("Nothing found in the documents").first().waitFor();
  assert.equal(await reader.page.locator("[data-composer]").count(), 0);
  assert.equal(await reader.page.getByRole("button", { name: "Take over" }).count(), 0);
  await reader.page.goto(`${server.url}/settings/audit`);
  await reader.page.getByText("Your role does not allow this.").waitFor();
  await reader.context.close();
});

test("who signs out is out, in every tab", async () => {
  const agent = await person(browser, DESKTOP);
  await signIn(agent.page, server, "tom@example.com");
  const second = await agent.context.newPage();
  await second.goto(`${server.url}/customers`);
  await second.getByRole("heading", { name: "Customers" }).waitFor();
  await agent.page.getByRole("button", { name: "Account" }).click();
  await agent.page.getByRole("menuitem", { name: "Sign out" }).click();
  await agent.page.waitForURL("**/sign-in");
  await second.reload();
  await second.waitForURL("**/sign-in**");
  assert.match(second.url(), /to=%2Fcustomers/);
  await agent.context.close();
});
