"use strict";
// The review at the end: the same data as in the file beside the record.

const SCALES = [["trust", "trust"], ["belief", "the painful thought"], ["feeling", "strength of the feeling"]];
const WIDTH = 640;
const HEIGHT = 200;
const MARGIN = 30;

function showReview({ ended, review, text, folder }) {
  const box = find("#review");
  if (!box.hidden) return;
  box.hidden = false;
  const parts = review?.messages ? [
    part("In numbers", textLines(text.split("\n").slice(1, 4))),
    part("What your messages were", make("p.note", {}, "A classifier reads them; it can mistake what was meant."), labelTable(review.own)),
    review.course.length ? part("How the client took it", ...course(review)) : null,
    part("Moments to look at again", ...missed(review.missed)),
    review.stacked.length ? part("Several questions in one message", list(review.stacked, (one) => [`Turn ${one.turn}: `, one.questions.join(" ")])) : null,
    review.early.length ? part("Advice that came early", list(review.early, (one) => [`Turn ${one.turn}, ${words(one.phase)}: `, one.sentence])) : null,
    review.pressed.length ? part("Advice that the client held against", list(review.pressed, (one) => [`Turn ${one.turn}: “${one.refusal}” – and you: “${one.again}”`])) : null,
    review.form.length ? part(`What you could not see of ${review.client}’s form`, formTable(review.form)) : null,
  ] : [];
  const saves = review ? make("div.actions", {},
    save("Keep the review", `${review.session_id}.review.txt`, text, "text/plain"),
    save("Hand in (data)", `${review.session_id}.review.json`, JSON.stringify(review, null, 1), "application/json"),
    make("button", { type: "button", id: "print" }, "Print")) : null;
  box.replaceChildren(make("h2", { id: "review-title", tabindex: "-1" }, "Looking back"), make("p", {}, ended),
    ...parts.filter(Boolean), ...(saves ? [saves] : []), make("p.note", {}, `Everything lies in ${folder}.`));
  find("#print")?.addEventListener("click", () => print());
  find("#review-title").focus();
  announce("The session is over. The review follows.");
}

const part = (title, ...children) => make("section", {}, make("h3", {}, title), children);
const textLines = (lines) => lines.filter((line) => line.trim()).map((line) => make("p", {}, line));
const list = (items, line) => make("ul", {}, items.map((one) => make("li", {}, line(one))));

function save(title, name, content, type) {
  const link = make("a.button", { href: "#", download: name }, title);
  link.href = URL.createObjectURL(new Blob([content], { type }));
  return link;
}

function labelTable(own) {
  return table("Your messages, turn by turn", ["Turn", "Words", "Labels"], own.map((one) => [
    String(one.turn), one.words, one.labels.map((label) => (label.sure ? label.title : `perhaps ${label.title}`)).join(", ") || "unsure"]));
}

function missed(items) {
  if (!items.length) return [make("p", {}, "No moment stood out as passed over, as far as cues can tell.")];
  return [make("p.note", {}, "By cues; you may have had your reasons."), ...items.map((one) =>
    make("div.pair", {},
      make("div.client", {}, make("span.who", {}, `Turn ${one.turn}, ${one.kind}`), make("span.text", {}, one.sentence)),
      make("div.counselor", {}, make("span.who", {}, "You said"), make("span.text", {}, one.reply))))];
}

function formTable(form) {
  const levels = { 1: "told easily", 2: "told with some trust", 3: "told last" };
  return table("The client’s form", ["Field", "What it holds", "How it is told", "Said"], form.map((one) => [
    one.title, one.text, one.level ? levels[one.level] : "", one.level ? (one.turn === null ? "not said" : `turn ${one.turn}`) : ""]));
}

/** The client's state over the turns, as a picture, and as a table for those who cannot see it. */
function course(review) {
  const points = review.course;
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curve", role: "img", "aria-label": "The client’s state over the turns; the table has the same numbers" });
  const x = (place) => MARGIN + (place * (WIDTH - 2 * MARGIN)) / Math.max(points.length - 1, 1);
  const y = (value) => HEIGHT - MARGIN - (value * (HEIGHT - 2 * MARGIN)) / 10;
  for (const value of [0, 5, 10]) {
    drawing.append(svg("line", { class: "grid", x1: MARGIN, x2: WIDTH - MARGIN, y1: y(value), y2: y(value) }), svg("text", { x: 4, y: y(value) + 4 }, value));
  }
  points.forEach((point, place) => drawing.append(svg("text", { x: x(place) - 3, y: HEIGHT - 8 }, point.turn)));
  SCALES.forEach(([name], shade) => drawing.append(svg("path", { class: `line-${shade}`, d: points.map((point, place) => `${place ? "L" : "M"}${x(place)} ${y(point[name])}`).join("") })));
  const key = make("p.note", {}, "The simulation’s own numbers, 0 to 10, from its arrival on: ", SCALES.map(([, title], shade) => [make(`b.key-${shade}`, {}, title), shade < SCALES.length - 1 ? " · " : ""]));
  const rows = points.map((point) => [String(point.turn), ...SCALES.map(([name]) => point[name]), point.openness, point.heard.map(words).join(", ")]);
  return [key, drawing, make("details", {}, make("summary", {}, "As a table"), table("The client’s state", ["Turn", ...SCALES.map(([, title]) => title), "openness (1 to 3)", "what it heard"], rows))];
}

function svg(tag, attributes, content = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (content !== null) element.textContent = content;
  return element;
}
