"use strict";
// Making elements. Text of sessions comes into the page as text only.

const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** An element with attributes and children; null children are left out, strings become text. */
function make(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const words = (name) => String(name).replaceAll("_", " ");
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const number = (value) => value.toLocaleString("en");
const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
const seconds = (value) =>
  value >= 90 ? `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`
    : value < 0.1 ? `${(1000 * value).toFixed(value < 0.01 ? 1 : 0)} ms`
      : `${value.toFixed(value < 10 ? 2 : 1)} s`;
const plain = (text) => text.normalize("NFKC").toLocaleLowerCase();

const isFigure = (cell) => typeof cell === "number" || /^([\d.,]+( (ms|s))?|–)$/.test(cell);

/** Say what is wrong, or with an empty text that all is well. */
function problem(text) {
  const box = find("#problem");
  box.hidden = !text;
  box.textContent = text;
  return null;
}

/** Have a screen reader say so. */
function announce(text) {
  find("#announcer").textContent = text;
}

/** A table with a caption; cells may be text or elements, and numbers stand to the right. */
function table(caption, heads, rows) {
  const cells = (row) =>
    row.map((cell, place) =>
      place ? make(isFigure(cell) ? "td.number" : "td", {}, typeof cell === "number" ? number(cell) : cell)
        : make("th", { scope: "row" }, cell));
  return make("div.wide", { tabindex: "0", role: "region", "aria-label": caption },
    make("table", {},
      make("caption", {}, caption),
      make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, rows.map((row) => make("tr", {}, cells(row))))));
}

/** Title and value pairs. */
function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return make("dl.facts", {}, shown.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

/** Where a query stands in a text, as [start, end] in UTF-16 units; letter case does not count. */
function hitsIn(text, query) {
  const found = [];
  if (!query) return found;
  // Lower case may have another length (İ): then the text is searched as it stands.
  const low = text.toLowerCase();
  const [haystack, needle] = low.length === text.length ? [low, query.toLowerCase()] : [text, query];
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + needle.length)) {
    found.push([at, at + needle.length]);
  }
  return found;
}

/** Spans {start, end, place, shade, title} in their order, without overlap: what an earlier one holds, a later one does not. */
function apart(spans, length) {
  let last = 0;
  const kept = [];
  for (const span of [...spans].sort((one, other) => one.start - other.start)) {
    const start = Math.max(span.start, last);
    const end = Math.min(span.end, length);
    if (start < end) kept.push({ ...span, start, end });
    last = Math.max(last, end);
  }
  return kept;
}

/** A text as nodes: hits of the search are marked, and what survived of candidates, with the number and name of each. */
function marked(text, spans = [], query = "") {
  const shown = apart(spans, text.length);
  const hits = hitsIn(text, query);
  const edges = [...new Set([0, text.length, ...shown.flatMap(({ start, end }) => [start, end]), ...hits.flat()])];
  edges.sort((one, other) => one - other);
  const nodes = [];
  edges.slice(0, -1).forEach((start, index) => {
    const piece = text.slice(start, edges[index + 1]);
    const hit = hits.findIndex(([from, to]) => from <= start && start < to);
    const node = hit < 0 ? document.createTextNode(piece) : make("mark.hit", { "data-hit": hit }, piece);
    const span = shown.find((one) => one.start <= start && start < one.end);
    if (span?.start === start) nodes.push(keptPart(span));
    if (span) nodes.at(-1).lastChild.before(node);
    else nodes.push(node);
  });
  return nodes;
}

function keptPart({ place, shade, title }) {
  return make(`span.kept.shade-${shade}`, { title },
    make("sup", { "aria-hidden": "true" }, String(place + 1)),
    make("span.unseen", {}, ` [${title}: `), make("span.unseen", {}, "] "));
}
