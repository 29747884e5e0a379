/* The conformance driver of C: carries out a script of README.md and prints what happens.
 *   conform VECTORS.txt */
#include <inttypes.h>
#include <pvm/pvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX   8
#define ANSWERS_MAX 16

typedef struct {
    pvm_host_result_t result;
    int64_t price;
    int reg;
    uint64_t value;
} answer_t;

typedef struct {
    const char *backend_name;
    pvm_backend_t backend;
    char name[64];
    pvm_program_t *program;
    pvm_vm_t *vm;
    answer_t answers[ANSWERS_MAX];
    size_t answer_count;
    size_t answered;
} driver_t;

static size_t place(const char *const *names, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], word) == 0) {
            return i;
        }
    }
    fprintf(stderr, "conform: unknown word %s\n", word);
    exit(2);
}

static size_t octets_of(const char *text, uint8_t *out)
{
    size_t len = 0;

    for (; text[2 * len] != '\0'; len++) {
        unsigned octet;

        sscanf(text + 2 * len, "%2x", &octet);
        out[len] = (uint8_t)octet;
    }
    return len;
}

static pvm_host_result_t on_host_call(pvm_vm_t *vm, int func_id, void *user_data)
{
    driver_t *driver = user_data;

    printf("%s %s host %d pc=%u gas=%" PRId64 "\n", driver->name, driver->backend_name, func_id,
           pvm_get_pc(vm), pvm_get_gas(vm));
    if (driver->answered == driver->answer_count) {
        return PVM_HOST_YIELD;
    }
    const answer_t *answer = &driver->answers[driver->answered++];
    pvm_set_gas(vm, pvm_get_gas(vm) - answer->price);
    pvm_set_register(vm, answer->reg, answer->value);
    return answer->result;
}

static void begin_case(driver_t *driver, char **words)
{
    static const char *const specs[] = {"0.7.2", "0.8.0", "latest64"};
    uint8_t code[256];
    uint8_t mask[32];
    uint32_t jumps[16];
    size_t jump_count = 0;
    const size_t code_len = octets_of(words[3], code);
    const size_t mask_len = octets_of(words[4], mask);

    for (char *at = words[5]; strcmp(words[5], "-") != 0 && *at != '\0'; at += *at == ',') {
        jumps[jump_count++] = (uint32_t)strtoul(at, &at, 10);
    }
    pvm_destroy(driver->vm);
    pvm_program_release(driver->program);
    driver->vm = NULL;
    snprintf(driver->name, sizeof(driver->name), "%s/%s", words[1], words[2]);
    driver->program =
        pvm_program_from_parts(code, code_len, mask, mask_len, jump_count > 0 ? jumps : NULL,
                               jump_count, (pvm_spec_t)(place(specs, 3, words[2]) + 1));
}

static void begin_machine(driver_t *driver, uint64_t gas)
{
    driver->vm = pvm_instantiate(driver->program, driver->backend, 0, gas);
    driver->answer_count = driver->answered = 0;
    if (driver->vm == NULL) {
        fprintf(stderr, "conform: %s\n", pvm_last_error());
        exit(4);
    }
}

static void add_answer(driver_t *driver, char **words)
{
    static const char *const results[] = {"continue", "terminate", "error", "yield", "oog"};

    driver->answers[driver->answer_count++] = (answer_t){
        (pvm_host_result_t)place(results, 5, words[1]), (int64_t)strtoull(words[2], NULL, 0),
        (int)strtol(words[3], NULL, 10), strtoull(words[4], NULL, 0)};
    pvm_set_host_callback(driver->vm, on_host_call, driver);
}

