// axe finds no serious fault on any page, in both themes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, person, ready, serve, signIn, staff } from "./harness.mjs";
import { furnish, PAGES, show } from "./pages.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let server;
let browser;
let admin;

before(async () => {
  server = await serve();
  admin = await staff(server);
  await ready(server, admin);
  await furnish(server, admin);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const [colorScheme, locale] of [["light", "en-GB"], ["dark", "zh-CN"]])
  test(`no serious fault of accessibility, ${colorScheme}, ${locale}`, async () => {
    // axe is put into the page by us: the page's own policy would refuse it.
    const one = await person(browser, { colorScheme, locale, bypassCSP: true });
    const found = [];
    const look = async (name) => {
      await one.page.evaluate(axe);
      const { violations } = await one.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      for (const v of violations) if (v.impact === "serious" || v.impact === "critical") for (const n of v.nodes.slice(0, 4)) found.push(`${name}: ${v.id}: ${n.html.slice(0, 160)}`);
    };
    await show(one.page, server, PAGES["sign-in"]);
    await look("sign-in");
    await signIn(one.page, server);
    for (const [name, page] of Object.entries(PAGES)) {
      if (page.signedOut) continue;
      await show(one.page, server, page, locale.slice(0, 2));
      await look(name);
    }
    assert.deepEqual(found, []);
    await one.context.close();
  });
