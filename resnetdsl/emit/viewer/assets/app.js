// The page: what the parts do together, and what mouse and keys do.

const $ = (id) => document.getElementById(id);
const SENSIBLE = 1200; // boxes that one draws without asking

class App {
  constructor() {
    this.canvas = $("canvas");
    this.world = $("world");
    this.camera = new Camera(this.canvas, this.world, () => this.hideNote());
    this.drawing = new Drawing(this.world, (shown, action) => this.toggle(shown.item, action));
    this.layout = new Layout();
    this.model = null;
    this.folds = null;
    this.selected = null; // the key of an item
    this.heat = "none";
    this.direction = "DOWN";
    this.columns = window.matchMedia("(min-width: 40rem)").matches; // beside one another they need room
    $("columns").setAttribute("aria-pressed", String(this.columns));
    this.hits = [];
    this.hit = -1;
    this.turn = 0;
    this.#listen();
    this.setTheme(this.stored("theme") ?? "auto");
  }

  // --- state ---

  /** Show a network; the first one from its beginning, a later version as the one before was looked at. */
  async show(data) {
    const first = this.model === null || this.model.data.network !== data.network;
    const place = first ? null : this.#anchor();
    this.model = new Model(data);
    this.folds = first ? new Folds(data.level) : this.folds;
    if (first) {
      this.folds.open(this.model, data.open);
      this.selected = null;
    } else if (this.selected && !this.model.find(this.selected)) {
      this.select(null);
    }
    this.#describe();
    await this.refresh({ first, anchor: place });
    if (this.selected) this.#showDetails();
    if ($("search").value) this.search($("search").value, false);
  }

