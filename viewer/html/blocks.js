/* The hottest blocks, instruction by instruction. Their code is made into elements when they are opened. */
const blocksView = (() => {
    function code(block) {
        let last = "";
        const all = Number(block.gas);
        const lines = block.code.map(([pc, text, source, executed, gas]) => {
            const place = source ? source[0] + (source[1] > 0 ? ":" + source[1] : "") : "";
            const shown = place !== last && source ? dom.el("span", {title: place},
                `${source[0].split("/").pop()}${source[1] > 0 ? ":" + source[1] : ""}`,
                source[2] ? dom.el("span", {class: "muted"}, " " + source[2]) : null) : null;
            last = place;
            const [, mnemonic, rest] = /^(\S+)\s*(.*)$/.exec(text) || [null, text, ""];
            const share = all > 0 ? 100 * Number(gas) / all : 0;
            return dom.el("tr", {class: share >= 10 ? "hot" : null, style: {"--share": share + "%"}},
                dom.el("td", {class: "num", dataset: {id: "executed", value: String(executed)}}, format.int(executed)),
                dom.el("td", {class: "num gas", dataset: {id: "gas", value: String(gas)}}, Number(gas) === 0 ? "" : format.int(gas)),
                dom.el("td", {class: "num pc"}, String(pc)),
                dom.el("td", {class: "code"}, dom.el("b", {}, mnemonic), " " + rest),
                dom.el("td", {class: "source"}, shown));
        });
        return dom.el("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": `Code of block ${block.pc}`},
            dom.el("table", {class: "listing"},
                dom.el("caption", {class: "hidden"}, `Instructions of block ${block.pc}`),
                dom.el("thead", {}, dom.el("tr", {}, dom.el("th", {scope: "col", class: "num"}, "executed"),
                    dom.el("th", {scope: "col", class: "num"}, "gas", block.attributed ? dom.el("span", {
                        class: "certainty", title: "Blocks cost gas; below them it is attributed to who makes the block longer",
                    }, "attributed") : null),
                    dom.el("th", {scope: "col", class: "num"}, "pc"),
                    dom.el("th", {scope: "col"}, "instruction"), dom.el("th", {scope: "col"}, "source"))),
                dom.el("tbody", {}, ...lines)));
    }

    function item(block, all, isOpen) {
        const share = all > 0 ? 100 * Number(block.gas) / all : 0;
        const made = dom.el("details", {
            class: "block", dataset: {pc: String(block.pc), gas: String(block.gas), hits: String(block.hits)},
            style: {"--share": share + "%"},
        }, dom.el("summary", {},
            dom.el("span", {class: "block-name"}, block.function, dom.el("span", {class: "muted"}, ` @${block.pc}`)),
            dom.el("span", {class: "num"}, format.int(block.gas) + " gas"),
            dom.el("span", {class: "num strong"}, format.percent(share)),
            dom.el("span", {class: "num muted wide"}, format.int(block.hits) + " hits"),
            dom.el("span", {class: "num muted wide"}, `${format.int(block.instructions)} instr., cost ${format.int(block.cost)}`)));
        made.addEventListener("toggle", () => {
            if (made.open && made.children.length === 1) {
                made.append(block.code.length > 0 ? code(block)
                    : dom.el("p", {class: "muted"}, "The trap behind the code, or a program that does not load."));
            }
        });
        made.open = isOpen;
        return made;
    }

    const PORTION = 15;

    function start(section) {
        const {blocks} = data.now;
        const all = Number(data.now.values[0].total);
        const list = dom.el("div", {class: "blocks"});
        const more = dom.el("button", {type: "button", class: "more", onclick: () => draw(Infinity)});
        const filter = dom.el("input", {
            type: "search", id: "blocks-filter", class: "filter", placeholder: "Filter by function or @pc",
            "aria-label": "Filter blocks by function or pc", oninput: () => draw(PORTION),
        });
        function draw(most) {
            const wanted = filter.value.toLowerCase();
            const kept = blocks.filter((block) => `${block.function} @${block.pc}`.toLowerCase().includes(wanted));
            list.replaceChildren(...kept.slice(0, most).map((block, i) => item(block, all, i === 0)));
            more.hidden = kept.length <= most;
            more.textContent = `Show ${kept.length - most} more`;
        }
        if (blocks.length === 0) {
            section.append(dom.el("p", {class: "muted"}, "Blocks were not counted (--instrument counts)."));
            return;
        }
        section.append(dom.el("p", {class: "muted"},
            `The ${blocks.length} blocks that cost most${data.isComparing ? ", of the run after" : ""}. Open one to see its code.`),
        filter, list, more);
        draw(PORTION);
    }

    return {start};
})();
