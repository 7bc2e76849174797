// What the pages of the vote share: they follow the class, and show its question. All text is set as text, never as HTML.

const BASE = new URL("./", import.meta.url);
const LATER = 1500, LOST = 4000;  // milliseconds until the next try, and until a page says that it has lost the class

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

export const address = path => new URL(path, BASE);
export const sum = counts => Object.values(counts).reduce((a, b) => a + b, 0);
export const percent = (part, whole) => (whole ? `${Math.round((100 * part) / whole)}\u00a0%` : "\u2013");
export const some = (n, one, many) => `${n} ${n === 1 ? one : many}`;

// On a JupyterHub, its token against calls from other pages: only a page of this service can read it.
const xsrf = () => document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] ?? "";

// Ask the server for something; the answer has its status and, as JSON, what it says. Without a server the status is 0.
export async function call(path, body) {
  const headers = xsrf() ? { "X-XSRFToken": xsrf() } : {};
  try {
    const answer = await fetch(address(path), body === undefined ? { headers } : {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json", "X-Class": "vote" },
      body: JSON.stringify(body),
    });
    return { status: answer.status, said: await answer.json() };
  } catch {
    return { status: 0, said: { sentence: "The class cannot be reached. Is the network there?" } };
  }
}

// Follow the class. onNews(kind, value) hears "state" and "mine" with what the server says, "connected" with true or false, and
// "login" with a sentence when a hub does not know this browser any more.
// The server sends all of the state at each connection, so that nothing has to be caught up with.
export function follow(role, onNews) {
  let source = null, timer = null, lost = null;
  const say = isThere => {
    clearTimeout(lost);
    if (isThere) onNews("connected", true);
    else lost = setTimeout(() => onNews("connected", false), LOST);
  };
  async function connect() {
    clearTimeout(timer);
    source?.close();
    source = null;
    say(false);
    if (role === "student") {
      const { status, said } = await call("join", {});
      if (said.error === "login") onNews("login", said.sentence);
      if (status !== 200) return again();
    }
    if (source) return undefined;  // another call was quicker
    source = new EventSource(address(`events?as=${role}${xsrf() ? `&_xsrf=${encodeURIComponent(xsrf())}` : ""}`));
    for (const kind of ["state", "mine"]) {
      source.addEventListener(kind, event => { say(true); onNews(kind, JSON.parse(event.data)); });
    }
    source.addEventListener("error", () => {
      say(false);
      if (source?.readyState === EventSource.CLOSED) again();  // refused; a lost line the browser takes up by itself
    });
    return undefined;
  }
  function again() {
    clearTimeout(timer);
    timer = setTimeout(connect, LATER * (1 + Math.random()));
  }
  // A page that slept may have a line on which nothing comes any more, and not know it.
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") connect(); });
  addEventListener("pageshow", event => { if (event.persisted) connect(); });
  addEventListener("online", connect);
  connect();
}

// The options of a question, with the histograms that are shown: for each option a bar for each vote.
// onChoose(letter) makes them buttons; ``mine`` are one's own choices by round, ``chosen`` is the one that is marked.
export function optionList(current, { onChoose, mine = {}, chosen } = {}) {
  const { options } = current.question, rounds = Object.keys(current.counts);
  const most = Math.max(1, ...rounds.map(round => Math.max(...Object.values(current.counts[round]))
    / (sum(current.counts[round]) || 1)));
  const totals = Object.fromEntries(rounds.map(round => [round, sum(current.counts[round])]));
  const list = element("ul", { class: "cv-options" });
  for (const [letter, text] of Object.entries(options)) {
    const isRight = current.verdict && current.answer === letter, isChosen = chosen === letter;
    const chips = [];
    if (isRight) chips.push(element("span", { class: "cv-chip cv-solid" }, "✓ right"));
    if (mine[1] === letter && current.round === 2) chips.push(element("span", { class: "cv-chip" }, "your first vote"));
    if (isChosen && !onChoose) chips.push(element("span", { class: "cv-chip" }, "your vote"));
    const head = element(onChoose ? "button" : "div", {
      class: "cv-option",
      type: onChoose ? "button" : null,
      "aria-pressed": onChoose ? String(isChosen) : null,
      onclick: onChoose ? () => onChoose(letter) : null,
    }, element("b", {}, letter), element("span", { class: "cv-text" }, text), ...chips);
    const bars = rounds.map(round => {
      const count = current.counts[round][letter], share = totals[round] ? count / totals[round] : 0;
      const bar = element("i", { "aria-hidden": "true" });
      bar.style.width = `${(100 * share) / most}%`;
      const name = `${round === "1" ? "first" : "second"} vote`;
      const label = element("span", { class: "cv-count" }, `${count} (${percent(count, totals[round])})`);
      return element("div", { class: `cv-bar cv-round-${round}` }, element("span", { class: "cv-name" }, name),
        element("span", { class: "cv-track" }, bar), label);
    });
    const reason = current.verdict && current.reasons?.[letter];
    list.append(element("li", { class: [isRight ? "cv-holds" : "", isChosen ? "cv-chosen" : ""].join(" ").trim() || null },
      head, ...bars, reason ? element("p", { class: "cv-reason" }, reason) : null));
  }
  return list;
}

// Put new content into an element only if it differs, so that what has the focus keeps it: the control with the same words.
export function put(root, ...children) {
  const next = element("div", {}, ...children);
  if (next.innerHTML === root.innerHTML) return;
  const all = "button, a, input, select", had = document.activeElement;
  const place = root.contains(had) ? [...root.querySelectorAll(all)].indexOf(had) : -1;
  root.replaceChildren(...next.childNodes);
  if (place >= 0) root.querySelectorAll(all)[place]?.focus();
}
