/* What the kernel has counted and summed up: read from the maps of the BPF programs. */
#include "profiler/attach/internal.h"

#include <stdlib.h>

int pvm_attach_cpus(void)
{
    const int cpus = libbpf_num_possible_cpus();

    return cpus > 0 ? cpus : 1;
}

static bool read_counters(const pvm_attach_t *attach, uint32_t kind, pvm_bpf_counters_t *out)
{
    return bpf_map__lookup_elem(attach->skeleton->maps.counters, &kind, sizeof(kind), out,
                                sizeof(*out) * (size_t)pvm_attach_cpus(), 0) == 0;
}

pvm_bpf_counters_t pvm_attach_counters_of(const pvm_attach_t *attach, uint32_t kind, int cpu)
{
    pvm_bpf_counters_t *const each = calloc((size_t)pvm_attach_cpus(), sizeof(*each));
    pvm_bpf_counters_t result = {0};

    if (each != NULL && read_counters(attach, kind, each)) {
        result = each[cpu];
    }
    free(each);
    return result;
}

pvm_bpf_counters_t pvm_attach_counters(const pvm_attach_t *attach, uint32_t kind)
{
    pvm_bpf_counters_t result = {0};

    for (int cpu = 0; cpu < pvm_attach_cpus(); cpu++) {
        const pvm_bpf_counters_t one = pvm_attach_counters_of(attach, kind, cpu);
        result.hits += one.hits;
        result.dropped += one.dropped;
        result.filtered += one.filtered;
        result.unread += one.unread;
    }
    return result;
}

uint64_t pvm_attach_hits(const pvm_attach_t *attach)
{
    uint64_t hits = 0;

    for (uint32_t kind = 0; kind < PVM_BPF_SAMPLE; kind++) {
        hits += pvm_attach_counters(attach, kind).hits;
    }
    return hits;
}

void pvm_attach_totals(const pvm_attach_t *attach, pvm_attach_total_t take, void *user_data)
{
    struct bpf_map *const map = attach->skeleton->maps.totals;
    const int cpus = pvm_attach_cpus();
    pvm_bpf_total_t *const each = calloc((size_t)cpus, sizeof(*each));
    pvm_bpf_total_key_t key;
    pvm_bpf_total_key_t next;
    bool is_first = true;

    while (each != NULL &&
           bpf_map__get_next_key(map, is_first ? NULL : &key, &next, sizeof(next)) == 0) {
        pvm_bpf_total_t sum = {0};
        key = next;
        is_first = false;
        if (bpf_map__lookup_elem(map, &key, sizeof(key), each, sizeof(*each) * (size_t)cpus, 0) !=
            0) {
            continue;
        }
        for (int cpu = 0; cpu < cpus; cpu++) {
            sum.calls += each[cpu].calls;
            sum.missed += each[cpu].missed;
            sum.gas_taken += each[cpu].gas_taken;
            sum.gas_added += each[cpu].gas_added;
            sum.duration_ns += each[cpu].duration_ns;
            sum.timed += each[cpu].timed;
            for (int i = 0; i < PVM_BPF_CLASSES; i++) {
                sum.classes[i] += each[cpu].classes[i];
            }
        }
        take(user_data, &key, &sum);
    }
    free(each);
}
