/* --host jam: every host call of GP appendix B is asked directly, with its result codes, gas and effects. */
#include "viewer/host/host.h"
#include "viewer/host/jam_call.h"

#include <fcntl.h>
#include <pvm/trace.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/** Where the tests keep their octets: readable and writable, read-only, nothing. */
enum { AT = 0x20000, AT_OCTETS = 0x80000, READ_ONLY = 0x100000, NOWHERE = 0x200000 };
#define GAS  1000
#define NONE PVM_JAM_NONE

/* A zero hash, and the Blake2b-256 of the octets 01 02 03. */
#define ZEROS "0x0000000000000000000000000000000000000000000000000000000000000000"
#define HASH  "0x11c0e79b71c3976ccd0c02d1310e2516c08edc9d8b6f57ccd680d63a4d8e72da"

static const char accumulate_state[] =
    "{\"context\": \"accumulate\", \"service\": 7, \"timeslot\": 100000, \"registrar\": 7, "
    "\"next_service\": 70000, \"services\": {"
    "\"7\": {\"balance\": 1000, \"storage\": {\"0x6b\": \"0x010203\"}, "
    " \"preimages\": {\"" HASH "\": \"0x010203\"}, "
    " \"requests\": {\"" HASH "/3\": [], \"" ZEROS "/1\": [5], \"" ZEROS "/2\": [5, 6], "
    "  \"" ZEROS "/3\": [5, 6, 7], \"" ZEROS "/4\": [5, 99999]}},"
    "\"8\": {\"balance\": 50, \"min_memo_gas\": 20, \"code_hash\": "
    " \"0x0700000000000000000000000000000000000000000000000000000000000000\", "
    " \"requests\": {\"" ZEROS "/9\": [1, 2]}},"
    "\"70042\": {}}}";

typedef struct {
    pvm_view_t view;
    pvm_program_t *program;
    pvm_vm_t *vm;
    pvm_host_t host;
    char path[64];
} bench_t;

static bench_t bench;

static int number_of(const char *name)
{
    static const struct {
        const char *name;
        int n072;
        int n080;
    } calls[] = {
#define PVM_JAM_HOST_CALL(call, n072, n080, where) {#call, n072, n080},
#include "program/host_calls.def"
    };

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].name, name) == 0) {
            return pvm_program_spec(bench.program) == PVM_SPEC_0_8_0 ? calls[i].n080
                                                                     : calls[i].n072;
        }
    }
    fail_msg("no host call %s", name);
    return -1;
}

