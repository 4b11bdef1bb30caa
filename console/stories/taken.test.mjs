// Stories of what an agent finds in a conversation: the brief, the assistant's draft, what customers change and point at.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { whatsapp } from "./graph.mjs";
import { launch, open, person, PHONE, picture, ready, serve, signIn, staff, until } from "./harness.mjs";

let server;
let admin;
let browser;
let phone;

before(async () => {
  server = await serve();
  admin = await staff(server);
  await ready(server, admin);
  browser = await launch();
  phone = await whatsapp(server, admin);
});
after(async () => {
  await browser?.close();
  await phone?.stop();
  await server?.stop();
});

const found = async (search) => (await server.call(admin, "GET", `/api/conversations?search=${encodeURIComponent(search)}`)).items;

test("what a customer edits, takes back and points at is shown as it is", async () => {
  const first = await phone.says("60130000001", "Edda", "I want to talk to a human about order 17");
  await until(async () => (await found("Edda"))[0]?.holder === "queue");
  const second = await phone.says("60130000001", "Edda", "It never arrived, my card is 4000");
  await phone.says("60130000001", "Edda", "This one I mean", 0, { context: { from: "1", id: first } });
  await phone.does("60130000001", "Edda", { type: "edit", edit: { original_message_id: first, message: { type: "text", text: { body: "I want to talk to a human about order 71" } } } });
  await phone.does("60130000001", "Edda", { type: "revoke", revoke: { original_message_id: second } });
  const { page, faults, context } = await person(browser);
  await signIn(page, server, "mei@example.com");
  await open(page, server, "Edda");
  const log = page.getByRole("log");
  await log.getByText("about order 71").first().waitFor();
  await log.getByText("The customer took this message back.").waitFor();
  assert.equal(await log.getByText("my card is 4000").count(), 0);
  const pointing = log.locator("article", { hasText: "This one I mean" });
  await pointing.getByText("about order 71").waitFor();
  await log.getByRole("button", { name: "edited" }).hover();
  await page.getByText("Before: I want to talk to a human about order 17").first().waitFor();
  await picture(page, "changed");
  assert.deepEqual(faults, []);
  await context.close();
  const small = await person(browser, { ...PHONE, locale: "zh-CN", colorScheme: "dark" });
  await signIn(small.page, server, "tom@example.com");
  await open(small.page, server, "Edda");
  await small.page.getByText("客户撤回了这条消息。").waitFor();
  await picture(small.page, "changed-phone-zh");
  await small.context.close();
});

