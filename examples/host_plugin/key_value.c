/* A host plugin for `pvmscope run PROGRAM --host ./key_value.so`: JAM's gas, read and write over a small table
 * in memory, and WHAT to everything else. It shows the whole interface of pvm/host.h; the numbers are those of 0.8.0.
 */
#include <pvm/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAS = 0, READ = 4, WRITE = 5 };
enum { KEY_MAX = 32, VALUE_MAX = 256, PAIRS_MAX = 64 };
#define PRICE 10
#define NONE  UINT64_MAX
#define WHAT  (UINT64_MAX - 1)
#define FULL  (UINT64_MAX - 4)

typedef struct {
    uint8_t key[KEY_MAX];
    size_t key_len;
    uint8_t value[VALUE_MAX];
    size_t value_len;
} pair_t;

typedef struct {
    pair_t pairs[PAIRS_MAX];
    size_t count;
    char text[PAIRS_MAX * 2 * (KEY_MAX + VALUE_MAX + 4)];
} table_t;

static pair_t *find(table_t *table, const uint8_t *key, size_t len)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->pairs[i].key_len == len && memcmp(table->pairs[i].key, key, len) == 0) {
            return &table->pairs[i];
        }
    }
    return NULL;
}

/* read: key at r8, r9 octets; value to r10, from r11 on, at most r12. */
static pvm_host_result_t answer_read(pvm_vm_t *vm, table_t *table, const uint64_t *r)
{
    uint8_t key[KEY_MAX];
    const size_t key_len = (size_t)r[9];
    const pair_t *pair;

    if (r[9] > KEY_MAX || pvm_read_memory(vm, (uint32_t)r[8], key, key_len) < 0) {
        return PVM_HOST_ERROR;
    }
    pair = find(table, key, key_len);
    if (pair == NULL) {
        pvm_set_register(vm, 7, NONE);
        return PVM_HOST_CONTINUE;
    }
    const size_t from = r[11] < pair->value_len ? (size_t)r[11] : pair->value_len;
    const size_t len = r[12] < pair->value_len - from ? (size_t)r[12] : pair->value_len - from;
    if (pvm_write_memory(vm, (uint32_t)r[10], pair->value + from, len) < 0) {
        return PVM_HOST_ERROR;
    }
    pvm_set_register(vm, 7, pair->value_len);
    return PVM_HOST_CONTINUE;
}

/* write: key at r7, r8 octets; value at r9, r10 octets. */
static pvm_host_result_t answer_write(pvm_vm_t *vm, table_t *table, const uint64_t *r)
{
    pair_t pair = {.key_len = (size_t)r[8], .value_len = (size_t)r[10]};
    pair_t *old;

    if (r[8] > KEY_MAX || r[10] > VALUE_MAX) {
        pvm_set_register(vm, 7, FULL);
        return PVM_HOST_CONTINUE;
    }
    if (pvm_read_memory(vm, (uint32_t)r[7], pair.key, pair.key_len) < 0 ||
        pvm_read_memory(vm, (uint32_t)r[9], pair.value, pair.value_len) < 0) {
        return PVM_HOST_ERROR;
    }
    old = find(table, pair.key, pair.key_len);
    if (old == NULL && table->count == PAIRS_MAX) {
        pvm_set_register(vm, 7, FULL);
        return PVM_HOST_CONTINUE;
    }
    pvm_set_register(vm, 7, old != NULL ? old->value_len : NONE);
    *(old != NULL ? old : &table->pairs[table->count++]) = pair;
    return PVM_HOST_CONTINUE;
}

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    table_t *const table = user_data;
    const uint64_t *const r = pvm_get_registers(vm);

    if (pvm_get_gas(vm) < PRICE) {
        return PVM_HOST_OOG;
    }
    pvm_set_gas(vm, pvm_get_gas(vm) - PRICE);
    switch (func_id) {
    case GAS:
        pvm_set_register(vm, 7, (uint64_t)pvm_get_gas(vm));
        return PVM_HOST_CONTINUE;
    case READ:
        return answer_read(vm, table, r);
    case WRITE:
        return answer_write(vm, table, r);
    default:
        pvm_set_register(vm, 7, WHAT);
        return PVM_HOST_CONTINUE;
    }
}

static void *open_table(pvm_vm_t *vm, uint32_t entry, const char *state_path,
                        const char **out_error)
{
    table_t *const table = calloc(1, sizeof(*table));

    (void)vm;
    (void)entry;
    if (table == NULL || state_path != NULL) {
        free(table);
        *out_error = state_path != NULL ? "reads no state; leave out --state" : "no memory";
        return NULL;
    }
    return table;
}

/* One line for each pair, in hexadecimal. */
static const char *describe(void *host)
{
    table_t *const table = host;
    char *at = table->text;

    for (size_t i = 0; i < table->count; i++) {
        const pair_t *pair = &table->pairs[i];

        for (size_t k = 0; k < pair->key_len; k++) {
            at += sprintf(at, "%02x", pair->key[k]);
        }
        at += sprintf(at, " = ");
        for (size_t k = 0; k < pair->value_len; k++) {
            at += sprintf(at, "%02x", pair->value[k]);
        }
        at += sprintf(at, "\n");
    }
    *at = '\0';
    return table->text;
}

const pvm_host_plugin_t *pvm_host_plugin(void)
{
    static const pvm_host_plugin_t plugin = {.version = PVM_HOST_PLUGIN_VERSION,
                                             .size = sizeof(plugin),
                                             .open = open_table,
                                             .answer = answer,
                                             .describe = describe,
                                             .close = free};

    return &plugin;
}