static void open_bench(pvm_spec_t spec, const char *state)
{
    static const uint8_t trap = 0;
    static const uint8_t mask = 1;
    char *arguments[] = {"pvmscope", "run", "program", "--host", "jam", "--state", bench.path};
    int file;

    strcpy(bench.path, "/tmp/pvm-jam-state-XXXXXX");
    file = mkstemp(bench.path);
    assert_true(file >= 0);
    assert_int_equal(write(file, state, strlen(state)), (ssize_t)strlen(state));
    close(file);
    assert_int_equal(pvm_view_parse(&bench.view, 7, arguments), PVM_VIEW_FINE);
    bench.program = pvm_program_from_parts(&trap, 1, &mask, 1, NULL, 0, spec);
    bench.vm = pvm_instantiate(bench.program, PVM_BACKEND_DEFAULT, 7, GAS);
    assert_non_null(bench.vm);
    assert_int_equal(pvm_map_memory(bench.vm, AT, AT_OCTETS, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_map_memory(bench.vm, READ_ONLY, PVM_PAGE_SIZE, PVM_ACCESS_READ), 0);
    if (pvm_host_open(&bench.view, bench.vm, 0, &bench.host) != PVM_VIEW_FINE) {
        fail_msg("%s", bench.view.error);
    }
}

static int close_bench(void **state)
{
    (void)state;
    pvm_host_close(&bench.host);
    pvm_destroy(bench.vm);
    pvm_program_release(bench.program);
    pvm_view_finish(&bench.view);
    unlink(bench.path);
    memset(&bench, 0, sizeof(bench));
    return 0;
}

/* Ask, with r7 to r12. */
static pvm_host_result_t ask(const char *name, const uint64_t values[6])
{
    for (int i = 0; i < 6; i++) {
        pvm_set_register(bench.vm, 7 + i, values[i]);
    }
    pvm_set_gas(bench.vm, GAS);
    return bench.host.answer(bench.vm, number_of(name), bench.host.state);
}

#define ASK(name, ...) ask(name, (const uint64_t[6]){__VA_ARGS__})

/* It goes on, has taken 10 gas, and answers this. */
#define ANSWERS(value, name, ...)                                                                  \
    do {                                                                                           \
        assert_int_equal(ASK(name, __VA_ARGS__), PVM_HOST_CONTINUE);                               \
        assert_int_equal(pvm_get_register(bench.vm, 7), (uint64_t)(value));                        \
        assert_int_equal(pvm_get_gas(bench.vm), GAS - 10);                                         \
    } while (0)
#define PANICS(name, ...) assert_int_equal(ASK(name, __VA_ARGS__), PVM_HOST_ERROR)

static void put(uint32_t address, const void *octets, size_t len)
{
    assert_int_equal(pvm_write_memory(bench.vm, address, octets, len), 0);
}

static void put_number(uint32_t address, uint64_t value)
{
    put(address, &value, sizeof(value));
}

static uint64_t get_number(uint32_t address)
{
    uint64_t value = 0;

    assert_int_equal(pvm_read_memory(bench.vm, address, &value, sizeof(value)), 0);
    return value;
}

static json_object *state(void)
{
    return ((pvm_jam_t *)bench.host.state)->state;
}

static json_object *service(uint64_t id)
{
    return pvm_jam_service(state(), id);
}

/* -- General ------------------------------------------------------------------------------- */

static void test_gas_and_prices(void **unused)
{
    (void)unused;
    open_bench(PVM_SPEC_0_8_0, "{\"services\": {\"0\": {}}}");
    ANSWERS(GAS - 10, "gas", 0);
    ANSWERS(PVM_JAM_WHAT, "grow_heap", 40);
    pvm_set_gas(bench.vm, 9);
    assert_int_equal(bench.host.answer(bench.vm, 0, bench.host.state), PVM_HOST_OOG);
    assert_int_equal(pvm_get_gas(bench.vm), 0);
    pvm_set_gas(bench.vm, 10);
    assert_int_equal(bench.host.answer(bench.vm, 99, bench.host.state), PVM_HOST_CONTINUE);
    assert_int_equal(pvm_get_register(bench.vm, 7), PVM_JAM_WHAT);
    assert_int_equal(bench.host.answer(bench.vm, -1, bench.host.state), PVM_HOST_OOG);
}

static void test_contexts(void **unused)
{
    (void)unused;
    open_bench(PVM_SPEC_0_7_2, "{\"context\": \"refine\", \"services\": {\"0\": {}}}");
    ANSWERS(PVM_JAM_WHAT, "read", NONE, AT, 0, AT);
    ANSWERS(PVM_JAM_WHO, "expunge", 0);
    close_bench(NULL);
    open_bench(PVM_SPEC_0_7_2, accumulate_state);
    ANSWERS(PVM_JAM_WHAT, "expunge", 0);
    ANSWERS(NONE, "read", NONE, AT, 0, AT);
    close_bench(NULL);
    open_bench(PVM_SPEC_0_8_0, "{\"context\": \"is_authorized\", \"services\": {\"0\": {}}}");
    ANSWERS(PVM_JAM_WHAT, "expunge", 0);
    ANSWERS(PVM_JAM_WHAT, "read", NONE, AT, 0, AT);
    ANSWERS(134, "fetch", AT, 0, 0);
}

static void test_fetch(void **unused)
{
    (void)unused;
    open_bench(PVM_SPEC_0_8_0, "{\"services\": {\"0\": {}}, \"fetch\": {\"1\": \"0x0a0b0c\", "
                               "\"3\": [[\"0x01\"], [\"0x02\", \"0x0304\"]]}}");
    ANSWERS(134, "fetch", AT, 0, 1000);
    assert_int_equal(get_number(AT), 10);
    assert_int_equal(get_number(AT + 8), 1);
    ANSWERS(134, "fetch", AT, 24, 2);
    assert_int_equal(get_number(AT) & 0xffff, PVM_JAM_CORES);
    ANSWERS(3, "fetch", AT, 1, 1, 1);
    assert_int_equal(get_number(AT) & 0xff, 0x0b);
    ANSWERS(2, "fetch", AT, 0, 9, 3, 1, 1);
    assert_int_equal(get_number(AT) & 0xffff, 0x0403);
    ANSWERS(NONE, "fetch", AT, 0, 9, 3, 2, 0);
    ANSWERS(NONE, "fetch", AT, 0, 9, 14);
    ANSWERS(3, "fetch", NOWHERE, UINT64_MAX, UINT64_MAX, 1);
    PANICS("fetch", READ_ONLY, 0, 9, 1);
}

static void test_storage(void **unused)
{
    (void)unused;
    open_bench(PVM_SPEC_0_8_0, accumulate_state);
    put(AT, "kx", 2);
    ANSWERS(3, "read", NONE, AT, 1, AT + 8, 0, 8);
    assert_int_equal(get_number(AT + 8), 0x030201);
    ANSWERS(3, "read", 7, AT, 1, AT + 8, 2, 8);
    assert_int_equal(get_number(AT + 8) & 0xff, 0x03);
    ANSWERS(NONE, "read", 8, AT, 1, AT + 8, 0, 8);
    ANSWERS(NONE, "read", 12345, AT, 1, AT + 8, 0, 8);
    PANICS("read", NONE, NOWHERE, 1, AT, 0, 8);
    PANICS("read", NONE, AT, UINT64_MAX, AT, 0, 8);
    PANICS("read", NONE, AT, 1, READ_ONLY, 0, 8);

    /* 6 items and octets: 5 requests of 81, lengths 13; 1 value of 34 + 1 + 3. */
    assert_int_equal(pvm_jam_number(service(7), "items", 0), 11);
    assert_int_equal(pvm_jam_number(service(7), "octets", 0), 5 * 81 + 13 + 38);
    ANSWERS(3, "write", AT, 1, AT, 2);
    assert_int_equal(pvm_jam_number(service(7), "octets", 0), 5 * 81 + 13 + 37);
    ANSWERS(NONE, "write", AT + 1, 1, AT, 1);
    assert_int_equal(pvm_jam_number(service(7), "items", 0), 12);
    ANSWERS(1, "write", AT + 1, 1, NOWHERE, 0);
    ANSWERS(NONE, "write", AT + 1, 1, NOWHERE, 0);
    assert_int_equal(pvm_jam_number(service(7), "items", 0), 11);
    ANSWERS(PVM_JAM_FULL, "write", AT + 1, 1, AT, 1000);
    assert_int_equal(pvm_jam_number(service(7), "items", 0), 11);
    PANICS("write", AT, 1, NOWHERE, 1);
    PANICS("write", NOWHERE, 1, AT, 1);
}

static void test_lookup_and_info(void **unused)
{
    json_object *const text = json_object_new_string(HASH);
    const pvm_jam_octets_t hash = pvm_jam_hex_octets(text);

    (void)unused;
    open_bench(PVM_SPEC_0_7_2, accumulate_state);
    put(AT, hash.data, hash.len);
    free(hash.data);
    json_object_put(text);
    ANSWERS(3, "lookup", NONE, AT, AT + 64, 1, 8);
    assert_int_equal(get_number(AT + 64), 0x0302);
    ANSWERS(NONE, "lookup", 8, AT, AT + 64, 0, 8);
    PANICS("lookup", NONE, NOWHERE, AT, 0, 8);
    ANSWERS(96, "info", 8, AT, 0, 96);
    assert_int_equal(get_number(AT), 7);
    assert_int_equal(get_number(AT + 32), 50);
    assert_int_equal(get_number(AT + 40), 100 + 20 + 90);
    assert_int_equal(get_number(AT + 56), 20);
    assert_int_equal(get_number(AT + 64), 90);
    assert_int_equal(get_number(AT + 72) & UINT32_MAX, 2);
    ANSWERS(96, "info", NONE, AT, 32, 8);
    assert_int_equal(get_number(AT), 1000);
    ANSWERS(NONE, "info", 9, AT, 0, 96);
}

/* -- Accumulate ---------------------------------------------------------------------------- */

static void test_privileges(void **unused)
{
    json_object *always;

    (void)unused;
    open_bench(PVM_SPEC_0_8_0, accumulate_state);
    put_number(AT, 7 | UINT64_C(8) << 32);
    put_number(AT + 4096, 8 | UINT64_C(77) << 32);
    ANSWERS(PVM_JAM_WHO, "bless", UINT64_C(1) << 32, AT, 7, 7, AT + 4096, 1);
    PANICS("bless", 7, NOWHERE, 7, 7, AT + 4096, 1);
    PANICS("bless", 7, AT, 7, 7, AT + 4096, UINT64_MAX / 12 + 2);
    ANSWERS(PVM_JAM_OK, "bless", 1, AT, 2, 3, AT + 4096, 1);
    assert_int_equal(pvm_jam_number(state(), "manager", 0), 1);
    assert_int_equal(pvm_jam_number(state(), "delegator", 0), 2);
    assert_int_equal(pvm_jam_number(state(), "registrar", 0), 3);
    always = pvm_jam_object(state(), "always_accumulate");
    assert_int_equal(json_object_object_length(always), 1);
    assert_int_equal(pvm_jam_number(always, "8", 0), 77);

    ANSWERS(PVM_JAM_CORE, "assign", PVM_JAM_CORES, AT, 8);
    ANSWERS(PVM_JAM_HUH, "assign", 1, AT, 8);
    ANSWERS(PVM_JAM_WHO, "assign", 0, AT, UINT64_C(1) << 32);
    PANICS("assign", 0, NOWHERE, 8);
    ANSWERS(PVM_JAM_OK, "assign", 0, AT, 8);
    ANSWERS(PVM_JAM_HUH, "assign", 0, AT, 8);

    ANSWERS(PVM_JAM_HUH, "designate", AT);
    PANICS("designate", NOWHERE);
    assert_int_equal(pvm_jam_set_number(state(), "delegator", 7), 0);
    ANSWERS(PVM_JAM_OK, "designate", AT);
}

static void test_new(void **unused)
{
    (void)unused;
    open_bench(PVM_SPEC_0_8_0, accumulate_state);
    /* It costs 100 + 2 * 10 + 81 + 4; the service must keep 100 + 110 + 456. */
    assert_int_equal(pvm_jam_least_balance(service(7)), 666);
    PANICS("new", NOWHERE, 4, 1, 2, 0, 100000);
    PANICS("new", AT, UINT64_C(1) << 32, 1, 2, 0, 100000);
    ANSWERS(PVM_JAM_HUH, "new", AT, 4, 1, 2, 1, 100000);
    ANSWERS(PVM_JAM_CASH, "new", AT, 400, 1, 2, 0, 100000);
    ANSWERS(PVM_JAM_FULL, "new", AT, 4, 1, 2, 0, 8);
    ANSWERS(70000, "new", AT, 4, 1, 2, 0, 100000);
    assert_int_equal(pvm_jam_number(service(7), "balance", 0), 1000 - 205);
    assert_int_equal(pvm_jam_number(service(70000), "balance", 0), 205);
    assert_int_equal(pvm_jam_number(service(70000), "parent", 0), 7);
    assert_int_equal(pvm_jam_number(service(70000), "created", 0), 100000);
    /* 70042 is taken. */
    assert_int_equal(pvm_jam_number(state(), "next_service", 0), 70043);
    ANSWERS(PVM_JAM_CASH, "new", AT, 4, 1, 2, 0, 9);
    assert_int_equal(pvm_jam_set_number(service(7), "balance", 5000), 0);
    ANSWERS(9, "new", AT, 4, 1, 2, 0, 9);
    assert_int_equal(pvm_jam_set_number(state(), "manager", 7), 0);
    ANSWERS(70043, "new", AT, 4, 1, 2, 100, 100000);
    assert_int_equal(pvm_jam_number(service(70043), "balance", 0), 105);
}

static void test_upgrade_and_transfer(void **unused)
{
    (void)unused;
    open_bench(PVM_SPEC_0_7_2, accumulate_state);
    PANICS("upgrade", NOWHERE, 1, 2);
    ANSWERS(PVM_JAM_OK, "upgrade", AT, 11, 22);
    assert_int_equal(pvm_jam_number(service(7), "min_accumulate_gas", 0), 11);
    assert_int_equal(pvm_jam_number(service(7), "min_memo_gas", 0), 22);

    ANSWERS(PVM_JAM_WHO, "transfer", 9, 1, 20, AT);
    ANSWERS(PVM_JAM_LOW, "transfer", 8, 1, 19, AT);
    ANSWERS(PVM_JAM_CASH, "transfer", 8, 335, 20, AT);
    ANSWERS(PVM_JAM_CASH, "transfer", 8, UINT64_MAX, 20, AT);
    PANICS("transfer", 8, 1, 20, NOWHERE);
    assert_int_equal(ASK("transfer", 8, 1, GAS - 9, AT), PVM_HOST_OOG);
    assert_int_equal(pvm_get_gas(bench.vm), 0);
    assert_int_equal(ASK("transfer", 8, 334, 20, AT), PVM_HOST_CONTINUE);
    assert_int_equal(pvm_get_register(bench.vm, 7), PVM_JAM_OK);
    assert_int_equal(pvm_get_gas(bench.vm), GAS - 10 - 20);
    assert_int_equal(pvm_jam_number(service(7), "balance", 0), 666);
    assert_int_equal(pvm_jam_number(service(8), "balance", 0), 50);
    assert_int_equal(json_object_array_length(pvm_jam_array(state(), "transfers")), 1);
}

static void test_eject(void **unused)
{
    (void)unused;
    open_bench(PVM_SPEC_0_8_0, accumulate_state);
    PANICS("eject", 8, NOWHERE);
    ANSWERS(PVM_JAM_WHO, "eject", 7, AT);
    ANSWERS(PVM_JAM_WHO, "eject", 70042, AT);
    put_number(AT + 64, 1);
    ANSWERS(PVM_JAM_HUH, "eject", 8, AT + 64);
    ANSWERS(PVM_JAM_OK, "eject", 8, AT);
    assert_null(service(8));
    assert_int_equal(pvm_jam_number(service(7), "balance", 0), 1050);
    ANSWERS(PVM_JAM_WHO, "eject", 8, AT);
}

static void test_requests(void **unused)
{
    const uint64_t ones = AT + 64;

    (void)unused;
    open_bench(PVM_SPEC_0_8_0, accumulate_state);
    put(AT + 64, "\1\1\1\1", 4);
    PANICS("query", NOWHERE, 1);
    ANSWERS(NONE, "query", AT, 5);
    assert_int_equal(pvm_get_register(bench.vm, 8), 0);
    ANSWERS(1 | UINT64_C(5) << 32, "query", AT, 1);
    ANSWERS(2 | UINT64_C(5) << 32, "query", AT, 2);
    assert_int_equal(pvm_get_register(bench.vm, 8), 6);
    ANSWERS(3 | UINT64_C(5) << 32, "query", AT, 3);
    assert_int_equal(pvm_get_register(bench.vm, 8), 6 | UINT64_C(7) << 32);

    PANICS("solicit", NOWHERE, 1);
    ANSWERS(PVM_JAM_HUH, "solicit", AT, 1);
    ANSWERS(PVM_JAM_FULL, "solicit", ones, UINT64_MAX);
    ANSWERS(PVM_JAM_FULL, "solicit", ones, 1000);
    ANSWERS(PVM_JAM_OK, "solicit", ones, 1);
    ANSWERS(0, "query", ones, 1);
    ANSWERS(PVM_JAM_HUH, "solicit", ones, 1);
    ANSWERS(PVM_JAM_OK, "solicit", AT, 2);
    ANSWERS(3 | UINT64_C(5) << 32, "query", AT, 2);
    assert_int_equal(pvm_get_register(bench.vm, 8), 6 | UINT64_C(100000) << 32);

    PANICS("forget", NOWHERE, 1);
    ANSWERS(PVM_JAM_HUH, "forget", AT, 77);
    ANSWERS(PVM_JAM_HUH, "forget", AT, 4);
    ANSWERS(PVM_JAM_OK, "forget", AT, 1);
    ANSWERS(2 | UINT64_C(5) << 32, "query", AT, 1);
    assert_int_equal(pvm_get_register(bench.vm, 8), 100000);
    ANSWERS(PVM_JAM_OK, "forget", AT, 3);
    ANSWERS(2 | UINT64_C(7) << 32, "query", AT, 3);
    assert_int_equal(pvm_get_register(bench.vm, 8), 100000);
    ANSWERS(PVM_JAM_OK, "forget", ones, 1);
    ANSWERS(NONE, "query", ones, 1);
}

static void test_provide_and_yield(void **unused)
{
    (void)unused;
    open_bench(PVM_SPEC_0_8_0, accumulate_state);
    put(AT, "\1\2\3", 3);
    PANICS("provide", NONE, NOWHERE, 3);
    ANSWERS(PVM_JAM_WHO, "provide", 12345, AT, 3);
    ANSWERS(PVM_JAM_HUH, "provide", NONE, AT, 2);
    ANSWERS(PVM_JAM_HUH, "provide", 8, AT, 3);
    ANSWERS(PVM_JAM_OK, "provide", NONE, AT, 3);
    ANSWERS(PVM_JAM_HUH, "provide", 7, AT, 3);
    PANICS("yield", NOWHERE);
    ANSWERS(PVM_JAM_OK, "yield", AT);
}

/* A panic leaves what the last checkpoint had. */
static void test_checkpoint(void **unused)
{
    char text[8192] = "";
    FILE *out = fmemopen(text, sizeof(text) - 1, "w");

    (void)unused;
    open_bench(PVM_SPEC_0_8_0, accumulate_state);
    put(AT, "ab", 2);
    ANSWERS(NONE, "write", AT, 1, AT, 1);
    ANSWERS(GAS - 10, "checkpoint", 0);
    ANSWERS(NONE, "write", AT + 1, 1, AT, 1);
    assert_int_equal(pvm_execute(bench.vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(bench.host.write(bench.host.state, out), 0);
    fclose(out);
    assert_non_null(strstr(text, "\"0x61\""));
    assert_null(strstr(text, "\"0x62\""));
}

/* -- Refine -------------------------------------------------------------------------------- */

static void test_historical_lookup_and_export(void **unused)
{
    (void)unused;
    open_bench(PVM_SPEC_0_8_0,
               "{\"context\": \"refine\", \"timeslot\": 10, \"export_offset\": 3070, \"services\": "
               "{\"0\": {\"preimages\": {\"" ZEROS "\": \"0xaabb\"}, \"requests\": {\"" ZEROS
               "/2\": [10]}}, \"1\": {\"preimages\": {\"" ZEROS
               "\": \"0xaabb\"}, \"requests\": {\"" ZEROS "/2\": [3, 10]}}, "
               "\"2\": {\"preimages\": {\"" ZEROS "\": \"0xaabb\"}, \"requests\": {\"" ZEROS
               "/2\": [3, 5, 10]}}, \"3\": {\"preimages\": {\"" ZEROS "\": \"0xaabb\"}}}}");
    PANICS("historical_lookup", NONE, NOWHERE, AT, 0, 8);
    ANSWERS(2, "historical_lookup", NONE, AT, AT + 64, 0, 8);
    assert_int_equal(get_number(AT + 64), 0xbbaa);
    ANSWERS(NONE, "historical_lookup", 1, AT, AT + 64, 0, 8);
    ANSWERS(2, "historical_lookup", 2, AT, AT + 64, 0, 8);
    ANSWERS(NONE, "historical_lookup", 3, AT, AT + 64, 0, 8);
    ANSWERS(NONE, "historical_lookup", 4, AT, AT + 64, 0, 8);

    PANICS("export", NOWHERE, 1);
    ANSWERS(3070, "export", AT, 1);
    ANSWERS(3071, "export", AT, UINT64_MAX);
    ANSWERS(PVM_JAM_FULL, "export", AT, 1);
    assert_int_equal(json_object_array_length(pvm_jam_array(state(), "exports")), 2);
}

/* ecalli 5, load_u8 r7 from 0x30000, trap: opcode numbers that both specs have. */
static void put_inner(void)
{
    /* jump table length, entry size, code length, code, mask */
    uint8_t blob[64] = {0, 0, 9};
    size_t len = 3;
    const uint8_t code[9] = {10, 5, /* ecalli 5 */
                             52, 7, 0, 0, 3, 0 /* load_u8 r7 at 0x30000 */, 0 /* trap */};

    memcpy(blob + len, code, sizeof(code));
    len += sizeof(code);
    blob[len++] = 0x05; /* 0, 2 */
    blob[len++] = 0x01; /* 8 */
    put(AT, blob, len);
}

static void test_machines_of(pvm_spec_t spec)
{
    static const uint8_t octets[3] = {1, 2, 3};

    open_bench(spec, "{\"context\": \"refine\", \"services\": {\"0\": {}}}");
    put_inner();
    PANICS("machine", NOWHERE, 14, 0);
    ANSWERS(PVM_JAM_HUH, "machine", AT, 13, 0);
    ANSWERS(0, "machine", AT, 14, 0);
    ANSWERS(1, "machine", AT, 14, 2);
    ANSWERS(PVM_JAM_WHO, "expunge", 2);
    ANSWERS(2, "expunge", 1);
    ANSWERS(PVM_JAM_WHO, "expunge", 1);
    ANSWERS(1, "machine", AT, 14, 0);
    if (spec == PVM_SPEC_0_8_0) {
        ANSWERS(PVM_JAM_HUH, "machine", AT, 14, 1);
        ANSWERS(PVM_JAM_HUH, "machine", AT, 14, 9);
    }

    /* It asks its host for 5, with r7 as it was given. */
    PANICS("invoke", 0, NOWHERE);
    PANICS("invoke", 0, READ_ONLY);
    ANSWERS(PVM_JAM_WHO, "invoke", 2, AT + 4096);
    put_number(AT + 4096, 500);
    put_number(AT + 4096 + 8 + 7 * 8, 0x1234);
    ANSWERS(PVM_STATE_HOST, "invoke", 0, AT + 4096);
    assert_int_equal(pvm_get_register(bench.vm, 8), 5);
    assert_int_equal(get_number(AT + 4096 + 8 + 7 * 8), 0x1234);
    assert_true(get_number(AT + 4096) < 500);
    const uint64_t after_call = get_number(AT + 4096);

    /* Behind the ecalli: memory that it lacks, then no gas, then its end. */
    ANSWERS(PVM_STATE_FAULT, "invoke", 0, AT + 4096);
    assert_int_equal(pvm_get_register(bench.vm, 8), 0x30000);
    ANSWERS(PVM_JAM_WHO, "pages", 2, 48, 1, 2);
    ANSWERS(PVM_JAM_HUH, "pages", 0, 15, 1, 2);
    ANSWERS(PVM_JAM_HUH, "pages", 0, 48, 1, 5);
    ANSWERS(PVM_JAM_HUH, "pages", 0, 48, 1, 3);
    ANSWERS(PVM_JAM_HUH, "pages", 0, 48, UINT64_MAX, 2);
    ANSWERS(PVM_JAM_OK, "pages", 0, 48, 1, 2);
    put(AT + 8192, octets, sizeof(octets));
    ANSWERS(PVM_JAM_WHO, "poke", 2, AT + 8192, 0x30000, 3);
    PANICS("poke", 0, NOWHERE, 0x30000, 3);
    ANSWERS(PVM_JAM_OOB, "poke", 0, AT + 8192, 0x30fff, 3);
    ANSWERS(PVM_JAM_OK, "poke", 0, AT + 8192, 0x30000, 3);
    ANSWERS(PVM_JAM_OK, "pages", 0, 48, 1, 3);
    ANSWERS(PVM_JAM_OOB, "poke", 0, AT + 8192, 0x30000, 3);
    PANICS("peek", 0, READ_ONLY, 0x30000, 3);
    ANSWERS(PVM_JAM_WHO, "peek", 2, AT + 8200, 0x30000, 3);
    ANSWERS(PVM_JAM_OOB, "peek", 0, AT + 8200, 0x31000, 3);
    ANSWERS(PVM_JAM_OK, "peek", 0, AT + 8200, 0x30000, 3);
    assert_int_equal(get_number(AT + 8200), 0x030201);
    put_number(AT + 4096, 0);
    if (spec == PVM_SPEC_0_7_2) {
        ANSWERS(PVM_STATE_OOG, "invoke", 0, AT + 4096);
    }
    put_number(AT + 4096, after_call);
    ANSWERS(PVM_STATE_PANIC, "invoke", 0, AT + 4096);
    assert_int_equal(get_number(AT + 4096 + 8 + 7 * 8), 1);
    ANSWERS(0, "expunge", 0);

    /* Zeros come with kinds below 3. */
    ANSWERS(PVM_JAM_OK, "pages", 1, 48, 2, 2);
    ANSWERS(PVM_JAM_OK, "poke", 1, AT + 8192, 0x30000, 3);
    ANSWERS(PVM_JAM_OK, "pages", 1, 48, 1, 1);
    ANSWERS(PVM_JAM_OK, "peek", 1, AT + 8200, 0x30000, 3);
    assert_int_equal(get_number(AT + 8200), 0);
    ANSWERS(PVM_JAM_OK, "pages", 1, 48, 1, 0);
    ANSWERS(PVM_JAM_OOB, "peek", 1, AT + 8200, 0x30000, 3);

    /* More gas than the engine counts comes back less what was used. */
    put_number(AT + 4096, UINT64_MAX);
    ANSWERS(PVM_STATE_HOST, "invoke", 1, AT + 4096);
    assert_int_equal(UINT64_MAX - get_number(AT + 4096), 500 - after_call);
}

static void test_machines_0_7_2(void **unused)
{
    (void)unused;
    test_machines_of(PVM_SPEC_0_7_2);
}

static void test_machines_0_8_0(void **unused)
{
    (void)unused;
    test_machines_of(PVM_SPEC_0_8_0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, close_bench)
    const struct CMUnitTest tests[] = {TEST(test_gas_and_prices),
                                       TEST(test_contexts),
                                       TEST(test_fetch),
                                       TEST(test_storage),
                                       TEST(test_lookup_and_info),
                                       TEST(test_privileges),
                                       TEST(test_new),
                                       TEST(test_upgrade_and_transfer),
                                       TEST(test_eject),
                                       TEST(test_requests),
                                       TEST(test_provide_and_yield),
                                       TEST(test_checkpoint),
                                       TEST(test_historical_lookup_and_export),
                                       TEST(test_machines_0_7_2),
                                       TEST(test_machines_0_8_0)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
