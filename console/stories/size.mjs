// How much JavaScript the inbox loads first, as it travels; fails above the limit.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT = 300 * 1024;
const assets = join(dirname(fileURLToPath(import.meta.url)), "../dist/site/assets");
const files = readdirSync(assets).filter((f) => f.endsWith(".js"));
const read = (f) => readFileSync(join(assets, f), "utf8");
const seen = new Set();
/** Follows what a file imports at once; what it loads later is counted only for the inbox page. */
function follow(name) {
  if (seen.has(name)) return;
  seen.add(name);
  for (const [, other] of read(name).matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) follow(other);
}
const begin = (prefix) => files.find((f) => f.startsWith(prefix));
follow(begin("index-"));
follow(begin("Inbox-"));
const total = [...seen].reduce((sum, f) => sum + gzipSync(read(f), { level: 9 }).length, 0);
console.log(`inbox: ${(total / 1024).toFixed(1)} KB of gzipped JavaScript in ${seen.size} files (limit ${LIMIT / 1024} KB)`);
process.exit(total > LIMIT ? 1 : 0);
