/* Ecalli traces: grammar, prefixes, order of records, damaged fields, limits, streams. */
#include "program/ecalli_trace.h"

#include "program/readers.h"
#include "support/blob.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "program 0x0102aabb\nstart pc=0 gas=10000 r07=0x10 r09=0x10000\n"

static const char example[] = "comment implementation test 1.0\n"                 /* 1 */
                              "program 0x0102aabbccddeeff\n"                      /* 2 */
                              "memwrite 0xfeff0000 len=8 <- 0x0000000000000001\n" /* 3 */
                              "start pc=5 gas=10000 r07=0xfeff0000 r08=0xa\n"     /* 4 */
                              "\n"                                                /* 5 */
                              "ecalli=10 pc=42 gas=9980 r01=0x1 r03=0x1000\n"     /* 6 */
                              "memread 0x00001000 len=4 -> 0x01020304\n"          /* 7 */
                              "memread 0x00001020 len=8 -> 0x0000000000000040\n"  /* 8 */
                              "memwrite 0x00002000 len=2 <- 0xFFee\n"             /* 9 */
                              "setreg r00 <- 0x100\n"                             /* 10 */
                              "setreg r12 <- 0xffffffffffffffff\n"                /* 11 */
                              "setgas <- 9950\n"                                  /* 12 */
                              "some noise\n"                                      /* 13 */
                              "ecalli=100 pc=77 gas=9900\n"                       /* 14 */
                              "HALT pc=42 gas=9920 r00=0x100 r02=0x4\n";          /* 15 */

static pvm_ecalli_trace_t *read_text(const char *text)
{
    pvm_ecalli_trace_t *const trace =
        pvm_ecalli_trace_read("t.log", (const uint8_t *)text, strlen(text), NULL);

    if (trace == NULL) {
        fail_msg("%s", pvm_last_error());
    }
    return trace;
}

static void every_record_of_a_trace_is_kept(void **state)
{
    pvm_ecalli_trace_t *const trace = read_text(example);

    (void)state;
    assert_int_equal(trace->problem_count, 0);
    assert_int_equal(trace->suspect_count, 0);
    assert_string_equal(trace->name, "t.log");
    assert_int_equal(trace->line_count, 15);
    assert_int_equal(trace->program_line, 2);
    assert_int_equal(trace->program_len, 8);
    assert_memory_equal(trace->program, "\x01\x02\xaa\xbb\xcc\xdd\xee\xff", 8);
    assert_int_equal(trace->start_line, 4);
    assert_int_equal(trace->start.pc, 5);
    assert_int_equal(trace->start.gas, 10000);
    assert_int_equal(trace->start.registers[7], 0xfeff0000);
    assert_int_equal(trace->start.registers[0], 0);
    assert_int_equal(trace->prelude_count, 1);
    assert_int_equal(trace->action_count, 7);
    assert_int_equal(trace->actions[0].line, 3);
    assert_int_equal(trace->actions[0].kind, PVM_ECALLI_MEMWRITE);
    assert_int_equal(trace->actions[0].address, 0xfeff0000);
    assert_int_equal(trace->actions[0].len, 8);

    assert_int_equal(trace->entry_count, 2);
    const pvm_ecalli_entry_t *const entry = &trace->entries[0];
    assert_int_equal(entry->line, 6);
    assert_int_equal(entry->func_id, 10);
    assert_int_equal(entry->state.pc, 42);
    assert_int_equal(entry->state.gas, 9980);
    assert_int_equal(entry->state.registers[1], 1);
    assert_int_equal(entry->state.registers[3], 0x1000);
    assert_int_equal(entry->first_action, 1);
    assert_int_equal(entry->action_count, 6);
    assert_int_equal(trace->actions[1].kind, PVM_ECALLI_MEMREAD);
    assert_memory_equal(trace->actions[1].data, "\1\2\3\4", 4);
    assert_int_equal(trace->actions[3].kind, PVM_ECALLI_MEMWRITE);
    assert_memory_equal(trace->actions[3].data, "\xff\xee", 2);
    assert_int_equal(trace->actions[5].kind, PVM_ECALLI_SETREG);
    assert_int_equal(trace->actions[5].reg, 12);
    assert_true(trace->actions[5].value == UINT64_MAX);
    assert_int_equal(trace->actions[6].kind, PVM_ECALLI_SETGAS);
    assert_int_equal(trace->actions[6].value, 9950);
    assert_int_equal(trace->actions[6].line, 12);
    assert_int_equal(trace->entries[1].action_count, 0);

    assert_int_equal(trace->end.kind, PVM_ECALLI_END_HALT);
    assert_int_equal(trace->end.line, 15);
    assert_int_equal(trace->end.state.gas, 9920);
    assert_int_equal(trace->end.state.registers[2], 4);
    assert_false(trace->end.has_setgas);
    pvm_ecalli_trace_destroy(trace);
}

