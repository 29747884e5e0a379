-- Schema of the run file, version 2 (PRAGMA user_version). docs/run-file.md explains it.
--
-- The views at the end are the contract for outside tools: names, order and meaning of their columns are fixed.
-- Tables may grow. Numbers of 64 bits are SQLite integers in two's complement. Times are nanoseconds of a
-- monotonic clock; *_ns that are points in time count from the start of the recording.

CREATE TABLE info (
    key   TEXT PRIMARY KEY,
    value TEXT
) WITHOUT ROWID;

-- Recordings that this file was merged from, in order; none in a file that was recorded.
CREATE TABLE source (
    id              INTEGER PRIMARY KEY, -- from 1
    path            TEXT NOT NULL,
    first_vm        INTEGER NOT NULL, -- where its own begin, as the file numbers them now
    first_execution INTEGER NOT NULL,
    first_call      INTEGER NOT NULL, -- seq
    started_ns      INTEGER NOT NULL
);

-- What run_info of each of them said.
CREATE TABLE source_info (
    source INTEGER NOT NULL REFERENCES source,
    key    TEXT NOT NULL,
    value  TEXT,
    PRIMARY KEY (source, key)
) WITHOUT ROWID;

CREATE TABLE program (
    id         INTEGER PRIMARY KEY, -- from 1
    name       TEXT NOT NULL,
    spec       TEXT NOT NULL,
    format     TEXT NOT NULL,
    code_bytes INTEGER NOT NULL,
    blocks     INTEGER NOT NULL,    -- in the whole program; table block has the executed ones
    error      TEXT,                -- why it is invalid, or NULL
    blob       BLOB NOT NULL        -- the file as loaded; programs from parts as a raw blob
);

-- Where the names and lines of a program come from, if not from its own blob: record --symbols.
CREATE TABLE program_symbols (
    program INTEGER PRIMARY KEY REFERENCES program,
    blob    BLOB NOT NULL        -- a file of the same program with debug information, as loaded
);

CREATE TABLE vm (
    id        INTEGER PRIMARY KEY,  -- from 1
    program   INTEGER NOT NULL REFERENCES program,
    parent    INTEGER REFERENCES vm, -- the VM whose inner machine it is
    service   INTEGER NOT NULL,
    backend   TEXT NOT NULL,
    engine_id INTEGER NOT NULL      -- pvm_get_id() in the recorded process
);

-- Imported recordings: where each VM was.
CREATE TABLE vm_process (
    vm      INTEGER PRIMARY KEY REFERENCES vm,
    host    TEXT NOT NULL,
    process INTEGER NOT NULL
);

CREATE TABLE execution (
    id            INTEGER PRIMARY KEY, -- from 1
    vm            INTEGER NOT NULL REFERENCES vm,
    kind          TEXT NOT NULL,       -- what began it: execute, resume, step
    entry_pc      INTEGER NOT NULL,
    started_ns    INTEGER NOT NULL,
    duration_ns   INTEGER NOT NULL,    -- inside pvm_execute, pvm_resume, pvm_step
    result        TEXT NOT NULL,
    exit_pc       INTEGER NOT NULL,
    fault_address INTEGER,             -- of result fault
    gas_start     INTEGER NOT NULL,
    gas_added     INTEGER NOT NULL,
    gas_end       INTEGER NOT NULL,
    blocks_gas    INTEGER,             -- NULL if blocks were not counted
    host_gas      INTEGER NOT NULL,
    host_calls    INTEGER NOT NULL,
    difference    INTEGER,             -- gas_used - blocks_gas - host_gas: 0, or the figures are wrong
    r0 INTEGER, r1 INTEGER, r2 INTEGER, r3 INTEGER, r4 INTEGER, r5 INTEGER, r6 INTEGER,
    r7 INTEGER, r8 INTEGER, r9 INTEGER, r10 INTEGER, r11 INTEGER, r12 INTEGER, -- at the start
    arguments     BLOB                 -- of a JAM program
);
CREATE INDEX execution_vm ON execution (vm);

CREATE TABLE total (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    executions  INTEGER NOT NULL,
    host_calls  INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    gas_start   INTEGER NOT NULL,
    gas_added   INTEGER NOT NULL,
    gas_end     INTEGER NOT NULL,
    gas_used    INTEGER NOT NULL,
    blocks_gas  INTEGER,
    host_gas    INTEGER NOT NULL,
    difference  INTEGER,
    result      TEXT NOT NULL
);
INSERT INTO total VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'incomplete');

CREATE TABLE function (
    program INTEGER NOT NULL REFERENCES program,
    id      INTEGER NOT NULL,
    pc      INTEGER NOT NULL, -- lowest one
    name    TEXT NOT NULL,
    source  TEXT NOT NULL,    -- debug: debug information; code: found in the code
    PRIMARY KEY (program, id)
) WITHOUT ROWID;

