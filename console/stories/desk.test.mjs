// Stories of what an agent works with beside the conversation itself.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { whatsapp } from "./graph.mjs";
import { launch, open, PASSWORD, person, PHONE, picture, ready, serve, signIn, staff } from "./harness.mjs";

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

test("an agent sees when the window closes, and sends an approved template when it has", async () => {
  await phone.says("60123456789", "Ana", "I want to talk to a human", 23 * 3600);
  await phone.says("60111111111", "Bo", "I want to talk to a human", 30 * 3600);
  const one = await person(browser);
  await signIn(one.page, server);
  await one.page.goto(`${server.url}/settings/templates`);
  await one.page.getByRole("button", { name: "New template" }).click();
  await one.page.getByLabel("Name at the platform").fill("order_shipped");
  await one.page.getByLabel("Approved text").fill("Hello {{1}}, your order {{2}} is on its way.");
  await one.page.getByRole("button", { name: "Save" }).click();
  await one.page.getByText("order_shipped").waitFor();

  await open(one.page, server, "Ana");
  await one.page.getByText(/The window closes in \d+m/).waitFor();
  await open(one.page, server, "Bo");
  await one.page.getByText("only a template that the platform has approved").waitFor();
  assert.equal(await one.page.locator("[data-composer]").isDisabled(), true);
  await one.page.getByRole("button", { name: "Choose a template" }).click();
  await one.page.getByRole("dialog").getByText("order_shipped").click();
  assert.equal(await one.page.getByLabel("Value {{1}}").inputValue(), "Bo");
  await one.page.getByLabel("Value {{2}}").fill("A 17");
  await one.page.getByRole("button", { name: "Send the template" }).click();
  await one.page.getByRole("log").getByText("Hello Bo, your order A 17 is on its way.").waitFor();
  await one.page.waitForFunction(() => document.querySelectorAll("article").length > 0);
  for (let i = 0; i < 600 && !phone.sent.some((m) => m.type === "template"); i++) await new Promise((r) => setTimeout(r, 100));
  for (let i = 0; i < 600 && !phone.sent.some((m) => m.to === "60123456789"); i++) await new Promise((r) => setTimeout(r, 100));
  assert.ok(phone.sent.some((m) => m.to === "60123456789" && m.type === "text"), "within the window the assistant answers freely");
  assert.equal(phone.sent.findLast((m) => m.type === "template").template.name, "order_shipped");
  assert.deepEqual(one.faults, []);
  // A note is possible all the same, also on a phone.
  const other = await person(browser, PHONE);
  await signIn(other.page, server);
  await open(other.page, server, "Bo");
  await other.page.getByRole("tab", { name: "Private note" }).click();
  assert.equal(await other.page.locator("[data-composer]").isDisabled(), false);
  if (process.env.STORIES_PICTURES) {
    await other.page.getByRole("tab", { name: "Reply" }).click();
    await picture(other.page, "window-phone");
    await open(one.page, server, "Ana");
    await picture(one.page, "window-open");
    await open(one.page, server, "Bo");
    await one.page.getByRole("button", { name: "Choose a template" }).click();
    await one.page.getByRole("dialog").getByText("order_shipped").click();
    await picture(one.page, "window-closed");
  }
  await one.context.close();
  await other.context.close();
});