static void every_kind_of_end_is_read(void **state)
{
    static const struct {
        const char *line;
        pvm_ecalli_end_kind_t kind;
        uint64_t argument;
    } cases[] = {
        {"HALT pc=1 gas=2\n", PVM_ECALLI_END_HALT, 0},
        {"PANIC=0 pc=1 gas=2 r00=0x1\n", PVM_ECALLI_END_PANIC, 0},
        {"PANIC=0xfe pc=1 gas=2", PVM_ECALLI_END_PANIC, 0xfe},
        {"OOG pc=1 gas=2\r\n", PVM_ECALLI_END_OOG, 0},
        {"FAULT=131072 pc=1 gas=2\n", PVM_ECALLI_END_FAULT, 131072},
        {"", PVM_ECALLI_END_NONE, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), HEAD "%s", cases[i].line);
        pvm_ecalli_trace_t *const trace = read_text(text);

        assert_int_equal(trace->problem_count, 0);
        assert_int_equal(trace->end.kind, cases[i].kind);
        assert_int_equal(trace->end.argument, cases[i].argument);
        pvm_ecalli_trace_destroy(trace);
    }
}

static void host_call_numbers_are_signed_however_they_are_written(void **state)
{
    static const struct {
        const char *number;
        int32_t func_id;
    } cases[] = {
        {"0", 0},
        {"2147483647", INT32_MAX},
        {"4294967295", -1},
        {"18446744073709551615", -1},
        {"-1", -1},
        {"-2147483648", INT32_MIN},
        {"2147483648", INT32_MIN},
        {"18446744071562067968", INT32_MIN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), HEAD "ecalli=%s pc=1 gas=2\n", cases[i].number);
        pvm_ecalli_trace_t *const trace = read_text(text);

        assert_int_equal(trace->problem_count, 0);
        assert_int_equal(trace->entry_count, 1);
        assert_int_equal(trace->entries[0].func_id, cases[i].func_id);
        pvm_ecalli_trace_destroy(trace);
    }
}

static void prefixes_and_suffixes_of_loggers_are_passed_over(void **state)
{
    static const char *const lines[] = {
        "TRACE [  ecalli] setgas <- 7",
        "  setgas <- 7",
        "\tsetgas <- 7",
        "[12:00:01] setgas <- 7",
        "2026-01-01T12:00:01Z host: setgas <- 7",
        "TRACE:setgas <- 7",
        "setgas <- 7 (ecalli fetch)",
        "setgas <- 7 took 3us",
        "setgas  <-  7  \r",
        "TRACE [x] setgas <- 7 # with both",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), HEAD "ecalli=1 pc=1 gas=9\n%s\nHALT pc=1 gas=2\n",
                       lines[i]);
        pvm_ecalli_trace_t *const trace = read_text(text);

        assert_int_equal(trace->problem_count, 0);
        if (trace->action_count != 1) {
            fail_msg("not taken: %s", lines[i]);
        }
        assert_int_equal(trace->actions[0].value, 7);
        pvm_ecalli_trace_destroy(trace);
    }
}

