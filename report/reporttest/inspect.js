// Measures the page as it is shown: what is wider than the window, and which
// visible texts stand out less from what is behind them than WCAG 2 AA asks for.
(() => {
  const parse = (text) => {
    const p = (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
    return p.length > 3 ? p : [...p, 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  // What is behind an element: the backgrounds of all around it, on the canvas.
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.unshift(parse(getComputedStyle(e).backgroundColor));
    return layers.reduce((below, top) => over(top, below), dark ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  };
  const opacity = (element) => {
    let all = 1;
    for (let e = element; e; e = e.parentElement) all *= Number(getComputedStyle(e).opacity);
    return all;
  };

  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  const inner = window.innerWidth;
  const wide = [];
  for (const e of document.body.querySelectorAll("*")) {
    const box = e.getBoundingClientRect();
    if (box.width > 0 && (box.right > inner + 0.5 || box.left < -0.5)) wide.push(e.tagName + "." + (e.getAttribute("class") || ""));
  }
  const faint = [];
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.data.trim();
    const e = node.parentElement;
    if (!text || e.closest("script, style, svg") || !e.checkVisibility()) continue;
    texts++;
    const style = getComputedStyle(e);
    const ground = behind(e);
    const ink = parse(style.color);
    ink[3] *= opacity(e);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(over(ink, ground), ground);
    if (ratio < (large ? 3 : 4.5)) faint.push(ratio.toFixed(2) + " " + text.slice(0, 60));
  }
  return { title: document.title, dark, inner, scroll: document.documentElement.scrollWidth, wide: wide.slice(0, 10), texts, faint: faint.slice(0, 10) };
})()
