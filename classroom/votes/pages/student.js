// A student's part of the vote: on the class's own page all of it, on a page of the website a bar with the open question.
// On the website this script comes before the page's own and says which answer the class holds back.
(() => {
  const script = document.currentScript, KEPT = "aehelpers: ", CHANGED = "aehelpers-changed";
  window.aehelpersHeld = script.dataset.held ?? null;

  const recall = name => {
    const kept = (window.aehelpers ??= {});
    if (name in kept) return kept[name];
    try { return localStorage.getItem(KEPT + name); } catch { return null; }
  };
  // As if the reader had voted in the lesson; but the focus stays where it is, for nobody pressed a button.
  const tell = () => window.dispatchEvent(new CustomEvent(CHANGED, { detail: null }));
  const remember = (name, value) => {
    if (recall(name) === value) return;
    (window.aehelpers ??= {})[name] = value;
    try { localStorage.setItem(KEPT + name, value); } catch { /* it is then remembered until the page is left */ }
    tell();
  };

  const start = async () => {
    const { address, call, element, follow, optionList, put } = await import(new URL("class.js", script.src));
    const page = document.getElementById("class-vote");
    let current = null, mine = { number: 0, votes: {}, counted: [] }, wanted = null, note = "";
    let isConnected = true, isWide = false, timer = null, seen = 0;

    const isMine = () => current && mine.number === current.number;
    const votes = () => (isMine() ? mine.votes : {});
    const isCounted = round => isMine() && mine.counted.includes(round);
    const isOpen = () => current?.phase === "open";
    const matches = vote => current && vote.number === current.number && vote.round === current.round;

    function choose(choice) {
      if (!isOpen() || !(choice in current.question.options)) return;
      wanted = { question: current.question.key, number: current.number, round: current.round, choice };
      note = "";
      send();
      show();
    }

    // Until the server has said that the vote counts, or that it does not, it is tried again.
    async function send() {
      clearTimeout(timer);
      const vote = wanted;
      if (!vote) return;
      const { status, said } = await call("vote", vote);
      if (vote !== wanted) return;  // changed meanwhile
      if (status === 200) {
        wanted = null;
        mine = said.mine;
        if (current?.question.kind === "vote") remember(current.question.key, vote.choice);
      } else if (status === 409) {
        wanted = null;
        note = said.sentence;
      } else {
        if (status === 401) await call("join", {});
        timer = setTimeout(send, 1000 + 500 * Math.random());
      }
      show();
    }

    function hear(kind, value) {
      if (kind === "connected") {
        isConnected = value;
      } else if (kind === "login") {
        note = value;
      } else if (kind === "mine") {
        mine = value;
      } else {
        const former = current;
        current = value.current;
        if (!current || current.number !== former?.number || current.round !== former?.round) note = "";
        if (wanted && !(matches(wanted) && isOpen())) {
          note = `${wanted.choice} did not reach the class before the vote was closed.`;
          wanted = null;
        } else if (wanted) {
          send();
        }
      }
      hold();
      show();
    }

    // What the class decides about the lesson's page: its gate stays shut, and opens with the verdict.
    function hold() {
      const isHeld = current?.question.kind === "vote" && !current.verdict, key = isHeld ? current.question.key : null;
      const last = current && (votes()[2] ?? votes()[1]);
      const isSame = window.aehelpersHeld === key;
      window.aehelpersHeld = key;
      if (current?.question.kind === "vote" && last && (current.verdict || current.phase === "closed")) {
        remember(current.question.key, last);
      }
      if (!isSame) tell();
    }

    // A vote in the lesson's own display is a vote in the class.
    window.addEventListener(CHANGED, event => {
      const key = current?.question.kind === "vote" ? current.question.key : null;
      if (!key || event.detail !== key || current.verdict) return;
      const value = recall(key);
      if (isOpen()) {
        choose(value);
      } else if (value in current.question.options) {
        note = "The vote is closed.";
        queueMicrotask(() => { hold(); show(); });
      }
    });

    function sentence() {
      const { round, phase, verdict, answer } = current, now = votes()[round], before = votes()[1], sending = wanted?.choice;
      const kept = isCounted(round)
        ? "Your vote was counted before the class's computer was started again, and stays as it was." : "";
      if (verdict) {
        const last = votes()[2] ?? before;
        if (!answer) return last ? `You chose ${last}.` : "The question is answered in class.";
        if (!last) return `It is ${answer}.`;
        return last === answer ? `You chose ${last}, which is right.` : `You chose ${last}. It is ${answer}.`;
      }
      if (phase === "open") {
        if (sending) return `Sending ${sending} \u2026`;
        if (kept) return kept;
        if (now) return `You chose ${now}. You can change it until the vote is closed.`;
        if (round === 1) return page ? "Vote now." : "Your class is voting: vote now.";
        return before ? `Second vote: you chose ${before}. Vote again, also if you stay with it.` : "Second vote: vote now.";
      }
      return kept || (now ? `The vote is closed. You chose ${now}.` : "The vote is closed. You did not vote in this round.");
    }

    function parts() {
      const chosen = wanted?.choice ?? votes()[current.round] ?? (current.verdict ? votes()[1] : undefined);
      const onChoose = isOpen() && !isCounted(current.round) ? choose : undefined;
      return optionList(current, { onChoose, mine: votes(), chosen });
    }

    const status = element("p", { class: "cv-status", role: "status" });
    const said = () => [isConnected ? "" : "The connection to the class is lost; trying again.", note, current ? sentence()
      : "Nothing is open now. The next question appears here by itself."].filter(Boolean).join(" ");
    const speak = () => { if (status.textContent !== said()) status.textContent = said(); };
    // The site's pages stand one folder above this script's.
    const place = () => current?.question.place && address(`../${current.question.place}`);

    const showPage = () => {
      speak();
      const link = place() && element("p", {}, element("a", { href: place() }, "Open its place in the lesson"));
      const children = current ? [element("h2", { class: "cv-question" }, current.question.text), parts(), link] : [];
      put(page.querySelector(".cv-body"), ...children);
    };

    let bar = null, body = null, more = null, go = null;
    function makeBar() {
      more = element("button", { type: "button", onclick: () => { isWide = !isWide; show(); } });
      go = element("a", {});
      body = element("div", { class: "cv-body", id: "class-body" });
      more.setAttribute("aria-controls", "class-body");
      bar = element("aside", { class: "cv-banner", "aria-label": "The class's vote", hidden: true }, body,
        element("div", { class: "cv-line" }, status, element("div", { class: "cv-buttons" }, more, go)));
      document.body.append(bar);
      new ResizeObserver(() => { document.body.style.paddingBottom = bar.hidden ? "" : `${bar.offsetHeight}px`; }).observe(bar);
    }
    const showBar = () => {
      if (!bar) makeBar();
      bar.hidden = !current;
      document.body.style.paddingBottom = bar.hidden ? "" : `${bar.offsetHeight}px`;
      if (!current) return;
      if (seen !== current.number) { seen = current.number; isWide = false; }
      speak();
      more.textContent = isWide ? "Hide the question" : isOpen() ? "Answer here" : "Show the question";
      more.setAttribute("aria-expanded", String(isWide));
      go.hidden = !place();
      if (place()) go.href = place();
      go.textContent = "Go to the question";
      body.hidden = !isWide;
      put(body, ...(isWide ? [element("h2", { class: "cv-question" }, current.question.text), parts()] : []));
    };
    const show = page ? showPage : showBar;

    if (page) {
      page.querySelector(".cv-status").replaceWith(status);
    } else {
      document.head.append(element("link", { rel: "stylesheet", href: address("class.css") }));
    }
    follow("student", hear);
    if (page) show();
  };

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
