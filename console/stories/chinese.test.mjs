// Every page in Chinese, on a phone: nothing of ours is left in English, nothing is cut off, nothing fails.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { launch, person, PHONE, picture, ready, serve, signIn, staff } from "./harness.mjs";
import { furnish, PAGES, show } from "./pages.mjs";
import { texts, words } from "./words.mjs";

/** Addresses, and what is called so in every language. */
const NAMES = /\S+[@/]\S+|Chrome, Linux/g;

let server;
let browser;
let spoken;

before(async () => {
  server = await serve();
  const admin = await staff(server);
  await ready(server, admin);
  await furnish(server, admin);
  browser = await launch();
  spoken = await words();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("no page says anything of ours in English, and every page fits a phone", async () => {
  const found = [];
  const all = Object.entries(PAGES);
  const walk = async () => {
    const { page, context, faults } = await person(browser, { ...PHONE, locale: "zh-CN" });
    // What the server gave: names, documents, what people wrote. It is not ours to translate.
    let given = "";
    const coming = new Set();
    page.on("response", (answer) => {
      if (!/\/api\//.test(answer.url()) || /event-stream/.test(answer.headers()["content-type"] ?? "")) return;
      const read = answer.text().then((text) => { given += JSON.stringify(text); }, () => {}).finally(() => coming.delete(read));
      coming.add(read);
    });
    const look = async (name) => {
      await Promise.all(coming);
      for (const text of await texts(page)) {
        const where = spoken.english(text);
        const bare = text.replace(/^[^\p{L}\p{N}]+/u, "");
        if (where) found.push(`${name}: ${where}: ${text}`);
        else if (/[A-Za-z]{2,}[ ,;…-]+[A-Za-z]{2,}/.test(text.replace(NAMES, "")) && !/\p{Script=Han}/u.test(text) && !spoken.same(text) && !given.includes(JSON.stringify(JSON.stringify(bare)).slice(3, -3))) found.push(`${name}: ${text}`);
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) found.push(`${name}: ${wide}px too wide`);
    };
    await show(page, server, PAGES["sign-in"], "zh");
    await look("sign-in");
    await signIn(page, server);
    page.setDefaultTimeout(15_000);
    for (let next = all.shift(); next; next = all.shift()) {
      if (next[1].signedOut) continue;
      await show(page, server, next[1], "zh").catch((e) => found.push(`${next[0]}: ${e.message.split("\n")[0]}`));
      await look(next[0]);
      await picture(page, `zh-${next[0]}`);
    }
    found.push(...faults);
    await context.close();
  };
  // Two look at them, to be done sooner.
  await Promise.all([walk(), walk()]);
  assert.deepEqual([...new Set(found)], []);
});

test("what the server refuses is told in Chinese", () => {
  const src = join(dirname(fileURLToPath(import.meta.url)), "../../src");
  const code = readdirSync(src, { recursive: true })
    .filter((file) => file.endsWith(".rs"))
    .map((file) => readFileSync(join(src, file), "utf8"))
    .join("\n");
  const said = new Set([...code.matchAll(/Conflict\(\s*"([a-z][^"{]+ [^"{]+)"/g)].map((m) => m[1]));
  assert.ok(said.size > 30, "they are found");
  // Nobody is told of this but in the log.
  said.delete("the vector collection exists with vectors of another length");
  assert.deepEqual([...said].filter((text) => !spoken.zh.refusals[text]), [], "without Chinese words");
  assert.deepEqual(Object.keys(spoken.zh.refusals).filter((text) => !code.includes(`"${text}"`)), [], "said no more");
});
