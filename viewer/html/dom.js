/* Making elements. Text always goes in as text: names come from programs that nobody trusts. */
const dom = {
    /** el("td", {class: "num", dataset: {value: 3}, onclick: f}, "text", child, ...) */
    el(tag, attributes, ...children) {
        const made = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes || {})) {
            if (value === null || value === undefined || value === false) {
                continue;
            }
            if (name === "dataset") {
                Object.assign(made.dataset, value);
            } else if (name === "style") {
                for (const [property, setting] of Object.entries(value)) {
                    made.style.setProperty(property, setting);
                }
            } else if (name.startsWith("on")) {
                made.addEventListener(name.slice(2), value);
            } else {
                made.setAttribute(name, value === true ? "" : value);
            }
        }
        made.append(...children.filter((child) => child !== null && child !== undefined));
        return made;
    },

    get(id) {
        return document.getElementById(id);
    },

    /** A labelled <select> that calls `change` with the value of what is chosen. */
    select(id, label, choices, change) {
        const list = dom.el("select", {id, onchange: () => change(list.value)},
            ...choices.map(([value, text]) => dom.el("option", {value}, text)));
        return dom.el("label", {class: "field"}, dom.el("span", {}, label), list);
    },

    check(id, label, isOn, change) {
        const box = dom.el("input", {type: "checkbox", id, onchange: () => change(box.checked)});
        box.checked = isOn;
        return dom.el("label", {class: "field check"}, box, dom.el("span", {}, label));
    },
};
