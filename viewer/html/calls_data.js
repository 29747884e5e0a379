/* Host calls in their order: short conversations whole, long ones as slices with sums by name and the calls that each
 * slice begins with. Ranges are [from, to) by the numbers of calls. */
const conversation = (() => {
    function make(calls) {
        const rows = calls.rows.map(([seq, vm, at, ns, name, pc, gas, left, result, meaning]) =>
            ({seq, vm, at, ns, name, pc, gas, left, result, meaning}));
        const isWhole = calls.slice === undefined;
        /** What is counted: single calls or slices of them. */
        const units = isWhole
            ? rows.map((row) => ({seq: row.seq, name: row.name, calls: 1, gas: row.gas, ns: row.ns || 0, at: row.at}))
            : calls.slices.map(([seq, name, count, gas, ns, at]) => ({seq, name, calls: count, gas, ns, at}));
        const step = isWhole ? 1 : calls.slice;
        const end = calls.stored;

        function within(list, from, to) {
            let low = 0;
            let high = list.length;
            while (low < high) {
                const middle = (low + high) >> 1;
                if (list[middle].seq < from) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            let last = low;
            while (last < list.length && list[last].seq < to) {
                last++;
            }
            return list.slice(low, last);
        }

        function add(bucket, unit) {
            const part = bucket.parts.get(unit.name) || {calls: 0, gas: 0, ns: 0};
            for (const sum of [bucket, part]) {
                sum.calls += unit.calls;
                sum.gas += Number(unit.gas);
                sum.ns += Number(unit.ns);
            }
            bucket.parts.set(unit.name, part);
            bucket.from = Math.min(bucket.from, unit.seq);
            bucket.to = Math.max(bucket.to, Math.min(unit.seq + step, end));
            bucket.at = Math.min(bucket.at, unit.at);
        }

        const empty = () => ({from: Infinity, to: 0, at: Infinity, calls: 0, gas: 0, ns: 0, parts: new Map()});

        /** Up to `most` buckets of a range, of equally many calls or ("time") of equal time. */
        function buckets(from, to, most, axis) {
            const inside = within(units, from, to);
            if (inside.length === 0) {
                return [];
            }
            /* A single slice cannot be divided. The parts of one stand in the order of their names, and calls of several
             * machines overlap, so times do not always rise. */
            const isTime = axis === "time" && (isWhole || to - from > step);
            const times = isTime ? inside.map((unit) => unit.at) : [];
            const begin = isTime ? times.reduce((least, at) => Math.min(least, at)) : from;
            const size = isTime ? times.reduce((latest, at) => Math.max(latest, at)) - begin + 1 : to - from;
            const width = isTime ? Math.max(1, size / most) : step * Math.max(1, Math.ceil(size / step / most));
            const made = Array.from({length: Math.ceil(size / width)}, empty);
            for (const unit of inside) {
                const place = Math.floor(((isTime ? unit.at : unit.seq) - begin) / width);
                add(made[Math.max(0, Math.min(place, made.length - 1))], unit);
            }
            return made;
        }

        return {
            names: calls.names, total: Number(calls.total), end, step, isWhole, buckets,
            rows: (from, to) => within(rows, from, to),
        };
    }

    const PATTERN_MAX = 8;

    /** A sequence with what repeats written once: [[names], times] in order. */
    function fold(names) {
        const folded = [];
        for (let at = 0; at < names.length;) {
            let best = {length: 1, times: 1};
            for (let length = 1; length <= PATTERN_MAX && at + length <= names.length; length++) {
                let times = 1;
                while (at + (times + 1) * length <= names.length &&
                       names.slice(at, at + length).every((name, i) => name === names[at + times * length + i])) {
                    times++;
                }
                if (times > 1 && times * length > best.times * best.length) {
                    best = {length, times};
                }
            }
            folded.push([names.slice(at, at + best.length), best.times]);
            at += best.length * best.times;
        }
        return folded;
    }

    return {make, fold};
})();
