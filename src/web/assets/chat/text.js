// Turns a message's text into nodes: paragraphs, lists, tables, bold, code, links, and [1] as a way to its source.
// Nothing is ever parsed as HTML.

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((c) => c != null));
  return node;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

const INLINE =
  /\*\*(?<bold>[^*\n]+)\*\*|`(?<code>[^`\n]+)`|\[(?<cite>\d{1,2})\]|(?<link>https?:\/\/[^\s<>"'，。；！？、）】》]+[^\s<>"'.,;:!?)，。；！？、）】》])|(?<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)/g;

function inline(text, cite) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    const { bold, code, cite: number, link, mail } = found.groups;
    const node = bold
      ? make("strong", {}, bold)
      : code
        ? make("code", {}, code)
        : link
          ? make("a", { href: link, target: "_blank", rel: "noopener noreferrer nofollow" }, link)
          : mail
            ? make("a", { href: `mailto:${mail}` }, mail)
            : cite?.(Number(number));
    if (!node) continue;
    nodes.push(text.slice(from, found.index), node);
    from = found.index + found[0].length;
  }
  nodes.push(text.slice(from));
  return nodes;
}

const isRow = (line) => /^\s*\|.*\|\s*$/.test(line);
const isRule = (line) => /^\s*\|[\s:|-]+\|\s*$/.test(line);
const cells = (line) => line.trim().slice(1, -1).split("|").map((c) => c.trim());
const listed = /^\s*(?:[-*•]|(\d{1,2})[.)、])\s+(.*)$/;

function tableOf(lines, cite) {
  const headed = lines.length > 1 && isRule(lines[1]);
  const rows = lines.filter((l) => !isRule(l)).map(cells);
  const head = headed ? rows.shift() : null;
  return make("div", { class: "table", tabindex: "0", role: "region", "aria-label": say("table") },
    make("table", {},
      head && make("thead", {}, make("tr", {}, ...head.map((c) => make("th", { scope: "col" }, ...inline(c, cite))))),
      make("tbody", {}, ...rows.map((r) => make("tr", {}, ...r.map((c) => make("td", {}, ...inline(c, cite))))))));
}

function rich(text, cite) {
  const blocks = [];
  const lines = text.replace(/\r\n?/g, "\n").trim().split("\n");
  const taken = (from, test) => {
    let to = from;
    while (to < lines.length && test(lines[to])) to++;
    return to;
  };
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) {
      at++;
    } else if (isRow(line)) {
      const to = taken(at, isRow);
      blocks.push(tableOf(lines.slice(at, to), cite));
      at = to;
    } else if (listed.test(line)) {
      const to = taken(at, (l) => listed.test(l));
      const first = line.match(listed)[1];
      const items = lines.slice(at, to).map((l) => make("li", {}, ...inline(l.match(listed)[2], cite)));
      blocks.push(make(first ? "ol" : "ul", { start: first && first !== "1" ? first : null }, ...items));
      at = to;
    } else if (/^#{1,4}\s/.test(line)) {
      blocks.push(make("p", { class: "heading" }, ...inline(line.replace(/^#+\s+/, ""), cite)));
      at++;
    } else {
      const to = taken(at, (l) => l.trim() && !isRow(l) && !listed.test(l) && !/^#{1,4}\s/.test(l));
      const paragraph = make("p");
      lines.slice(at, to).forEach((l, i) => paragraph.append(...(i ? [make("br")] : []), ...inline(l, cite)));
      blocks.push(paragraph);
      at = to;
    }
  }
  return blocks;
}