static void context_lines_are_no_records(void **state)
{
    static const char *const lines[] = {
        "comment setgas <- 7",
        "TRACE [ecalli] comment ecalli=1 pc=1 gas=1",
        "start of the run",
        "program bootstrap-service",
        "HALT reached",
        "OOG",
        "ecalli 100 took 3us",
        "memread failed",
        "note: setgas <- 7 was seen",
        "note: xsetgas <- 7",
        "see 3setgas <- 7",
        "setgas",
        "",
        "   ",
        "[unfinished",
        "\xff\xfe\x01",
        "setgas2 7",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), HEAD "ecalli=1 pc=1 gas=9\n%s\nHALT pc=1 gas=2\n",
                       lines[i]);
        pvm_ecalli_trace_t *const trace = read_text(text);

        if (trace->problem_count != 0 || trace->action_count != 0) {
            fail_msg("taken: %s", lines[i]);
        }
        assert_int_equal(trace->entry_count, 1);
        assert_int_equal(trace->end.kind, PVM_ECALLI_END_HALT);
        pvm_ecalli_trace_destroy(trace);
    }
}

static void damaged_records_are_problems_with_their_line(void **state)
{
    static const char pc[] = "pc is missing or not a decimal number below 2^32";
    static const char gas[] = "gas is missing or not a decimal number below 2^63";
    static const char reg[] = "a register is not rNN=0x... with NN from 00 to 12 and 64 bits";
    static const char len[] = "len is missing or not a decimal number below 2^32";
    static const char data[] = "the data are not 0x and two hexadecimal digits for each octet";
    static const char number[] = "the host call number is not a decimal number of 32 bits";
    static const char address[] = "the address is not a hexadecimal number below 2^32";
    static const char arrow[] = "the arrow is missing: memread has ->, memwrite has <-";
    static const char value[] = "the value is not a hexadecimal number of 64 bits";
    static const char suffix[] =
        "there is something behind the last field that may be a damaged one";
    static const struct {
        const char *line;
        const char *what;
    } cases[] = {
        {"ecalli=x pc=1 gas=1", number},
        {"ecalli= pc=1 gas=1", number},
        {"ecalli=1x pc=1 gas=1", number},
        {"ecalli=4294967296 pc=1 gas=1", number},
        {"ecalli=-2147483649 pc=1 gas=1", number},
        {"ecalli=18446744073709551616 pc=1 gas=1", number},
        {"ecalli 1 pc=1 gas=1", "there is no = behind the keyword"},
        {"ecalli=1 pd=1 gas=1", pc},
        {"ecalli=1 pc=4294967296 gas=1", pc},
        {"ecalli=1 pc=0x1 gas=1", pc},
        {"ecalli=1 gas=1", pc},
        {"ecalli=1 pc=1 gas=", gas},
        {"ecalli=1 pc=1 gas=-1", gas},
        {"ecalli=1 pc=1 gas=9223372036854775808", gas},
        {"ecalli=1 pc=1 gbs=1", gas},
        {"ecalli=1 pc=1 gas=1 r13=0x1", reg},
        {"ecalli=1 pc=1 gas=1 r1=0x1", reg},
        {"ecalli=1 pc=1 gas=1 r01=1", reg},
        {"ecalli=1 pc=1 gas=1 r01= 0x1", reg},
        {"ecalli=1 pc=1 gas=1 r01:0x1", reg},
        {"ecalli=1 pc=1 gas=1 r01=0x", reg},
        {"ecalli=1 pc=1 gas=1 r01=0x1g", reg},
        {"ecalli=1 pc=1 gas=1 r01=0x10000000000000000", reg},
        {"ecalli=1 pc=1 gas=1 r01=0x1 r01=0x1", "a register is named twice"},
        {"ecalli=1 pc=1 gas=1 q01=0x1", suffix},
        {"ecalli=1 pc=1 gas=1 rx1=0x1 r02=0x1", suffix},
        {"ecalli=1 pc=1 gas=1 5", suffix},
        {"memread 0x1000 len=1 <- 0x01", arrow},
        {"memread 0x1000 len=1 - 0x01", arrow},
        {"memwrite 0x1000 len=1 -> 0x01", arrow},
        {"memread 1000 len=1 -> 0x01", address},
        {"memread 0x1000z len=1 -> 0x01", address},
        {"memread 0x100000000 len=1 -> 0x01", address},
        {"memread 0x len=1 -> 0x01", address},
        {"memread 0x1000 lem=1 -> 0x01", len},
        {"memread 0x1000 len=1a -> 0x01", len},
        {"memread 0x1000 len=4294967296 -> 0x01", len},
        {"memread 0x1000 len=2 -> 0x01", "len is not the number of octets that follow"},
        {"memwrite 0x1000 len=1 <- 0x012", data},
        {"memwrite 0x1000 len=1 <- 01", data},
        {"memwrite 0x1000 len=1 <- 0x0g", data},
        {"memwrite 0x1000 len=1 <- 0x01 02", suffix},
        {"memwrite 0xffffffff len=2 <- 0x0102", "the access reaches beyond 2^32"},
        {"setreg r13 <- 0x1", "the register is not r00 to r12"},
        {"setreg x01 <- 0x1", "the register is not r00 to r12"},
        {"setreg r01 -> 0x1", "the arrow <- is missing"},
        {"setreg r01 <- 1", value},
        {"setreg r01 <- 0x10000000000000000", value},
        {"setreg r01 <- 0x1h", value},
        {"setgas -> 5", "the arrow <- is missing"},
        {"setgas -< 5", "the arrow <- is missing"},
        {"setgas <- 0x5", "the gas is not a decimal number below 2^63"},
        {"setgas <- ", "the gas is not a decimal number below 2^63"},
        {"setgas<- 5", "there is no blank behind the keyword"},
        {"HALT pc=x gas=1", pc},
        {"OOG pc=1 gas=x", gas},
        {"PANIC=z pc=1 gas=1", "the argument is not a number of 64 bits"},
        {"PANIC pc=1 gas=1", "there is no = behind the keyword"},
        {"FAULT=0xg pc=1 gas=1", "the argument is not a number of 64 bits"},
        {"TRACE [ ecalli] setgas <- x", "the gas is not a decimal number below 2^63"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[512];
        char expected[256];
        (void)snprintf(text, sizeof(text), HEAD "ecalli=1 pc=1 gas=9\nnoise\n%s\n", cases[i].line);
        (void)snprintf(expected, sizeof(expected), "%s; mend the line or record the run again",
                       cases[i].what);
        pvm_ecalli_trace_t *const trace = read_text(text);

        if (trace->problem_count != 1) {
            fail_msg("%zu problems: %s", trace->problem_count, cases[i].line);
        }
        assert_int_equal(trace->problems[0].line, 5);
        if (strcmp(trace->problems[0].text, expected) != 0) {
            fail_msg("%s\nexpected: %s\nfound:    %s", cases[i].line, expected,
                     trace->problems[0].text);
        }
        pvm_ecalli_trace_destroy(trace);
    }
}

static void damaged_heads_are_problems_of_their_line(void **state)
{
    static const struct {
        const char *text;
        size_t line;
        const char *what;
    } cases[] = {
        {"x\nprogram 0x0\nstart pc=0 gas=1\n", 2, "the data are not"},
        {"x\nprogram 0x0g\nstart pc=0 gas=1\n", 2, "the data are not"},
        {"x\nprogram 1x00\nstart pc=0 gas=1\n", 2, "the data are not"},
        {"x\nprogram 0x\nstart pc=0 gas=1\n", 2, "the program has no octets"},
        {"progrem 0x00\nstart pc=0 gas=1\n", 1, "the line resembles a record but is none"},
        {"program 0x00\nsstart pc=0 gas=1\nHALT pc=0 gas=1\n", 2, "the line resembles a record"},
        {"program 0x00\nstart qc=0 gas=1\nHALT pc=0 gas=1\n", 2, "pc is missing"},
        {"start pc=0 gas=1\n", 1, "a record before the program line"},
        {"program 0x00\nHALT pc=0 gas=1\n", 2, "the run goes on before its start line"},
        {"program 0x00\necalli=1 pc=0 gas=1\n", 2, "the run goes on before its start line"},
        {"program 0x00\nnoise\n", 2, "the file ends without a start line"},
        {"program 0x00\nprogram 0x00\nstart pc=0 gas=1\n", 2, "a second program line"},
        {"program 0x00\nstart pc=0 gas=1\nstart pc=0 gas=1\n", 3, "a second start line"},
        {HEAD "ecalli=1 pc=0 gas=1\nstart pc=0 gas=1\n", 4, "a start line behind a host call"},
        {HEAD "memread 0x10 len=0 -> 0x\n", 3, "memory is read before the first host call"},
        {HEAD "setreg r00 <- 0x1\n", 3, "a register is set before the first host call"},
        {HEAD "setgas <- 1\n", 3, "gas is set before the first host call"},
        {HEAD "setgas <- 1\nHALT pc=0 gas=1\n", 3, "gas is set before the first host call"},
        {HEAD "HALT pc=0 gas=1\nsetgas <- 1\n", 4, "a record behind the end of the run"},
        {HEAD "HALT pc=0 gas=1\nHALT pc=0 gas=1\n", 4, "a record behind the end of the run"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        pvm_ecalli_trace_t *const trace = read_text(cases[i].text);

        if (trace->problem_count == 0) {
            fail_msg("no problem: %s", cases[i].text);
        }
        if (trace->problems[0].line != cases[i].line ||
            strstr(trace->problems[0].text, cases[i].what) != trace->problems[0].text) {
            fail_msg("%s: %zu: %s", cases[i].text, trace->problems[0].line,
                     trace->problems[0].text);
        }
        pvm_ecalli_trace_destroy(trace);
    }
}

static void misspelt_keywords_are_remembered(void **state)
{
    static const struct {
        const char *line;
        const char *text;
    } cases[] = {
        {"setgaz <- 7", "its keyword is misspelt; taken as a comment"},
        {"setga <- 7", "its keyword is misspelt; taken as a comment"},
        {"setgass <- 7", "its keyword is misspelt; taken as a comment"},
        {"set gas <- 7", "it has fields like a record but no keyword; taken as a comment"},
        {"setgas", "it has a keyword but no fields; taken as a comment"},
        {"Memread 0x1000 len=1 -> 0x01", "its keyword is misspelt; taken as a comment"},
        {"ecalli:1 pc=1 gas=1", "there is no = behind the keyword"},
        {"host: memread 0x1000 len=2 -> 0x01", "len is not the number of octets that follow"},
        {"host: setgas <- 5 and more", "there is something behind the last field"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), HEAD "ecalli=1 pc=1 gas=9\n%s\nHALT pc=1 gas=2\n",
                       cases[i].line);
        pvm_ecalli_trace_t *const trace = read_text(text);
        const bool is_problem = strncmp(cases[i].line, "ecalli:", 7) == 0;
        const pvm_ecalli_note_t *const note =
            is_problem ? &trace->problems[0] : &trace->suspects[0];

        assert_int_equal(trace->problem_count, is_problem ? 1 : 0);
        assert_int_equal(trace->suspect_count, is_problem ? 0 : 1);
        assert_int_equal(note->line, 4);
        assert_ptr_equal(strstr(note->text, cases[i].text), note->text);
        pvm_ecalli_trace_destroy(trace);
    }
}

static void a_loose_setgas_in_front_of_oog_belongs_to_the_end(void **state)
{
    static const char *const texts[] = {
        HEAD "ecalli=1 pc=1 gas=9\nsetgas <- 8\nnoise\nsetgas <- 3\nnoise\nOOG pc=4 gas=0\n",
        HEAD "x\nx\nx\nsetgas <- 3\nOOG pc=4 gas=0\n",
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        pvm_ecalli_trace_t *const trace = read_text(texts[i]);

        assert_int_equal(trace->problem_count, 0);
        assert_int_equal(trace->action_count, i == 0 ? 1 : 0);
        assert_true(trace->end.has_setgas);
        assert_int_equal(trace->end.setgas, 3);
        assert_int_equal(trace->end.setgas_line, 6);
        pvm_ecalli_trace_destroy(trace);
    }
}

static void a_second_setgas_of_a_call_is_a_problem_elsewhere(void **state)
{
    static const char *const tails[] = {"HALT pc=1 gas=2\n", "", "ecalli=1 pc=1 gas=2\n",
                                        "setgas <- 2\n"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), HEAD "ecalli=1 pc=1 gas=9\nsetgas <- 8\nsetgas <- 3\n%s",
                       tails[i]);
        pvm_ecalli_trace_t *const trace = read_text(text);

        assert_int_equal(trace->problem_count, i == 3 ? 2 : 1);
        assert_int_equal(trace->problems[0].line, 5);
        assert_non_null(strstr(trace->problems[0].text, "a second time in one host call"));
        pvm_ecalli_trace_destroy(trace);
    }
}

