/* The flame graph, roots on top: boxes that can be clicked, searched and walked through with the arrow keys. */
const flame = (() => {
    /** Height of a row, as in the style; fingers need more. */
    const rowHeight = () => matchMedia("(max-width: 640px)").matches ? 26 : 22;
    /** Narrower boxes are not drawn, and of one drawing no more than so many. */
    const WIDTH_MIN = 1.2;
    const BOXES_MAX = 6000;
    /** Narrower boxes have no room for letters. */
    const LABEL_MIN = 28;

    const state = {value: "gas", isInverted: false, hasBlocks: true, width: "now", text: "", found: null,
                   root: null, zoom: null, focus: null, boxes: new Map()};
    let graph, details, result, valueInfo;

    const widthOf = (node) => node[state.width];

    function hue(name) {
        let hash = 7;
        for (const letter of name) {
            hash = (hash * 31 + letter.codePointAt(0)) % 1021;
        }
        return hash % 24;
    }

    function describe(node) {
        const all = state.root.now;
        const {frame} = node;
        const parts = [`${frame.name}: ${format.unit(node.now, valueInfo.unit)}`];
        parts.push(all > 0 ? format.percent(100 * node.now / all) : "");
        if (data.isComparing) {
            parts.push(`before ${format.unit(node.before, valueInfo.unit)}`,
                `${node.now >= node.before ? "+" : ""}${format.unit(node.now - node.before, valueInfo.unit)}`);
        } else if (node.self !== node.now && node.self !== 0) {
            parts.push(`itself ${format.unit(node.self, valueInfo.unit)}`);
        }
        parts.push(flameTree.KIND_NAMES[frame.kind]);
        if (frame.file) {
            parts.push(frame.file + (frame.line > 0 ? ":" + frame.line : ""));
        }
        return parts.filter((part) => part !== "").join(", ");
    }

    /* Grey stayed, red grew, blue shrank, the stronger the more of it. */
    function tint(node) {
        const most = Math.max(node.now, node.before);
        const change = most > 0 ? (node.now - node.before) / most : 0;
        return {"--change": Math.abs(change).toFixed(3), "--tint": change >= 0 ? "var(--grew)" : "var(--shrank)"};
    }

    function box(node, left, width, isAbove) {
        const made = dom.el("div", {
            class: `box kind-${node.frame.kind}` + (isAbove ? " above" : "") + (data.isComparing ? " compared" : "") +
                   (state.found && state.found.nodes.has(node) ? " hit" : ""),
            role: "treeitem", tabindex: "-1", "aria-level": String(node.depth + 1), "aria-label": describe(node),
            "aria-expanded": node.children.length > 0 ? "true" : null,
            style: Object.assign({left: left + "%", width: width + "%", top: node.depth * rowHeight() + "px",
                                  "--hue": String(hue(node.frame.name))}, data.isComparing ? tint(node) : {}),
        }, width / 100 * graph.clientWidth >= LABEL_MIN ? node.frame.name : "");
        made.pvmNode = node;
        state.boxes.set(node, made);
        return made;
    }

    function draw() {
        const pixels = graph.clientWidth || 1000;
        const made = [];
        let deepest = 0;
        state.boxes.clear();
        for (let at = state.zoom.parent; at; at = at.parent) {
            made.unshift(box(at, 0, 100, true));
        }
        /* Wide boxes first, so that the limit takes the smallest. */
        const queue = [[state.zoom, 0, 100]];
        for (let i = 0; i < queue.length && made.length < BOXES_MAX; i++) {
            const [node, left, width] = queue[i];
            let at = left;
            made.push(box(node, left, width, false));
            deepest = Math.max(deepest, node.depth);
            for (const child of node.children) {
                const share = widthOf(node) > 0 ? width * widthOf(child) / widthOf(node) : 0;
                if (share / 100 * pixels >= WIDTH_MIN) {
                    queue.push([child, at, share]);
                }
                at += share;
            }
        }
        graph.style.setProperty("height", (deepest + 1) * rowHeight() + "px");
        graph.replaceChildren(...made);
        graph.classList.toggle("searching", state.found !== null);
        setFocus(state.boxes.has(state.focus) ? state.focus : state.zoom, false);
    }

    function setFocus(node, isMoved) {
        const old = state.boxes.get(state.focus);
        const now = state.boxes.get(node);
        if (old) {
            old.tabIndex = -1;
        }
        state.focus = node;
        now.tabIndex = 0;
        if (isMoved) {
            now.focus();
        }
    }

    function say(node) {
        details.textContent = describe(node);
    }

    function zoomTo(node, isMoved) {
        state.zoom = node;
        state.focus = node;
        draw();
        setFocus(node, isMoved);
        say(node);
        dom.get("flame-reset").disabled = node === state.root;
    }

    function rebuild() {
        valueInfo = data.now.values.find((known) => known.id === state.value);
        state.root = flameTree.build(state);
        state.found = state.text !== "" ? flameTree.search(state.root, state.text) : null;
        sayFound();
        zoomTo(state.root, false);
        graph.setAttribute("aria-label", `Flame graph of ${valueInfo.title}`);
    }

    function sayFound() {
        const {found} = state;
        result.textContent = found === null ? ""
            : `${format.int(found.nodes.size)} found, ${format.unit(found.amount, valueInfo.unit)}` +
              (state.root.now > 0 ? `, ${format.percent(100 * found.amount / state.root.now)}` : "");
    }

    function search(text) {
        state.text = text.trim();
        state.found = state.text !== "" ? flameTree.search(state.root, state.text) : null;
        sayFound();
        draw();
    }

    /* The next box that is drawn, in one of four directions. */
    function neighbour(node, key) {
        const shown = (list) => list.filter((one) => state.boxes.has(one));
        if (key === "ArrowUp") {
            return node.parent;
        }
        if (key === "ArrowDown") {
            return shown(node.children)[0];
        }
        const row = [...state.boxes.keys()].filter((one) => one.depth === node.depth);
        return row[row.indexOf(node) + (key === "ArrowRight" ? 1 : -1)];
    }

    function onKey(event) {
        const node = event.target.pvmNode;
        if (!node) {
            return;
        }
        if (event.key === "Enter" || event.key === " ") {
            zoomTo(node, true);
        } else if (event.key === "Escape" || event.key === "Backspace") {
            zoomTo(state.zoom.parent || state.root, true);
        } else if (event.key === "Home") {
            zoomTo(state.root, true);
        } else if (event.key.startsWith("Arrow")) {
            const next = neighbour(node, event.key);
            if (next) {
                setFocus(next, true);
            }
        } else {
            return;
        }
        event.preventDefault();
    }

    function controls() {
        const values = data.now.values.filter((value) => Number(value.total) !== 0 || value.id === "gas");
        const set = (name) => (setting) => {
            state[name] = setting;
            rebuild();
        };
        return dom.el("div", {class: "controls"},
            dom.select("flame-value", "Show", values.map((value) => [value.id, value.title]), set("value")),
            data.isComparing
                ? dom.select("flame-width", "Widths", [["now", "after"], ["before", "before"]], set("width")) : null,
            dom.check("flame-inverted", "Inverted", false, set("isInverted")),
            data.isComparing ? null : dom.check("flame-blocks", "Blocks", true, set("hasBlocks")),
            dom.el("input", {
                type: "search", id: "flame-search", placeholder: "Search  ( / )", "aria-label": "Search the flame graph",
                oninput: (event) => search(event.target.value),
            }),
            dom.el("button", {type: "button", id: "flame-reset", onclick: () => zoomTo(state.root, false)}, "Reset zoom"),
            result);
    }

    function start(section) {
        graph = dom.el("div", {
            id: "flame-graph", class: "flame", role: "tree", onkeydown: onKey,
            onclick: (event) => event.target.pvmNode && zoomTo(event.target.pvmNode, true),
            onmouseover: (event) => event.target.pvmNode && say(event.target.pvmNode),
            onfocusin: (event) => event.target.pvmNode && say(event.target.pvmNode),
        });
        details = dom.el("p", {id: "flame-details", class: "details"});
        result = dom.el("span", {id: "flame-found", class: "muted", role: "status"});
        section.append(
            dom.el("p", {class: "muted"}, data.isComparing
                ? "Red grew, blue shrank, grey stayed. Functions are matched by name."
                : "Wide boxes cost much; what stands below a box is inside it. Click or Enter zooms, Escape goes back, " +
                  "arrow keys walk."),
            controls(), details, dom.el("div", {class: "flame-scroll"}, graph));
        rebuild();
        let width = graph.clientWidth;
        new ResizeObserver(() => {
            if (graph.clientWidth !== width) {
                width = graph.clientWidth;
                draw();
            }
        }).observe(graph);
    }

    /** Show a function: search for it and zoom to its widest box. */
    function show(name) {
        dom.get("flame-search").value = name;
        search(name);
        const nodes = [...state.found.nodes].filter((node) => node.frame.name === name);
        nodes.sort((a, b) => b.now - a.now);
        zoomTo(nodes.length > 0 ? nodes[0] : state.root, false);
        dom.get("flame").scrollIntoView();
        setFocus(state.zoom, true);
    }

    return {start, show};
})();
