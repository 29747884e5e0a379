/* Prints docs/events.md from the event table; a test compares the two. */
#include "trace/events.h"

#include <stdio.h>

static const char *const introduction =
    "# Events\n"
    "\n"
    "What libpvm can tell about running machines, event by event. Made from `trace/events.def`; do "
    "not edit\n"
    "(`build/bin/pvm-event-reference > docs/events.md`). How to collect them: "
    "[tracing.md](tracing.md).\n"
    "\n"
    "* **Outlets.** *LTTng*: tracepoint `pvm:NAME` of `libpvm-lttng.so`; `pvm_fast:NAME` where "
    "that "
    "is said: what `pvm:*`\n"
    "  tells, too, in a cheaper way. *USDT*: probe `pvm:NAME` of libpvm, with a semaphore that all "
    "probes but those of\n"
    "  `host_call` share; its one argument is a pointer to the record, laid out as "
    "`pvm_event_NAME_t` of `trace/events.h`.\n"
    "* **Cost classes.** *rare*: once for a program, a machine or an execution. *call*: once for "
    "each host call.\n"
    "  *block*: once for each block, for small programs. *batch*: once for many blocks. *exit*: at "
    "exits, in\n"
    "  proportion to the program. *data*: in proportion to the octets told. Nothing is computed "
    "for an event that\n"
    "  nobody collects.\n"
    "* **Names over a whole trace.** A machine is `vm` within the host that the trace names: its "
    "upper half is the\n"
    "  process id, its lower half counts the machines of that process. `program` is a hash of the "
    "program's octets\n"
    "  and spec and means the same program in every process and on every host.\n"
    "* **Pieces.** Long things travel in several events; a sequence has at most 4096 elements.\n"
    "* **Time** is that of the event. Sequences are preceded by their length (in C: `NAME_len` "
    "behind the pointer).\n";

/** Every provider of tracepoints, and how an outlet names it: that of most events is not named. */
#define LTTNG_pvm(name)      "LTTng"
#define LTTNG_pvm_fast(name) "LTTng as `pvm_fast:" #name "`"

static void put_event(const char *name, const char *outlets, const char *cost, const char *when)
{
    printf("\n## %s\n\n%s\n\nOutlets: %s. Cost: %s.\n\n| field | type | unit | meaning |\n| --- | "
           "--- | --- | --- |\n",
           name, when, outlets, cost);
}

static void put_field(const char *name, const char *type, const char *unit, const char *text)
{
    printf("| %s | %s | %s | %s |\n", name, type, unit, text);
}

#define OUTLETS_LTTNG(lttng) lttng
#define OUTLETS_PROBE(lttng) "USDT"
#define OUTLETS_BOTH(lttng)  lttng ", USDT"
#define OUTLETS_THINNED(lttng)                                                                     \
    lttng ", USDT, and as USDT probe `NAME_64th` the calls whose `seq` is a multiple of 64"
#define COST_RARE  "rare"
#define COST_CALL  "call"
#define COST_BLOCK "block"
#define COST_BATCH "batch"
#define COST_EXIT  "exit"
#define COST_DATA  "data"

int main(void)
{
    fputs(introduction, stdout);
#define PVM_EVENT(name, provider, outlets, cost, when, fields)                                     \
    put_event(#name, OUTLETS_##outlets(LTTNG_##provider(name)), COST_##cost, when);                \
    fields
#define PVM_EVENT_INT(type, name, unit, text) put_field(#name, #type, unit, text);
#define PVM_EVENT_TEXT(name, text)            put_field(#name, "text", "", text);
#define PVM_EVENT_ARRAY(type, name, length, unit, text)                                            \
    put_field(#name, #type "[" #length "]", unit, text);
#define PVM_EVENT_SEQUENCE(type, name, unit, text)                                                 \
    put_field(#name, "sequence of " #type, unit, text);
#include "trace/events.def"
    return ferror(stdout) || fflush(stdout) != 0;
}