static void a_single_setgas_in_front_of_oog_stays_with_its_call(void **state)
{
    pvm_ecalli_trace_t *const trace =
        read_text(HEAD "ecalli=1 pc=1 gas=9\nsetgas <- 8\nOOG pc=4 gas=0\n");

    (void)state;
    assert_int_equal(trace->action_count, 1);
    assert_false(trace->end.has_setgas);
    pvm_ecalli_trace_destroy(trace);
}

static void only_the_first_notes_are_kept_but_all_are_counted(void **state)
{
    pvm_buffer_t text = {0};

    (void)state;
    pvm_buffer_printf(&text, HEAD);
    for (int i = 0; i < 100; i++) {
        pvm_buffer_printf(&text, "ecalli=x pc=1 gas=1\nsetgaz <- 7\n");
    }
    pvm_ecalli_trace_t *const trace = pvm_ecalli_trace_read("t", text.data, text.len, NULL);

    assert_non_null(trace);
    assert_int_equal(trace->problem_count, 100);
    assert_int_equal(trace->suspect_count, 100);
    assert_int_equal(trace->problems[PVM_MAX_ECALLI_NOTES - 1].line,
                     3 + 2 * (PVM_MAX_ECALLI_NOTES - 1));
    pvm_ecalli_trace_destroy(trace);
    pvm_buffer_free(&text);
}

