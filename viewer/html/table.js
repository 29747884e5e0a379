/* Tables that can be sorted, filtered, and that show their rows in portions. */
const tables = (() => {
    const PORTION = 50;
    /** What stands in front of a label that has no room for a word; the same as in text. */
    const MARKS = {sampled: "~", estimated: "*", incomplete: "?"};

    function compare(a, b, type) {
        if (a === null || b === null) {
            return (a === null) - (b === null);
        }
        if (!format.isNumeric(type)) {
            return a < b ? -1 : a > b ? 1 : 0;
        }
        return Number(b) - Number(a);
    }

    function cell(column, value, share) {
        const isNumber = format.isNumeric(column.type);
        const text = format.value(value, column.type);
        const sign = column.type.startsWith("change") && value ? (value > 0 ? " worse" : " better") : "";
        const made = dom.el("td", {
            class: (column.type === "id" ? "num id" : isNumber ? "num" : "text") + sign, role: "cell",
            dataset: {id: column.id, value: value === null ? "" : String(value), label: (MARKS[column.certainty] || "") + column.header},
        }, text);
        if (share !== undefined) {
            made.append(dom.el("span", {class: "bar-line", "aria-hidden": "true", style: {"--share": share + "%"}}));
        }
        return made;
    }

    const isPhone = window.matchMedia("(max-width: 640px)");

    /** A figure and the ends of its interval: x, x_low and x_high, or x_ns, x_low_ns and x_high_ns. */
    function figureOf(column) {
        return column.id.replace(/_low|_high/, "");
    }

    /** Hides columns that people can do without, the last ones first, until a table is no wider than its box. Phones
     *  show rows as cards instead. @return a function that looks again */
    function fitted(box, columns, button) {
        const hidden = new Set();
        const state = {isAll: false};

        function apply() {
            box.querySelectorAll("tr").forEach((row) => columns.forEach((column, i) => {
                row.cells[i].hidden = hidden.has(i);
            }));
            button.hidden = hidden.size === 0;
            button.textContent = `Show ${hidden.size} more column${hidden.size === 1 ? "" : "s"}`;
        }

        function fit() {
            hidden.clear();
            apply();
            for (let i = columns.length - 1; i > 0 && !state.isAll && !isPhone.matches && box.scrollWidth > box.clientWidth; i--) {
                if (columns[i].detail && !hidden.has(i)) {
                    columns.forEach((column, other) => {
                        if (column.detail && figureOf(column) === figureOf(columns[i])) {
                            hidden.add(other);
                        }
                    });
                    apply();
                }
            }
        }

        button.addEventListener("click", () => {
            state.isAll = true;
            fit();
        });
        let width = -1;
        new ResizeObserver(() => {
            if (box.clientWidth !== width) {
                width = box.clientWidth;
                fit();
            }
        }).observe(box);
        return fit;
    }

    /** @param options  id, caption, columns [{id, header, type, certainty, detail}], rows (arrays), sort (index of a column),
     *                  filter (label of a search field, or nothing), activate(row), activateLabel(row) */
    function make(options) {
        const {columns, rows} = options;
        const percent = columns.findIndex((column) => column.type === "percent");
        const body = dom.el("tbody", {role: "rowgroup"});
        const more = dom.el("button", {type: "button", class: "more"});
        const wider = dom.el("button", {type: "button", class: "more", hidden: true});
        const box = dom.el("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": options.caption});
        const state = {sort: options.sort === undefined ? -1 : options.sort, down: true, shown: PORTION, filter: ""};

        function sorted() {
            const wanted = state.filter.toLowerCase();
            const kept = wanted === "" ? rows.slice()
                : rows.filter((row) => row.some((value, i) => columns[i].type === "text" &&
                                                              String(value).toLowerCase().includes(wanted)));
            if (state.sort >= 0) {
                const sign = state.down ? 1 : -1;
                kept.sort((a, b) => sign * compare(a[state.sort], b[state.sort], columns[state.sort].type));
            }
            return kept;
        }

        function line(row) {
            const made = dom.el("tr", {role: "row"}, ...columns.map((column, i) =>
                cell(column, row[i], i === percent && row[i] !== null ? Math.min(100, Math.abs(row[i])) : undefined)));
            if (options.activate) {
                const first = made.firstChild;
                const text = first.textContent;
                first.textContent = "";
                first.append(dom.el("button", {
                    type: "button", class: "link", title: options.activateLabel,
                    onclick: () => options.activate(row),
                }, text));
            }
            return made;
        }

        function draw() {
            const all = sorted();
            const left = all.length - state.shown;
            body.replaceChildren(...all.slice(0, state.shown).map(line));
            more.hidden = left <= 0;
            more.textContent = `Show ${format.int(Math.min(left, 10 * PORTION))} more of ${format.int(left)}`;
            fit();
        }

        const heads = columns.map((column, i) => dom.el("th", {
            scope: "col", role: "columnheader", class: format.isNumeric(column.type) ? "num" : "text", dataset: {id: column.id},
        }, dom.el("button", {
            type: "button",
            onclick: () => {
                state.down = state.sort === i ? !state.down : true;
                state.sort = i;
                mark();
                draw();
            },
        }, column.header, column.certainty && column.certainty !== "exact"
            ? dom.el("span", {class: "certainty"}, column.certainty) : null)));

        function mark() {
            heads.forEach((head, i) => {
                if (i === state.sort) {
                    const rises = format.isNumeric(columns[i].type) ? !state.down : state.down;
                    head.setAttribute("aria-sort", rises ? "ascending" : "descending");
                } else {
                    head.removeAttribute("aria-sort");
                }
            });
        }

        more.addEventListener("click", () => {
            state.shown += 10 * PORTION;
            draw();
        });
        box.append(dom.el("table", {id: options.id, class: "rows", role: "table"},
            dom.el("caption", {class: "hidden"}, options.caption),
            dom.el("thead", {role: "rowgroup"}, dom.el("tr", {role: "row"}, ...heads)), body));
        const fit = fitted(box, columns, wider);
        mark();
        draw();
        const search = options.filter && rows.length > 10 ? dom.el("input", {
            type: "search", placeholder: options.filter, "aria-label": options.filter, class: "filter",
            oninput: (event) => {
                state.filter = event.target.value;
                draw();
            },
        }) : null;
        return dom.el("div", {class: "table-box"}, search, box, more, wider);
    }

    /** A table of `pvmscope report`, without columns that say the same in every row. */
    function ofReport(id, table, options) {
        const kept = table.columns.map((column, i) => i).filter((i) => {
            const first = table.rows.length > 0 ? table.rows[0][i] : null;
            return i === 0 || table.columns[i].id !== "program" || table.rows.some((row) => row[i] !== first);
        });
        return make(Object.assign({
            id,
            columns: kept.map((i) => table.columns[i]),
            rows: table.rows.map((row) => kept.map((i) => row[i])),
        }, options));
    }

    /** Two tables as one: what was, what is, and the difference of one column, matched by another. Rows that have no
     *  value there are left out. */
    function joined(before, after, key, value) {
        const sums = new Map();
        [before, after].forEach((table, side) => {
            data.rows(table).filter((row) => row[value] !== null).forEach((row) => {
                const entry = sums.get(row[key]) || [null, null];
                entry[side] = Number(row[value]) + (entry[side] || 0);
                sums.set(row[key], entry);
            });
        });
        const type = after.columns.find((column) => column.id === value).type;
        return {
            columns: [
                {id: key, header: after.columns.find((column) => column.id === key).header, type: "text"},
                {id: "before", header: "before", type}, {id: "after", header: "after", type},
                {id: "change", header: "change", type: "change"},
                {id: "change_percent", header: "change in %", type: "change_percent"},
            ],
            rows: [...sums].map(([name, [was, is]]) => {
                const change = (is || 0) - (was || 0);
                return [name, was, is, change, was ? 100 * change / was : null];
            }).sort((a, b) => Math.abs(b[3]) - Math.abs(a[3])),
        };
    }

    return {make, ofReport, joined};
})();