test("the list shows what the last message says now, or that it was taken back", async () => {
  const asked = await phone.says("60130000009", "Ottla", "I want to talk to a human about order 28");
  const talk = await until(async () => (await found("Ottla")).find((c) => c.holder === "queue"));
  const { page, faults, context } = await person(browser);
  await signIn(page, server, "mei@example.com");
  await page.goto(`${server.url}/inbox?view=all`);
  const row = page.locator("a[data-index]", { hasText: "Ottla" });
  await row.getByText("about order 28").waitFor();
  const edit = (of, body) => phone.does("60130000009", "Ottla", { type: "edit", edit: { original_message_id: of, message: { type: "text", text: { body } } } });
  await edit(asked, "I want to talk to a human about order 82");
  await row.getByText("about order 82").waitFor();
  await row.click();
  await page.getByRole("button", { name: "Take over" }).click();
  await page.getByText("You answer").waitFor();
  const last = await phone.says("60130000009", "Ottla", "Bring it to 12 Rose Street");
  await row.getByText("12 Rose Street").waitFor();
  await edit(last, "Bring it to 21 Rose Street");
  await row.getByText("21 Rose Street").waitFor();
  await phone.does("60130000009", "Ottla", { type: "revoke", revoke: { original_message_id: last } });
  await row.getByText("The customer took this message back.").waitFor();
  await picture(page, "list-taken-back");
  // What was asked is taken back too: no brief keeps it.
  await phone.does("60130000009", "Ottla", { type: "revoke", revoke: { original_message_id: asked } });
  await until(async () => (await server.call(admin, "GET", `/api/conversations/${talk.id}`)).hand_off_brief.question === "");
  await page.getByText("order 82").waitFor({ state: "detached" });
  assert.equal(await page.getByText(/order 28/).count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test("the brief stays within reach after taking over, with what is remembered", async () => {
  await server.visitor("en", "My name is Ingrid and I live in Penang. Do you deliver submarines to Penang? I want a human about Penang!");
  const { page, faults, context } = await person(browser);
  await signIn(page, server, "mei@example.com");
  await page.goto(`${server.url}/inbox?view=waiting`);
  await page.locator("a[href*='/inbox/']", { hasText: "Ingrid" }).first().click();
  await page.getByRole("button", { name: "Take over" }).click();
  await page.getByText("You answer").first().waitFor();
  const brief = page.locator("section", { hasText: /called/ }).getByRole("button").first();
  await brief.waitFor();
  if ((await brief.getAttribute("aria-expanded")) === "false") await brief.click();
  await page.getByText("What the assistant did").waitFor();
  await picture(page, "brief-after");
  assert.deepEqual(faults, []);
  await context.close();
});

test("what the assistant was writing at take-over is offered to the agent", async () => {
  // A model that thinks until it is told to go on, and is waited for as long as a browser may take on a busy machine.
  let go;
  const gate = new Promise((done) => (go = done));
  let asked = false;
  const fake = createServer((request, answer) => {
    let body = "";
    request.on("data", (d) => (body += d));
    request.on("end", async () => {
      const wanted = JSON.parse(body);
      const user = wanted.messages?.at(-1).content ?? "";
      const passage = /<passage number="1"[^>]*>\n([\s\S]*?)\n<\/passage>/.exec(user)?.[1] ?? "";
      if (user.includes("<question>")) {
        asked = true;
        await gate;
      }
      const quote = passage.split(/(?<=[.。])\s/)[0];
      const content = JSON.stringify(quote ? { kind: "answer", sentences: [{ text: quote, citations: [{ passage: 1, quote }] }] } : { kind: "cannot_answer", sentences: [] });
      answer.setHeader("content-type", "application/json");
      answer.end(JSON.stringify({ id: "1", object: "chat.completion", created: 1, model: wanted.model, choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }], usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 } }));
    });
  });
  await new Promise((done) => fake.listen(0, "127.0.0.1", done));
  const other = await serve({ settings: { FRONTDESK_MODEL_BASE_URL: `http://127.0.0.1:${fake.address().port}/v1`, FRONTDESK_MODEL_CHAT_MODEL: "m", FRONTDESK_MODEL_TIMEOUT_S: "120" } });
  try {
    const boss = await staff(other);
    await ready(other, boss);
    await other.visitor("en", "How long is the warranty?");
    await until(() => asked);
    const { page, faults, context } = await person(browser);
    await signIn(page, other, "mei@example.com");
    // The page's first look at the last turn is answered before the draft is there, and arrives after it was told of.
    const [{ id }] = (await other.call(boss, "GET", "/api/conversations?search=warranty")).items;
    const last = async () => (await other.call(boss, "GET", `/api/conversations/${id}/turns?limit=1`))[0];
    let looks = 0;
    await page.route("**/turns?limit=1", async (route) => {
      const answer = await route.fetch();
      if (++looks === 1) {
        go();
        await until(async () => (await last())?.decision === "withheld");
        await new Promise((told) => setTimeout(told, 1000));
      }
      await route.fulfill({ response: answer });
    });
    await page.goto(`${other.url}/inbox?view=assistant`);
    await page.locator("a[href*='/inbox/']", { hasText: "warranty" }).first().click();
    await page.getByRole("button", { name: "Take over" }).click();
    await page.getByText("You answer").first().waitFor();
    await page.getByText("The assistant was writing this when you took over").waitFor();
    await picture(page, "withheld");
    await page.getByRole("button", { name: "Use it" }).click();
    assert.match(await page.inputValue("[data-composer]"), /\w+ .*\./, "the draft stands where one writes");
    await page.getByText("The assistant was writing this when you took over").waitFor({ state: "detached" });
    assert.deepEqual(faults, []);
    await context.close();
  } finally {
    go();
    await other.stop();
    await new Promise((done) => fake.close(done));
  }
});

test("what comes before the page hears of changes is shown all the same", async () => {
  await server.visitor("en", "I want a human: the lamp flickers");
  const { page, faults, context } = await person(browser);
  await signIn(page, server, "mei@example.com");
  let hears;
  const late = new Promise((done) => (hears = done));
  await page.route("**/api/events", async (route) => {
    await late;
    await route.continue();
  });
  await open(page, server, "lamp");
  await page.getByRole("log").getByText("the lamp flickers").first().waitFor();
  const [{ id }] = await found("lamp");
  await server.call(admin, "POST", `/api/conversations/${id}/notes`, { text: "Bulbs are on the second shelf" });
  await new Promise((told) => setTimeout(told, 1000));
  hears();
  await page.getByRole("log").getByText("on the second shelf").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a note that was lost on its way back is kept once, and a draft for the customer becomes none", async () => {
  await server.visitor("en", "I want a human: Nadia's note");
  const conversation = await until(async () => (await found("Nadia"))[0]);
  const { page, context } = await person(browser);
  let tries = 0;
  await page.route("**/api/conversations/*/notes", async (route) => {
    if (++tries > 1) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await signIn(page, server, "mei@example.com");
  await open(page, server, "Nadia");
  await page.getByRole("tab", { name: "Private note" }).click();
  await page.fill("[data-composer]", "Seen by nobody twice");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("[data-composer]")?.value === "");
  const notes = (await server.call(admin, "GET", `/api/conversations/${conversation.id}/messages`)).filter((m) => m.is_private);
  assert.deepEqual([notes.length, tries], [1, 2]);

  await page.getByRole("tab", { name: "Reply" }).click();
  await page.fill("[data-composer]", "For the customer alone");
  await server.call(admin, "POST", `/api/conversations/${conversation.id}/take-over`);
  await page.getByText(/Your draft is kept; choose/).waitFor();
  await page.locator("[data-composer]").focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.inputValue("[data-composer]"), "For the customer alone");
  await picture(page, "draft-kept");
  await context.close();
});

