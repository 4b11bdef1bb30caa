// Pictures of every page in both languages and themes, on a desktop and a phone, into target/screenshots.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DESKTOP, launch, person, PHONE, ready, serve, signIn, staff } from "./harness.mjs";
import { furnish, PAGES, show } from "./pages.mjs";

const into = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "../../target/screenshots");
const only = process.argv[3]?.split(",");
mkdirSync(into, { recursive: true });
const server = await serve();
const browser = await launch();
let failed = 0;
try {
  const admin = await staff(server);
  await ready(server, admin);
  await furnish(server, admin);
  for (const language of ["en", "zh"])
    for (const colorScheme of ["light", "dark"])
      for (const [device, options] of [["desktop", DESKTOP], ["phone", PHONE]]) {
        const variant = `${language}-${colorScheme}-${device}`;
        if (only && !only.includes(variant)) continue;
        const one = await person(browser, { ...options, colorScheme, locale: language === "zh" ? "zh-CN" : "en-GB" });
        await show(one.page, server, PAGES["sign-in"]);
        await one.page.screenshot({ path: join(into, `sign-in.${variant}.png`) });
        await signIn(one.page, server);
        for (const [name, page] of Object.entries(PAGES)) {
          if (page.signedOut) continue;
          try {
            await show(one.page, server, page, language);
            await one.page.screenshot({ path: join(into, `${name}.${variant}.png`) });
          } catch (error) {
            failed++;
            console.error(`${name}.${variant}: ${error.message.split("\n")[0]}`);
          }
        }
        for (const fault of one.faults) console.error(`${variant}: ${fault}`);
        await one.context.close();
        console.log(`${variant}: done`);
      }
} finally {
  await browser.close();
  await server.stop();
}
process.exit(failed ? 1 : 0);