static void a_file_without_records_is_refused(void **state)
{
    (void)state;
    assert_null(pvm_ecalli_trace_read("a.txt", (const uint8_t *)"one\ntwo", 7, NULL));
    assert_string_equal(pvm_last_error(),
                        "a.txt: no record of an ecalli trace in 2 lines; is it another file?");
    assert_null(pvm_ecalli_trace_read("a.txt", NULL, 0, NULL));
}

/* Both ways to read must agree about everything that a limit says. */
static void assert_limit(const char *text, pvm_ecalli_limits_t limits, const char *reason)
{
    char *const copy = strdup(text);
    FILE *const stream = fmemopen(copy, strlen(text), "r");

    assert_non_null(copy);
    assert_non_null(stream);
    assert_null(pvm_ecalli_trace_read("t", (const uint8_t *)text, strlen(text), &limits));
    assert_string_equal(pvm_last_error(), reason);
    assert_null(pvm_ecalli_trace_read_stream("t", stream, &limits));
    assert_string_equal(pvm_last_error(), reason);
    (void)fclose(stream);
    free(copy);
}

static void limits_are_kept(void **state)
{
    (void)state;
    assert_limit(HEAD "0123456789012345678901234567890123456789012345678901234567890\n",
                 (pvm_ecalli_limits_t){.line_bytes = 60},
                 "t:3: a line of more than 60 octets; this is hardly an ecalli trace");
    assert_limit(HEAD "ecalli=1 pc=1 gas=1\n", (pvm_ecalli_limits_t){.records = 2},
                 "t:3: more than 2 records; cut the trace into shorter runs");
    assert_limit(HEAD "ecalli=1 pc=1 gas=1\nmemread 0x10 len=1 -> 0x01\n",
                 (pvm_ecalli_limits_t){.data_bytes = 4},
                 "t:4: the trace holds more than 4 octets of data; cut it into shorter runs");
}

