// Following a spec: the server tells when its file has changed, and this asks for what the page shows.

class Live {
  constructor(app) {
    this.app = app;
    this.network = new URLSearchParams(location.search).get("net");
    this.latest = 0;
    $("live").hidden = false;
    $("pick").addEventListener("change", () => {
      this.network = $("pick").value;
      const address = new URL(location.href);
      address.searchParams.set("net", this.network);
      history.replaceState(null, "", address);
      this.fetch();
    });
    this.events = new EventSource("events");
    this.events.addEventListener("change", () => this.fetch());
    this.events.addEventListener("error", () => this.say("away", "the server does not answer"));
    this.events.addEventListener("end", () => { this.events.close(); this.say("away", "the server has ended"); });
    app.toggleTable();
  }

  say(state, text) {
    $("live-state").dataset.state = state;
    $("live-state").textContent = text;
  }

  async fetch() {
    const turn = ++this.latest;
    let found;
    try {
      const query = this.network ? `?net=${encodeURIComponent(this.network)}` : "";
      const answer = await fetch(`state${query}`, { cache: "no-store" });
      if (!answer.ok) throw new Error(await answer.text());
      found = await answer.json();
    } catch (problem) {
      if (turn === this.latest) this.say("away", `no answer: ${problem.message}`);
      return;
    }
    if (turn !== this.latest) return;
    this.#networks(found);
    this.#problems(found);
    document.body.classList.toggle("stale", found.stale);
    const errors = found.errors ? `${found.errors} ${found.errors === 1 ? "error" : "errors"}` : "";
    this.say(found.errors || found.message ? "errors" : "fine", found.errors ? `${errors}${found.stale ? ", the last good diagram" : ""}` : found.message || `follows ${found.file}`);
    if (found.document && JSON.stringify(found.document) !== this.drawn) {
      this.drawn = JSON.stringify(found.document);
      await this.app.show(found.document);
    }
    document.body.dataset.revision = String(found.revision);
  }

  #networks({ networks, network }) {
    const pick = $("pick");
    pick.hidden = networks.length < 2;
    pick.replaceChildren(...networks.map((name) => html("option", { value: name, selected: name === network }, name)));
  }

  /** Errors in full; warnings behind a line, open if they were. */
  #problems({ problems, message }) {
    const section = $("problems");
    const errors = problems.filter((each) => each.severity === "error");
    const warnings = problems.filter((each) => each.severity !== "error");
    const open = section.querySelector("details")?.open ?? false;
    section.hidden = !problems.length && !message;
    section.className = errors.length || message ? "errors" : "warnings";
    const count = `${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"}`;
    section.replaceChildren(
      ...(message ? [html("h2", {}, message)] : []),
      ...errors.map((each) => this.#drawn(each)),
      ...(warnings.length ? [html("details", { open }, html("summary", {}, count), ...warnings.map((each) => this.#drawn(each)))] : []),
    );
  }

  #drawn({ severity, code, title, rows }) {
    const line = (row) => [...row.map(([text, style]) => (style ? html("span", { class: `d-${style}` }, text) : text)), "\n"];
    return html("pre", { class: severity, tabindex: "0", "aria-label": `${severity} ${code}: ${title}` }, ...rows.flatMap(line));
  }
}

new Live(app);
