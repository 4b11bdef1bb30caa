// What customers, colleagues and documents write is text everywhere: it is put into every field, and every page is opened.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { whatsapp } from "./graph.mjs";
import { heard, launch, person, PHONE, picture, ready, say, serve, signIn, staff, until } from "./harness.mjs";
import { PAGES, show } from "./pages.mjs";

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

/** What was put into which field. */
const sown = new Map();
/** Turns the reading direction, hides letters. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** A text for the field `key` that does harm wherever it is taken for more than text. Cut to `most`, it still does; `without`
 * is what such a field can't hold. */
function hostile(key, most = 500, without = /^$/) {
  const id = `f${sown.size.toString(36)}f`;
  const parts = [
    `${id}\u202E"><img src=/ran/${id} onerror=ran()>`,
    `<svg onload="ran()">`,
    `<script>ran()</script>`,
    `'><iframe srcdoc="<script>parent.ran()</script>"></iframe>`,
    ` javascript:ran() [x](javascript:ran()) <a href="javascript:ran()">x</a>`,
    ` {{constructor.constructor('ran()')()}} \${ran()}`,
    ` gpj.exe\u2066\u200B`,
  ];
  let text = "";
  for (const part of parts) if ((text + part).length <= most) text += part;
  text = text.replace(without, "");
  sown.set(key, text);
  return text;
}