static void run(driver_t *driver, const char *verb, uint32_t pc)
{
    static const char *const results[] = {"halt", "oog", "panic", "host", "fault", "error"};
    pvm_vm_t *vm = driver->vm;
    const pvm_result_t result = strcmp(verb, "execute") == 0  ? pvm_execute(vm, pc)
                                : strcmp(verb, "resume") == 0 ? pvm_resume(vm)
                                                              : pvm_step(vm);

    printf("%s %s %s %s pc=%u gas=%" PRId64 " fault=0x%x call=%d regs=", driver->name,
           driver->backend_name, verb, results[result], pvm_get_pc(vm), pvm_get_gas(vm),
           pvm_get_fault_address(vm), pvm_get_host_call(vm));
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        printf("%s%" PRIx64, i > 0 ? "," : "", pvm_get_register(vm, i));
    }
    printf("\n");
}

static void put_memory(driver_t *driver, uint32_t address, size_t len)
{
    uint8_t octets[256];

    printf("%s %s read 0x%x ", driver->name, driver->backend_name, address);
    if (pvm_read_memory(driver->vm, address, octets, len) < 0) {
        printf("error\n");
        return;
    }
    for (size_t i = 0; i < len; i++) {
        printf("%02x", octets[i]);
    }
    printf("\n");
}

static void put_refusal(driver_t *driver, const char *verb, int status)
{
    if (status < 0) {
        printf("%s %s %s error\n", driver->name, driver->backend_name, verb);
    }
}

static void carry_out(driver_t *driver, char **words)
{
    static const char *const accesses[] = {"none", "read", "write"};
    const char *verb = words[0];
    const uint64_t first = words[1] != NULL ? strtoull(words[1], NULL, 0) : 0;
    const uint64_t second = words[1] != NULL && words[2] != NULL ? strtoull(words[2], NULL, 0) : 0;
    uint8_t octets[256];

    if (strcmp(verb, "case") == 0) {
        begin_case(driver, words);
    } else if (strcmp(verb, "new") == 0) {
        begin_machine(driver, first);
    } else if (strcmp(verb, "reg") == 0) {
        pvm_set_register(driver->vm, (int)first, second);
    } else if (strcmp(verb, "gas") == 0) {
        pvm_set_gas(driver->vm, (int64_t)first);
    } else if (strcmp(verb, "pc") == 0) {
        pvm_set_pc(driver->vm, (uint32_t)first);
    } else if (strcmp(verb, "page") == 0) {
        put_refusal(driver, verb,
                    pvm_map_memory(driver->vm, (uint32_t)first, second,
                                   (pvm_access_t)place(accesses, 3, words[3])));
    } else if (strcmp(verb, "write") == 0) {
        const size_t len = octets_of(words[2], octets);

        put_refusal(driver, verb, pvm_write_memory(driver->vm, (uint32_t)first, octets, len));
    } else if (strcmp(verb, "read") == 0) {
        put_memory(driver, (uint32_t)first, (size_t)second);
    } else if (strcmp(verb, "host") == 0) {
        add_answer(driver, words);
    } else {
        run(driver, verb, (uint32_t)first);
    }
}

static void carry_out_all(const char *path, driver_t *driver)
{
    FILE *file = fopen(path, "r");
    char line[1024];

    if (file == NULL) {
        perror(path);
        exit(3);
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        char *words[WORDS_MAX] = {NULL};
        size_t count = 0;

        for (char *word = strtok(line, " \n"); word != NULL && count < WORDS_MAX - 1;
             word = strtok(NULL, " \n")) {
            words[count++] = word;
        }
        if (count > 0 && words[0][0] != '#') {
            carry_out(driver, words);
        }
    }
    pvm_destroy(driver->vm);
    pvm_program_release(driver->program);
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: conform VECTORS.txt\n");
        return 2;
    }
    carry_out_all(argv[1],
                  &(driver_t){.backend_name = "interpreter", .backend = PVM_BACKEND_INTERPRETER});
    carry_out_all(argv[1],
                  &(driver_t){.backend_name = "recompiler", .backend = PVM_BACKEND_RECOMPILER});
    return 0;
}
