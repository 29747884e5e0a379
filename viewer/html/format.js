/* Figures for people. Whole numbers above 2^53 come as text and stay exact. */
const format = {
    int(number) {
        return BigInt(number).toLocaleString("en-US");
    },

    /** Three digits: 601,529 is 602 k. */
    short(number) {
        const size = Math.abs(number);
        for (const [unit, word] of [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
            if (size >= unit) {
                const scaled = number / (word === "k" ? 1e3 : unit);
                return scaled.toPrecision(3).replace(/e\+\d+$/, "") + " " + word;
            }
        }
        return format.int(Math.round(number));
    },

    ns(number) {
        const value = Number(number);
        for (const [unit, word] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
            if (Math.abs(value) >= unit) {
                return (value / unit).toFixed(value / unit < 100 ? 2 : 1) + " " + word;
            }
        }
        return value + " ns";
    },

    percent(share) {
        const size = Math.abs(share);
        return size !== 0 && size < 0.005 ? "< 0.01 %" : share.toFixed(size !== 0 && size < 0.095 ? 2 : 1) + " %";
    },

    /** A value of a column of that type. */
    value(value, type) {
        if (value === null || value === undefined) {
            return "–";
        }
        switch (type) {
        case "int":
        case "gas":
            return format.int(value);
        case "ns":
            return format.ns(value);
        case "percent":
            return format.percent(value);
        case "change":
            return (value > 0 ? "+" : "") + format.int(value);
        case "change_percent":
            return (value > 0 ? "+" : "") + format.percent(value);
        case "real":
            return String(Math.round(value * 1000) / 1000);
        default:
            return String(value);
        }
    },

    /** By the unit of a value of the stacks. */
    unit(value, unit) {
        return unit === "ns" ? format.ns(value) : format.int(value) + (unit === "gas" ? " gas" : "");
    },

    isNumeric(type) {
        return type !== "text";
    },
};
