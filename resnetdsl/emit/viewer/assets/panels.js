// What stands beside the diagram: details of what is selected, the note under the mouse, the table, the legend.

const KIND_NAMES = { part: "part", run: "repeat", cell: "layer", shortcut: "shortcut", merge: "addition", input: "input", op: "op" };

function share(value, total) {
  if (!total || !value) return "";
  const percent = (100 * value) / total;
  return ` (${percent < 0.1 ? "<0.1" : percent.toFixed(1)} %)`;
}

/** `bottleneck, 2 of 3`: a step of the way from the network to an op. */
function stepName(scope) {
  const copy = scope.count > 1 ? `, ${scope.index + 1} of ${scope.count}` : "";
  return `${scope.kind} ${scope.name}${copy}`;
}

function facts(model, item) {
  const totals = model.root;
  const last = model.nodes[item.nodes.at(-1)];
  const one = item.kind === "run" ? ` in ${item.items.length} copies` : "";
  const rows = [
    ["input", model.reads(item).map((source) => model.type(source)).join(", ")],
    ["output", model.writes(item).map((source) => model.type(source)).join(", ") || last.shapes.join(", ")],
    ["parameters", item.params ? `${grouped(item.params)}${share(item.params, totals.params)}${one}` : "0"],
    ["buffers", item.buffers ? grouped(item.buffers) : ""],
    ["MACs", item.macs ? `${human(item.macs)}${share(item.macs, totals.macs)}${one}` : "0"],
    ["memory", item.bytes ? `${humanBytes(item.bytes)}${share(item.bytes, totals.bytes)}` : "0 B"],
    ["receptive field", last.field],
  ];
  return rows.filter(([, value]) => value !== "");
}

function definitionList(rows, name) {
  return html("dl", { class: name }, ...rows.map(([term, value]) => html("div", {}, html("dt", {}, term), html("dd", {}, String(value)))));
}

/** A piece of a spec with line numbers and the place marked. */
function snippet(model, span, context) {
  const { name, line, column, first, before, marked, after } = model.text(span, context);
  const code = html("code", {});
  let number = first;
  const gutter = () => html("span", { class: "number", "aria-hidden": "true" }, `${String(number++).padStart(4)}  `);
  code.append(gutter());
  for (const [text, mark] of [[before, false], [marked, true], [after, false]]) {
    text.split("\n").forEach((piece, at) => {
      if (at) code.append("\n", gutter());
      if (piece) code.append(mark ? html("mark", {}, piece) : piece);
    });
  }
  return html("figure", { class: "snippet" }, html("figcaption", {}, `${name}:${line}:${column}`), html("pre", { tabindex: "0", "aria-label": `${name}, line ${line}` }, code));
}

function details(model, item, actions) {
  const parts = [];
  const op = item.nodes.length === 1 ? model.nodes[item.nodes[0]] : null;
  const scope = item.scope === null ? null : model.scopes[item.scope];
  const kind = item.kind === "part" && scope ? scope.kind : KIND_NAMES[item.kind];
  const title = item.kind === "merge" ? "+ addition" : frameTitle(item);
  parts.push(html("header", {}, html("p", { class: "kind" }, op && item.kind === "op" ? op.op : kind), html("h2", { id: "details-title" }, title), html("p", { class: "path" }, model.place(item) || model.root.title)));
  const buttons = [];
  if (canOpen(item)) {
    const state = actions.state(item);
    buttons.push(html("button", { type: "button", onclick: () => actions.toggle(item) }, state === "closed" ? "Unfold" : "Fold"));
    if (item.kind === "run") buttons.push(html("button", { type: "button", onclick: () => actions.copies(item) }, state === "all" ? "Draw copies as one" : `Draw all ${item.items.length} copies`));
  }
  if (item.parent && item.parent.parent) buttons.push(html("button", { type: "button", onclick: () => actions.select(item.parent) }, "Around it"));
  if (buttons.length) parts.push(html("p", { class: "actions" }, ...buttons));
  parts.push(definitionList(facts(model, item), "facts"));
  if (item.kind === "merge") {
    const residual = model.residuals.get(item.nodes[0]);
    if (residual) parts.push(html("p", { class: "doc" }, `The end of a residual. Its shortcut: ${residual.label || "identity"}.`));
  }
  if (item.kind === "cell") parts.push(definitionList(item.nodes.map((node) => [model.nodes[node].op, model.nodes[node].path]), "facts"));
  if (op && op.attrs.length) parts.push(html("h3", {}, "Attributes"), definitionList(op.attrs, "attributes"));
  const doc = item.kind === "part" || item.kind === "run" ? scope?.doc : "";
  if (doc) parts.push(html("p", { class: "doc" }, doc.replace(/(?<!\n)\n(?!\n)/g, " ")));
  const spans = [];
  if (["part", "run"].includes(item.kind)) spans.push(scope?.call ?? scope?.definition);
  else spans.push(model.nodes[item.nodes[0]].span);
  for (const span of spans.filter(Boolean)) parts.push(html("h3", {}, "Made by"), snippet(model, span, 2));
  const trail = model.trail(item);
  if (trail.length) {
    parts.push(html("h3", {}, "Expanded from"));
    parts.push(html("ol", { class: "trail" }, ...trail.map((step) => {
      const span = step.call ?? step.definition;
      if (!span) return html("li", {}, stepName(step));
      const body = html("div", {});
      const fold = html("details", {}, html("summary", {}, stepName(step)), body);
      fold.addEventListener("toggle", () => {
        if (!fold.open || body.childElementCount) return;
        body.append(snippet(model, span, 1));
        if (step.definition && step.definition !== span) body.append(html("p", { class: "note" }, "defined at"), snippet(model, step.definition, 1));
      });
      return html("li", {}, fold);
    })));
  }
  return parts;
}

