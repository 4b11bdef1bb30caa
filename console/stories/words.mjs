// The console's two catalogues of words, and which of its English is still read on a Chinese page.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const src = join(dirname(fileURLToPath(import.meta.url)), "../src");

/** What a text with values in it looks like: the values are anything. */
function pattern(make) {
  const values = Array.from({ length: make.length }, (_, i) => `\u0001${i}\u0002`);
  try {
    const text = make(...values);
    if (typeof text !== "string") return undefined;
    const [before = "", ...rest] = text.split(/\u0001\d\u0002/);
    // A text that is hardly more than its values fits anything.
    if ([before, ...rest].join("").replace(/[^A-Za-z]/g, "").length < 4) return undefined;
    return new RegExp(`^${[before, ...rest].map((p) => p.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".+")}$`, "s");
  } catch {
    return undefined; // it wants something else than a text
  }
}

/** Both catalogues, and what tells a text of ours that stayed English. */
export async function words() {
  const of = async (file) => (await runnerImport(join(src, file), { configFile: false, logLevel: "error" })).module;
  const [{ en }, { zh }] = [await of("words/en.ts"), await of("words/zh.ts")];
  const english = new Map();
  const patterns = [];
  const chinese = new Set();
  const walk = (a, b, path) => {
    if (typeof b === "string") chinese.add(b.trim());
    if (typeof a === "string" && a !== b && /[A-Za-z]{2}/.test(a)) english.set(a.trim(), path);
    else if (typeof a === "function") {
      const found = pattern(a);
      if (found) patterns.push([found, path]);
    } else if (a && typeof a === "object") for (const key of Object.keys(a)) walk(a[key], b?.[key], `${path}.${key}`);
  };
  walk(en, zh, "w");
  return {
    en,
    zh,
    /** Where in the catalogue a text stands in English that has a Chinese one. */
    english(text) {
      if (chinese.has(text)) return undefined;
      return english.get(text) ?? patterns.find(([is]) => is.test(text))?.[1];
    },
    /** Whether a text of ours is the same in Chinese: names of products, formats. */
    same: (text) => chinese.has(text) || [...chinese].some((t) => t.includes(text)),
  };
}

/** Every text of a page that is read, seen or heard: also what only a wider window shows. */
export const texts = (page) =>
  page.evaluate(() => {
    const found = new Set();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) {
        if (!["SCRIPT", "STYLE", "CODE", "PRE"].includes(node.parentElement?.tagName)) found.add(node.data.trim());
      } else for (const name of ["aria-label", "title", "placeholder", "alt"]) if (node.hasAttribute(name)) found.add(node.getAttribute(name).trim());
    }
    found.delete("");
    return [...found];
  });