static void a_long_line_without_end_is_stopped_early(void **state)
{
    const size_t len = 1 << 20;
    const pvm_ecalli_limits_t limits = {.line_bytes = 100000};
    char *const text = malloc(len);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', len);
    FILE *const stream = fmemopen(text, len, "r");
    assert_non_null(stream);
    assert_null(pvm_ecalli_trace_read_stream("t", stream, &limits));
    assert_string_equal(pvm_last_error(),
                        "t:1: a line of more than 100000 octets; this is hardly an ecalli trace");
    (void)fclose(stream);
    free(text);
}

static void assert_same(const pvm_ecalli_trace_t *a, const pvm_ecalli_trace_t *b)
{
    assert_int_equal(a->line_count, b->line_count);
    assert_int_equal(a->program_len, b->program_len);
    assert_memory_equal(a->program, b->program, a->program_len);
    assert_int_equal(a->entry_count, b->entry_count);
    assert_int_equal(a->action_count, b->action_count);
    assert_int_equal(a->prelude_count, b->prelude_count);
    assert_int_equal(a->problem_count, b->problem_count);
    assert_int_equal(a->end.kind, b->end.kind);
    for (size_t i = 0; i < a->entry_count; i++) {
        assert_int_equal(a->entries[i].line, b->entries[i].line);
        assert_memory_equal(a->entries[i].state.registers, b->entries[i].state.registers,
                            sizeof(a->entries[i].state.registers));
    }
    for (size_t i = 0; i < a->action_count; i++) {
        assert_int_equal(a->actions[i].len, b->actions[i].len);
        if (a->actions[i].len > 0) {
            assert_memory_equal(a->actions[i].data, b->actions[i].data, a->actions[i].len);
        }
    }
}

