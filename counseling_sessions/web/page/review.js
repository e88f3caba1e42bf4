"use strict";
// The review at the end: the same data and the same words as in the files beside the record.

const CURVES = ["trust", "belief", "feeling"];
const WIDTH = 640;
const HEIGHT = 200;
const MARGIN = 30;

let said = {};
const fill = (name, values = {}) => (said[name] ?? "").replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all).trim();

function showReview({ ended, review, texts, text, folder }) {
  const box = find("#review");
  if (!box.hidden) return;
  box.hidden = false;
  said = texts;
  box.replaceChildren(make("h2", { id: "review-title", tabindex: "-1" }, said.head), make("p", {}, ended),
    ...(review?.messages ? partsOf(review) : []).filter(Boolean),
    ...(review ? [saves(review, text)] : []),
    make("p.note", {}, `Everything lies in ${folder}.`));
  find("#print")?.addEventListener("click", () => print());
  find("#review-title").focus();
  announce(`${said.head}. ${ended}`);
}

function partsOf(review) {
  return [
    part(null, ...numbers(review)),
    review.is_read ? part(null, labelTable(review.own)) : part(null, make("p", {}, said.unread)),
    review.course.length ? part(said.course, ...course(review)) : null,
    review.is_read ? part(review.missed.length ? said.missed : null, ...missed(review.missed)) : null,
    listed("stacked", review.stacked, (one) => fill("stacked_item", { turn: one.turn, questions: one.questions.join(" ") })),
    listed("early", review.early, (one) => fill("early_item", { ...one, why: said.early_why[one.phase] })),
    listed("pressed", review.pressed, (one) => fill("pressed_item", one)),
    review.form.length ? part(fill("form", review), formList(review.form)) : null,
  ];
}

const part = (title, ...children) => make("section", {}, title ? make("h3", {}, title) : null, children);

/** A part with a line for each item, if there is any; its turn is a link to what was said. */
function listed(name, items, line) {
  if (!items.length) return null;
  return part(said[name], make("ul", {}, items.map((one) => make("li", {}, line(one), " ", turnLink(one.turn)))));
}

/** A button that goes to a message: the address stays that of the session. */
const turnLink = (turn) => make("button.to-turn", { type: "button", "data-turn": turn, "aria-label": `Show turn ${turn}` }, "show");

function numbers(review) {
  const share = review.share === null ? "–" : `${Math.round(100 * review.share)}%`;
  const longest = Math.max(...review.own.map((one) => one.words));
  return [
    make("p", {}, fill("words", { ...review, share })),
    make("p", {}, fill("longest", { words: longest, turn: review.longest }), " ", turnLink(review.longest)),
    review.is_read ? make("p", {}, fill(review.questions.other ? "questions_other" : "questions", review.questions)) : null,
  ];
}

function labelTable(own) {
  const counts = new Map();
  for (const label of own.flatMap((one) => one.labels)) counts.set(label.title, (counts.get(label.title) ?? 0) + 1);
  if (!counts.size) return make("p", {}, said.no_labels);
  const head = fill("labels", { counts: [...counts].sort((one, other) => other[1] - one[1]).map(([title, times]) => `${title} ${times}`).join(", ") });
  const rows = own.map((one) => [String(one.turn), one.words,
    one.labels.map((label) => (label.sure ? label.title : fill("likely", label))).join(", ") || said.no_label]);
  return table(head, ["Turn", "Words", "Labels"], rows);
}

function missed(items) {
  if (!items.length) return [make("p", {}, said.missed_none)];
  return items.map((one) => make("div.pair", {},
    make("div.client", {}, make("span.who", {}, `turn ${one.turn}, ${one.kind}`), make("span.text", {}, one.sentence)),
    make("div.counselor", {}, make("span.who", {}, "You"), make("span.text", {}, one.reply))));
}

function formList(form) {
  const where = (one) => fill("form_where", {
    level: said.level[one.level], where: one.turn === null ? said.form_kept : fill("form_told", one),
  });
  return make("dl.form", {}, form.map((one) => make("div", {}, make("dt", {}, one.title),
    make("dd", {}, make("span.text", {}, one.text), one.level ? make("small", {}, where(one)) : null))));
}

function course(review) {
  return [...curves(review.course, said),
    review.moved ? make("p", {}, said.moved[review.moved]) : null,
    make("ul", {}, review.turnings.map((one) => make("li", {}, fill(one.change > 0 ? "rose" : "fell", {
      turn: one.turn, why: one.heard.map((heard) => said.heard[heard]).join(" and "), said: one.said,
    }), " ", turnLink(one.turn))))];
}

/** The client's state over the turns, as a picture, and as a table for those who cannot see it, in the words of `texts`. */
function curves(points, texts) {
  const x = (place) => MARGIN + (place * (WIDTH - 2 * MARGIN)) / Math.max(points.length - 1, 1);
  const y = (value) => HEIGHT - MARGIN - (value * (HEIGHT - 2 * MARGIN)) / 10;
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curve", role: "img", "aria-label": texts.course });
  for (const value of [0, 5, 10]) {
    drawing.append(svg("line", { class: "grid", x1: MARGIN, x2: WIDTH - MARGIN, y1: y(value), y2: y(value) }), svg("text", { x: 4, y: y(value) + 4 }, value));
  }
  points.forEach((point, place) => drawing.append(svg("text", { x: x(place) - 3, y: HEIGHT - 8 }, point.turn)));
  CURVES.forEach((name, shade) => drawing.append(
    svg("path", { class: `line-${shade}`, d: points.map((point, place) => `${place ? "L" : "M"}${x(place)} ${y(point[name])}`).join("") }),
    svg("text", { class: `end-${shade}`, x: WIDTH - MARGIN + 5, y: y(points.at(-1)[name]) + 4 }, shade + 1)));
  const key = make("p.note", {}, CURVES.map((name, shade) => [make(`b.key-${shade}`, {}, `${shade + 1} ${texts.scales[name]}`), " "]));
  const rows = points.map((point) => [String(point.turn), ...CURVES.map((name) => point[name]), point.openness, point.heard.map((one) => texts.heard[one]).join(", ")]);
  const heads = ["Turn", ...CURVES.map((name) => texts.scales[name]), texts.scales.openness, "What it heard"];
  return [key, drawing, make("details", {}, make("summary", {}, "As a table"), table(texts.course, heads, rows))];
}

function svg(tag, attributes, content = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (content !== null) element.textContent = content;
  return element;
}

function saves(review, text) {
  return make("div.actions", {},
    save("Keep the review", `${review.session_id}.review.txt`, text, "text/plain"),
    save("The review as data, to hand in", `${review.session_id}.review.json`, JSON.stringify(review, null, 1), "application/json"),
    make("button", { type: "button", id: "print" }, "Print"));
}

function save(title, name, content, type) {
  const link = make("a.button", { href: "#", download: name }, title);
  link.href = URL.createObjectURL(new Blob([content], { type }));
  return link;
}
