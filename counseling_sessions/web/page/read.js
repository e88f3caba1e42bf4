"use strict";
// What a run's page has besides the list and the sessions: a search in all texts, and two sessions side by side.

const WHAT = { plan: () => "plan", pick: () => "router’s reason", draft: (who) => `draft, ${words(who)}`, said: (who) => who };
const placeOf = (key) => (key === "closing" ? "Closing" : key === "0" ? "Opening" : `Turn ${key}`);
const nameOf = (row) => `${row.name}, ${row.method}, ${row.attitude}, ${row.id.slice(0, 8)}`;

let stopSearch = () => {};
let choosing = null;

// The parts of the page
find(".top .actions").prepend(
  make("a.button", { href: "../#start" }, "Start page"),
  make("button", { type: "button", id: "to-compare", "data-for": "session" }, "Compare with …"));
find("#whence").textContent = "The sessions come from your own machine, and nothing is sent elsewhere.";
find("#list").prepend(
  make("p.choose", { id: "choose", role: "status", hidden: true }),
  make("form.filters", { id: "everywhere", role: "search" },
    make("label.wide-field", {}, "Search everything that was said, planned and drafted",
      make("input", { type: "search", id: "everywhere-query", maxlength: "200", autocomplete: "off", spellcheck: "false" })),
    make("button", { type: "submit" }, "Search"),
    make("a.button", { href: `../runs/${encodeURIComponent(RUN)}` }, "The run in one file")));
find("#count").after(
  make("p.note.text", { id: "reading" }),
  make("div", { id: "found", hidden: true, role: "region", "aria-label": "Hits" }));
find("main").append(make("section", { id: "compare", hidden: true, "aria-label": "Two sessions side by side" }));

source.leave = () => {
  stopSearch();
  choosing = null;
  find("#choose").hidden = find("#found").hidden = true;
  find("#sessions").hidden = false;
};
source.views.find = showFound;
source.views.compare = (ids) => {
  const [one, other] = ids.split(",");
  return other ? showCompare(one, other) : chooseOther(one);
};

// Search in all texts

find("#everywhere").addEventListener("submit", (event) => {
  event.preventDefault();
  const sought = find("#everywhere-query").value.trim();
  location.hash = sought ? `find=${encodeURIComponent(sought)}` : "";
});
find("#filters").addEventListener("filtered", hideFound);

function showFound(sought) {
  showList();
  const box = find("#found");
  const progress = make("p.note", { id: "found-count" }, "Searching …");
  const title = make("h2", {}, `“${sought}”`);
  find("#everywhere-query").value = sought;
  box.replaceChildren(title, progress);
  box.hidden = false;
  find("#sessions").hidden = true;
  let [read, hits, sessions] = [0, 0, 0];
  const tell = (end) => {
    progress.textContent = `${count(hits, "hit")} in ${count(sessions, "session")}; ${count(read, "session")} read${end}`;
  };
  stopSearch = followStream(runApi("search", { q: sought }), {
    hits: (piece) => {
      read = piece.read;
      sessions += piece.sessions.length;
      for (const one of piece.sessions) hits += one.hits.length + one.hidden;
      box.append(...piece.sessions.map((one) => foundIn(one, sought)));
      tell(" …");
      hideFound();
    },
    done: ({ problems, stopped }) => {
      tell(stopped ? "; there are more: search for something rarer" : "");
      if (problems.length) problem(problems.join("\n"));
      announce(progress.textContent);
    },
  });
}

function foundIn({ id, hits: places, hidden }, sought) {
  const row = rows.find((one) => one.id === id);
  const link = (hit) => `${addressOf(hit.turn, id)}&words=${encodeURIComponent(sought)}`;
  return make("section", { "data-id": id },
    make("h3", {}, row ? nameOf(row) : id),
    make("ul", {}, places.map((hit) => make("li", {},
      make("a", { href: link(hit) }, `${placeOf(hit.turn)}, ${WHAT[hit.what](hit.who)}`), " ",
      make("span", {}, hit.before, make("mark.hit", {}, hit.hit), hit.after)))),
    hidden ? make("p.note", {}, `and ${count(hidden, "more hit")} in this session`) : null);
}

