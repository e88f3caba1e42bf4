// The sessions of a page that is one file: they lie compressed in it, and are unpacked when they are opened.

async function unpack(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
  const plainText = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(plainText).text());
}

/**
 * Where the page has its sessions from. `rows` and `session` give null where they cannot, and have then said why. `views` are shown
 * besides the list and the sessions, by a name in the address.
 */
const source = {
  listed: false,
  views: {},
  leave: () => {},
  more: () => {},
  unlisted: () => null,
  rows: () => unpack(find("#rows")).catch((error) => problem(`This page could not be unpacked (${error}). It needs a browser from 2023 or later.`)),
  session: async (row) => ({ ...(await unpack(find(`#session-${row.place}`))), graph: row.graph }),
  drawing: (graph) => find(`#graph-${graph}`)?.content.cloneNode(true).firstElementChild,
};
