import { Pictures, button, element, fixed, network, row, squaredError, whole } from "./core.js";

const SIDE = 112;

// Bring a drawing to the form of MNIST's digits: 20 pixels long, its centre of mass at pixel (14, 14) of 28 x 28.
export function asMnist(drawing) {
  let top = SIDE, bottom = -1, left = SIDE, right = -1;
  drawing.forEach((ink, i) => {
    if (!ink) return;
    const y = Math.floor(i / SIDE), x = i % SIDE;
    top = Math.min(top, y); bottom = Math.max(bottom, y); left = Math.min(left, x); right = Math.max(right, x);
  });
  const image = new Float32Array(784);
  if (bottom < 0) return image;
  const tall = bottom - top + 1, wide = right - left + 1, scale = 20 / Math.max(tall, wide);
  const rows = Math.max(1, Math.round(tall * scale)), columns = Math.max(1, Math.round(wide * scale));
  // Each small pixel is the mean of the large ones below it, those at its edges counted by their share.
  const share = (from, to, at) => Math.max(0, Math.min(to, at + 1) - Math.max(from, at));
  const small = new Float32Array(rows * columns);
  let sum = 0, down = 0, across = 0;
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
    const y0 = r * tall / rows, y1 = (r + 1) * tall / rows, x0 = c * wide / columns, x1 = (c + 1) * wide / columns;
    let ink = 0;
    for (let y = Math.floor(y0); y < y1; y++) for (let x = Math.floor(x0); x < x1; x++) {
      ink += drawing[(top + y) * SIDE + left + x] * share(y0, y1, y) * share(x0, x1, x);
    }
    const value = ink / ((y1 - y0) * (x1 - x0));
    small[r * columns + c] = value;
    sum += value; down += value * r; across += value * c;
  }
  const place = (centre, length) => Math.min(Math.max(Math.round(14 - centre), 0), 28 - length);
  const y = place(down / sum, rows), x = place(across / sum, columns);
  for (let r = 0; r < rows; r++) image.set(small.subarray(r * columns, (r + 1) * columns), (y + r) * 28 + x);
  return image;
}

