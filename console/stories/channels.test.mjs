// Channels and webhooks in the settings: connecting step by step, how they are, changing, removing, what was told.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { launch, PHONE, person, picture, serve, signIn, staff } from "./harness.mjs";

let server;
let browser;
let admin;
let graph;
let asked = [];
let takes = false;

before(async () => {
  server = await serve();
  admin = await staff(server);
  browser = await launch();
  // Meta, which thinks little of the number, and whose token ends in three days; and an integrator's server.
  graph = createServer((request, answer) => {
    let body = "";
    request.on("data", (d) => (body += d));
    request.on("end", () => {
      if (request.url === "/told") {
        asked.push({ headers: request.headers, body });
        answer.statusCode = takes ? 200 : 500;
        return answer.end();
      }
      answer.setHeader("content-type", "application/json");
      const ends = Math.floor(Date.now() / 1000) + 3 * 24 * 3600;
      if (request.headers.authorization !== "Bearer EAAG-second") {
        answer.statusCode = 401;
        return answer.end(JSON.stringify({ error: { code: 190, message: "expired" } }));
      }
      answer.end(JSON.stringify(request.url.includes("debug_token") ? { data: { is_valid: true, expires_at: ends } } : { verified_name: "Shop", quality_rating: "RED" }));
    });
  });
  await new Promise((done) => graph.listen(0, "127.0.0.1", done));
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await new Promise((done) => graph.close(done));
});

const card = (page, name) => page.locator("section", { has: page.getByRole("heading", { name, exact: true }) });

test("WhatsApp is connected by the steps, tested, given a new token, paused and removed", async () => {
  const { page, faults, context } = await person(browser);
  await signIn(page, server);
  await page.goto(`${server.url}/settings/channels`);
  await page.getByRole("button", { name: "Connect a channel" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: /^WhatsApp Meta/ }).click();
  for (const said of ["bills answers within 24 hours", "forbid general-purpose assistants", "Phone number ID (not the number itself)"]) await dialog.getByText(said).waitFor();
  await dialog.getByLabel("Phone number ID").fill("106540352242922");
  await dialog.getByLabel("Access token").fill("EAAG-first");
  await dialog.getByLabel("App secret").fill("0123456789abcdef0123456789abcdef");
  await dialog.getByRole("button", { name: "Make one" }).click();
  const verify = await dialog.getByLabel("Verify token").inputValue();
  assert.equal(verify.length, 20);
  await dialog.getByText("More settings").click();
  await dialog.getByLabel("Another address than Meta's").fill(`http://127.0.0.1:${graph.address().port}`);
  await dialog.getByRole("button", { name: "Connect", exact: true }).click();
  await dialog.getByText("paste the address as Callback URL").waitFor();
  const address = await dialog.locator("code", { hasText: "/webhooks/whatsapp_cloud/" }).textContent();
  await dialog.locator("code", { hasText: verify }).waitFor();
  assert.equal(await dialog.getByText("EAAG").count(), 0, "what Meta made is not shown again");
  const shaken = await fetch(`${address}?hub.mode=subscribe&hub.verify_token=${verify}&hub.challenge=42`);
  assert.deepEqual([shaken.status, await shaken.text()], [200, "42"]);
  await dialog.getByRole("button", { name: "Test" }).click();
  await dialog.getByText("It does not work yet").waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();

  const whatsapp = card(page, "WhatsApp");
  await whatsapp.getByRole("button", { name: "Settings" }).click();
  assert.equal(await dialog.getByLabel("Phone number ID").inputValue(), "106540352242922");
  assert.equal(await dialog.getByLabel("Access token").inputValue(), "");
  await dialog.getByLabel("Access token").fill("EAAG-second");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "hidden" });
  await whatsapp.getByRole("button", { name: "Test" }).click();
  await whatsapp.getByText("It works: Shop").waitFor();
  await whatsapp.getByText("Quality: low").waitFor();
  await whatsapp.getByText(/^Token ends/).waitFor();
  await whatsapp.getByText("Last problem").waitFor();
  await whatsapp.getByRole("button", { name: "Pause" }).click();
  await whatsapp.getByText("Paused").waitFor();
  // Whoever may mend it hears of the token, and comes here from the notification.
  await page.getByRole("button", { name: /Notifications$/ }).first().click();
  await page.getByText(/The token of the channel WhatsApp ends on/).click();
  await page.waitForURL("**/settings/channels");
  await whatsapp.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await whatsapp.waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await context.close();
});

