/* A host in C: the example service on a store of keys and values in memory. The same in four languages: ../README.md.
 *   cc host.c $(pkg-config --cflags --libs pvm) -o host && ./host service.jam [ROUNDS] */
#include <pvm/pvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAS = 0, READ = 4, WRITE = 5, ACCUMULATE_PC = 5, PRICE = 10, ROOM = 64 };
#define NONE UINT64_MAX
#define WHAT (UINT64_MAX - 1)
#define FULL (UINT64_MAX - 4)

typedef struct {
    uint8_t key[32], value[256];
    uint64_t key_len, value_len;
} pair_t;

typedef struct {
    pair_t pairs[ROOM]; /* those with value_len 0 are free, or deleted */
} store_t;

/* The pair of a key in guest memory; a free one if there is none; NULL if all are taken. */
static pair_t *find(store_t *store, const uint8_t *key, uint64_t len)
{
    pair_t *room = NULL;

    for (pair_t *pair = store->pairs; pair < store->pairs + ROOM; pair++) {
        if (pair->value_len != 0 && pair->key_len == len && memcmp(pair->key, key, len) == 0) {
            return pair;
        }
        room = pair->value_len == 0 && room == NULL ? pair : room;
    }
    return room;
}

/* read: key at r8, r9 octets; its value from octet r11 on to r10, at most r12. Answers the value's length. */
static pvm_host_result_t on_read(pvm_vm_t *vm, store_t *store, const uint64_t *r)
{
    uint8_t key[32];

    if (r[9] > sizeof(key) || pvm_read_memory(vm, (uint32_t)r[8], key, r[9]) != 0) {
        return PVM_HOST_ERROR;
    }
    const pair_t *pair = find(store, key, r[9]);
    if (pair == NULL || pair->value_len == 0) {
        pvm_set_register(vm, 7, NONE);
        return PVM_HOST_CONTINUE;
    }
    const uint64_t from = r[11] < pair->value_len ? r[11] : pair->value_len;
    const uint64_t rest = pair->value_len - from;
    if (pvm_write_memory(vm, (uint32_t)r[10], pair->value + from, r[12] < rest ? r[12] : rest) !=
        0) {
        return PVM_HOST_ERROR;
    }
    pvm_set_register(vm, 7, pair->value_len);
    return PVM_HOST_CONTINUE;
}

/* write: key at r7, r8 octets; value at r9, r10 octets, none to delete. Answers the length of the old value. */
static pvm_host_result_t on_write(pvm_vm_t *vm, store_t *store, const uint64_t *r)
{
    pair_t fresh = {.key_len = r[8], .value_len = r[10]};

    if (r[8] > sizeof(fresh.key) || r[10] > sizeof(fresh.value) ||
        pvm_read_memory(vm, (uint32_t)r[7], fresh.key, r[8]) != 0 ||
        pvm_read_memory(vm, (uint32_t)r[9], fresh.value, r[10]) != 0) {
        return PVM_HOST_ERROR;
    }
    pair_t *pair = find(store, fresh.key, fresh.key_len);
    const uint64_t old = pair == NULL ? FULL : pair->value_len == 0 ? NONE : pair->value_len;
    if (pair != NULL) {
        *pair = fresh;
    }
    pvm_set_register(vm, 7, old);
    return PVM_HOST_CONTINUE;
}

static pvm_host_result_t on_host_call(pvm_vm_t *vm, int func_id, void *user_data)
{
    if (pvm_get_gas(vm) < PRICE) {
        pvm_set_gas(vm, 0);
        return PVM_HOST_OOG;
    }
    pvm_set_gas(vm, pvm_get_gas(vm) - PRICE);
    switch (func_id) {
    case READ:
        return on_read(vm, user_data, pvm_get_registers(vm));
    case WRITE:
        return on_write(vm, user_data, pvm_get_registers(vm));
    default:
        pvm_set_register(vm, 7, func_id == GAS ? (uint64_t)pvm_get_gas(vm) : WHAT);
        return PVM_HOST_CONTINUE;
    }
}

int main(int argc, char **argv)
{
    static uint8_t blob[1 << 20], answer[32];
    static store_t store;
    FILE *const file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    const long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 1;

    if (file == NULL) {
        fprintf(stderr, "usage: host service.jam [ROUNDS]\n");
        return 2;
    }
    pvm_program_t *program =
        pvm_program_load(blob, fread(blob, 1, sizeof(blob), file), PVM_FORMAT_JAM, PVM_SPEC_0_8_0);
    pvm_vm_t *vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, 7, 1000000000);
    if (vm == NULL) {
        fprintf(stderr, "%s: %s\n", argv[1], pvm_last_error());
        return 3;
    }
    pvm_set_host_callback(vm, on_host_call, &store);
    pvm_result_t result = PVM_RESULT_OK;
    for (long i = 0; i < rounds && result == PVM_RESULT_OK; i++) {
        pvm_reset(vm, 1000000000);
        result = pvm_execute(vm, ACCUMULATE_PC);
    }
    uint64_t keys = 0, octets = 0, len = 0;
    uint32_t address = 0;
    for (int i = 0; i < ROOM; i++) {
        keys += store.pairs[i].value_len != 0;
        octets += store.pairs[i].value_len;
    }
    printf("result %d, gas used %lld\n", result, 1000000000LL - (long long)pvm_get_gas(vm));
    printf("store %llu keys, %llu octets\n", (unsigned long long)keys, (unsigned long long)octets);
    printf("answer ");
    if (pvm_get_result(vm, &address, &len) == 0 && len == sizeof(answer) &&
        pvm_read_memory(vm, address, answer, len) == 0) {
        for (uint64_t i = 0; i < len; i++) {
            printf("%02x", answer[i]);
        }
    }
    printf("\n");
    pvm_destroy(vm);
    pvm_program_release(program);
    return fclose(file);
}
