// Stories of customers and deals: fields and stages of one's own, deals moved beside a conversation, columns, an answer
// to one message, what was spent, who changed what.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { whatsapp } from "./graph.mjs";
import { launch, open, person, picture, ready, serve, signIn, staff, until } from "./harness.mjs";

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

test("an agent answers one message in particular, and the customer sees which", async () => {
  const first = await phone.says("60130000002", "Odile", "I want to talk to a human");
  await until(async () => (await server.call(admin, "GET", "/api/conversations?search=Odile")).items[0]?.holder === "queue");
  await phone.says("60130000002", "Odile", "It is about my kettle");
  const { page, faults, context } = await person(browser);
  await signIn(page, server, "mei@example.com");
  await open(page, server, "Odile");
  const log = page.getByRole("log");
  const asked = log.locator("article", { hasText: "I want to talk to a human" }).first();
  await asked.getByRole("button", { name: "Answer this message" }).click();
  await page.getByRole("status").getByText("Answers Odile").waitFor();
  await picture(page, "answering");
  await page.getByRole("button", { name: "Answer nothing in particular" }).click();
  await asked.getByRole("button", { name: "Answer this message" }).click();
  await page.keyboard.type("Here I am.");
  await page.keyboard.press("Enter");
  const sent = await until(() => phone.sent.find((m) => m.text?.body === "Here I am."));
  assert.deepEqual(sent.context, { message_id: first });
  await log.locator("article", { hasText: "Here I am." }).getByText("I want to talk to a human").waitFor();
  assert.equal(await page.getByText("Answers Odile").count(), 0, "the next message answers nothing in particular");
  assert.deepEqual(faults, []);
  await context.close();
});

test("fields and stages of one's own are set up, and a deal is won beside the conversation", async () => {
  const { page, faults, context } = await person(browser);
  await signIn(page, server);
  await page.goto(`${server.url}/settings/fields`);
  await page.getByRole("button", { name: "New field" }).click();
  await page.getByLabel("Label").fill("Shoe size");
  await page.getByLabel("Type").selectOption("number");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("shoe_size").waitFor();
  await page.getByRole("button", { name: "New field" }).click();
  await page.getByLabel("Label").fill("套餐");
  await page.getByLabel("Type").selectOption("choice");
  await page.getByLabel("Choices").fill("Basic\nPro");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Basic · Pro").waitFor();
  await picture(page, "fields");

  await page.goto(`${server.url}/settings/pipelines`);
  await page.getByRole("button", { name: "New pipeline" }).click();
  await page.getByLabel("Name").fill("Repairs");
  await page.getByLabel("Stage 1").fill("Looked at");
  await page.getByRole("button", { name: "Add a stage" }).click();
  await page.getByLabel("Stage 2").fill("报价");
  await picture(page, "pipeline");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("报价 · 50 %").waitFor();
  const line = (await server.call(admin, "GET", "/api/pipelines")).find((p) => p.name === "Repairs");

  await server.visitor("en", "I want to talk to a human about a broken grinder");
  const talk = await until(async () => (await server.call(admin, "GET", "/api/conversations?search=grinder")).items[0]);
  await server.call(admin, "PATCH", `/api/customers/${talk.customer_id}`, { name: "Gregor" });
  const deal = await server.call(admin, "POST", "/api/deals", { customer_id: talk.customer_id, title: "Repair of a grinder", pipeline_id: line.id });
  await page.goto(`${server.url}/inbox/${talk.id}?view=all`);
  const now = () => server.call(admin, "GET", `/api/deals/${deal.id}`);
  const step = async (name) => {
    // A menu that is still going takes the click for "close".
    await page.getByRole("menu").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Stage: Repair of a grinder" }).click();
    await page.getByRole("menuitem", { name }).click();
  };
  await step("报价");
  await until(async () => (await now()).stage_id === line.stages.find((s) => s.name === "报价").id);
  await step("Lost");
  await page.getByLabel("Why was it lost?").fill("Too dear");
  await page.getByRole("dialog").getByRole("button", { name: "Lost" }).click();
  await until(async () => (await now()).loss_reason === "Too dear");
  await page.getByRole("button", { name: "Stage: Repair of a grinder" }).click();
  assert.equal(await page.getByRole("menuitem", { name: "Won" }).getAttribute("aria-disabled"), "true", "what is lost goes on from an open stage");
  await page.keyboard.press("Escape");
  await step("Looked at");
  await until(async () => (await now()).status === "open");
  await step("Won");
  await until(async () => (await now()).status === "won");
  // The fields are filled where they stand.
  await page.getByLabel("Shoe size").fill("38.5");
  await page.keyboard.press("Enter");
  await page.getByLabel("套餐").selectOption("Pro");
  await until(async () => {
    const { custom_fields: own } = await server.call(admin, "GET", `/api/customers/${talk.customer_id}`);
    return own.shoe_size === 38.5 && Object.values(own).includes("Pro");
  });
  await picture(page, "deal-beside");

  // The list shows them to who wants to see them, and a saved view keeps that.
  await page.goto(`${server.url}/customers?q=Gregor`);
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("checkbox", { name: "Shoe size" }).check();
  await page.getByRole("checkbox", { name: "Stage" }).uncheck();
  await page.keyboard.press("Escape");
  await page.getByRole("cell", { name: "38.5" }).waitFor();
  assert.equal(await page.getByRole("columnheader", { name: "Stage" }).count(), 0);
  await page.getByRole("button", { name: "Saved views" }).click();
  await page.getByRole("menuitem", { name: "Save this view" }).click();
  await page.getByLabel("Name of the view").fill("Shoes");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.goto(`${server.url}/customers`);
  assert.equal(await page.getByRole("columnheader", { name: "Shoe size" }).count(), 0);
  await page.getByRole("button", { name: "Saved views" }).click();
  await page.getByRole("menuitem", { name: "Shoes" }).click();
  await page.getByRole("columnheader", { name: "Shoe size" }).waitFor();
  await picture(page, "columns");
  assert.deepEqual(faults, []);
  await context.close();
});