// Draw a digit, or over a test image, and see what every model makes of it.
export default function drawingPad(data, view) {
  const names = Object.keys(data.networks), { images } = data;
  const networks = names.map(name => network(data.networks[name]));
  const pictures = new Pictures({ titles: ["input", ...names], count: 1, size: 112 });
  const canvas = element("canvas", {
    width: SIDE,
    height: SIDE,
    class: "ae-pad",
    tabindex: 0,
    role: "application",
    "aria-label":
      "Drawing pad: draw with the pointer; or move with the arrow keys and press the space bar to put the pen down or up",
  });
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  const paper = element("canvas", { width: SIDE, height: SIDE }).getContext("2d", { willReadFrequently: true });
  let stroke = null, pen = [SIDE / 2, SIDE / 2], keyStroke = null;
  const strokes = () => view.state.strokes;
  const change = (list, base = view.state.base) => view.change({ strokes: list, base });

  function paintStrokes(target) {
    target.strokeStyle = "white";
    target.lineWidth = 9; target.lineCap = target.lineJoin = "round";
    for (const points of strokes()) {
      target.beginPath(); target.moveTo(points[0][0] + 0.01, points[0][1]);  // a lone point gets a dot
      for (const point of points) target.lineTo(...point);
      target.stroke();
    }
  }

  function paint() {
    ink.fillStyle = "black"; ink.fillRect(0, 0, SIDE, SIDE);
    if (view.state.base >= 0) row(images, view.state.base).forEach((value, i) => {
      ink.fillStyle = `rgb(${Array(3).fill(255 * value).join()})`;
      ink.fillRect(4 * (i % 28), 4 * Math.floor(i / 28), 4, 4);
    });
    paintStrokes(ink);
    if (document.activeElement === canvas) {
      ink.strokeStyle = keyStroke ? "#d55e00" : "#56b4e9"; ink.lineWidth = 1;
      ink.beginPath(); ink.arc(...pen, 5, 0, 7); ink.stroke();
    }
  }

  function input() {
    paper.fillStyle = "black"; paper.fillRect(0, 0, SIDE, SIDE);
    paintStrokes(paper);
    const bytes = paper.getImageData(0, 0, SIDE, SIDE).data, drawing = new Float32Array(SIDE * SIDE);
    for (let i = 0; i < drawing.length; i++) drawing[i] = bytes[4 * i] / 255;
    if (view.state.base < 0) return asMnist(drawing);
    const under = row(images, view.state.base), small = new Float32Array(784);
    drawing.forEach((value, i) => { small[28 * Math.floor(i / SIDE / 4) + Math.floor((i % SIDE) / 4)] += value / 16; });
    return under.map((value, i) => Math.max(value, small[i]));
  }

  const at = event => {
    const area = canvas.getBoundingClientRect();
    return [event.clientX - area.left, event.clientY - area.top].map((value, i) =>
      Math.round((value / [area.width, area.height][i]) * SIDE),
    );
  };
  canvas.addEventListener("pointerdown", event => {
    canvas.setPointerCapture(event.pointerId); canvas.focus();
    pen = at(event); stroke = [pen]; keyStroke = null; change([...strokes(), stroke]);
  });
  canvas.addEventListener("pointermove", event => {
    if (!stroke) return;
    pen = at(event); stroke = [...stroke, pen]; change([...strokes().slice(0, -1), stroke]);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { stroke = null; });
  canvas.addEventListener("keydown", event => {
    const by = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4], ArrowDown: [0, 4] }[event.key];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    if (by) {
      pen = pen.map((value, i) => Math.min(Math.max(value + by[i], 0), SIDE));
      if (keyStroke) { keyStroke = [...keyStroke, pen]; change([...strokes().slice(0, -1), keyStroke]); } else paint();
    } else if (keyStroke) { keyStroke = null; paint(); } else { keyStroke = [pen]; change([...strokes(), keyStroke]); }
  });
  canvas.addEventListener("focus", paint);
  canvas.addEventListener("blur", () => { keyStroke = null; paint(); });

  const isPoint = point => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  const isStrokes = value => Array.isArray(value) && value.every(one => Array.isArray(one) && one.length && one.every(isPoint));
  const readStrokes = value => {
    try {
      const list = typeof value === "string" ? JSON.parse(value) : value;
      return isStrokes(list) ? list : undefined;
    } catch { return undefined; }
  };
  const count = images.shape[0];
  return {
    controls: {
      strokes: { clean: readStrokes },
      base: whole(-1, count - 1),  // -1 is empty paper
    },
    buttons: [
      button("undo", () => { keyStroke = null; change(strokes().slice(0, -1)); }),
      button("clear", () => { keyStroke = null; change([], -1); }),
      button("another test image", () => { keyStroke = null; change([], (view.state.base + 1) % count); }),
    ],
    parts: [{ element: canvas }, pictures],
    draw({ base }) {
      paint();
      const image = input(), rebuilt = networks.map(run => run(image));
      pictures.show([{ values: image }, ...rebuilt.map(values => ({ values }))]);
      const empty = !image.some(value => value), under = base >= 0 ? row(images, base) : [];
      const changed = under.reduce((sum, value, i) => sum + (Math.abs(image[i] - value) > 1 / 510 ? 1 : 0), 0);
      const drawn = empty ? "Draw a digit, or take a test image." : "Your drawing, scaled and centred.";
      const errors = names.map((name, i) => `${name} ${fixed(squaredError(image, rebuilt[i]), 4)}`).join(", ");
      return (base >= 0 ? `${changed} of 784 pixels differ from the test image.` : drawn)
        + (empty ? "" : ` Squared errors: ${errors}.`);
    },
  };
}