test("an unofficial way is connected only by who has read what it is, also on a phone and in Chinese", async () => {
  const { page, faults, context } = await person(browser, { ...PHONE, locale: "zh-CN" });
  await signIn(page, server);
  await page.goto(`${server.url}/settings/channels`);
  await page.getByRole("button", { name: "接入渠道" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: /WhatsApp（?.*WAHA/ }).click();
  await dialog.getByText("号码可能在没有警告的情况下被封").waitFor();
  assert.equal(await dialog.getByLabel("WAHA 地址").count(), 0);
  await dialog.getByRole("checkbox").check();
  await dialog.getByLabel("WAHA 地址").fill("http://127.0.0.1:9");
  await dialog.getByLabel("API key").fill("K");
  await dialog.getByRole("button", { name: "生成" }).click();
  await dialog.getByRole("button", { name: "接入", exact: true }).click();
  await dialog.locator("code", { hasText: "/webhooks/waha/" }).waitFor();
  const box = await dialog.boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 390, "it fits the phone");
  await dialog.getByRole("button", { name: "完成" }).click();
  const all = await server.call(admin, "GET", "/api/channels");
  assert.ok(all.some((c) => c.platform === "waha" && c.unofficial));
  assert.deepEqual(faults, []);
  await context.close();
});

test("a place, business cards and a notice are what they are for the agent", async () => {
  const token = "a token of sixteen";
  const channel = await server.call(admin, "POST", "/api/channels", { platform: "gateway", name: "Gateway", config: { token } });
  const deliver = async (body) => {
    const answer = await fetch(`${server.url}${channel.webhook_path}/messages/inbox`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${token}` }, body: JSON.stringify({ from: "60123456789", name: "Mei Ling", timestamp: Math.floor(Date.now() / 1000), ...body }) });
    assert.equal(answer.status, 200);
  };
  await deliver({ id: "p1", type: "location", location: { latitude: 5.414184, longitude: 100.329113, name: "Penang Coffee House", address: "12 Lebuh Pantai" } });
  await deliver({ id: "c1", type: "vcard", vcards: ["BEGIN:VCARD\nFN:Barbara\nTEL:+60 12-555 8829\nEND:VCARD", "BEGIN:VCARD\nFN:老王\nTEL:+86 139 0013 9000\nEND:VCARD"] });
  await deliver({ id: "n1", type: "call_log", body: "" });
  await deliver({ id: "u1", type: "something new", body: "" });
  const { page, faults, context } = await person(browser);
  await signIn(page, server);
  await page.goto(`${server.url}/inbox?view=all`);
  const row = page.locator("a", { hasText: "Mei Ling" }).first();
  await row.getByText("A kind of message").waitFor();
  assert.doesNotMatch(await row.textContent(), /\[unsupported\]/);
  await row.click();
  const talk = page.locator("article[data-sender=customer]");
  await talk.filter({ hasText: "Place" }).getByText("Penang Coffee House").waitFor();
  assert.match(await page.getByRole("link", { name: "Open the map" }).getAttribute("href"), /mlat=5\.414184&mlon=100\.329113/);
  await talk.filter({ hasText: "Business card" }).getByText("老王: +86 139 0013 9000").waitFor();
  await talk.getByText("can’t be shown here").waitFor();
  assert.equal(await talk.count(), 3, "a missed call is no message");
  await picture(page, "cards");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a webhook is added, its secret shown once, and what failed is sent again", async () => {
  const { page, faults, context } = await person(browser);
  await signIn(page, server);
  await page.goto(`${server.url}/settings/webhooks`);
  await page.getByRole("button", { name: "Add a webhook" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Address").fill(`http://127.0.0.1:${graph.address().port}/told`);
  await dialog.getByLabel(/^New message/).uncheck();
  await dialog.getByLabel(/^Conversation changed/).uncheck();
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByText("shown only this once").waitFor();
  const secret = await dialog.locator("code").textContent();
  assert.ok(secret.length >= 32);
  await dialog.getByRole("button", { name: "Done" }).click();
  assert.equal(await page.getByText(secret).count(), 0);
  takes = true;
  await server.visitor("en", "I want to talk to a human");
  await page.getByRole("button", { name: "What it was told" }).click();
  await dialog.getByText("delivered").first().waitFor();
  const before = asked.length;
  await dialog.getByRole("button", { name: "Send again" }).first().click();
  for (let i = 0; i < 40 && asked.length === before; i++) await page.waitForTimeout(250);
  assert.equal(asked.at(-1).headers["x-frontdesk-delivery"], asked[0].headers["x-frontdesk-delivery"], "under the same id");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByText("No webhooks yet.").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
