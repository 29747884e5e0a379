/* Putting the page together. */
(() => {
    const {now, runs, isComparing} = data;

    function baseName(path) {
        return String(path).split("/").pop();
    }

    function card(title, value, detail, id) {
        const column = now.tables.summary.columns.find((one) => one.id === value.id);
        return dom.el("div", {class: "card"}, dom.el("h3", {}, title, column && column.certainty !== "exact"
            ? dom.el("span", {class: "certainty"}, column.certainty) : null),
            dom.el("p", {class: "big", id, dataset: {value: String(value.raw)}}, value.text),
            dom.el("p", {class: "muted"}, detail));
    }

    function howEnded(result) {
        return result === null ? "" : result === "incomplete" ? "the last one is incomplete" : `the last one ended with ${result}`;
    }

    function change(id) {
        if (!isComparing || runs.some((run) => run.summary[id] === null)) {
            return "";
        }
        const was = Number(runs[0].summary[id]);
        const is = Number(now.summary[id]);
        const share = was !== 0 ? ` (${is >= was ? "+" : ""}${format.percent(100 * (is - was) / was)})` : "";
        return `before ${format.int(runs[0].summary[id] ?? 0)}${share}`;
    }

    function figure(id, type) {
        const raw = now.summary[id];
        return {id, raw: raw === null ? "" : raw, text: format.value(raw, type)};
    }

    function shareBar() {
        const {blocks_gas: inBlocks, host_gas: inCalls, gas_used: used} = now.summary;
        const part = (name, amount, kind) => dom.el("span", {
            class: "part " + kind, style: {"flex-grow": String(Math.max(Number(amount || 0), 0))},
            title: `${name}: ${format.int(amount || 0)}`,
        });
        return Number(used) > 0 ? dom.el("div", {
            class: "share-bar", role: "img",
            "aria-label": `${format.int(inBlocks || 0)} gas in blocks, ${format.int(inCalls || 0)} gas in host calls`,
        }, part("in blocks", inBlocks, "guest"), part("in host calls", inCalls, "host")) : null;
    }

    function summary(section) {
        const {summary: s} = now;
        section.append(dom.el("div", {class: "cards"},
            card("Gas used", figure("gas_used", "gas"), change("gas_used") || (s.gas_used === null ? "not shown: the totals do not agree" :
                `${s.blocks_gas === null ? "blocks not counted" : format.int(s.blocks_gas) + " in blocks"}, ` +
                `${format.int(s.host_gas)} in host calls`), "sum-gas_used"),
            card("Host calls", figure("host_calls", "int"), change("host_calls") ||
                `${format.value(s.host_gas, "gas")} gas`, "sum-host_calls"),
            card("Executions", figure("executions", "int"), howEnded(s.result), "sum-executions"),
            card("Time", figure("duration_ns", "ns"), isComparing
                ? "before " + format.ns(runs[0].summary.duration_ns) : "inside the machine", "sum-duration_ns")),
        ...[shareBar()].filter((bar) => bar !== null));
        // What was collected decides which figures there are: two runs may differ in that.
        const columns = [...new Map(runs.flatMap((run) => run.tables.summary.columns)
            .map((column) => [column.id, column])).values()];
        section.append(dom.el("details", {class: "more-figures"}, dom.el("summary", {}, "All figures"),
            dom.el("div", {class: "scroll"}, dom.el("table", {id: "summary-table"},
                dom.el("caption", {class: "hidden"}, "All figures of the recording"),
                isComparing ? dom.el("thead", {}, dom.el("tr", {}, dom.el("th", {scope: "col"}, ""),
                    dom.el("th", {scope: "col", class: "text"}, "before"), dom.el("th", {scope: "col", class: "text"}, "after"))) : null,
                dom.el("tbody", {}, ...columns.map((column) => dom.el("tr", {},
                    dom.el("th", {scope: "row"}, column.header,
                        column.certainty !== "exact" ? dom.el("span", {class: "certainty"}, column.certainty) : null),
                    ...runs.map((run) => {
                        const value = run.summary[column.id] ?? null;
                        return dom.el("td", {dataset: {id: column.id, value: value === null ? "" : String(value)}},
                            format.value(value, column.type));
                    }))))))));
    }

    function functions(section) {
        if (isComparing) {
            const table = tables.joined(runs[0].tables.functions, now.tables.functions, "function", "self_gas");
            section.append(tables.make({
                id: "functions-table", caption: "Functions: gas before and after", filter: "Filter functions",
                columns: table.columns, rows: table.rows, activate: (row) => flame.show(row[0]),
                activateLabel: "Show in the flame graph",
            }));
        } else {
            section.append(tables.ofReport("functions-table", now.tables.functions, {
                caption: "Functions by gas", filter: "Filter functions", activate: (row) => flame.show(row[0]),
                activateLabel: "Show in the flame graph",
            }));
        }
    }

    function executions(section) {
        section.append(tables.ofReport("executions-table", now.tables.executions, {caption: "Executions"}));
        if (now.tables.services.rows.length > 1) {
            section.append(dom.el("h3", {}, "Services"),
                tables.ofReport("services-table", now.tables.services, {caption: "Services by gas"}));
        }
    }

    function notes() {
        const texts = new Set(runs.flatMap((run) => run.tables.summary.notes.map(
            (note) => (isComparing ? baseName(run.path) + ": " : "") + note)));
        dom.get("notes").append(...[...texts].map((text) => dom.el("p", {class: "note"}, text)));
    }

    function heading() {
        const name = baseName(now.summary.program || now.path);
        const title = isComparing ? `${baseName(runs[0].path)} → ${baseName(now.path)}` : name;
        document.title = title + " – pvmscope";
        dom.get("title").textContent = title;
        dom.get("subtitle").textContent = [isComparing ? name : null, now.summary.spec && "spec " + now.summary.spec,
            now.summary.backend, now.summary.created].filter((text) => text).join(" · ");
        dom.get("footer").textContent = `Made by pvmscope ${data.version} from ` + runs.map((run) => run.path).join(" and ");
    }

    const THEMES = [["", "Auto"], ["light", "Light"], ["dark", "Dark"]];

    function theme() {
        const button = dom.get("theme");
        let at = 0;
        const set = () => {
            const [word, text] = THEMES[at];
            document.documentElement.dataset.theme = word;
            button.textContent = text;
            button.setAttribute("aria-label", `Colours: ${text}. Press for ${THEMES[(at + 1) % THEMES.length][1]}`);
        };
        button.addEventListener("click", () => {
            at = (at + 1) % THEMES.length;
            set();
        });
        set();
    }

    function navigation() {
        dom.get("nav").append(...[...document.querySelectorAll("main > section")].map((section) =>
            dom.el("a", {href: "#" + section.id}, section.querySelector("h2").textContent)));
    }

    document.addEventListener("keydown", (event) => {
        const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
        if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
            event.preventDefault();
            dom.get("flame-search").focus();
        }
    });
    heading();
    theme();
    navigation();
    notes();
    summary(dom.get("summary"));
    flame.start(dom.get("flame"));
    functions(dom.get("functions"));
    blocksView.start(dom.get("blocks"));
    callsView.start(dom.get("calls"));
    executions(dom.get("executions"));
    document.documentElement.dataset.ready = "yes";
})();
