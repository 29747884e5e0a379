/* The host's way to guest memory: whole-page mapping, and copies that happen all or not at all. */
#include "events/events.h"
#include "support/error.h"
#include "vm/vm.h"

int pvm_map_memory(pvm_vm_t *vm, uint32_t address, uint64_t length, pvm_access_t access)
{
    static const uint8_t page_access[] = {
        [PVM_ACCESS_NONE] = PVM_PAGE_NONE,
        [PVM_ACCESS_READ] = PVM_PAGE_READ,
        [PVM_ACCESS_WRITE] = PVM_PAGE_READ_WRITE,
    };

    if (vm == NULL || (unsigned)access > PVM_ACCESS_WRITE) {
        return pvm_error_set("pvm_map_memory: no VM, or unknown access %d", (int)access);
    }
    if (address % PVM_PAGE_SIZE != 0 || length % PVM_PAGE_SIZE != 0 ||
        address < PVM_LOW_ADDRESS_END || length > PVM_MEMORY_BYTES - address) {
        return pvm_error_set(
            "pvm_map_memory: 0x%08x, %llu octets: map whole pages of 4096 from 0x10000 "
            "to 2^32",
            address, (unsigned long long)length);
    }
    /* From here on the heap may have holes, or pages behind its end. */
    vm->heap_end_page = 0;
    return pvm_memory_map(vm->memory, address >> PVM_PAGE_BITS, (uint32_t)(length >> PVM_PAGE_BITS),
                          page_access[access]);
}

static int check_range(const pvm_vm_t *vm, uint32_t address, const void *data, size_t length,
                       uint8_t need, const char *caller)
{
    uint32_t bad;

    if (vm == NULL || (data == NULL && length > 0)) {
        return pvm_error_set("%s: an argument is NULL", caller);
    }
    if (length > PVM_MEMORY_BYTES - address) {
        return pvm_error_set("%s: 0x%08x, %zu octets: wraps around at 2^32", caller, address,
                             length);
    }
    if (pvm_memory_first_bad(vm->memory, address, length, need, &bad)) {
        return pvm_error_set("%s: 0x%08x, %zu octets: page 0x%08x is not %s", caller, address,
                             length, bad & ~(uint32_t)(PVM_PAGE_SIZE - 1),
                             need == PVM_PAGE_READ ? "readable" : "writable");
    }
    return 0;
}

static void tell(pvm_vm_t *vm, uint32_t address, const void *data, size_t length, int is_write)
{
    if (!vm->host_pending) {
        return;
    }
    if (vm->observer.host_memory != NULL) {
        vm->observer.host_memory(vm->observer_data, vm, address, data, length, is_write);
    }
    pvm_events_memory(vm, address, data, length, is_write != 0);
}

int pvm_read_memory(pvm_vm_t *vm, uint32_t address, void *out, size_t length)
{
    if (check_range(vm, address, out, length, PVM_PAGE_READ, "pvm_read_memory") != 0) {
        return -1;
    }
    if (length > 0) {
        memcpy(out, vm->memory->base + address, length);
    }
    tell(vm, address, out, length, 0);
    return 0;
}

int pvm_write_memory(pvm_vm_t *vm, uint32_t address, const void *data, size_t length)
{
    if (check_range(vm, address, data, length, PVM_PAGE_WRITE, "pvm_write_memory") != 0) {
        return -1;
    }
    if (pvm_memory_poke(vm->memory, address, data, length) != 0) {
        return -1;
    }
    tell(vm, address, data, length, 1);
    return 0;
}

int pvm_poke_memory(pvm_vm_t *vm, uint32_t address, const void *data, size_t length)
{
    if (check_range(vm, address, data, length, PVM_PAGE_READ, "pvm_poke_memory") != 0) {
        return -1;
    }
    if (pvm_memory_poke(vm->memory, address, data, length) != 0) {
        return -1;
    }
    tell(vm, address, data, length, 1);
    return 0;
}

pvm_access_t pvm_get_access(pvm_vm_t *vm, uint32_t address)
{
    if (vm == NULL) {
        pvm_error_set("pvm_get_access: no VM");
        return PVM_ACCESS_NONE;
    }
    const uint8_t access = vm->memory->access[address >> PVM_PAGE_BITS];
    if ((access & PVM_PAGE_WRITE) != 0) {
        return PVM_ACCESS_WRITE;
    }
    return access == PVM_PAGE_NONE ? PVM_ACCESS_NONE : PVM_ACCESS_READ;
}

/* Prices of grow_heap, GP 0.8.0 appendix B. */
#define GROW_HEAP_GAS      100
#define GROW_HEAP_PAGE_GAS 10

static uint32_t count_writable(const pvm_memory_t *memory, uint32_t first, uint32_t end)
{
    uint32_t count = 0;

    for (uint32_t page = first; page < end; page++) {
        count += (memory->access[page] & PVM_PAGE_WRITE) != 0;
    }
    return count;
}

int pvm_grow_heap(pvm_vm_t *vm)
{
    if (vm == NULL || vm->program->format != PVM_FORMAT_JAM ||
        vm->program->spec != PVM_SPEC_0_8_0) {
        return pvm_error_set("pvm_grow_heap: only JAM programs under 0.8.0 have this host call");
    }
    const uint32_t start = vm->program->layout.regions[PVM_REGION_RW].address >> PVM_PAGE_BITS;
    const uint32_t limit = (uint32_t)(vm->program->layout.heap_end_max >> PVM_PAGE_BITS);
    const bool is_known = vm->heap_end_page != 0;
    const uint32_t end =
        is_known ? vm->heap_end_page : start + count_writable(vm->memory, start, limit);
    const uint64_t wanted = vm->registers[7];
    const bool grows = wanted > end && wanted <= limit;
    const int64_t price =
        GROW_HEAP_GAS + (grows ? GROW_HEAP_PAGE_GAS * (int64_t)(wanted - end) : 0);
    if (vm->gas < price) {
        return 1;
    }
    if (!grows) {
        vm->gas -= price;
        vm->registers[7] = end;
        return 0;
    }
    /* The paper makes all pages up to there writable; those that are so already need nothing done. */
    const uint32_t first = is_known ? end : start;
    if (pvm_memory_map(vm->memory, first, (uint32_t)wanted - first, PVM_PAGE_READ_WRITE) != 0) {
        return -1;
    }
    vm->gas -= price;
    vm->heap_end_page = is_known ? (uint32_t)wanted : 0;
    return 0;
}
