/* The data of the page: one run, or two to compare, the one before first. */
const data = (() => {
    const read = JSON.parse(dom.get("data").textContent);

    /* Frames come as [kind, name, program, pc, line, file]; what has the same file as its predecessor says 0. */
    function frames(run) {
        let file = null;
        return run.frames.map(([kind, name, program, pc, line, itsFile], index) => {
            file = itsFile === 0 ? file : itsFile;
            return {
                index, kind: run.kinds[kind], name: name === 0 ? "@" + pc : name, program, pc, line, file,
            };
        });
    }

    /** Rows as objects, by the ids of the columns. */
    function rows(table) {
        return table.rows.map((row) => Object.fromEntries(table.columns.map((column, i) => [column.id, row[i]])));
    }

    const runs = read.runs.map((run) => ({
        path: run.path,
        tables: run.tables,
        summary: rows(run.tables.summary)[0],
        values: run.values,
        frames: frames(run),
        parents: run.parents,
        nodeFrames: run.node_frames,
        blocks: run.blocks,
        calls: run.calls,
    }));

    return {
        version: read.version,
        runs,
        isComparing: runs.length === 2,
        /** The run that is looked at. */
        now: runs[runs.length - 1],
        rows,
    };
})();
