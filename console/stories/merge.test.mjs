// Two conversations of one customer become one, from the console.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, person, PHONE, picture, serve, signIn, staff, until } from "./harness.mjs";

let server;
let admin;
let browser;

before(async () => {
  server = await serve();
  admin = await staff(server);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const found = async (search) => (await server.call(admin, "GET", `/api/conversations?search=${encodeURIComponent(search)}`)).items;
const said = async (id) => (await server.call(admin, "GET", `/api/conversations/${id}/messages`)).map((m) => m.content);

/** Conversations of one customer, who wrote each of these from another browser; all of them wait for a person. */
async function talks(name, ...texts) {
  const all = [];
  for (const text of texts) {
    await server.visitor("en", `I want to talk to a human! ${text}`);
    all.push(await until(async () => (await found(text)).find((c) => c.holder === "queue")));
  }
  const [customer, ...others] = all.map((c) => c.customer_id);
  await server.call(admin, "PATCH", `/api/customers/${customer}`, { name });
  for (const from of others) await server.call(admin, "POST", `/api/customers/${customer}/merge`, { from, take: [] });
  return all;
}

/** The dialog in which the other conversation is chosen, over the conversation that is open. */
async function choose(page, [actions, merge]) {
  await page.getByRole("button", { name: actions, exact: true }).click();
  await page.getByRole("menuitem", { name: merge }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio").first().waitFor();
  return dialog;
}
const ENGLISH = ["Actions", /Merge another conversation/];

test("two conversations of one customer become one, and who looked at the other follows", async () => {
  const [first, second, third] = await talks("Merle", "My kettle leaks.", "It is order 4711.", "A question of its own.");
  const mei = await person(browser);
  const tom = await person(browser);
  await signIn(tom.page, server, "tom@example.com");
  await open(tom.page, server, "My kettle leaks.");
  await signIn(mei.page, server, "mei@example.com");
  await open(mei.page, server, "order 4711");
  const dialog = await choose(mei.page, ENGLISH);
  assert.equal(await dialog.getByRole("radio").count(), 2, "those of this customer, without the one that is open");
  const submit = dialog.getByRole("button", { name: "Merge", exact: true });
  assert.ok(await submit.isDisabled(), "first one is chosen");
  await dialog.getByText("My kettle leaks.").click();
  await picture(mei.page, "merge");
  // A second click while the first is on its way merges once.
  await submit.dblclick();
  await mei.page.getByText("Merged.").waitFor();
  await dialog.waitFor({ state: "detached" });
  const log = mei.page.getByRole("log");
  await log.getByText("My kettle leaks.").waitFor();
  const order = await log.locator("article[data-sender=customer]").allInnerTexts();
  assert.deepEqual(order.map((t) => /kettle|4711|own/.exec(t)?.[0]), ["kettle", "4711"], "as they were said");
  // It is gone from the lists, and its address leads to the one that is left.
  await mei.page.locator(`a[data-index][href*='${first.id}']`).waitFor({ state: "detached" });
  await tom.page.waitForURL(`**/inbox/${second.id}**`);
  await tom.page.getByRole("log").getByText("order 4711").waitFor();
  await mei.page.goto(`${server.url}/conversations/${first.id}`);
  await mei.page.waitForURL(`**/inbox/${second.id}**`);
  assert.equal((await said(second.id)).filter((t) => /kettle|4711/.test(t)).length, 2);
  assert.equal((await found("A question of its own")).at(0)?.id, third.id);
  // What the customer writes from either browser comes here.
  assert.deepEqual([...mei.faults, ...tom.faults], []);
  await mei.context.close();
  await tom.context.close();
});

test("what can't be merged is said before anything is tried", async () => {
  const [open_, held, ended] = await talks("Nora", "My lid broke.", "Tom has this one.", "That was long ago.");
  const tom = await person(browser);
  await signIn(tom.page, server, "tom@example.com");
  await open(tom.page, server, "Tom has this one.");
  await tom.page.getByRole("button", { name: "Take over" }).click();
  await tom.page.getByText("You answer").waitFor();
  await tom.context.close();
  await server.call(admin, "POST", `/api/conversations/${ended.id}/resolve`);

  const mei = await person(browser);
  await signIn(mei.page, server, "mei@example.com");
  await open(mei.page, server, "My lid broke.");
  const dialog = await choose(mei.page, ENGLISH);
  const row = (text) => dialog.locator("label", { hasText: text });
  await row("Tom has this one.").getByText("Tom answers").waitFor();
  assert.ok(await row("Tom has this one.").getByRole("radio").isDisabled());
  assert.ok(await row("That was long ago.").getByRole("radio").isEnabled(), "what has ended comes to what is open");
  await picture(mei.page, "merge-held");
  await mei.page.keyboard.press("Escape");
  // The other way round what is open would vanish into what has ended.
  await mei.page.goto(`${server.url}/inbox/${ended.id}?view=all`);
  await mei.page.getByRole("log").waitFor();
  const over = await choose(mei.page, ENGLISH);
  assert.ok(await over.locator("label", { hasText: "My lid broke." }).getByRole("radio").isDisabled());
  await over.locator("label", { hasText: "My lid broke." }).getByText("still open").waitFor();
  await mei.page.keyboard.press("Escape");
  assert.equal((await said(open_.id)).filter((t) => /lid/.test(t)).length, 1);
  assert.equal((await said(held.id)).filter((t) => /Tom has/.test(t)).length, 1);
  assert.deepEqual(mei.faults, []);
  await mei.context.close();
});

test("on a phone, in Chinese: the dialog fits, and a colleague who is quicker is told of", async () => {
  const [first, second] = await talks("奥尔加与她在槟城的茶叶公司有限责任公司", "Where is my blue teapot, which I ordered three weeks ago for the wedding of my sister?", "It was the teapot with the lid.");
  const mei = await person(browser, { ...PHONE, locale: "zh-CN", colorScheme: "dark" });
  await signIn(mei.page, server, "mei@example.com");
  await open(mei.page, server, "with the lid");
  const dialog = await choose(mei.page, ["操作", /把另一个会话并入此会话/]);
  const box = await dialog.boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 390, "it fits the phone");
  const target = await dialog.locator("label").first().boundingBox();
  assert.ok(target.height >= 40, "a finger finds it");
  await dialog.getByText("blue teapot").tap();
  await picture(mei.page, "merge-phone-zh");
  // Tom takes the other one over meanwhile; this page does not know it yet.
  await mei.page.route("**/api/events", (route) => route.abort());
  await mei.page.route(/\/api\/conversations\?/, (route) => route.abort());
  const session = await (await fetch(`${server.url}/api/sign-in`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email: "tom@example.com", password: "correct horse battery staple" }) })).json();
  await server.call(session.token, "POST", `/api/conversations/${first.id}/take-over`);
  await dialog.getByRole("button", { name: "合并", exact: true }).click();
  await mei.page.getByText("其他客服正在接待其中一个会话").first().waitFor();
  await picture(mei.page, "merge-refused-phone-zh");
  assert.equal((await said(second.id)).filter((t) => /teapot/.test(t)).length, 1);
  assert.deepEqual(mei.faults, []);
  await mei.context.close();
});