CREATE TABLE block (
    program      INTEGER NOT NULL REFERENCES program,
    pc           INTEGER NOT NULL,
    end_pc       INTEGER NOT NULL,
    function     INTEGER NOT NULL,
    instructions INTEGER NOT NULL,
    cost         INTEGER NOT NULL, -- gas of one whole execution
    hits         INTEGER NOT NULL,
    gas          INTEGER NOT NULL, -- charged
    PRIMARY KEY (program, pc)
) WITHOUT ROWID;

CREATE TABLE edge (
    program INTEGER NOT NULL REFERENCES program,
    kind    TEXT NOT NULL,    -- next, jump, to_hub, from_hub, entry
    from_pc INTEGER NOT NULL, -- first pc of the block, or -1: an entry, or the hub of all indirect jumps
    to_pc   INTEGER NOT NULL, -- the same
    count   INTEGER NOT NULL,
    PRIMARY KEY (program, kind, from_pc, to_pc)
) WITHOUT ROWID;

-- Where guest code began inside of a block without arriving there, less where it ended: the executions of an instruction are
-- the hits of its block and all `began` from the begin of the block up to it. A fault that is resumed begins anew at
-- its own instruction. At the end of the code: the trap behind it.
CREATE TABLE cut (
    program INTEGER NOT NULL REFERENCES program,
    pc      INTEGER NOT NULL, -- of an instruction
    began   INTEGER NOT NULL, -- times begun in front of it, less times ended in front of it
    PRIMARY KEY (program, pc)
) WITHOUT ROWID;

-- Where the sampling timer met the guest, with --instrument samples. An estimate of time: docs/sampling.md.
CREATE TABLE sample (
    program  INTEGER NOT NULL REFERENCES program,
    pc       INTEGER NOT NULL, -- recompiled code: the instruction; else where its block, or what follows an ecalli, begins;
                               -- -1: the engine itself
    block_pc INTEGER NOT NULL, -- first pc of its block; -1: the engine
    function INTEGER,          -- of the block; NULL: the engine
    samples  INTEGER NOT NULL,
    PRIMARY KEY (program, pc)
) WITHOUT ROWID;

-- What the samples are shares of.
CREATE TABLE sample_total (
    vm          INTEGER PRIMARY KEY REFERENCES vm,
    hz          INTEGER NOT NULL, -- rate, as it was set last
    samples     INTEGER NOT NULL,
    missed      INTEGER NOT NULL, -- ticks while the thread did not run
    duration_ns INTEGER NOT NULL -- of guest code, measured: inside pvm_execute, pvm_resume and pvm_step, without host calls
);

-- The calling-context tree (--instrument calls): a function, called from one place, in the context of its caller. Callers have
-- smaller ids than those they call. Gas in all is gas, host_gas and deeper_gas of a row and of all rows below it; over
-- the whole table that is the gas used. What an inner machine executes stands below the context that runs it.
CREATE TABLE call_node (
    id           INTEGER PRIMARY KEY, -- from 1
    parent       INTEGER REFERENCES call_node, -- the caller; NULL: the host
    program      INTEGER NOT NULL REFERENCES program,
    function     INTEGER NOT NULL,
    kind         TEXT NOT NULL,       -- entry, call, tail, unknown: a jump into what nobody on the stack had called
    site_pc      INTEGER,             -- of the jump; NULL: none
    pc           INTEGER NOT NULL,    -- where it begins
    calls        INTEGER NOT NULL,
    gas          INTEGER NOT NULL,    -- charged in it itself
    host_calls   INTEGER NOT NULL,
    host_gas     INTEGER NOT NULL,    -- taken by them
    deeper_calls INTEGER NOT NULL,    -- below it, in contexts that are not told apart
    deeper_gas   INTEGER NOT NULL
);
CREATE INDEX call_node_parent ON call_node (parent);

-- Where the sampling timer met the guest, by context, with --instrument calls,samples. Which context a tick belongs to and which
-- function its place in `sample` can differ for a few ticks in the middle of a call or a return.
CREATE TABLE call_sample (
    node    INTEGER PRIMARY KEY REFERENCES call_node,
    samples INTEGER NOT NULL
);

-- Sums over call_node by function. Gas from its calls to their returns; a call inside of another one of itself counts once.
CREATE TABLE call_total (
    program  INTEGER NOT NULL REFERENCES program,
    function INTEGER NOT NULL,
    calls    INTEGER NOT NULL,
    gas      INTEGER NOT NULL,
    PRIMARY KEY (program, function)
) WITHOUT ROWID;

-- Where jumps through registers led (--instrument calls).
CREATE TABLE indirect_jump (
    program INTEGER NOT NULL REFERENCES program,
    from_pc INTEGER NOT NULL,         -- of the jump
    to_pc   INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (program, from_pc, to_pc)
) WITHOUT ROWID;