test("an inbox with many pages open asks for the first alone when something happens", async () => {
  const { page, faults, context } = await person(browser);
  await signIn(page, server, "mei@example.com");
  for (let i = 0; i < 120; i++) await phone.says(`6014${String(i).padStart(7, "0")}`, `Many ${i}`, "Hello");
  await until(async () => (await server.call(admin, "GET", "/api/conversations/counts")).open >= 120);
  await page.goto(`${server.url}/inbox?view=open`);
  const list = page.locator("div.overflow-y-auto:has(> ul)").first();
  let pages = 0;
  let last = Date.now();
  page.on("request", (r) => {
    if (!/\/api\/conversations\?/.test(r.url())) return;
    last = Date.now();
    if (/cursor=/.test(r.url())) pages++;
  });
  await page.locator("a[href*='/inbox/']").first().waitFor();
  for (let i = 0; i < 60 && pages < 2; i++) {
    await list.evaluate((el) => el.scrollBy(0, 3000));
    await page.waitForTimeout(200);
  }
  assert.ok(pages >= 2, "more than two pages are loaded");
  // The end of a list asks for the page behind it: from the top, and quiet, only what happens can ask.
  await list.evaluate((el) => el.scrollTo(0, 0));
  await until(async () => Date.now() - last > 1500);
  const before = pages;
  await phone.says("60149999999", "Just now", "Is anybody there?");
  // It is received when the turns of all the others leave room.
  await page.locator("a[href*='/inbox/']", { hasText: "Just now" }).first().waitFor({ timeout: 180_000 });
  await page.waitForTimeout(1000);
  assert.equal(pages, before, "no further page was asked for again");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a document that holds no more says so", async () => {
  const { page, faults, context } = await person(browser);
  await signIn(page, server);
  await page.goto(`${server.url}/knowledge`);
  await page.locator("td button").first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Through (last day)").fill("2020-12-31");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("expired").waitFor();
  await picture(page, "expired");
  await dialog.getByLabel("Through (last day)").fill("");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("expired").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await context.close();
});

test("a customer is taken out as a file, and erased with a receipt", async () => {
  const customer = await server.call(admin, "POST", "/api/customers", { name: "Gone Soon" });
  const { page, faults, context } = await person(browser);
  await signIn(page, server);
  await page.goto(`${server.url}/customers/${customer.id}`);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Take out all data" }).click()]);
  assert.equal(file.suggestedFilename(), "Gone Soon.json");
  await page.getByRole("button", { name: "Erase …" }).click();
  const erase = page.getByRole("button", { name: "Erase for good" });
  assert.equal(await erase.isDisabled(), true);
  await page.getByLabel(/Type “Gone Soon”/).fill("Gone Soon");
  await picture(page, "erase");
  await erase.click();
  await page.getByText("Gone Soon is erased.").waitFor({ timeout: 60_000 });
  await page.getByText("Signed by this installation").waitFor();
  await picture(page, "erased");
  await page.keyboard.press("Escape");
  await page.waitForURL(/\/customers$/);
  assert.deepEqual(faults, []);
  await context.close();
});

test("an agent passes what they hold to a colleague, and a session that ran out goes on without a word", async () => {
  await server.visitor("en", "I want a human about my parcel to Kuching!");
  const { page, faults, context } = await person(browser);
  await signIn(page, server, "mei@example.com");
  await open(page, server, "Kuching");
  await page.getByRole("button", { name: "Take over" }).click();
  await page.getByText("You answer").first().waitFor();
  await page.getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: /Pass on/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("searchbox").fill("to");
  await picture(page, "pass-on");
  await dialog.getByRole("button", { name: "Tom" }).click();
  await page.getByText("Waits for a person").first().waitFor();
  const tom = (await server.call(admin, "GET", "/api/users")).items.find((u) => u.name === "Tom");
  await until(async () => (await found("Kuching"))[0]?.agent_id === tom.id);

  const refreshed = [];
  page.on("response", (r) => r.url().endsWith("/api/session/refresh") && refreshed.push(r.status()));
  await context.clearCookies({ name: "frontdesk_session" });
  await page.getByRole("link", { name: "Customers" }).first().click();
  await page.getByRole("table").first().waitFor();
  assert.ok(refreshed.every((status) => status === 204) && refreshed.length === 1, `${refreshed}`);
  await context.clearCookies({ name: "frontdesk_session" });
  await page.reload();
  await page.getByRole("heading", { name: "Customers" }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
