"use strict";
// What the page asks of its server. Addresses are relative: the token stays where it is.

/** Ask; the answer as data. What is wrong is shown, and the answer is null. */
async function ask(address, body = undefined) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    return problem("The server does not answer. Start it again (python run.py web); nothing that was said is lost.");
  }
  const data = await answer.json().catch(() => ({ problem: `The server answered with ${answer.status}.` }));
  if (!answer.ok) return problem(data.problem ?? `The server answered with ${answer.status}.`);
  problem("");
  return data;
}

/**
 * Follow a session: `take` gets each of its states. A tab that is hidden lets go of its stream, as a browser holds six at most, and
 * takes it up when it is seen again. After the last state, of a session that is over, it ends. Returns a function that ends it.
 */
function followStates(address, take) {
  let stream = null;
  const open = () => {
    if (stream || document.hidden) return;
    stream = new EventSource(address);
    stream.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      take(state);
      if (state.over) end();
    });
    stream.addEventListener("error", () => {
      if (stream.readyState !== EventSource.CLOSED) return problem("The connection broke off. Trying again …");
      stream = null;
      return ask(address.replace(/\/events$/, "")).then((state) => state && setTimeout(open, 1000));
    });
    stream.addEventListener("open", () => problem(""));
  };
  const shut = () => { stream?.close(); stream = null; };
  const onVisible = () => (document.hidden ? shut() : open());
  const end = () => { shut(); document.removeEventListener("visibilitychange", onVisible); };
  document.addEventListener("visibilitychange", onVisible);
  open();
  return end;
}
