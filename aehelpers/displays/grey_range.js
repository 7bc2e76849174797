import { Chart, Pictures, choice, extent, fixed, sigmoid, slider, stairs } from "./core.js";

const TOGETHER = "one for both rows", EACH = "one for each row", FIXED = "0 to 1", HAND = "by hand";
const BINS = 60, HANDLE = 3e4, APART = 0.1, NEAR = 0.25;

function ends(values) {
  const [low, high] = extent(values);
  return [low, Math.max(high, low + 1e-6)];  // a range of one value has no grey levels
}

// Originals and outputs of a model, drawn in one grey range or in several, with a histogram of their values.
export default function greyRange(data, view) {
  const { originals, logits, low, high } = data, [height, width] = data.size;
  const outputs = { logits: logits.values, probabilities: logits.values.map(sigmoid) };
  const pictures = new Pictures({ titles: ["originals", "outputs"], height, width });
  const chart = new Chart({
    x: { label: "value of a pixel", low: low - 0.5, high: high + 0.5 },
    y: { label: "pixels", low: 0.7, high: 10 ** 5, log: true },
    legend: true,
  });

  const rangesOf = ({ shown, greys, black, white }) => {
    const own = [originals.values, outputs[shown]].map(ends);
    const together = [Math.min(own[0][0], own[1][0]), Math.max(own[0][1], own[1][1])];
    const hand = [black, Math.max(white, black + APART)];  // what a link says need not make sense
    return { [TOGETHER]: [together, together], [EACH]: own, [FIXED]: [[0, 1], [0, 1]], [HAND]: [hand, hand] }[greys];
  };

  // Black stays below white: the one that is moved takes the other along.
  const round = value => Number(value.toFixed(1)), within = (at, least, most) => round(Math.min(Math.max(at, least), most));
  const HELD = {
    black: (at, [, other]) => {
      const black = within(at, low, high - APART);
      return { greys: HAND, black, white: within(other, black + APART, high) };
    },
    white: (at, [other]) => {
      const white = within(at, low + APART, high);
      return { greys: HAND, black: within(other, low, white - APART), white };
    },
  };
  const alongWith = held => at => HELD[held](at, [view.state.black, view.state.white]);

  // The two marks of the chart can be dragged; the sliders do the same by keyboard.
  let held = null;
  const pointed = event => low - 0.5 + chart.shareAt(event.clientX) * (high - low + 1);
  const drag = event => {
    view.change(HELD[held](pointed(event), rangesOf(view.state)[0]));
  };
  chart.svg.classList.add("ae-handles");
  chart.svg.addEventListener("pointerdown", event => {
    const at = pointed(event), [black, white] = rangesOf(view.state)[0];
    held = Math.abs(at - black) < Math.abs(at - white) ? "black" : "white";
    chart.svg.setPointerCapture(event.pointerId);
    drag(event);
  });
  chart.svg.addEventListener("pointermove", event => { if (chart.svg.hasPointerCapture(event.pointerId)) drag(event); });

  function histogram(values) {
    const counts = Array.from({ length: BINS }, () => 0), from = low - 0.5, size = (high - low + 1) / BINS;
    for (const value of values) counts[Math.min(BINS - 1, Math.floor((value - from) / size))]++;
    const edges = Array.from({ length: BINS + 1 }, (_, i) => Math.min(from + i * size, high + 0.5));
    return stairs(edges, counts.map(count => Math.max(count, 0.7)));
  }

  const byHand = { step: APART, format: value => fixed(value, 1) };
  return {
    controls: {
      shown: choice("model output drawn as", Object.keys(outputs)),
      greys: choice("grey range", [TOGETHER, EACH, FIXED, HAND]),
      black: slider("black by hand (vmin)", { ...byHand, min: low, max: round(high - APART), also: alongWith("black") }),
      white: slider("white by hand (vmax)", { ...byHand, min: round(low + APART), max: high, also: alongWith("white") }),
    },
    parts: [pictures, chart],
    draw({ shown, greys, black, white }) {
      const rows = [originals.values, outputs[shown]], ranges = rangesOf({ shown, greys, black, white });
      const titles = ["originals", shown];
      pictures.show(rows.map((values, i) => ({ values, low: ranges[i][0], high: ranges[i][1], title: titles[i] })));
      const [[from, to], [below, above]] = ranges;
      chart.set({
        greys: [from, to],
        series: [
          { name: "originals", ...histogram(originals.values), colour: "#d55e00", dash: "7 3" },
          { name: shown, ...histogram(outputs[shown]), colour: "#0072b2" },
        ],
      });
      const handle = (x, colour, name, down) => [{ x, name, down }, { x, y: HANDLE, colour, edge: "#808080" }];
      const lower = to - from < NEAR * (high - low + 1) ? 40 : 0;  // so that the two names never overlap
      chart.mark([...handle(from, "#000", "black", 0), ...handle(to, "#fff", "white", lower)]);
      const share = value => 100 * Math.min(Math.max((value - from) / (to - from), 0), 1);
      const other = ` In the ${shown} row, ${fixed(below, 2)} is drawn black and ${fixed(above, 2)} white.`;
      return `In the originals row, ${fixed(from, 2)} is drawn black and ${fixed(to, 2)} white. On the scale from black to `
        + `white, the originals' own black (0) is therefore at ${fixed(share(0), 0)} % and their own white (1) at `
        + `${fixed(share(1), 0)} %.` + (below === from && above === to ? "" : other);
    },
  };
}
