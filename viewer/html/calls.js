/* Host calls: sums by name, the timeline with bars to drill into, the sequence, and single calls. */
const callsView = (() => {
    const BARS = 96;
    const COLOURS = 8;
    /** Most calls whose sequence is written down. */
    const SEQUENCE_MAX = 3000;
    const CHIPS_MAX = 400;

    function byName(section) {
        const table = data.now.tables.host_calls;
        const other = data.isComparing ? tables.joined(data.runs[0].tables.host_calls, table, "name", "gas") : null;
        section.append(data.isComparing
            ? tables.make({id: "calls-table", caption: "Host calls by name: gas", columns: other.columns, rows: other.rows})
            : tables.ofReport("calls-table", table, {caption: "Host calls by name"}));
    }

    function makeTimeline(talk) {
        const state = {path: [[0, talk.end]], measure: "calls", axis: "time"};
        const chart = dom.el("div", {id: "timeline", class: "timeline", role: "group"});
        const crumbs = dom.el("nav", {class: "crumbs", "aria-label": "Range of host calls"});
        const detail = dom.el("p", {class: "details", id: "timeline-details"});
        const below = dom.el("div", {id: "timeline-below"});
        const legend = dom.el("ul", {class: "legend"});

        const range = () => state.path[state.path.length - 1];
        const isAll = () => state.path.length === 1;
        const measureText = (amount) => state.measure === "ns" ? format.ns(amount)
            : state.measure === "gas" ? format.int(amount) + " gas" : format.int(amount) + (amount === 1 ? " call" : " calls");

        /* The names with most calls in all of it have colours, the others share one. */
        const ranks = new Map();
        const sums = new Map();
        talk.buckets(0, talk.end, 1, "order").forEach((bucket) => bucket.parts.forEach((part, name) => sums.set(name, part)));
        [...sums].sort((a, b) => b[1].calls - a[1].calls).forEach(([name], i) => ranks.set(name, Math.min(i, COLOURS)));

        function describe(bucket) {
            if (bucket.calls === 0) {
                return "No calls";
            }
            const parts = [...bucket.parts].sort((a, b) => b[1][state.measure] - a[1][state.measure]).slice(0, 6)
                .map(([name, part]) => `${talk.names[name]} ${measureText(part[state.measure]).replace(/ calls?$/, "")}`);
            const rest = bucket.parts.size - parts.length;
            return `${bucket.to - bucket.from > 1 ? `Calls ${format.int(bucket.from)} to ${format.int(bucket.to - 1)}`
                : `Call ${format.int(bucket.from)}`} at ${format.ns(bucket.at)}: ${measureText(bucket[state.measure])}: ` +
                parts.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
        }

        function bar(bucket, most) {
            const parts = [...bucket.parts].sort((a, b) => ranks.get(a[0]) - ranks.get(b[0]));
            const height = most > 0 ? 100 * bucket[state.measure] / most : 0;
            const [from, to] = range();
            const canZoom = bucket.to - bucket.from > 1 && !(bucket.from === from && bucket.to === to);
            return dom.el("button", {
                type: "button", class: "bar", "aria-label": describe(bucket), disabled: bucket.calls === 0,
                onclick: () => {
                    if (canZoom) {
                        state.path.push([bucket.from, bucket.to]);
                    }
                    draw();
                    say(bucket);
                },
                onmouseenter: () => say(bucket), onfocus: () => say(bucket),
            }, dom.el("span", {class: "stack", style: {height: height + "%"}},
                ...parts.map(([name, part]) => dom.el("span", {
                    class: "c" + ranks.get(name), style: {"flex-grow": String(part[state.measure])},
                }))));
        }

        function say(bucket) {
            detail.textContent = describe(bucket);
        }

        function drawCrumbs() {
            crumbs.replaceChildren(...state.path.map(([from, to], i) => dom.el("button", {
                type: "button", class: "crumb", "aria-current": i === state.path.length - 1 ? "true" : null,
                onclick: () => {
                    state.path.length = i + 1;
                    draw();
                },
            }, i === 0 ? `All ${format.int(talk.end)}` : `${format.int(from)}–${format.int(to - 1)}`)));
        }

        function sequence(rows) {
            const folded = conversation.fold(rows.map((row) => row.name));
            const chips = folded.slice(0, CHIPS_MAX).map(([names, times]) => dom.el("li", {
                class: names.length > 1 ? "chip group" : "chip",
            }, ...names.map((name) => dom.el("span", {class: "call c" + ranks.get(name)}, talk.names[name])),
            times > 1 ? dom.el("b", {}, "× " + format.int(times)) : null));
            return [dom.el("h3", {}, "Sequence"), dom.el("ol", {class: "chips", id: "sequence"}, ...chips),
                folded.length > CHIPS_MAX
                    ? dom.el("p", {class: "muted"}, `and ${format.int(folded.length - CHIPS_MAX)} more; zoom in to see them`)
                    : null];
        }

        function list(rows) {
            const columns = [["seq", "number", "id"], ["name", "host call", "text"], ["meaning", "arguments", "text"],
                ["result", "result", "text"], ["gas", "gas", "gas"], ["ns", "time", "ns"], ["at", "at", "ns"],
                ["left", "gas left", "gas"], ["pc", "pc", "pc"], ["vm", "VM", "id"]]
                .map(([id, header, type]) => ({id, header, type, detail: ["at", "left", "pc", "vm"].includes(id)}))
                .filter(({id}) => (id !== "vm" || rows.some((row) => row.vm !== rows[0].vm)) &&
                                  (id !== "meaning" || rows.some((row) => row.meaning)));
            return [dom.el("h3", {}, "Single calls"), tables.make({
                id: "single-calls", caption: "Single host calls", filter: "Filter calls", columns,
                rows: rows.map((row) => columns.map(({id}) => id === "name" ? talk.names[row.name] : row[id])),
            })];
        }

        function drawBelow() {
            const [from, to] = range();
            const rows = talk.rows(from, to);
            const isGap = !talk.isWhole && !isAll();
            below.replaceChildren(...[
                isGap ? dom.el("p", {class: "note"},
                    `Of long conversations a page has sums by name, and every ${format.int(talk.step)} calls ` +
                    `the next few: here ${format.int(rows.length)} of ${format.int(to - from)}. All of them: ` +
                    `SELECT * FROM host_calls WHERE seq BETWEEN ${from} AND ${to - 1}`) : null,
                ...(rows.length > 0 && rows.length <= SEQUENCE_MAX && (talk.isWhole || to - from <= talk.step)
                    ? sequence(rows) : []),
                ...(rows.length > 0 && (talk.isWhole || isGap) ? list(rows) : []),
            ].filter((one) => one !== null));
        }

        function draw() {
            const [from, to] = range();
            const buckets = talk.buckets(from, to, BARS, state.axis);
            const most = Math.max(0, ...buckets.map((bucket) => bucket[state.measure]));
            chart.replaceChildren(...buckets.map((bucket) => bar(bucket, most)));
            chart.setAttribute("aria-label", `Host calls ${from} to ${to - 1}, highest bar ${measureText(most)}`);
            detail.textContent = `Highest bar: ${measureText(most)}. Click a bar to look into it.`;
            drawCrumbs();
            drawBelow();
        }

        function set(name) {
            return (setting) => {
                state[name] = setting;
                draw();
            };
        }

        for (const [name, rank] of ranks) {
            if (rank < COLOURS) {
                legend.append(dom.el("li", {}, dom.el("span", {class: "swatch c" + rank, "aria-hidden": "true"}), talk.names[name]));
            }
        }
        if (ranks.size > COLOURS) {
            legend.append(dom.el("li", {}, dom.el("span", {class: "swatch c" + COLOURS, "aria-hidden": "true"}), "others"));
        }
        draw();
        return dom.el("div", {}, dom.el("h3", {}, "Timeline"), dom.el("div", {class: "controls"},
            dom.select("timeline-measure", "Height", [["calls", "calls"], ["gas", "gas"], ["ns", "time"]], set("measure")),
            dom.select("timeline-axis", "From left to right", [["time", "time"], ["order", "order"]], set("axis")), crumbs),
        chart, legend, detail, below);
    }

    function start(section) {
        if (data.runs.every((run) => Number(run.calls.total) === 0)) {
            section.append(dom.el("p", {class: "muted"}, "None were made."));
            return;
        }
        byName(section);
        const room = dom.el("div", {});
        const show = (run) => {
            room.replaceChildren(run.calls.stored > 0 ? makeTimeline(conversation.make(run.calls))
                : dom.el("p", {class: "muted"}, "Single calls were not recorded (--instrument hostcalls)."));
        };
        if (data.isComparing) {
            section.append(dom.select("calls-run", "Timeline of", [["1", "after"], ["0", "before"]],
                (which) => show(data.runs[Number(which)])));
        }
        section.append(room);
        show(data.now);
    }

    return {start};
})();
