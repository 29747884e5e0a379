/* Stacks of one run or two as a tree to be drawn: merged, summed up, the largest children first. */
const flameTree = (() => {
    const KIND_NAMES = {root: "everything", program: "program", function: "function", inlined: "inlined function",
                        block: "block", host: "host call"};

    function makeNode(parent, frame) {
        return {parent, frame, depth: parent ? parent.depth + 1 : 0, now: 0, before: 0, self: 0, children: new Map()};
    }

    /* Functions of another build have other pcs: between two runs names count. */
    function keyOf(frame) {
        return data.isComparing ? frame.kind + "\0" + frame.name : frame.index;
    }

    function pathOf(run, node, options) {
        const path = [];
        for (let at = node; at !== 0; at = run.parents[at]) {
            const frame = run.frames[run.nodeFrames[at]];
            if (frame.kind !== "block" || options.hasBlocks) {
                path.push(frame);
            }
        }
        return options.isInverted ? path : path.reverse();
    }

    function addRun(root, run, isNow, options) {
        const value = run.values.find((known) => known.id === options.value);
        value.self.forEach((amount, node) => {
            if (amount === 0) {
                return;
            }
            let at = root;
            for (const frame of [null, ...pathOf(run, node, options)]) {
                if (frame !== null) {
                    const key = keyOf(frame);
                    let child = at.children.get(key);
                    if (child === undefined) {
                        child = makeNode(at, frame);
                        at.children.set(key, child);
                    }
                    at = child;
                }
                at[isNow ? "now" : "before"] += amount;
            }
            at.self += isNow ? amount : 0;
        });
    }

    /** Call `visit` with every node and what it returned for the parent. Stacks can be deeper than those of a browser. */
    function walk(root, visit, start) {
        const open = [[root, start]];
        while (open.length > 0) {
            const [node, passed] = open.pop();
            const result = visit(node, passed);
            for (const child of node.children) {
                open.push([child, result]);
            }
        }
    }

    function order(node) {
        node.children = [...node.children.values()].sort((a, b) => Math.max(b.now, b.before) - Math.max(a.now, a.before));
    }

    /** @param options  value (id), isInverted, hasBlocks */
    function build(options) {
        const root = makeNode(null, {kind: "root", name: "all", file: null, line: 0});
        const shown = data.isComparing ? Object.assign({}, options, {hasBlocks: false}) : options;
        addRun(root, data.now, true, shown);
        if (data.isComparing) {
            addRun(root, data.runs[0], false, shown);
        }
        walk(root, order);
        return root;
    }

    /** What matches a text, each amount once however the matches are nested. */
    function search(root, text) {
        const wanted = text.toLowerCase();
        const found = {nodes: new Set(), amount: 0};
        walk(root, (node, isInside) => {
            const hits = node.frame.kind !== "root" && node.frame.name.toLowerCase().includes(wanted);
            if (hits) {
                found.nodes.add(node);
                found.amount += isInside ? 0 : node.now;
            }
            return isInside || hits;
        }, false);
        return found;
    }

    return {build, search, KIND_NAMES};
})();