static void streams_read_the_same_as_memory(void **state)
{
    pvm_buffer_t text = {0};

    (void)state;
    /* A program line longer than two chunks of the stream reader, and records across their borders.
     */
    pvm_buffer_printf(&text, "program 0x");
    for (int i = 0; i < 70000; i++) {
        pvm_buffer_printf(&text, "%02x", i & 0xff);
    }
    pvm_buffer_printf(&text, "\nstart pc=0 gas=1\n");
    for (int i = 0; i < 5000; i++) {
        pvm_buffer_printf(&text, "ecalli=%d pc=%d gas=1\nmemread 0x%x len=2 -> 0x%04x\n", i, i, i,
                          i & 0xffff);
    }
    pvm_buffer_printf(&text, "HALT pc=0 gas=1"); /* and no line feed */
    FILE *const stream = fmemopen(text.data, text.len, "r");
    assert_non_null(stream);

    pvm_ecalli_trace_t *const a = pvm_ecalli_trace_read("t", text.data, text.len, NULL);
    pvm_ecalli_trace_t *const b = pvm_ecalli_trace_read_stream("t", stream, NULL);

    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(a->entry_count, 5000);
    assert_int_equal(a->problem_count, 0);
    assert_same(a, b);
    pvm_ecalli_trace_destroy(a);
    pvm_ecalli_trace_destroy(b);
    (void)fclose(stream);
    pvm_buffer_free(&text);
}

static void a_stream_that_cannot_be_read_is_refused(void **state)
{
    FILE *const folder = fopen("/", "r");

    (void)state;
    assert_non_null(folder);
    assert_null(pvm_ecalli_trace_read_stream("/", folder, NULL));
    assert_string_equal(pvm_last_error(), "/:1: reading failed: Is a directory");
    (void)fclose(folder);
}

static void arguments_are_put_together_from_the_prelude(void **state)
{
    pvm_ecalli_trace_t *trace = read_text("program 0x00\n"
                                          "memwrite 0xfeff0002 len=2 <- 0x0102\n"
                                          "memwrite 0xfeff0006 len=4 <- 0x03040506\n"
                                          "memwrite 0xfeff0009 len=1 <- 0x07\n"
                                          "memwrite 0x00010000 len=1 <- 0xff\n"
                                          "start pc=5 gas=1 r08=0x8\n");
    size_t len = 0;
    uint8_t *arguments = pvm_ecalli_trace_arguments(trace, &len);

    (void)state;
    assert_non_null(arguments);
    assert_int_equal(len, 8);
    assert_memory_equal(arguments, "\0\0\1\2\0\0\3\4", 8);
    free(arguments);
    pvm_ecalli_trace_destroy(trace);

    trace = read_text("program 0x00\nstart pc=5 gas=1 r08=0x1000001\n");
    assert_null(pvm_ecalli_trace_arguments(trace, &len));
    assert_string_equal(pvm_last_error(), "t.log:2: r08 asks for arguments of 16777217 octets; a "
                                          "JAM program takes at most 16777216");
    pvm_ecalli_trace_destroy(trace);

    trace = read_text("program 0x00\nstart pc=5 gas=1\n");
    arguments = pvm_ecalli_trace_arguments(trace, &len);
    assert_non_null(arguments);
    assert_int_equal(len, 0);
    free(arguments);
    pvm_ecalli_trace_destroy(trace);
}

/* Every octet of a trace set to something else in turn: the reader may call it a problem or read
 * another value, but a record must never vanish without a problem or a suspicion. */
