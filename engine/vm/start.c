/* How a machine's memory starts, and how it gets back there: pooled memories keep the program's mappings, so
 * only what a run changed is undone. Spec: GP A.7; PolkaVM's map: spec-notes.md. */
#include "memory/spare.h"
#include "recompiler/recompiler.h"
#include "support/error.h"
#include "vm/vm.h"

static uint32_t first_page(const pvm_region_t *region)
{
    return region->address >> PVM_PAGE_BITS;
}

static uint32_t page_count(const pvm_region_t *region)
{
    return (uint32_t)(region->mapped_len >> PVM_PAGE_BITS);
}

static uint8_t page_access(const pvm_region_t *region)
{
    return region->access == PVM_ACCESS_WRITE ? PVM_PAGE_READ_WRITE : PVM_PAGE_READ;
}

/* The region that holds a page, or NULL. */
static const pvm_region_t *region_of(const pvm_layout_t *layout, uint32_t page)
{
    for (int i = 0; i < PVM_REGION_COUNT; i++) {
        const pvm_region_t *const region = &layout->regions[i];
        if (page >= first_page(region) && page - first_page(region) < page_count(region)) {
            return region;
        }
    }
    return NULL;
}

/* First page behind `page` where the answer of region_of() may change, at most `end`. */
static uint32_t next_border(const pvm_layout_t *layout, uint32_t page, uint32_t end)
{
    uint32_t border = end;

    for (int i = 0; i < PVM_REGION_COUNT; i++) {
        const uint32_t first = first_page(&layout->regions[i]);
        const uint32_t behind = first + page_count(&layout->regions[i]);
        border = first > page && first < border ? first : border;
        border = behind > page && behind < border ? behind : border;
    }
    return border;
}

/* Whether the read-only region is as a start left it: most machines never have it changed by their host. */
static bool is_kept(const pvm_memory_t *memory, const pvm_region_t *region)
{
    return memory->kept.count > 0 && memory->kept.first == first_page(region) &&
           memory->kept.count == page_count(region);
}

/* Whether a memory that was used before happens to hold a region: of the same program, loaded once more. Looking is
 * cheaper than unlocking the pages. What has pages of zeros behind its data is not looked at. */
static bool holds(const pvm_memory_t *memory, const pvm_region_t *region)
{
    const uint8_t *const access = memory->access + first_page(region);
    const uint8_t *const octets = memory->base + region->address;

    if (memory->run_count == 0 || region->mapped_len - region->data_len >= PVM_PAGE_SIZE) {
        return false;
    }
    for (uint32_t i = 0; i < page_count(region); i++) {
        if (access[i] != page_access(region)) {
            return false;
        }
    }
    for (uint64_t i = region->data_len; i < region->mapped_len; i++) {
        if (octets[i] != 0) {
            return false;
        }
    }
    return memcmp(octets, region->data, region->data_len) == 0;
}

/* Unmap what the program's layout does not have. */
static int unmap_rest(pvm_memory_t *memory, const pvm_layout_t *layout, pvm_page_run_t run)
{
    const uint32_t end = run.first + run.count;

    for (uint32_t page = run.first; page < end;) {
        const uint32_t border = next_border(layout, page, end);
        if (region_of(layout, page) == NULL &&
            pvm_memory_map(memory, page, border - page, PVM_PAGE_NONE) != 0) {
            return -1;
        }
        page = border;
    }
    return 0;
}

/* From whatever was mapped before to what the program starts with. */
static int restore(pvm_memory_t *memory, const pvm_program_t *program)
{
    const pvm_layout_t *const layout = &program->layout;
    const pvm_region_t *const read_only = &layout->regions[PVM_REGION_RO];
    pvm_page_run_t runs[PVM_REGION_COUNT];
    size_t run_count = 0;

    for (size_t i = 0; i < memory->run_count; i++) {
        if (unmap_rest(memory, layout, memory->runs[i]) != 0) {
            return -1;
        }
    }
    for (int i = 0; i < PVM_REGION_COUNT; i++) {
        const pvm_region_t *const region = &layout->regions[i];
        if (region->mapped_len == 0) {
            continue;
        }
        runs[run_count++] =
            (pvm_page_run_t){.first = first_page(region), .count = page_count(region)};
        const bool is_done =
            region == read_only && (is_kept(memory, region) || holds(memory, region));
        if (!is_done && pvm_memory_fill(memory, first_page(region), page_count(region),
                                        page_access(region), region->data, region->data_len) != 0) {
            return -1;
        }
    }
    pvm_memory_settle(memory, runs, run_count);
    pvm_memory_keep(memory, first_page(read_only), page_count(read_only));
    return 0;
}

/* A memory that another program had, or a new one. */
static pvm_memory_t *obtain(bool guarded)
{
    pvm_memory_t *memory = pvm_memory_spare_take(guarded);

    if (memory == NULL) {
        memory = pvm_memory_create(guarded);
    }
    if (memory == NULL && pvm_memory_spare_drain()) {
        memory = pvm_memory_create(guarded);
    }
    return memory;
}

int pvm_vm_initialize_memory(pvm_vm_t *vm)
{
    const bool guarded = vm->backend == PVM_BACKEND_RECOMPILER && pvm_recompiler_wants_guard();

    if (vm->memory != NULL) {
        return restore(vm->memory, vm->program);
    }
    vm->memory = pvm_memory_pool_take(&vm->program->memory_pool, guarded);
    if (vm->memory != NULL) {
        return 0;
    }
    vm->memory = obtain(guarded);
    return vm->memory == NULL ? -1 : restore(vm->memory, vm->program);
}

void pvm_vm_release_memory(pvm_vm_t *vm)
{
    if (vm->memory == NULL) {
        return;
    }
    if (restore(vm->memory, vm->program) == 0) {
        pvm_memory_pool_give(&vm->program->memory_pool, vm->memory);
    } else {
        pvm_memory_destroy(vm->memory);
    }
    vm->memory = NULL;
}
