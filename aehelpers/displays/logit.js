import { Chart, choice, element, fixed, row, slider } from "./core.js";

const COLOURS = ["#d55e00", "#cc79a7", "#0072b2", "#009e73"], DASHES = ["7 3", "2 3", "", "9 3 2 3"], WIDTHS = [5, 3, 2, 3];

// Nine digits are what tells one float32 from the next.
const exact = value => String(Number(value.toPrecision(9)));
function said(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : "infinite";
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : fixed(value, 3);
}

// Where a curve stops being finite: a vertical line before the first such place, and its value there.
// Neither is drawn before the slider gets there.
function ends(logits, values, height) {
  const first = values.findIndex((value, i) => i > 0 && !Number.isFinite(value) && Number.isFinite(values[i - 1]));
  if (first < 0) return [];
  const x = (logits[first - 1] + logits[first]) / 2, text = Number.isNaN(values[first]) ? "NaN" : "\u221e";
  return [{ x, colour: COLOURS[0] }, { x, y: height, text }];
}

// One pixel, its logit, and its cross-entropy in float32, written in four ways.
export default function logit(data) {
  const { logits, pixels, forms, sums, losses, gradients } = data;
  const [low, high] = [logits[0], logits.at(-1)], label = "logit of the pixel";
  const loss = new Chart({ x: { label, low, high }, y: { label: "loss (nats)", low: 0, high: 32 } });
  const slope = new Chart({ x: { label, low, high }, y: { label: "gradient", low: -1.1, high: 1.1 } });
  const cells = forms.map(() => [element("td"), element("td")]);
  const head = element("tr", {}, ...["formula", "loss", "gradient"].map(text => element("th", { scope: "col" }, text)));
  const written = ([name, formula]) => element("th", { scope: "row" }, `${name} `, element("code", {}, formula));
  const body = forms.map((form, i) => element("tr", {}, written(form), ...cells[i]));
  const table = element("table", { class: "ae-table" }, element("thead", {}, head), element("tbody", {}, ...body));
  return {
    controls: {
      logit: slider("logit z", { options: logits, format: value => fixed(value, 1) }),
      pixel: choice("the pixel should be", pixels),
    },
    parts: [{ element: table }, loss, slope],
    draw({ logit: z, pixel }) {
      const which = pixels.indexOf(pixel), place = logits.indexOf(z);
      const x = logits.slice(0, place + 1);  // the rest of the curves is the answer to a question
      for (const [chart, values] of [[loss, losses], [slope, gradients]]) {
        const look = i => ({ colour: COLOURS[i], dash: DASHES[i], width: WIDTHS[i] });
        const upTo = i => row(values, which, i).subarray(0, place + 1);
        chart.set({ series: forms.map(([name], i) => ({ name, x, y: upTo(i), ...look(i) })) });
      }
      const now = [losses, gradients].map(values => forms.map((_, i) => row(values, which, i)[place]));
      cells.forEach((pair, i) => pair.forEach((cell, part) => { cell.textContent = said(now[part][i]); }));
      const asked = [losses, gradients].map((values, part) => (
        ends(x, row(values, which, 0).subarray(0, place + 1), part ? 0.5 : 28)));
      const dots = part => now[part].map((y, i) => ({ x: z, y, colour: COLOURS[i] }));
      [loss, slope].forEach((chart, part) => chart.mark([...asked[part], { x: z }, ...dots(part)]));
      const [y, asIs, parted] = [0, 1, 2].map(part => row(sums, part)[place]);
      const whole = formula => formula.replaceAll(" ", "\u00a0").replace("e-", "e-\u2060");  // no line breaks inside it
      return `In float32: y = sigmoid(z) = ${exact(y)}; ${whole("1e-10 + 1 - y")} = ${exact(asIs)}; `
        + `${whole("1e-10 + (1 - y)")} = ${exact(parted)}.`;
    },
  };
}