/** The hits of sessions that the filters leave out are left out as well. */
function hideFound() {
  if (find("#found").hidden) return;
  const left = new Set(rows.filter((row) => !row.element.hidden).map((row) => row.id));
  for (const part of all("#found section")) part.hidden = !left.has(part.dataset.id) && rows.some((row) => row.id === part.dataset.id);
}

// Two sessions side by side

find("#to-compare").addEventListener("click", () => { location.hash = `compare=${session.id}`; });
find("#sessions").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!choosing || !link) return;
  event.preventDefault();
  const other = new URLSearchParams(link.hash.slice(1)).get("session");
  location.hash = `compare=${choosing},${other}`;
});

function chooseOther(id) {
  showList();
  choosing = id;
  const row = rows.find((one) => one.id === id);
  const box = find("#choose");
  box.hidden = false;
  box.replaceChildren(`Choose the session to compare with ${row ? nameOf(row) : id}. `, make("a", { href: `#session=${encodeURIComponent(id)}` }, "Do not compare"));
}

async function showCompare(one, other) {
  const data = await ask(runApi("compare", { a: one, b: other }));
  if (new URLSearchParams(location.hash.slice(1)).get("compare") !== `${one},${other}`) return;
  if (!data) { showList(); return; }
  showPart("compare");
  const title = data.names[0] === data.names[1] ? data.names[0] : data.names.join(" and ");
  find("#title").textContent = document.title = `${title}: two sessions`;
  find("#subtitle").textContent = data.relation ?? "";
  const switched = make("input", { type: "checkbox", id: "differing" });
  const pairs = data.pairs.map((pair) => pairOf(pair, one, other));
  switched.addEventListener("change", () => {
    data.pairs.forEach((pair, place) => { pairs[place].hidden = switched.checked && pair.alike; });
  });
  find("#compare").replaceChildren(
    make("div.pair", {}, sideOf("A", data.a, data.names[0]), sideOf("B", data.b, data.names[1])),
    data.settings.length ? table("Settings and results that differ", ["setting", "A", "B"], data.settings.map((item) => [words(item.name), item.a || "–", item.b || "–"])) : null,
    make("label.check", {}, switched, "Only what differs"), ...pairs);
  find("#title").focus();
}

function sideOf(letter, about, name) {
  return make("div", {}, make("h2", {}, `${letter}: `, make("a", { href: `#session=${encodeURIComponent(about.session_id)}` }, name)),
    facts([["profile", about.profile_id], ["attitude", about.attitude], ["method", about.method], ["end", words(about.end_reason ?? about.status)], ["turns", String(about.turns)], ["session", about.session_id]]));
}

function pairOf(pair, one, other) {
  const key = pair.name === "closing" ? "closing" : String(pair.turn);
  const links = [["A", one], ["B", other]].map(([letter, id]) => make("a", { href: addressOf(key, id), "aria-label": `${capital(pair.name)} of ${letter}` }, letter));
  return make(pair.alike ? "article.alike" : "article", {},
    make("h3", {}, capital(pair.name), " ", make("small", {}, links.flatMap((link) => [link, " "]), pair.alike ? "alike" : "")),
    pair.rows.map((row) => make("div.pair", {}, row.words.map((spans, side) => {
      const speaker = ["counselor", "client"].includes(row.what) ? `.said.${row.what}` : "";
      const text = side ? row.b : row.a;
      return make(`div${speaker}`, {}, make("span.who", {}, `${side ? "B" : "A"}, ${row.what}`),
        text === null ? make("span.dim", {}, "nothing") : make("span.text", {}, row.alike ? text : spansOf(spans)));
    }))));
}

const spansOf = (spans) => spans.flatMap((span) => [span.changed ? make("mark.hit", {}, span.text) : span.text, " "]);