CREATE TABLE host_function (
    program INTEGER NOT NULL REFERENCES program,
    func_id INTEGER NOT NULL,
    name    TEXT NOT NULL,
    PRIMARY KEY (program, func_id)
) WITHOUT ROWID;

CREATE TABLE host_call (
    seq         INTEGER PRIMARY KEY, -- from 0, in the order in which they began
    execution   INTEGER NOT NULL REFERENCES execution,
    vm          INTEGER NOT NULL REFERENCES vm,
    pc          INTEGER NOT NULL,
    func_id     INTEGER NOT NULL,
    started_ns  INTEGER NOT NULL,
    duration_ns INTEGER,          -- NULL: did not return
    gas_before  INTEGER NOT NULL,
    gas_after   INTEGER,          -- NULL: not known
    result      INTEGER,          -- r7 afterwards; NULL: did not return
    r0 INTEGER, r1 INTEGER, r2 INTEGER, r3 INTEGER, r4 INTEGER, r5 INTEGER, r6 INTEGER,
    r7 INTEGER, r8 INTEGER, r9 INTEGER, r10 INTEGER, r11 INTEGER, r12 INTEGER -- before
);

-- Registers other than r7 that a host call changed.
CREATE TABLE host_call_register (
    seq   INTEGER NOT NULL REFERENCES host_call,
    reg   INTEGER NOT NULL,
    value INTEGER NOT NULL,       -- afterwards
    PRIMARY KEY (seq, reg)
) WITHOUT ROWID;

-- Guest memory that the host read and wrote, in order; long pieces are cut into several rows.
CREATE TABLE host_memory (
    id       INTEGER PRIMARY KEY,
    seq      INTEGER NOT NULL REFERENCES host_call,
    address  INTEGER NOT NULL,
    is_write INTEGER NOT NULL,
    data     BLOB NOT NULL
);
CREATE INDEX host_memory_seq ON host_memory (seq);

-- Sums over host_call by place in the code and, in order, by slices of `width` calls (which doubles when there are 2048
-- of them), so that no report has to read all calls. Kept as host_total.
CREATE TABLE host_site (
    program     INTEGER NOT NULL REFERENCES program,
    pc          INTEGER NOT NULL, -- of the ecalli
    func_id     INTEGER NOT NULL,
    calls       INTEGER NOT NULL,
    gas         INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    PRIMARY KEY (program, pc)
) WITHOUT ROWID;

CREATE TABLE host_slice (
    seq         INTEGER NOT NULL, -- of the first call of the slice
    width       INTEGER NOT NULL, -- the same in all rows
    program     INTEGER NOT NULL REFERENCES program,
    func_id     INTEGER NOT NULL,
    calls       INTEGER NOT NULL, -- that have ended
    gas         INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    started_ns  INTEGER NOT NULL, -- of the first of them
    PRIMARY KEY (seq, program, func_id)
) WITHOUT ROWID;

-- Sums over host_call, kept even where its rows are not collected.
CREATE TABLE host_total (
    vm          INTEGER NOT NULL REFERENCES vm,
    func_id     INTEGER NOT NULL,
    calls       INTEGER NOT NULL,
    gas         INTEGER NOT NULL,
    gas_added   INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    PRIMARY KEY (vm, func_id)
) WITHOUT ROWID;

-- Where only sums were collected (attach --aggregate): a vm stands for all machines of a process, service and program.
-- Their host calls are in host_total, and here by duration; their executions in run_total.
CREATE TABLE host_latency (
    vm       INTEGER NOT NULL REFERENCES vm,
    func_id  INTEGER NOT NULL,
    class    INTEGER NOT NULL, -- n: calls that took 2^(n-1) ns and more, but not 2^n
    calls    INTEGER NOT NULL,
    PRIMARY KEY (vm, func_id, class)
) WITHOUT ROWID;

CREATE TABLE run_total (
    vm          INTEGER PRIMARY KEY REFERENCES vm,
    executions  INTEGER NOT NULL, -- that have ended
    gas         INTEGER NOT NULL, -- that guest code took
    duration_ns INTEGER NOT NULL
);

-- How executions came to a panic, a fault or out of gas.
CREATE TABLE flight (
    execution INTEGER PRIMARY KEY REFERENCES execution,
    gas       INTEGER NOT NULL,   -- left
    cost      INTEGER NOT NULL    -- result oog: the price that could not be paid; 0: the host gave up
);

-- Who called whom, innermost (0) first.
CREATE TABLE flight_frame (
    execution INTEGER NOT NULL REFERENCES flight,
    depth     INTEGER NOT NULL,
    pc        INTEGER,            -- 0: where it stopped; else the call; NULL: the host
    function  TEXT,
    found     TEXT NOT NULL,      -- stopped here, checked, likely, guess, host
    times     INTEGER NOT NULL,   -- in a row: recursion
    PRIMARY KEY (execution, depth)
) WITHOUT ROWID;

