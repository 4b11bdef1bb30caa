// Stories of what an agent works with beside the conversation itself.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { whatsapp } from "./graph.mjs";
import { launch, person, PHONE, ready, serve, signIn, staff } from "./harness.mjs";

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

const open = async (page, text) => {
  await page.goto(`${server.url}/inbox?view=all`);
  await page.locator("a[href*='/inbox/']", { hasText: text }).first().click();
  await page.getByRole("log").waitFor();
};

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

  await open(one.page, "Ana");
  await one.page.getByText(/The window closes in \d+m/).waitFor();
  await open(one.page, "Bo");
  await one.page.getByText("only a template that the platform has approved").waitFor();
  assert.equal(await one.page.locator("[data-composer]").isDisabled(), true);
  await one.page.getByRole("button", { name: "Choose a template" }).click();
  await one.page.getByRole("dialog").getByText("order_shipped").click();
  assert.equal(await one.page.getByLabel("Value {{1}}").inputValue(), "Bo");
  await one.page.getByLabel("Value {{2}}").fill("A 17");
  await one.page.getByRole("button", { name: "Send the template" }).click();
  await one.page.getByRole("log").getByText("Hello Bo, your order A 17 is on its way.").waitFor();
  await one.page.waitForFunction(() => document.querySelectorAll("article").length > 0);
  for (let i = 0; i < 50 && !phone.sent.some((m) => m.type === "template"); i++) await new Promise((r) => setTimeout(r, 100));
  for (let i = 0; i < 100 && !phone.sent.some((m) => m.to === "60123456789"); i++) await new Promise((r) => setTimeout(r, 100));
  assert.ok(phone.sent.some((m) => m.to === "60123456789" && m.type === "text"), "within the window the assistant answers freely");
  assert.equal(phone.sent.findLast((m) => m.type === "template").template.name, "order_shipped");
  assert.deepEqual(one.faults, []);
  // A note is possible all the same, also on a phone.
  const other = await person(browser, PHONE);
  await signIn(other.page, server);
  await open(other.page, "Bo");
  await other.page.getByRole("tab", { name: "Private note" }).click();
  assert.equal(await other.page.locator("[data-composer]").isDisabled(), false);
  if (process.env.STORIES_PICTURES) {
    await other.page.getByRole("tab", { name: "Reply" }).click();
    await other.page.screenshot({ path: `${process.env.STORIES_PICTURES}/window-phone.png` });
    await open(one.page, "Ana");
    await one.page.screenshot({ path: `${process.env.STORIES_PICTURES}/window-open.png` });
    await open(one.page, "Bo");
    await one.page.getByRole("button", { name: "Choose a template" }).click();
    await one.page.getByRole("dialog").getByText("order_shipped").click();
    await one.page.screenshot({ path: `${process.env.STORIES_PICTURES}/window-closed.png` });
  }
  await one.context.close();
  await other.context.close();
});
