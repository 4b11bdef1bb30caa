// Every page of the console, and how to come to it.
export const PAGES = {
  "sign-in": { at: "/sign-in", signedOut: true },
  inbox: { at: "/inbox" },
  conversation: { at: "/inbox?view=waiting", then: async (page) => { await page.locator("a[href*='/inbox/']").last().click(); await page.getByRole("log").waitFor(); } },
  why: { at: "/inbox?view=assistant", then: async (page) => { await page.locator("a[href*='/inbox/']").last().click(); await page.locator("article button.underline").first().click(); await page.getByRole("dialog").locator("table, section").first().waitFor(); } },
  customers: { at: "/customers" },
  customer: { at: "/customers", then: async (page) => { await page.locator("td a").first().click(); await page.getByRole("heading", { level: 2 }).first().waitFor(); } },
  "customers-import": { at: "/customers", then: async (page) => { await page.locator("header button:has(svg.lucide-upload)").click(); await page.getByRole("dialog").locator("ul").waitFor(); } },
  deals: { at: "/deals" },
  "deals-list": { at: "/deals?as=list" },
  knowledge: { at: "/knowledge" },
  document: { at: "/knowledge", then: async (page) => { await page.locator("td button").first().click(); await page.getByRole("dialog").locator("ol li").first().waitFor(); } },
  faqs: { at: "/knowledge?tab=faqs" },
  playground: { at: "/knowledge?tab=playground", then: async (page, language) => { await page.locator("form input").fill(language === "zh" ? "保修多久？" : "How long is the warranty?"); await page.keyboard.press("Enter"); await page.locator("h3").first().waitFor(); } },
  use: { at: "/knowledge?tab=use" },
  gaps: { at: "/knowledge?tab=gaps" },
  memories: { at: "/knowledge?tab=memories" },
  overview: { at: "/overview" },
  health: { at: "/health" },
  ...Object.fromEntries(["me", "notifications", "organization", "people", "teams", "roles", "security", "channels", "templates", "canned", "rules", "away", "tags", "fields", "pipelines", "keys", "webhooks", "model", "versions", "audit"].map((s) => [`settings-${s}`, { at: `/settings/${s}` }])),
  "channel-kinds": { at: "/settings/channels", then: connecting },
  "channel-set-up": { at: "/settings/channels", then: async (page) => { await connecting(page); await page.getByRole("dialog").locator("li button").nth(1).click(); await page.locator("input[name=access_token]").waitFor(); } },
};

/** Opens the dialog in which a channel is connected. */
async function connecting(page) {
  await page.locator("h2 + div button").first().click();
  await page.getByRole("dialog").locator("li button").first().waitFor();
}

/** Shows a page, as far as it has to be loaded. */
export async function show(page, server, { at, then }, language = "en") {
  await page.goto(server.url + at);
  await page.locator("h1").first().waitFor();
  await page.waitForLoadState("networkidle").catch(() => {});
  if (then) await then(page, language);
  await page.waitForTimeout(350);
}

/** Something to look at on every page. */
export async function furnish(server, admin) {
  const talks = [
    ["en", "How long is the warranty?"],
    ["zh", "用过的商品可以退吗？"],
    ["en", "Do you sell submarines with a nuclear reactor?"],
    ["zh", "可以开增值税专用发票吗？我们公司下周要报销。"],
    ["en", "This is the third time I write. The kettle broke and nobody helps me, this is unacceptable!"],
    ["zh", "我要找人工客服"],
    ["en", "Can I return something I have used?"],
  ];
  for (const [language, ...says] of talks) await server.visitor(language, ...says);
  const call = (method, path, body) => server.call(admin, method, path, body);
  await call("PUT", "/api/customer-fields", { fields: [{ key: "visits", label: "到店次数", type: "number" }, { key: "plan", label: "套餐", type: "choice", choices: ["Basic", "Pro"] }] });
  await call("POST", "/api/customer-imports", { csv: "name,email,套餐\nLotus Tea House,tea@example.com,Pro\n竹里馆,,Basic\n", file_name: "fair-2026.csv" });
  const tags = [];
  for (const [name, color] of [["VIP", "#b45309"], ["Wholesale", "#1d4ed8"], ["退货", "#be185d"]]) tags.push(await call("POST", "/api/tags", { name, color }));
  const pipeline = (await call("GET", "/api/pipelines"))[0];
  const open = pipeline.stages.filter((s) => s.kind === "open");
  const names = ["Northwind Traders", "Blue Heron Café", "青禾贸易", "Kopi & Co", "Harbour Hotel", "明月书店"];
  for (const [i, name] of names.entries()) {
    const c = await call("POST", "/api/customers", { name, type: "enterprise", company_name: name, email: "office@example.com", phone: "+60 12-345 6789", stage: ["potential", "interested", "opportunity", "closed", "repeat", "lost"][i] });
    await call("PUT", `/api/customers/${c.id}/tags/${tags[i % 3].id}`);
    await call("POST", `/api/customers/${c.id}/contacts`, { name: "Front office", title: "Purchasing", email: "office@example.com", is_primary: true });
    await call("POST", `/api/customers/${c.id}/notes`, { text: i % 2 ? "每季度订货一次。" : "Orders every quarter; wants one invoice for all branches." });
    const deal = await call("POST", "/api/deals", { customer_id: c.id, title: i % 2 ? `${name} 年度采购` : `Kettles for ${name}`, amount: 120_000 + i * 77_700, currency: i % 2 ? "CNY" : "USD", stage: open[i % open.length].key, expected_close_date: "2027-01-15" });
    if (i === 3) await call("POST", `/api/deals/${deal.id}/win`);
    if (i === 5) await call("POST", `/api/deals/${deal.id}/lose`, { reason: "Price" });
  }
  await call("POST", "/api/canned-replies", { shortcut: "hello", content: "Hello {{customer}}, this is {{agent}} of {{company}}. How can I help?" });
  await call("POST", "/api/canned-replies", { shortcut: "稍等", content: "{{customer}}您好，我正在为您核实，请稍等片刻。", language: "zh" });
  await call("POST", "/api/faqs", { question: "Do you gift-wrap?", answer: "Yes, for 3 dollars per parcel. Say so in the order's note." });
  await call("POST", "/api/faqs", { question: "可以自提吗？", answer: "可以，请在下单时选择到店自提。", category: "配送" });
  const memories = [];
  for (const value of ["Customers who say “the island store” mean the shop in Penang.", "客户说的“大水壶”是指 1.7 升电热水壶。", "“The set” is the kettle with two cups."]) memories.push(await call("POST", "/api/memories", { value }));
  await call("POST", `/api/memories/${memories[0].id}/decide`, { is_approved: true });
  await call("POST", "/api/teams", { name: "Night shift", description: "22:00 to 6:00" });
  // The assistant has answered all of them.
  for (let i = 0; i < 60; i++) {
    const all = (await call("GET", "/api/conversations?limit=50")).items;
    if (all.length >= talks.length && all.every((c) => c.message_count > 1)) return;
    await new Promise((r) => setTimeout(r, 500));
  }
}