/** A language model that says what it is told to, by what it is asked for. */
async function model(says) {
  const fake = createServer((request, answer) => {
    let body = "";
    request.on("data", (d) => (body += d));
    request.on("end", () => {
      const asked = JSON.parse(body);
      const system = asked.messages[0].content;
      const content = JSON.stringify(says(system, asked.messages.at(-1).content) ?? { kind: "answer", sentences: [] });
      answer.setHeader("content-type", "application/json");
      answer.end(JSON.stringify({ id: "1", object: "chat.completion", created: 1, model: asked.model, choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }], usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 } }));
    });
  });
  await new Promise((done) => fake.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${fake.address().port}/v1`, stop: () => new Promise((done) => fake.close(done)) };
}

test("the copilot rewords, translates, sums up, and warns of what came out otherwise", async () => {
  const fake = await model((system) => (system.includes("Rewrite the text") ? { text: "It takes 3 days." } : system.includes("翻译") ? { text: "退款需要 5 天。" } : system.includes("into English") ? { text: "I want a person, please." } : system.includes("sum up") ? { text: "- wants a person\n- asks about the refund" } : undefined));
  const helped = await serve({ settings: { FRONTDESK_MODEL_BASE_URL: fake.url, FRONTDESK_MODEL_CHAT_MODEL: "stub" } });
  try {
    await staff(helped);
    await helped.visitor("zh", "我要找人工客服，退款要多久？");
    const { page, faults, context } = await person(browser);
    await signIn(page, helped);
    await page.goto(`${helped.url}/inbox?view=all`);
    await page.locator("a[href*='/inbox/']").first().click();
    await page.getByRole("log").getByText("人工客服").waitFor();
    await page.getByRole("button", { name: "Translate", exact: true }).click();
    await page.getByText("I want a person, please.").waitFor();
    const copilot = async (item) => {
      await page.getByRole("button", { name: "Copilot" }).click();
      await page.getByRole("menuitem", { name: item }).click();
    };
    await page.fill("[data-composer]", "We are sorry, but your refund will take 3 days.");
    await copilot("Shorter");
    await page.getByText("It takes 3 days.").waitFor();
    assert.equal(await page.getByText("not the same in both texts").count(), 0);
    await page.getByRole("button", { name: "Use it" }).click();
    assert.equal(await page.inputValue("[data-composer]"), "It takes 3 days.");
    await copilot(/Chinese/);
    await page.getByText("not the same in both texts").waitFor();
    await picture(page, "copilot");
    await page.getByRole("button", { name: "Close" }).click();
    await copilot("Sum up");
    await page.getByText("asks about the refund").waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  } finally {
    await helped.stop();
    await fake.stop();
  }
});

test("without a model the copilot says so and sums up by rule, also on a phone", async () => {
  await server.visitor("en", "I want to talk to a human about a broken kettle");
  const { page, faults, context } = await person(browser, PHONE);
  await signIn(page, server);
  await open(page, server, "broken kettle");
  await page.getByRole("log").getByText("calling a colleague").waitFor({ timeout: 90_000 });
  await page.getByRole("button", { name: "Copilot" }).click();
  await page.getByText("needs a language model").first().waitFor();
  await picture(page, "copilot-menu-phone");
  await page.getByRole("menuitem", { name: "Sum up" }).click();
  await page.getByText("what the conversation itself tells").waitFor();
  await page.getByText("Came with").waitFor();
  await picture(page, "copilot-phone");
  assert.equal(await page.getByRole("button", { name: "Translate", exact: true }).count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

/** The code that an authenticator app shows for a secret (RFC 6238). */
function code(secret, at = Date.now()) {
  const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => Number.parseInt(b, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", key).update(step).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("a second factor is set up, asked for, and reset by an administrator", async () => {
  await server.call(admin, "POST", "/api/users", { name: "Fay", email: "fay@example.com", roles: ["agent"], password: PASSWORD });
  const { page, faults, context } = await person(browser);
  await signIn(page, server, "fay@example.com");
  await page.goto(`${server.url}/settings/me`);
  await page.getByRole("button", { name: "Set up" }).click();
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByAltText("QR code for the authenticator app").waitFor();
  await picture(page, "factor");
  const secret = await page.getByRole("dialog").locator("code").first().innerText();
  await page.getByLabel("Code").fill(code(secret));
  await page.getByRole("button", { name: "Switch on" }).click();
  await page.getByText("Each lets you in once").waitFor();
  const recovery = await page.getByRole("dialog").locator("li").first().innerText();
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByText("10 recovery codes are left").waitFor();
  await context.close();

  const again = await person(browser, PHONE);
  await again.page.goto(`${server.url}/sign-in`);
  await again.page.fill("input[type=email]", "fay@example.com");
  await again.page.fill("input[type=password]", PASSWORD);
  await again.page.click("button[type=submit]");
  await again.page.getByLabel("Code").fill(recovery);
  await picture(again.page, "factor-phone");
  await again.page.click("button[type=submit]");
  await again.page.waitForURL("**/inbox**");
  await again.context.close();

  const ada = await person(browser);
  await signIn(ada.page, server);
  await ada.page.goto(`${server.url}/settings/people`);
  await ada.page.getByRole("button", { name: "Actions: Fay" }).click();
  await ada.page.getByRole("menuitem", { name: "Reset the second factor" }).click();
  await ada.page.getByRole("dialog").getByRole("button", { name: "Reset the second factor" }).click();
  const { items } = await server.call(admin, "GET", "/api/users");
  for (let i = 0; i < 50 && (await server.call(admin, "GET", `/api/users/${items.find((u) => u.name === "Fay").id}`)).has_second_factor; i++) await new Promise((r) => setTimeout(r, 100));
  const plain = await person(browser);
  await signIn(plain.page, server, "fay@example.com");
  assert.deepEqual([...faults, ...ada.faults, ...plain.faults], []);
  await ada.context.close();
  await plain.context.close();
});

test("merging says when there is nothing to merge, and a version of a document is gone back to", async () => {
  await phone.says("60122222222", "Cleo", "First: where is my parcel?");
  const named = async () => (await server.call(admin, "GET", "/api/conversations?search=Cleo")).items;
  for (let i = 0; i < 100 && (await named()).length < 1; i++) await new Promise((r) => setTimeout(r, 100));
  const { page, faults, context } = await person(browser);
  await signIn(page, server);
  await open(page, server, "Cleo");
  await page.getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: /Merge another conversation/ }).click();
  await page.getByText("This customer has no other conversation.").waitFor();
  await page.keyboard.press("Escape");

  await page.goto(`${server.url}/knowledge`);
  const upload = (text) => page.setInputFiles("[data-upload]", { name: "fees.md", mimeType: "text/markdown", buffer: Buffer.from(text) });
  await upload("# Fees\n\nThe ferry costs 5 dollars.\n");
  const row = page.locator("tr", { hasText: "fees.md" });
  await row.getByText("Ready").waitFor({ timeout: 60_000 });
  await upload("# Fees\n\nThe ferry costs 9 dollars.\n");
  const documents = async () => (await server.call(admin, "GET", "/api/documents?limit=200")).items.find((d) => d.source === "fees.md");
  for (let i = 0; i < 300 && (await documents()).current_version !== 2; i++) await new Promise((r) => setTimeout(r, 200));
  await row.locator("button").first().click();
  await page.getByRole("button", { name: "What changed" }).click();
  await page.getByRole("dialog").getByText("The ferry costs 9 dollars.").last().waitFor();
  await page.getByText("1 line added, 1 removed").waitFor();
  await picture(page, "versions");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Go back to this" }).click();
  for (let i = 0; i < 300 && (await documents()).current_version !== 3; i++) await new Promise((r) => setTimeout(r, 200));
  await page.getByRole("dialog").getByText("The ferry costs 5 dollars.").first().waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
