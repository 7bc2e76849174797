// Moves the controls of a display on its page as a reader does, and says after each move what does not fit: test_screens.py.
globalThis.misfits = (root, { wide, high, letter }) => {
  const all = selector => Array.from(root.querySelectorAll(selector)).filter(one => one.getClientRects().length);
  const round = ({ left, right, top, bottom }) => [left, right, top, bottom].map(Math.round).join(" ");
  const name = one => `"${(one.textContent || one.className).trim().slice(0, 40)}"`;
  const WORDS = ".ae-sentence, .ae-numbers, .ae-control > span, .ae-choice label span, legend, output, button, code, td, th, "
    + "figcaption, .ae-row-title, .ae-strip span, .ae-legend li, .ae-lamps > span:first-child, .ae-chart text, .ae-tie text";
  // The lines of a text, without the space around them.
  const linesOf = one => {
    if (one instanceof SVGElement) return [one.getBoundingClientRect()];
    const range = document.createRange();
    range.selectNodeContents(one);
    return Array.from(range.getClientRects()).filter(({ width }) => width);
  };
  const sizeOf = one => {
    const size = Number.parseFloat(getComputedStyle(one).fontSize), drawing = one.closest("svg");
    return drawing?.viewBox.baseVal ? size * drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width : size;
  };
  // What stays in sight on a phone lies on the rest, on paper of its own.
  const first = root.querySelector(".ae-first"), isStuck = getComputedStyle(first).position === "sticky";
  const isAbove = one => isStuck && first.contains(one);
  const look = () => {
    const found = [], box = root.getBoundingClientRect();
    const words = all(WORDS), shown = all("svg, canvas, input, .ae-code").concat(words);
    const edges = shown.map(one => one.getBoundingClientRect());
    const bottom = Math.max(...edges.map(edge => edge.bottom)), top = Math.min(...edges.map(edge => edge.top));
    const height = bottom - (high?.from ?? top);
    if (height > (high?.most ?? Infinity)) found.push(`it is ${Math.round(height)} high`);
    if (document.documentElement.scrollWidth > wide) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
    shown.forEach((one, i) => {
      const out = edges[i].right > box.right + 1 || edges[i].left < box.left - 1;
      if (out && !one.closest(".ae-choice input")) found.push(`${name(one)} lies outside: ${round(edges[i])} of ${round(box)}`);
    });
    for (const one of words) {
      const isCut = one instanceof HTMLElement && one.clientWidth && one.scrollWidth > one.clientWidth + 1;
      if (isCut) found.push(`${name(one)} is cut off`);
      if (sizeOf(one) < letter) found.push(`${name(one)} has letters of ${sizeOf(one).toFixed(1)}`);
    }
    const plane = Math.min(...all(".ae-plane text").map(sizeOf));
    if (plane < letter - 0.01) found.push(`the plane has letters of ${plane}`);
    const lines = words.flatMap(one => linesOf(one).map(line => ({ one, line })));
    lines.forEach((a, i) => lines.slice(i + 1).forEach(b => {
      if (a.one === b.one || a.one.contains(b.one) || b.one.contains(a.one) || isAbove(a.one) !== isAbove(b.one)) return;
      const across = Math.min(a.line.right, b.line.right) - Math.max(a.line.left, b.line.left);
      const down = Math.min(a.line.bottom, b.line.bottom) - Math.max(a.line.top, b.line.top);
      // The box of a text is higher than its letters.
      const isOn = across > 1 && down > 0.3 * Math.min(a.line.height, b.line.height);
      if (isOn) found.push(`${name(a.one)} lies on ${name(b.one)}`);
    }));
    return found;
  };
  const found = new Map();
  const note = done => { for (const one of look()) if (!found.has(one)) found.set(one, `${done}: ${one}`); };
  const slide = (range, share) => {
    range.value = Number(range.min) + share * (range.max - range.min);
    range.dispatchEvent(new Event("input"));
  };
  const ranges = all("input[type=range]");
  note("at first");
  for (const range of ranges) {
    for (const share of [0, 0.25, 0.5, 0.75, 1]) { slide(range, share); note(`${range.ariaLabel} at ${share}`); }
    slide(range, 0.5);
  }
  for (const option of root.querySelectorAll("fieldset input")) {
    option.click();
    for (const share of [0, 0.5, 1]) {
      if (ranges.length) slide(ranges[0], share);
      note(`${option.closest("label").textContent} with ${share}`);
    }
  }
  for (const field of root.querySelectorAll("input[type=number]")) for (const end of [field.min, field.max]) {
    field.value = end;
    field.dispatchEvent(new Event("input"));
    note(`${field.ariaLabel} at ${end}`);
  }
  return Array.from(found.values());
};
