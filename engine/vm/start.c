/* How a machine's memory starts, and how it gets back there: pooled memories keep the program's mappings, so
 * only what a run changed is undone. Spec: GP A.7; PolkaVM's map: spec-notes.md. */
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

static bool is_mapped_so(const pvm_memory_t *memory, const pvm_region_t *region)
{
    const uint8_t *const access = memory->access + first_page(region);

    for (uint32_t i = 0; i < page_count(region); i++) {
        if (access[i] != page_access(region)) {
            return false;
        }
    }
    return true;
}

/* Map a region and fill it with its data. */
static int start_region(pvm_memory_t *memory, const pvm_region_t *region)
{
    if (region->mapped_len == 0) {
        return 0;
    }
    if (!is_mapped_so(memory, region) &&
        pvm_memory_map(memory, first_page(region), page_count(region), page_access(region)) != 0) {
        return -1;
    }
    return pvm_memory_poke(memory, region->address, region->data, region->data_len);
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
static bool is_kept(const pvm_memory_t *memory, const pvm_layout_t *layout)
{
    const pvm_region_t *const region = &layout->regions[PVM_REGION_RO];

    return memory->kept.count > 0 && memory->kept.first == first_page(region) &&
           memory->kept.count == page_count(region);
}

/* Unmap what the program's layout does not have, make the rest zero but for a region that is kept. */
static int undo_run(pvm_memory_t *memory, const pvm_layout_t *layout, pvm_page_run_t run)
{
    const pvm_region_t *const kept =
        is_kept(memory, layout) ? &layout->regions[PVM_REGION_RO] : NULL;
    const uint32_t end = run.first + run.count;

    for (uint32_t page = run.first; page < end;) {
        const uint32_t border = next_border(layout, page, end);
        const pvm_region_t *const region = region_of(layout, page);
        if (region == NULL) {
            if (pvm_memory_map(memory, page, border - page, PVM_PAGE_NONE) != 0) {
                return -1;
            }
        } else if (region != kept && pvm_memory_zero(memory, page, border - page) != 0) {
            return -1;
        }
        page = border;
    }
    return 0;
}

static int restore(pvm_memory_t *memory, const pvm_program_t *program)
{
    const pvm_layout_t *const layout = &program->layout;

    for (size_t i = 0; i < memory->run_count; i++) {
        if (undo_run(memory, layout, memory->runs[i]) != 0) {
            return -1;
        }
    }
    /* All regions are remembered before anything can fail: they may be mapped still. */
    memory->run_count = 0;
    for (int i = 0; i < PVM_REGION_COUNT; i++) {
        if (layout->regions[i].mapped_len > 0) {
            pvm_memory_remember(memory, first_page(&layout->regions[i]),
                                page_count(&layout->regions[i]));
        }
    }
    for (int i = 0; i < PVM_REGION_COUNT; i++) {
        const bool is_done = i == PVM_REGION_RO && is_kept(memory, layout);
        if (!is_done && start_region(memory, &layout->regions[i]) != 0) {
            return -1;
        }
    }
    pvm_memory_keep(memory, first_page(&layout->regions[PVM_REGION_RO]),
                    page_count(&layout->regions[PVM_REGION_RO]));
    return 0;
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
    vm->memory = pvm_memory_create(guarded);
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