-- The last host calls, also where host_call is not collected.
CREATE TABLE flight_call (
    execution  INTEGER NOT NULL REFERENCES flight,
    seq        INTEGER NOT NULL,  -- number of the call in its machine
    pc         INTEGER NOT NULL,
    func_id    INTEGER NOT NULL,
    name       TEXT NOT NULL,
    gas_before INTEGER NOT NULL,
    gas_after  INTEGER NOT NULL,
    result     INTEGER NOT NULL,
    PRIMARY KEY (execution, seq)
) WITHOUT ROWID;

-- The last blocks that were entered, oldest (0) first, with --instrument flight.
CREATE TABLE flight_block (
    execution INTEGER NOT NULL REFERENCES flight,
    place     INTEGER NOT NULL,
    pc        INTEGER NOT NULL,
    function  TEXT NOT NULL,
    PRIMARY KEY (execution, place)
) WITHOUT ROWID;

-- With --instrument blocks or gas: every block in the order in which it was entered, in pieces.
CREATE TABLE block_trace (
    execution  INTEGER NOT NULL REFERENCES execution,
    first      INTEGER NOT NULL,  -- blocks of the execution before this piece
    count      INTEGER NOT NULL,  -- blocks in it, 16384 at most
    pcs        BLOB NOT NULL,     -- first pc of each: 4 octets, least significant first
    pcs_packed INTEGER NOT NULL,  -- 1: compressed by zlib
    gas        BLOB,              -- before each was paid, less the same of the one before it: 8 octets; NULL: not collected
    gas_packed INTEGER,
    PRIMARY KEY (execution, first)
);

-- Where host calls stand in it.
CREATE TABLE block_trace_call (
    seq       INTEGER PRIMARY KEY REFERENCES host_call,
    execution INTEGER NOT NULL REFERENCES execution,
    place     INTEGER NOT NULL    -- blocks of the execution that were entered before
);

CREATE TABLE lost (
    kind  TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) WITHOUT ROWID;

CREATE VIEW gas_summary (gas_start, gas_end, gas_used, blocks_gas, host_gas, result) AS
SELECT gas_start, gas_end, gas_used, blocks_gas, host_gas, result FROM total;

CREATE VIEW executions (id, vm, service, program, entry_pc, gas_start, gas_added, gas_end, gas_used, blocks_gas,
                        host_gas, host_calls, difference, result, exit_pc, started_ns, duration_ns) AS
SELECT e.id, e.vm, v.service, v.program, e.entry_pc, e.gas_start, e.gas_added, e.gas_end,
       e.gas_start - e.gas_end + e.gas_added, e.blocks_gas, e.host_gas, e.host_calls, e.difference, e.result,
       e.exit_pc, e.started_ns, e.duration_ns
FROM execution e JOIN vm v ON v.id = e.vm
ORDER BY e.id;

CREATE VIEW hot_blocks (pc, end_pc, function, instructions, hits, gas, program) AS
SELECT b.pc, b.end_pc, f.name, b.instructions, b.hits, b.gas, b.program
FROM block b JOIN function f ON f.program = b.program AND f.id = b.function
ORDER BY b.gas DESC, b.program, b.pc;

CREATE VIEW hot_functions (function, calls, self_gas, total_gas, program) AS
SELECT f.name, CASE WHEN EXISTS (SELECT 1 FROM call_total) THEN coalesce(t.calls, 0) END, sum(b.gas),
       CASE WHEN EXISTS (SELECT 1 FROM call_total) THEN coalesce(t.gas, 0) END, b.program
FROM block b JOIN function f ON f.program = b.program AND f.id = b.function
     LEFT JOIN call_total t ON t.program = b.program AND t.function = b.function
GROUP BY b.program, b.function
ORDER BY sum(b.gas) DESC, b.program, f.pc;

CREATE VIEW host_calls (seq, vm, service, pc, func_id, name, gas_before, gas_after, duration_ns,
                        r7, r8, r9, r10, r11, r12, result) AS
SELECT c.seq, c.vm, v.service, c.pc, c.func_id, n.name, c.gas_before, c.gas_after, c.duration_ns,
       c.r7, c.r8, c.r9, c.r10, c.r11, c.r12, c.result
FROM host_call c JOIN vm v ON v.id = c.vm
     JOIN host_function n ON n.program = v.program AND n.func_id = c.func_id
ORDER BY c.seq;

CREATE VIEW lost_events (kind, count) AS
SELECT kind, count FROM lost WHERE count > 0;

CREATE VIEW run_info (key, value) AS
SELECT key, value FROM info;
