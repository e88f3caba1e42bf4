// The sessions of a run: filters, search, order.

const UNREAD = "not read yet"; // of a session whose ledger alone is known so far
const FILTERS = [
  ["profile", "Client", (row) => [row.profile]],
  ["method", "Method", (row) => [row.method]],
  ["attitude", "Attitude", (row) => [row.attitude]],
  ["end", "End", (row) => [row.end ? words(row.end) : "no end"]],
  ["status", "Status", (row) => [row.status]],
  ["findings", "Findings", (row) => (row.findings ? [row.findingCount ? "any" : "none", ...Object.keys(row.findings).map(words)] : [UNREAD])],
  ["risk", "Risk", (row) => [row.risk === null ? UNREAD : row.risk ? "a risk" : "none"]],
];
const COLUMNS = [
  ["Session", (row) => row.name.toLowerCase()],
  ["Method", (row) => row.method],
  ["Attitude", (row) => row.attitude],
  ["End", (row) => ending(row)],
  ["Turns", (row) => row.turns],
  ["Findings", (row) => row.findingCount ?? -1],
  ["Calls", (row) => row.calls],
  ["Tokens", (row) => row.tokens],
  ["Time", (row) => row.seconds],
];
const NUMBERS = 4; // columns from here on hold numbers, which are looked at from the largest down

const collator = new Intl.Collator("en", { numeric: true });

let order = { column: null, down: false };

const ending = (row) => (row.status === "finished" ? words(row.end ?? "finished") : row.status);

function buildList() {
  rows.forEach(prepare);
  const form = find("#filters");
  form.append(make("label.wide-field", {}, "Search ids, clients and first messages", make("input", { type: "search", id: "row-query", autocomplete: "off", spellcheck: "false" })));
  form.append(...FILTERS.map(([name, title]) => make("label", {}, title, make("select", { name }))));
  form.append(make("label.narrow-only", {}, "Order", make("select", { id: "order" },
    make("option", { value: "" }, "as made"), COLUMNS.map(([title], place) => make("option", { value: place }, title)))));
  form.append(make("button", { type: "reset" }, "Clear"));
  for (const kind of ["input", "change"]) form.addEventListener(kind, filterRows);
  form.addEventListener("reset", () => setTimeout(filterRows));
  form.addEventListener("focusout", () => setTimeout(fillFilters));
  find("#order").addEventListener("change", (event) => event.target.value && sortRows(Number(event.target.value)));
  form.addEventListener("submit", (event) => event.preventDefault());
  find("#sessions thead tr").append(...COLUMNS.map(([title], place) =>
    make(place >= NUMBERS ? "th.number" : "th", { scope: "col" }, make("button", { type: "button", "data-sort": place }, title))));
  find("#sessions tbody").append(...rows.map((row) => row.element));
  fillFilters();
  filterRows();
}

function prepare(row) {
  row.findingCount = row.findings && Object.values(row.findings).reduce((sum, each) => sum + each, 0);
  row.haystack = plain([row.id, row.profile, row.name, ...row.first].join("\n"));
  row.element = listRow(row);
}

/** What the rows can be filtered by, and how many of them each choice has; not where somebody is choosing. */
function fillFilters() {
  for (const [name, , values] of FILTERS) {
    const select = find(`#filters [name=${name}]`);
    if (select === document.activeElement) continue;
    const chosen = select.value;
    const tally = new Map();
    for (const row of rows) for (const value of values(row)) tally.set(value, (tally.get(value) ?? 0) + 1);
    const options = [...tally].sort(([one], [other]) => collator.compare(one, other));
    select.replaceChildren(make("option", { value: "" }, "all"),
      ...options.map(([value, times]) => make("option", { value }, `${value} (${number(times)})`)));
    select.value = tally.has(chosen) ? chosen : "";
  }
}

/** Take in what is new of rows, by their ids; rows that were not there come last. */
function takeIn(pieces) {
  const before = new Map(rows.map((row) => [row.id, row]));
  for (const piece of pieces) {
    const row = before.get(piece.id) ?? piece;
    const old = row.element;
    const held = old?.contains(document.activeElement);
    prepare(Object.assign(row, piece));
    if (old) old.replaceWith(row.element);
    else {
      rows.push(row);
      find("#sessions tbody").append(row.element);
    }
    if (held) find("a", row.element).focus({ preventScroll: true });
  }
  fillFilters();
  filterRows();
}

function listRow(row) {
  const found = Object.entries(row.findings ?? {}).map(([kind, times]) => `${words(kind)} ${times}`).join(", ");
  const cell = (title, value, attributes = {}) => make("td", { "data-title": title, ...attributes }, value);
  return make(row.status === "finished" ? "tr" : "tr.failed", {},
    make("th", { scope: "row" },
      make("a", { href: `#session=${encodeURIComponent(row.id)}` }, row.name), " ",
      row.profile === row.name ? null : make("span.dim", {}, row.profile), " ", make("code", {}, row.id.slice(0, 8)),
      row.first.at(-1) ? make("p.first", {}, row.first.at(-1)) : null),
    cell("Method", row.method), cell("Attitude", row.attitude), cell("End", ending(row), { title: row.failure }),
    cell("Turns", number(row.turns), { class: "number" }),
    cell("Findings", row.findingCount ? number(row.findingCount) : "–", { class: "number", title: found || null }),
    cell("Calls", number(row.calls), { class: "number" }),
    cell("Tokens", row.tokens ? number(row.tokens) : "–", { class: "number" }),
    cell("Time", seconds(row.seconds), { class: "number" }));
}

function filterRows() {
  const wanted = FILTERS.map(([name, , values]) => [find(`#filters [name=${name}]`).value, values]).filter(([value]) => value);
  const query = plain(find("#row-query").value.trim());
  let shown = 0;
  for (const row of rows) {
    const fits = wanted.every(([value, values]) => values(row).includes(value)) && row.haystack.includes(query);
    row.element.hidden = !fits;
    shown += fits;
  }
  find("#filters").dispatchEvent(new Event("filtered"));
  find("#count").textContent = shown === rows.length ? `${count(rows.length, "session")}` : `${number(shown)} of ${count(rows.length, "session")}`;
}

function sortRows(column) {
  order = { column, down: order.column === column ? !order.down : column >= NUMBERS };
  const [, value] = COLUMNS[column];
  const sign = order.down ? -1 : 1;
  const compare = (one, other) => (typeof one === "string" ? collator.compare(one, other) : one - other);
  rows.sort((one, other) => sign * compare(value(one), value(other)));
  find("#sessions tbody").append(...rows.map((row) => row.element));
  all("#sessions thead th").forEach((head, place) => {
    if (place === column) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
  announce(`Sorted by ${COLUMNS[column][0].toLowerCase()}, ${order.down ? "descending" : "ascending"}.`);
}

/** Go to the next or previous session's link among those shown. */
function walkRows(by) {
  const links = all("#sessions tbody tr:not([hidden]) a");
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
