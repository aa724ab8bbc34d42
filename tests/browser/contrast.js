// Texts in boxes with less than 4.5 to 1 between them and what they stand on (WCAG 2.2, 1.4.3).
() => {
  const parse = (text) => {
    const numbers = text.match(/[\d.]+/g).map(Number);
    return text.startsWith("color(srgb") ? numbers.map((value, at) => (at < 3 ? value * 255 : value)) : numbers;
  };
  const over = (top, under) => [0, 1, 2].map((at) => top[at] * (top[3] ?? 1) + under[at] * (1 - (top[3] ?? 1)));
  const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const light = (color) => color.reduce((sum, value, at) => sum + linear(value / 255) * [0.2126, 0.7152, 0.0722][at], 0);
  const page = parse(getComputedStyle(document.body).backgroundColor);
  const found = [];
  for (const text of document.querySelectorAll(".shown > text")) {
    const { fill } = getComputedStyle(text.parentElement.querySelector(":scope > .shape-of, :scope > .frame-shape"));
    const under = (fill === "none" ? page : parse(fill)).slice(0, 3);
    const ink = over(parse(getComputedStyle(text).fill), under);
    const [more, less] = [light(ink), light(under)].sort((one, other) => other - one);
    found.push([(more + 0.05) / (less + 0.05), text.textContent]);
  }
  return found.filter(([ratio]) => ratio < 4.5);
}