static void no_single_damage_makes_a_record_vanish(void **state)
{
    static const char replacements[] = {'x', '7', ' ', '\n', '=', 0x01};
    const size_t len = strlen(example);
    char *const text = strdup(example);
    size_t line = 1;

    (void)state;
    assert_non_null(text);
    for (size_t at = 0; at < len; at++) {
        line += at > 0 && example[at - 1] == '\n';
        if (line == 1 || line == 5 || line == 13 || example[at] == '\n') {
            continue;
        }
        for (size_t i = 0; i < sizeof(replacements); i++) {
            text[at] = replacements[i];
            pvm_ecalli_trace_t *const trace =
                pvm_ecalli_trace_read("t", (const uint8_t *)text, len, NULL);
            assert_non_null(trace);
            const size_t kept =
                trace->entry_count + trace->action_count + (trace->program_line != 0 ? 1 : 0) +
                (trace->start_line != 0 ? 1 : 0) + (trace->end.kind != PVM_ECALLI_END_NONE ? 1 : 0);
            if (kept < 12 && trace->problem_count + trace->suspect_count == 0) {
                text[at + 1] = '\0';
                fail_msg("octet %zu set to %d: a record vanished: ...%s", at, replacements[i],
                         text + (at > 40 ? at - 40 : 0));
            }
            pvm_ecalli_trace_destroy(trace);
        }
        text[at] = example[at];
    }
    free(text);
}

/* Third-party recordings, where they are; they may not be copied into this repository. */
static void published_traces_have_no_problems(void **state)
{
    const char *const root = getenv("PVM_VECTORS");
    char folder[4096];
    struct dirent **files = NULL;

    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s/ecalli",
                   root != NULL ? root : PVM_TEST_SOURCE_DIR "/../shared/vectors");
    const int count = scandir(folder, &files, NULL, alphasort);
    if (count < 0) {
        print_message("no vectors at %s\n", folder);
        return;
    }
    for (int i = 0; i < count; i++) {
        char path[8192];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]->d_name);
        if (strstr(path, ".log") != NULL) {
            FILE *const stream = fopen(path, "r");
            assert_non_null(stream);
            pvm_ecalli_trace_t *const trace = pvm_ecalli_trace_read_stream(path, stream, NULL);
            assert_non_null(trace);
            assert_int_equal(trace->problem_count, 0);
            assert_int_equal(trace->suspect_count, 0);
            assert_true(trace->end.kind != PVM_ECALLI_END_NONE);
            assert_true(trace->entry_count > 0);
            assert_int_equal(pvm_program_detect(trace->program, trace->program_len), PVM_FILE_JAM);
            pvm_ecalli_trace_destroy(trace);
            (void)fclose(stream);
        }
        free(files[i]);
    }
    free(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_of_a_trace_is_kept),
        cmocka_unit_test(every_kind_of_end_is_read),
        cmocka_unit_test(host_call_numbers_are_signed_however_they_are_written),
        cmocka_unit_test(prefixes_and_suffixes_of_loggers_are_passed_over),
        cmocka_unit_test(context_lines_are_no_records),
        cmocka_unit_test(damaged_records_are_problems_with_their_line),
        cmocka_unit_test(damaged_heads_are_problems_of_their_line),
        cmocka_unit_test(misspelt_keywords_are_remembered),
        cmocka_unit_test(a_loose_setgas_in_front_of_oog_belongs_to_the_end),
        cmocka_unit_test(a_second_setgas_of_a_call_is_a_problem_elsewhere),
        cmocka_unit_test(a_single_setgas_in_front_of_oog_stays_with_its_call),
        cmocka_unit_test(only_the_first_notes_are_kept_but_all_are_counted),
        cmocka_unit_test(a_file_without_records_is_refused),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(a_long_line_without_end_is_stopped_early),
        cmocka_unit_test(streams_read_the_same_as_memory),
        cmocka_unit_test(a_stream_that_cannot_be_read_is_refused),
        cmocka_unit_test(arguments_are_put_together_from_the_prelude),
        cmocka_unit_test(no_single_damage_makes_a_record_vanish),
        cmocka_unit_test(published_traces_have_no_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