/** Sends a file in a form, as this user or visitor. */
async function upload(bearer, path, name, text, more = {}) {
  const form = new FormData();
  for (const [k, v] of Object.entries(more)) form.append(k, v);
  form.append("file", new Blob([text], { type: "text/plain" }), name);
  const answer = await fetch(server.url + path, { method: "POST", headers: { authorization: `Bearer ${bearer}` }, body: form });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

/** Puts something hostile into every field that is shown somewhere; what the pages need to be found. */
async function sow() {
  const call = (method, path, body) => server.call(admin, method, path, body);
  // The company.
  await call("PUT", "/api/organization", { name: hostile("organisation", 100) });
  const [me] = (await call("GET", "/api/users")).items.filter((u) => u.name === "Mei");
  await call("PATCH", `/api/users/${me.id}`, { name: hostile("user", 100), avatar_url: "javascript:ran()" }).catch(() => call("PATCH", `/api/users/${me.id}`, { name: sown.get("user") }));
  const team = await call("POST", "/api/teams", { name: hostile("team", 100), description: hostile("team description") });
  await call("PUT", `/api/teams/${team.id}/members/${me.id}`);
  await call("POST", "/api/roles", { name: hostile("role", 50), permissions: [{ permission: "conversation:read", scope: "org" }] });
  await call("POST", "/api/api-keys", { name: hostile("key", 100), scopes: ["conversation:read"] });
  const channel = await call("POST", "/api/channels", { platform: "gateway", name: hostile("channel", 100), config: { token: "a token of sixteen" } });
  const website = await call("POST", "/api/channels", { platform: "web", name: hostile("website", 100), settings: { suggestions: { en: [hostile("suggestion", 100)] } } });
  await call("POST", "/api/templates", { channel_id: phone.channel.id, name: "offer", language: "en", body: hostile("template", 250) });
  await call("POST", "/api/canned-replies", { shortcut: "x", content: hostile("canned reply") });
  await call("POST", "/api/views", { page: "inbox", name: hostile("inbox view", 60), filters: { view: "javascript:ran()" } });
  await call("POST", "/api/views", { page: "customers", name: hostile("customers view", 60), filters: {} });
  const tag = await call("POST", "/api/tags", { name: hostile("tag", 50), color: "#be185d", category: hostile("tag category", 50) });
  await call("PUT", "/api/customer-fields", { fields: [{ key: "a", label: hostile("field label", 60), type: "text" }, { key: "b", label: "Plan", type: "choice", choices: [hostile("field choice", 60)] }] });
  const stage = (key, kind) => ({ name: hostile(`stage ${key}`, 60), kind, probability: 50 });
  const pipeline = await call("POST", "/api/pipelines", { name: hostile("pipeline", 100), stages: [stage("one", "open"), stage("won", "won"), stage("lost", "lost")] });
  const hook = new URL(`https://hooks.example/${hostile("webhook", 60)}`);
  sown.set("webhook", hook.pathname);
  await call("POST", "/api/webhooks", { url: hook.href, events: ["message_created"] });
  const assistant = await call("GET", "/api/assistant");
  await call("POST", `/api/assistants/${assistant.id}/versions`, { note: hostile("version note", 300), rules: { name: hostile("assistant", 40), instructions: [hostile("rule", 300)], to_person: [hostile("topic", 60)] } });
  await call("POST", `/api/assistants/${assistant.id}/versions/1/publish`, { despite_regression: true });

  // Customers.
  const profile = {};
  for (const field of ["name", "company_name", "wechat_id", "region_city", "region_province", "remark", "company_website", "company_address", "company_industry", "company_size", "company_credit_code", "dingtalk_id"]) profile[field] = hostile(`customer ${field}`, field === "remark" ? 500 : 50);
  const customer = await call("POST", "/api/customers", { ...profile, type: "enterprise", custom_fields: { a: hostile("custom field"), b: sown.get("field choice") } });
  await call("PUT", `/api/customers/${customer.id}/tags/${tag.id}`);
  await call("POST", `/api/customers/${customer.id}/contacts`, { name: hostile("contact name", 100), title: hostile("contact title", 100), wechat_id: hostile("contact wechat", 60) });
  await call("POST", `/api/customers/${customer.id}/notes`, { text: hostile("customer note") });
  await call("POST", `/api/customers/${customer.id}/memories`, { value: hostile("memory", 300) });
  await call("PATCH", `/api/customers/${customer.id}`, { owner_id: me.id });
  const other = await call("POST", "/api/customers", { name: hostile("merged customer", 100) });
  await call("POST", `/api/customers/${customer.id}/merge`, { from: other.id, take: [] });
  await call("POST", "/api/customer-imports", { csv: `name,remark\n"${hostile("imported name", 100).replaceAll('"', '""')}",x\n`, file_name: hostile("import file", 100) });
  const deal = { customer_id: customer.id, pipeline_id: pipeline.id, amount: 100, currency: "USD" };
  await call("POST", "/api/deals", { ...deal, title: hostile("deal", 200), notes: hostile("deal notes") });
  const lost = await call("POST", "/api/deals", { ...deal, title: hostile("lost deal", 200) });
  await call("POST", `/api/deals/${lost.id}/lose`, { reason: hostile("loss reason", 200) });

  // Documents.
  const base = await call("POST", "/api/knowledge-bases", { name: hostile("knowledge base", 100), description: hostile("knowledge base description") });
  const { document: paper } = await upload(admin, "/api/documents", `${hostile("document file", 100, /[/"]/g)}.txt`, `${hostile("document text")}\n\nThe zeppelin landing costs 77 dollars.\n`, { title: hostile("document title", 200) });
  await call("POST", "/api/documents/url", { url: "http://127.0.0.1:9/x", title: hostile("fetched title", 200) }).catch(() => sown.delete("fetched title"));
  await call("POST", "/api/faqs", { question: hostile("question", 300), answer: hostile("answer"), category: hostile("category", 100) });
  await call("POST", "/api/memories", { value: hostile("shared memory", 300) });

  await until(async () => (await call("GET", `/api/documents/${paper.id}`)).processing_status === "completed");

  // What is said.
  const visitor = await server.visitor("en", `I want a human! ${hostile("message")}`);
  await upload(visitor, "/api/widget/files", `${hostile("visitor's file", 60, /[/"]/g)}.txt`, "x", { echo_id: crypto.randomUUID(), text: "a file" });
  const talk = await until(async () => (await call("GET", "/api/conversations?search=human")).items.find((c) => c.holder === "queue"));
  await call("PUT", `/api/customers/${talk.customer_id}/tags/${tag.id}`);
  await call("POST", `/api/conversations/${talk.id}/assign`, { team_id: team.id });
  await call("POST", `/api/conversations/${talk.id}/notes`, { text: `@Ada ${hostile("private note")}` });
  const first = await phone.says("60130000001", hostile("WhatsApp name", 100), hostile("WhatsApp message"));
  await phone.says("60130000001", sown.get("WhatsApp name"), hostile("edited message"), 0, { context: { from: "1", id: first } });
  await phone.does("60130000001", sown.get("WhatsApp name"), { type: "reaction", reaction: { message_id: first, emoji: "<img src=x onerror=ran()>" } });
  const deliver = async (body) => {
    const answer = await fetch(`${server.url}${channel.webhook_path}/messages/inbox`, { method: "POST", headers: { "content-type": "application/json", authorization: "Bearer a token of sixteen" }, body: JSON.stringify({ from: `6012345678${sown.size % 10}`, name: hostile(`sender ${body.id}`, 60), timestamp: Math.floor(Date.now() / 1000), ...body }) });
    assert.equal(answer.status, 200);
  };
  await deliver({ id: "p1", type: "location", location: { latitude: 5.4, longitude: 100.3, name: hostile("place", 200), address: hostile("address", 200) } });
  await deliver({ id: "c1", type: "vcard", vcards: [`BEGIN:VCARD\nFN:${hostile("card name", 100)}\nTEL:+60 12-555 8829\nURL:javascript:ran()\nEND:VCARD`] });
  await deliver({ id: "d1", type: "document", media_url: "javascript:ran()", filename: hostile("file name", 100) });
  return { customer, talk, website, pipeline, base, paper };
}

/** A browser that says what ran, what was asked for, and which markup came out of a text. */
async function watched(options) {
  const one = await person(browser, options);
  const ran = [];
  await one.context.exposeBinding("ran", ({ page }) => void ran.push(`a script on ${page.url()}`));
  await one.context.addInitScript(() => addEventListener("securitypolicyviolation", (e) => console.error(`refused: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`)));
  one.page.on("dialog", (d) => { ran.push(`dialog ${d.message()}`); void d.dismiss(); });
  one.page.on("request", (r) => /\/ran\/|javascript:/.test(decodeURIComponent(r.url())) && ran.push(`request ${r.url()}`));
  one.context.on("page", (p) => p !== one.page && ran.push(`window ${p.url()}`));
  return { ...one, ran };
}

/** What the console keeps and shows on no page, or only the gist of: the browser of a session. */
const UNSHOWN = ["customer region_province", "customer dingtalk_id", "contact wechat", "browser"];

/** Pages that are come to by another way here. */
const MET = ["conversation", "why", "customer", "deals", "deals-list", "document", "playground"];

/** Markup that none of our pages holds, and every text that is read or heard there. */
const look = (page) =>
  page.evaluate(() => {
    const found = [];
    const texts = [];
    for (const el of document.querySelectorAll("*")) {
      if (["IFRAME", "OBJECT", "EMBED", "BASE"].includes(el.tagName)) found.push(el.outerHTML.slice(0, 120));
      if (el.tagName === "SCRIPT" && !el.src.startsWith(location.origin) && el.type !== "application/json") found.push(el.outerHTML.slice(0, 120));
      for (const { name, value } of el.attributes) {
        if (/^on/i.test(name) || name === "srcdoc" || (/^(href|src|action|formaction|xlink:href|data|poster)$/i.test(name) && /^\W*(javascript|vbscript|data:text)|\/ran\//i.test(value))) found.push(`<${el.tagName.toLowerCase()} ${name}=${value}>`);
        else texts.push(value);
      }
      if (typeof el.value === "string") texts.push(el.value);
      for (const child of el.childNodes) {
        if (child.nodeType !== Node.TEXT_NODE) continue;
        texts.push(child.data);
        // What turns the direction does so up to the end of the element that isolates it: nothing else may stand there.
        if (!/[\u202a-\u202e\u2066-\u2069]/.test(child.data)) continue;
        let box = el;
        while (getComputedStyle(box).display === "inline" && !/isolate|plaintext/.test(getComputedStyle(box).unicodeBidi)) box = box.parentElement;
        const after = document.createRange();
        after.setStartAfter(child);
        after.setEndAfter(box.lastChild);
        const turned = [...after.cloneContents().childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data).join("");
        if (/[\p{L}\p{N}]/u.test(turned)) found.push(`turned round: ${turned.slice(0, 60)}`);
      }
    }
    return { found, texts: texts.join("\n") };
  });

/** Opens a menu or dialog; it is gone again with the page. */
const opened = (find) => async (page) => {
  await find(page).first().click();
  await page.locator("[role=dialog], [role=menu], [role=listbox]").first().waitFor();
};
const button = (name) => opened((page) => page.getByRole("button", { name }));

/** What stands on no page's first sight. */
async function depths({ customer, talk, pipeline, base, paper }) {
  const talks = await until(async () => {
    const { items } = await server.call(admin, "GET", "/api/conversations?limit=50");
    return items.length >= 5 && items;
  });
  const conversations = talks.map((c, i) => [`conversation ${i} of ${c.channel_type}`, { at: `/inbox/${c.id}?view=all`, then: (page) => page.getByRole("log").locator("article").first().waitFor() }]);
  const { deals } = PAGES;
  return {
    ...Object.fromEntries(conversations),
    "inbox views": { at: "/inbox", then: opened((page) => page.locator("button:has(svg.lucide-chevron-down)")) },
    "inbox filters": { at: "/inbox", then: (page) => page.getByRole("button", { name: "Filters" }).click() },
    "canned replies": { at: `/inbox/${talk.id}?view=all`, then: async (page) => { await page.fill("[data-composer]", "/"); await page.getByRole("option").first().waitFor(); } },
    mentions: { at: `/inbox/${talk.id}?view=all`, then: async (page) => { await page.getByRole("tab", { name: "Private note" }).click(); await page.locator("[data-composer]").pressSequentially("@"); await page.getByRole("option").first().waitFor(); } },
    assigning: { at: `/inbox/${talk.id}?view=all`, then: button("Actions") },
    customer: { at: `/customers/${customer.id}`, then: (page) => page.getByText("Became known").first().waitFor() },
    erasing: { at: `/customers/${customer.id}`, then: button("Erase …") },
    merging: { at: `/customers/${customer.id}`, then: button(/^Merge with/) },
    "import of a hostile file": { at: "/customers", then: async (page) => {
      await page.getByRole("button", { name: "Import CSV" }).click();
      await page.setInputFiles("[data-import]", { name: `${hostile("chosen file", 40)}.csv`, mimeType: "text/csv", buffer: Buffer.from(`name,${hostile("column", 50, /"/g)}\n"${hostile("row", 100).replaceAll('"', '""')}",x\n`) });
      await page.getByRole("dialog").getByRole("status").waitFor();
    } },
    board: { at: `${deals.at}?pipeline=${pipeline.id}`, then: (page) => page.getByText(sown.get("deal")).first().waitFor() },
    "list of deals": { at: `${deals.at}?as=list&pipeline=${pipeline.id}`, then: (page) => page.getByText(sown.get("deal")).first().waitFor() },
    "knowledge base": { at: `/knowledge?base=${base.id}`, then: async (page) => { await button("Actions")(page); await page.getByRole("menuitem", { name: /Edit/ }).click(); await page.getByRole("dialog").locator("textarea").waitFor(); } },
    deal: { at: `${deals.at}?as=list&pipeline=${pipeline.id}`, then: opened((page) => page.getByRole("button", { name: sown.get("deal"), exact: true })) },
    document: { at: `/knowledge?document=${paper.id}`, then: (page) => page.getByRole("dialog").locator("ol li").first().waitFor() },
    playground: { at: "/knowledge?tab=playground", then: async (page) => { await page.locator("form input").fill(`When is the zeppelin landing? ${hostile("asked", 100)}`); await page.keyboard.press("Enter"); await page.locator("h3").first().waitFor(); } },
    notifications: { at: "/inbox", then: button(/Notifications/) },
    "new version": { at: "/settings/versions", then: button(/draft/i) },
  };
}

test("what anybody writes in any field is text on every page", async () => {
  const made = await sow();
  hostile("browser");
  const seen = new Set();
  const faults = [];
  const check = async ({ page, ran }, where) => {
    const { found, texts } = await look(page);
    faults.push(...[...ran.splice(0), ...found].map((f) => `${where}: ${f}`));
    const plain = texts.replace(INVISIBLE, "");
    for (const [key, text] of sown) if (plain.includes(text.replace(INVISIBLE, "").trim())) seen.add(key);
  };
  const chat = await watched(PHONE);
  await chat.page.goto(`${server.url}/chat?channel=${made.website.id}`);
  await chat.page.getByText(sown.get("suggestion")).first().waitFor();
  await check(chat, "empty chat");
  await say(chat.page, "When is the zeppelin landing, and what does it cost?");
  await heard(chat.page, "77 dollars");
  await say(chat.page, `I want to talk to a human now! **${hostile("chat message", 100)}**`);
  const own = await until(async () => (await server.call(admin, "GET", "/api/conversations?search=zeppelin")).items.find((c) => c.holder === "queue"));
  await server.call(admin, "POST", `/api/conversations/${own.id}/messages`, { text: `${hostile("agent's answer", 250)}\n\n| a | b |\n|---|---|\n| ${hostile("cell", 100)} | https://x.example/"onclick=ran() |\n\n- [link](javascript:ran())\n- **<b onclick=ran()>**` });
  await upload(admin, `/api/conversations/${own.id}/files`, `${hostile("agent's file", 60, /[/"]/g)}.txt`, "Good day.");
  await heard(chat.page, sown.get("cell"));
  await heard(chat.page, sown.get("agent's file").slice(0, 8));
  await check(chat, "chat");
  await picture(chat.page, "hostile-chat");
  faults.push(...chat.faults);
  await chat.context.close();
  const places = { ...(await depths(made)), ...Object.fromEntries(Object.entries(PAGES).filter(([name, p]) => !p.signedOut && !MET.includes(name))) };
  // Two look at them, to be done sooner.
  const all = Object.entries(places);
  const walk = async () => {
    const agent = await watched({ userAgent: sown.get("browser") });
    await signIn(agent.page, server);
    agent.page.setDefaultTimeout(15_000);
    for (let next = all.shift(); next; next = all.shift()) {
      await show(agent.page, server, next[1]).catch((e) => faults.push(`${next[0]}: ${e.message.split("\n")[0]}`));
      await check(agent, next[0]);
    }
    faults.push(...agent.faults);
    await agent.context.close();
  };
  await Promise.all([walk(), walk()]);
  assert.deepEqual(faults, []);
  // Each was met, whole, as its letters: what is on no page is not tried here.
  assert.deepEqual([...sown.keys()].filter((key) => !seen.has(key) && !UNSHOWN.includes(key)), []);
});
