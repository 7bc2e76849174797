// Paper and pen: strokes that are drawn with the pointer or with the keys, and what they are as a digit of MNIST.

import { element } from "./core.js";

export const PAPER = 112;  // pixels of the paper, which is square

// Bring a drawing to the form of MNIST's digits: 20 pixels long, its centre of mass at pixel (14, 14) of 28 x 28.
export function asMnist(drawing) {
  let top = PAPER, bottom = -1, left = PAPER, right = -1;
  drawing.forEach((ink, i) => {
    if (!ink) return;
    const y = Math.floor(i / PAPER), x = i % PAPER;
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
      ink += drawing[(top + y) * PAPER + left + x] * share(y0, y1, y) * share(x0, x1, x);
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

// Paint strokes, lists of points, in white; and paint them on a paper of their own, as values from 0 to 1.
export function paintStrokes(ink, strokes) {
  Object.assign(ink, { strokeStyle: "white", lineWidth: 9, lineCap: "round", lineJoin: "round" });
  for (const points of strokes) {
    ink.beginPath(); ink.moveTo(points[0][0] + 0.01, points[0][1]);  // a lone point gets a dot
    for (const point of points) ink.lineTo(...point);
    ink.stroke();
  }
}

const sheet = element("canvas", { width: PAPER, height: PAPER }).getContext("2d", { willReadFrequently: true });
export function drawn(strokes) {
  sheet.fillStyle = "black"; sheet.fillRect(0, 0, PAPER, PAPER);
  paintStrokes(sheet, strokes);
  const bytes = sheet.getImageData(0, 0, PAPER, PAPER).data, values = new Float32Array(PAPER * PAPER);
  for (let i = 0; i < values.length; i++) values[i] = bytes[4 * i] / 255;
  return values;
}

// A pen for a canvas: strokes() is what is there, change(strokes) is told what is there now, and paint() paints it, over which
// the pen of the keyboard is shown. Returns { paint, lift }.
export function penOn(canvas, { strokes, change, paint }) {
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  let pen = [PAPER / 2, PAPER / 2], stroke = null, isByKeys = false;
  const begin = () => { stroke = [pen]; change([...strokes(), stroke]); };
  const extend = () => { stroke = [...stroke, pen]; change([...strokes().slice(0, -1), stroke]); };
  const lift = () => { stroke = null; isByKeys = false; };

  function show() {
    paint(ink);
    if (document.activeElement !== canvas) return;
    ink.strokeStyle = isByKeys ? "#d55e00" : "#56b4e9"; ink.lineWidth = 1;
    ink.beginPath(); ink.arc(...pen, 5, 0, 7); ink.stroke();
  }

  const at = event => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height].map(part => Math.round(PAPER * part));
  };
  canvas.addEventListener("pointerdown", event => {
    canvas.setPointerCapture(event.pointerId); canvas.focus();
    lift(); pen = at(event); begin();
  });
  canvas.addEventListener("pointermove", event => {
    if (!stroke || isByKeys) return;
    pen = at(event); extend();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { if (!isByKeys) lift(); });
  canvas.addEventListener("keydown", event => {
    const by = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4], ArrowDown: [0, 4] }[event.key];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    if (by) {
      pen = pen.map((value, i) => Math.min(Math.max(value + by[i], 0), PAPER));
      if (isByKeys) extend(); else show();
    } else if (isByKeys) { lift(); show(); } else { isByKeys = true; begin(); }
  });
  canvas.addEventListener("focus", show);
  canvas.addEventListener("blur", () => { lift(); show(); });
  return { paint: show, lift };
}