/** The note under the mouse. */
function note(model, shown) {
  if (shown.kind === "result") return [html("strong", {}, shown.title), definitionList([["shape", shown.detail]], "facts")];
  const { item } = shown;
  const title = item.kind === "merge" ? "addition" : frameTitle(item);
  return [html("strong", {}, title), html("p", { class: "path" }, model.place(item)), definitionList(facts(model, item), "facts")];
}

/** The table of what is drawn, folded as the diagram is. */
function table(model, root, select) {
  const head = ["layer", "kind", "output", "params", "MACs", "memory", "field"];
  const rows = [];
  const visit = (shown, level) => {
    for (const child of shown.children) {
      const { item } = child;
      if (child.kind === "trio") {
        rows.push(row(child.children[0], level));
        continue;
      }
      if (!item || (child.kind === "merge" && item.kind === "merge" && !item.macs && !item.params && level > 1)) continue;
      rows.push(row(child, level));
      if (child.kind === "frame") visit(child, level + 1);
    }
  };
  const row = (shown, level) => {
    const { item } = shown;
    const last = model.nodes[item.nodes.at(-1)];
    const name = item.kind === "run" ? `${item.items[0].path} … ${item.items.at(-1).path}` : item.path;
    let around = item.parent;
    while (around?.kind === "cell") around = around.parent;
    const outside = around?.path ? `${around.path}.` : "";
    const short = outside && name.startsWith(outside) && item.kind !== "run" ? name.slice(outside.length) : name;
    const cells = [frameTitle(item) === "+" ? "+" : frameTitle(item), last.shapes.join(", "), item.params ? grouped(item.params) : "", item.macs ? human(item.macs) : "", item.bytes ? humanBytes(item.bytes) : "", last.field];
    const made = html("tr", { "data-key": item.key },
      html("th", { scope: "row" }, html("button", { type: "button", onclick: () => select(item) }, short || item.title)),
      ...cells.map((cell, at) => html("td", { class: at >= 2 ? "number" : "" }, cell)));
    made.firstElementChild.style.setProperty("--level", level);
    return made;
  };
  visit(root, 0);
  const { totals } = model.data;
  const sums = ["", "", grouped(totals.params), human(totals.macs), humanBytes(totals.memory), totals.field];
  return html("table", {},
    html("thead", {}, html("tr", {}, ...head.map((each) => html("th", { scope: "col" }, each)))),
    html("tbody", {}, ...rows),
    html("tfoot", {}, html("tr", {}, html("th", { scope: "row" }, "total"), ...sums.map((each, at) => html("td", { class: at >= 2 ? "number" : "" }, each)))));
}

function legend(measure, scale) {
  const { title, write } = MEASURES[measure];
  const marks = [0, 0.25, 0.5, 0.75, 1].map((at) => html("span", {}, write(Math.round(scale.most * at * at))));
  const bar = html("div", { class: "bar" });
  bar.style.background = `linear-gradient(to right, ${[0, 0.2, 0.4, 0.6, 0.8, 1].map((at) => heatColor(at).fill).join(", ")})`;
  return [html("strong", {}, title), bar, html("div", { class: "marks" }, ...marks), html("p", { class: "note" }, `of ${write(scale.total)} in all; a colour stands for the square root`)];
}
