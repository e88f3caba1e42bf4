"use strict";
// The sessions of a run as the server gives them: the list at once from its ledger, the rest as it is read, a session when it is opened.

const RUN = decodeURIComponent(location.pathname.split("/").pop());
const runApi = (what, fields = {}) => `../api/runs/${encodeURIComponent(RUN)}/${what}${Object.keys(fields).length ? `?${new URLSearchParams(fields)}` : ""}`;

/** Follow a stream to its end: `takers` get the data of its events by name, and `done` comes last. Returns a function that ends it. */
function followStream(address, takers) {
  const stream = new EventSource(address);
  for (const [name, take] of Object.entries(takers)) {
    stream.addEventListener(name, (event) => {
      if (name === "done") stream.close();
      take(JSON.parse(event.data));
    });
  }
  stream.addEventListener("error", () => {
    stream.close();
    takers.done({ problems: ["The server has stopped answering. Start it again (python run.py web), and load this page anew."] });
  });
  return () => stream.close();
}

const source = {
  listed: true,
  views: {},
  leave: () => {},
  more: readOn,
  unlisted: (id) => (id ? { id } : null),
  rows: async () => (await ask(runApi("rows")))?.rows ?? null,
  session: (row) => ask(runApi("session", { id: row.id })),
  drawing: (graph) => graph && new DOMParser().parseFromString(graph, "text/html").body.firstElementChild,
};

/** What the ledger does not have: names, first messages, findings, risks, and sessions that are not over. */
function readOn() {
  const reading = find("#reading");
  const unread = () => rows.filter((row) => row.findings === null).length;
  if (rows.length && !unread() && !rows.some((row) => row.status === "unfinished")) return;
  reading.textContent = "Reading the sessions …";
  followStream(runApi("more"), {
    rows: (piece) => {
      if (piece.rows.length) takeIn(piece.rows);
      reading.textContent = `Reading the sessions: ${number(rows.length - unread())} of ${number(rows.length)} …`;
    },
    done: ({ problems }) => {
      reading.textContent = problems.join("\n");
      reading.classList.toggle("bad", problems.length > 0);
      performance.mark("read");
    },
  });
}