  #describe() {
    const { data } = this.model;
    $("network").textContent = data.network;
    document.title = data.network;
    $("doc").textContent = data.doc.split("\n").find((line) => line.trim()) ?? "";
    const { totals } = data;
    $("totals").replaceChildren(...[
      [human(totals.params), "params"], [human(totals.macs), "MACs"], [humanBytes(totals.peak), "peak memory"],
      [totals.depth, "layers deep"], [totals.field, "field"],
    ].map(([value, name]) => html("span", {}, html("b", {}, String(value)), ` ${name}`)));
  }

  /** Lay out and draw anew. Of two at once the later one counts. */
  async refresh({ first = false, reset = first, anchor = null, focus = null } = {}) {
    const turn = ++this.turn;
    const boxes = countShown(this.model, this.folds);
    if (boxes > SENSIBLE && this.agreed !== boxes) {
      this.#offer(boxes);
      if (!first) return;
      this.folds.setLevel(this.#lower().at(-1)?.level ?? 0);
    }
    const root = new Builder(this.model, this.folds).build();
    document.body.dataset.state = "busy";
    this.canvas.setAttribute("aria-busy", "true");
    const slow = setTimeout(() => { $("busy").hidden = false; }, 250);
    try {
      await this.layout.place(root, this.direction, this.columns);
    } catch (problem) {
      this.#fail(problem);
      return;
    } finally {
      clearTimeout(slow);
      if (turn === this.turn) $("busy").hidden = true;
    }
    if (turn !== this.turn) return;
    this.drawing.draw(root, this.model, this.folds);
    this.root = root;
    if (reset) this.camera.open(root, this.direction);
    else if (anchor) this.#restore(anchor);
    this.#marks();
    this.#colour();
    this.#buttons();
    if ($("table").hidden === false) this.#table();
    if (focus) this.focus(focus);
    this.canvas.removeAttribute("aria-busy");
    document.body.dataset.state = "ready";
  }

  #fail(problem) {
    document.body.dataset.state = "failed";
    $("message").textContent = `The layout failed: ${problem?.message ?? problem}. Fold some of it, or choose a lower level.`;
    $("message").hidden = false;
  }

  #offer(boxes) {
    const dialog = $("offer");
    const { level, own } = this.folds;
    $("offer-text").textContent = `${grouped(boxes)} boxes are more than one can read, and take a while to draw.`;
    const close = (then) => () => { dialog.close(); then(); };
    $("offer-buttons").replaceChildren(
      ...this.#lower().map(({ name, level, count }) => html("button", { type: "button", onclick: close(() => this.setLevel(level)) }, `Level ${name}: ${grouped(count)} boxes`)),
      html("button", { type: "button", onclick: close(() => { this.folds.level = level; this.folds.own = own; this.agreed = boxes; this.refresh({ reset: true }); }) }, "Draw them all the same"),
      html("button", { type: "button", onclick: close(() => this.#undo()) }, "Leave it"),
    );
    if (!dialog.open) dialog.showModal();
    document.body.dataset.state = "asking";
  }

  /** The levels that can be drawn without asking. */
  #lower() {
    const levels = LEVELS.map((name, level) => ({ name, level, count: countShown(this.model, new Folds(level)) }));
    return levels.filter(({ count }) => count <= SENSIBLE);
  }

  #undo() {
    if (this.before) { this.before(); this.before = null; }
    this.#buttons();
  }

  setLevel(level) {
    const { level: was, own } = this.folds;
    const kept = new Map(own);
    this.before = () => { this.folds.level = was; this.folds.own = kept; };
    this.folds.setLevel(level);
    this.refresh({ reset: true, focus: document.activeElement?.closest?.(".shown") ? this.selected : null });
  }

  toggle(item, action = "toggle") {
    if (!canOpen(item)) return;
    const was = this.folds.state(item);
    const own = new Map(this.folds.own);
    this.before = () => { this.folds.own = own; };
    if (action === "copies") this.folds.set(item, was === "all" ? "open" : "all");
    else this.folds.set(item, was === "closed" ? "open" : "closed");
    this.selected = item.key;
    const inside = document.activeElement?.closest?.("#canvas");
    this.refresh({ anchor: this.#anchor(item), focus: inside ? item.key : null });
    this.#showDetails(false);
  }

  // --- looking ---

  /** The item that should stay where it is on the screen: the one given, the selected, or the one in the middle. */
  #anchor(item = null) {
    const key = item?.key ?? this.selected;
    let shown = key && this.#shownOf(key);
    if (!shown) {
      const { width, height } = this.camera.size;
      const distance = (each) => { const box = this.#screen(each); return Math.hypot(box.x - width / 2, box.y - height / 2); };
      shown = this.drawing.shown.filter((each) => each.item).reduce((best, each) => (!best || distance(each) < distance(best) ? each : best), null);
    }
    if (!shown?.item) return null;
    const { x, y } = this.#screen(shown);
    return { key: shown.item.key, x, y };
  }

  #restore(anchor) {
    const shown = this.#shownOf(anchor.key);
    if (!shown) return;
    const { x, y } = this.#screen(shown);
    this.camera.pan(anchor.x - x, anchor.y - y);
  }

  #place(shown) {
    let x = 0, y = 0;
    for (let at = shown; at; at = at.parent) { x += at.x; y += at.y; }
    return { x, y, width: shown.width, height: shown.height };
  }

  #screen(shown) {
    const { x, y, width, height } = this.#place(shown);
    const { scale } = this.camera;
    return { x: x * scale + this.camera.x, y: y * scale + this.camera.y, width: width * scale, height: height * scale };
  }

  /** What is drawn of an item, or of the nearest thing around it. */
  #shownOf(key, around = false) {
    let item = this.model.find(key);
    while (item) {
      const found = this.drawing.shown.find((each) => each.item === item) ?? this.drawing.shown.find((each) => item.kind === "cell" && each.item?.parent === item);
      if (found || !around) return found ?? null;
      item = item.parent;
    }
    return null;
  }

  #reveal(item) {
    let changed = false;
    for (let at = item.parent; at && at.parent; at = at.parent) {
      if (at.kind === "cell") continue; // its box stands for all that is in it
      const state = this.folds.state(at);
      const first = at.kind === "run" && at.items[0].nodes.includes(item.nodes[0]);
      const wanted = at.kind === "run" && !first ? "all" : "open";
      if (state === "closed" || (wanted === "all" && state !== "all")) {
        this.folds.set(at, wanted);
        changed = true;
      }
    }
    return changed;
  }

  select(item, { center = false, panel = true } = {}) {
    this.selected = item ? item.key : null;
    this.#marks();
    if (!item) { $("details").hidden = true; return; }
    if (panel) this.#showDetails();
    const shown = this.#shownOf(item.key, true);
    if (shown) this.camera.reveal(this.#place(shown), center);
  }

  /** Open what is around an item, select it and look at it. */
  async goTo(item) {
    if (this.#reveal(item)) await this.refresh();
    this.select(item, { center: true });
  }

  focus(key) {
    const shown = this.#shownOf(key, true) ?? this.drawing.shown[0];
    shown?.element.focus({ preventScroll: true });
  }

  #showDetails(open = true) {
    const item = this.model.find(this.selected);
    if (!item || (!open && $("details").hidden)) return;
    const actions = { state: (each) => this.folds.state(each), toggle: (each) => this.toggle(each), copies: (each) => this.toggle(each, "copies"), select: (each) => this.goTo(each) };
    const scroll = $("details").scrollTop;
    $("details-body").replaceChildren(...details(this.model, item, actions));
    $("details").hidden = false;
    $("details").scrollTop = this.detailsOf === this.selected ? scroll : 0;
    this.detailsOf = this.selected;
  }

  #marks() {
    const item = this.selected && this.model.find(this.selected);
    const shown = item ? this.#shownOf(item.key, true) : null;
    const hits = new Set(this.hits.flatMap((each) => { const found = this.#shownOf(each.key, true); return found ? [found] : []; }));
    this.drawing.shown.forEach((each, at) => {
      const chosen = each === shown;
      each.element.classList.toggle("selected", chosen);
      each.element.setAttribute("aria-selected", String(chosen));
      each.element.setAttribute("tabindex", chosen || (!shown && at === 0) ? "0" : "-1");
      each.element.classList.toggle("hit", hits.has(each));
    });
    document.body.classList.toggle("searching", this.hits.length > 0);
    for (const row of $("table").querySelectorAll("tr[data-key]")) row.classList.toggle("selected", row.dataset.key === shown?.item.key);
  }

  // --- search ---

  search(text, move = true) {
    this.hits = this.model.search(text);
    this.hit = -1;
    this.#marks();
    this.#count(text);
    if (move && this.hits.length && text.trim().length > 1) this.#look();
  }

  /** While one types, look at the first hit that is drawn, without opening anything. */
  #look() {
    const shown = this.#shownOf(this.hits[0].key, true);
    if (shown) this.camera.reveal(this.#place(shown));
  }

  async step(by) {
    if (!this.hits.length) return;
    this.hit = (this.hit + by + this.hits.length) % this.hits.length;
    this.#count($("search").value);
    await this.goTo(this.hits[this.hit]);
  }

  #count(text) {
    const at = this.hit >= 0 ? `${this.hit + 1} of ${grouped(this.hits.length)}` : grouped(this.hits.length);
    $("count").textContent = !text.trim() ? "" : this.hits.length ? at : "none";
    $("previous").disabled = $("next").disabled = !this.hits.length;
  }

  // --- looks ---

  setHeat(measure) {
    this.heat = measure;
    $("heat").value = measure;
    this.#colour();
  }

  #colour() {
    const scale = this.drawing.heat(this.heat);
    $("legend").hidden = !scale;
    if (scale) $("legend").replaceChildren(...legend(this.heat, scale));
  }

  setTheme(theme) {
    this.theme = theme;
    document.documentElement.dataset.theme = theme;
    const names = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };
    $("theme").setAttribute("aria-label", names[theme]);
    $("theme").title = `${names[theme]} (d)`;
    $("theme").dataset.theme = theme;
    if (this.root) this.#colour();
    try { localStorage.setItem("resnetdsl-theme", theme); } catch { /* a page in a sandbox has no storage */ }
  }

  stored(name) {
    try { return localStorage.getItem(`resnetdsl-${name}`); } catch { return null; }
  }

  turnAround() {
    this.direction = this.direction === "DOWN" ? "RIGHT" : "DOWN";
    $("direction").setAttribute("aria-pressed", String(this.direction === "RIGHT"));
    this.refresh({ reset: true });
  }

  toggleColumns() {
    this.columns = !this.columns;
    $("columns").setAttribute("aria-pressed", String(this.columns));
    this.refresh({ reset: true });
  }

  toggleTable() {
    $("table").hidden = !$("table").hidden;
    $("table-button").setAttribute("aria-pressed", String(!$("table").hidden));
    if (!$("table").hidden) this.#table();
  }

  #table() {
    if (!this.root) return;
    $("table-body").replaceChildren(table(this.model, this.root, (item) => this.goTo(item)));
    this.#marks();
  }

  #buttons() {
    const plain = this.folds.own.size === 0;
    for (const button of document.querySelectorAll("[data-level]")) {
      button.setAttribute("aria-pressed", String(plain && Number(button.dataset.level) === this.folds.level));
    }
  }

  // --- mouse and keys ---

  #listen() {
    const shownAt = (event) => event.target.closest?.(".shown:not(.trio)")?.shown ?? null;
    this.canvas.addEventListener("click", (event) => {
      if (this.camera.moved) return;
      const shown = shownAt(event);
      if (shown?.item) { this.select(shown.item); shown.element.focus({ preventScroll: true }); }
      else if (!shown) this.select(null);
    });
    this.canvas.addEventListener("dblclick", (event) => {
      const shown = shownAt(event);
      if (shown && canOpen(shown.item)) this.toggle(shown.item);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const shown = this.canvas.classList.contains("dragging") ? null : shownAt(event);
      if (!shown) this.hideNote();
      else this.#note(shown, event);
    });
    this.canvas.addEventListener("pointerleave", () => this.hideNote());
    this.canvas.addEventListener("focusin", (event) => {
      const shown = shownAt(event);
      if (this.camera.pointers.size) return; // a press moves nothing; the click that may follow selects
      if (shown?.item && shown.item.key !== this.selected) this.select(shown.item, { panel: !$("details").hidden });
    });
    this.canvas.addEventListener("keydown", (event) => this.#treeKey(event, shownAt(event)));
    document.addEventListener("keydown", (event) => this.#key(event));
    for (const button of document.querySelectorAll("[data-level]")) button.addEventListener("click", () => this.setLevel(Number(button.dataset.level)));
    $("heat").addEventListener("change", () => this.setHeat($("heat").value));
    $("search").addEventListener("input", () => this.search($("search").value));
    $("search").addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); this.step(event.shiftKey ? -1 : 1); }
      if (event.key === "Escape") { this.clearSearch(); event.stopPropagation(); }
    });
    $("next").addEventListener("click", () => this.step(1));
    $("previous").addEventListener("click", () => this.step(-1));
    const clicks = {
      fit: () => this.camera.fit(this.root), "zoom-in": () => this.camera.zoom(1.25), "zoom-out": () => this.camera.zoom(0.8),
      direction: () => this.turnAround(), columns: () => this.toggleColumns(), "table-button": () => this.toggleTable(), theme: () => this.nextTheme(),
      "help-button": () => $("help").showModal(), "help-close": () => $("help").close(), "details-close": () => this.closeDetails(),
    };
    for (const [id, action] of Object.entries(clicks)) $(id).addEventListener("click", action);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (this.root) this.#colour(); });
    window.addEventListener("beforeprint", () => this.#print(true));
    window.addEventListener("afterprint", () => this.#print(false));
  }

  /** On paper the whole diagram fills the page, wherever one was looking. */
  #print(on) {
    if (!this.root) return;
    if (on) {
      this.canvas.setAttribute("viewBox", `0 0 ${this.root.width} ${this.root.height}`);
      this.world.removeAttribute("transform");
    } else {
      this.canvas.removeAttribute("viewBox");
      this.camera.apply();
    }
  }

  #note(shown, event) {
    const tip = $("note");
    if (this.noted !== shown) {
      tip.replaceChildren(...note(this.model, shown));
      this.noted = shown;
    }
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 16, innerWidth - width - 8))}px`;
    tip.style.top = `${event.clientY + 20 + height > innerHeight ? Math.max(8, event.clientY - height - 12) : event.clientY + 20}px`;
  }

  hideNote() {
    $("note").hidden = true;
    this.noted = null;
  }

  nextTheme() {
    const themes = ["auto", "light", "dark"];
    this.setTheme(themes[(themes.indexOf(this.theme) + 1) % themes.length]);
  }

  clearSearch() {
    $("search").value = "";
    this.search("");
    this.focus(this.selected);
  }

  closeDetails() {
    $("details").hidden = true;
    if (this.selected) this.focus(this.selected);
  }

  /** The keys of a tree (WAI-ARIA): along it, into it and out of it. */
  #treeKey(event, shown) {
    if (!shown || event.ctrlKey || event.metaKey || event.altKey) return;
    const order = this.drawing.shown;
    const at = order.indexOf(shown);
    const go = (to) => { if (order[to]) order[to].element.focus({ preventScroll: true }); };
    const pan = { ArrowUp: [0, 80], ArrowDown: [0, -80], ArrowLeft: [80, 0], ArrowRight: [-80, 0] }[event.key];
    if (event.shiftKey && pan) {
      this.camera.pan(...pan);
      event.preventDefault();
      return;
    }
    const opens = canOpen(shown.item) && shown.kind !== "merge";
    const open = shown.kind === "frame";
    const outer = order.find((each) => each === shown.parent || (shown.parent.kind === "trio" && each === shown.parent.parent));
    const keys = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      Home: () => go(0),
      End: () => go(order.length - 1),
      ArrowRight: () => (opens && !open ? this.toggle(shown.item) : go(at + 1)),
      ArrowLeft: () => {
        if (opens && open) this.toggle(shown.item);
        else if (outer) go(order.indexOf(outer));
        else if (shown.item?.parent?.kind === "cell") this.toggle(shown.item.parent);
      },
      " ": () => opens && this.toggle(shown.item),
      Enter: () => { if (shown.item) { this.select(shown.item); $("details-title")?.scrollIntoView({ block: "nearest" }); } },
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  #key(event) {
    const typing = event.target.closest?.("input, select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey || typing || $("offer").open) return;
    if (event.key === "Escape" && !$("help").open) {
      if (!$("details").hidden) this.closeDetails();
      else if ($("search").value) this.clearSearch();
      else this.select(null);
      return;
    }
    if ($("help").open) return;
    const measures = ["none", ...Object.keys(MEASURES)];
    const keys = {
      "/": () => $("search").focus(), "?": () => $("help").showModal(), "+": () => this.camera.zoom(1.25), "=": () => this.camera.zoom(1.25),
      "-": () => this.camera.zoom(0.8), 0: () => this.camera.fit(this.root), f: () => this.camera.fit(this.root), r: () => this.turnAround(), c: () => this.toggleColumns(),
      h: () => this.setHeat(measures[(measures.indexOf(this.heat) + 1) % measures.length]), d: () => this.nextTheme(), t: () => this.toggleTable(),
      n: () => this.step(1), N: () => this.step(-1),
    };
    LEVELS.forEach((_, level) => { keys[level + 1] = () => this.setLevel(level); });
    if (!keys[event.key] || !this.model) return;
    event.preventDefault();
    keys[event.key]();
  }
}

const app = new App();
const data = JSON.parse($("data").textContent);
if (data) app.show(data);