test("the overview shows chosen days and what was spent, and the audit log is searched", async () => {
  const { page, faults, context } = await person(browser);
  await signIn(page, server);
  await page.goto(`${server.url}/overview`);
  await page.getByText("Model tokens").waitFor();
  assert.equal(await page.getByText("Model cost").count(), 0, "nobody has said a price");
  await page.goto(`${server.url}/settings/model`);
  await page.getByLabel("Currency").fill("EUR");
  await page.getByLabel("Read, per million tokens").fill("0.27");
  await page.getByLabel("Written, per million tokens").fill("1.1");
  await page.locator("section", { hasText: "Price of the model" }).getByRole("button", { name: "Save" }).click();
  await until(async () => (await server.call(admin, "GET", "/api/model/price")).price?.input_micros === 270_000);
  const today = new Date().toLocaleDateString("sv-SE");
  await page.goto(`${server.url}/overview?from=${today}&to=${today}`);
  await page.getByText("Model cost").waitFor();
  await page.getByText(/€0/).waitFor();
  assert.equal(await page.getByLabel("To (last day)").inputValue(), today);
  await page.getByLabel("From", { exact: true }).fill("2026-01-01");
  await page.waitForURL(/from=2026-01-01/);
  await picture(page, "spent");

  await page.goto(`${server.url}/settings/audit`);
  await page.getByLabel("Action").fill("model.price");
  await page.keyboard.press("Enter");
  await page.waitForURL(/action=model.price/);
  await page.getByRole("cell", { name: "model.price" }).waitFor();
  assert.equal(await page.getByRole("row").count(), 2);
  await page.reload();
  await page.getByRole("cell", { name: "model.price" }).waitFor();
  await page.getByLabel("Text").fill("no such thing");
  await page.keyboard.press("Enter");
  await page.getByText("Nothing was changed.").waitFor();
  await picture(page, "audit");
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByRole("cell", { name: "customer.edit" }).first().waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
