/* The file format of speedscope: one sampled profile for each value. Its numbers are doubles; what is above 2^53 is
 * still written whole. */
#include "viewer/export/export.h"

#include <inttypes.h>

static void put_frames(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks)
{
    for (uint32_t i = 0; i < stacks->frame_count; i++) {
        const pvm_prof_frame_t *const frame = &stacks->frames[i];

        pvm_export_put(export, "%s\n    {\"name\":", i > 0 ? "," : "");
        pvm_export_json_text(export, frame->name);
        if (frame->file != NULL) {
            pvm_export_put(export, ",\"file\":");
            pvm_export_json_text(export, frame->file);
        }
        if (frame->line > 0) {
            pvm_export_put(export, ",\"line\":%" PRIu32, frame->line);
        }
        pvm_export_put(export, "}");
    }
}

static void put_samples(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks,
                        pvm_prof_value_kind_t kind)
{
    uint32_t path[PVM_EXPORT_MAX_DEPTH];
    const char *comma = "";

    for (uint32_t i = 0; i < stacks->node_count; i++) {
        const size_t depth =
            stacks->nodes[i].self[kind] != 0 ? pvm_export_path(stacks, i, path) : 0;

        for (size_t j = 0; j < depth; j++) {
            pvm_export_put(export, "%s%" PRIu32, j > 0 ? "," : comma, stacks->nodes[path[j]].frame);
        }
        if (depth > 0) {
            pvm_export_put(export, "]");
            comma = ",[";
        }
    }
}

static void put_profile(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks,
                        pvm_prof_value_kind_t kind)
{
    const char *comma = "";

    pvm_export_put(export, "%s\n    {\"type\":\"sampled\",\"name\":\"%s\",\"unit\":\"%s\",",
                   kind > 0 ? "," : "", pvm_prof_stacks_title(stacks, kind),
                   kind == PVM_PROF_VALUE_TIME ? "nanoseconds" : "none");
    pvm_export_put(export, "\"startValue\":0,\"endValue\":%" PRId64 ",\"samples\":[",
                   stacks->total[kind]);
    if (stacks->total[kind] != 0) {
        pvm_export_put(export, "[");
    }
    put_samples(export, stacks, kind);
    pvm_export_put(export, "],\"weights\":[");
    for (uint32_t i = 0; i < stacks->node_count; i++) {
        if (stacks->nodes[i].self[kind] != 0) {
            pvm_export_put(export, "%s%" PRId64, comma, stacks->nodes[i].self[kind]);
            comma = ",";
        }
    }
    pvm_export_put(export, "]}");
}

pvm_view_status_t pvm_export_speedscope(pvm_view_export_t *export)
{
    pvm_prof_stacks_t stacks;
    const pvm_view_status_t status = pvm_export_stacks(export, export->file, &stacks);

    if (status == PVM_VIEW_FINE) {
        pvm_export_put(export,
                       "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\","
                       "\"exporter\":\"pvmscope %s\",\"name\":",
                       pvm_version());
        pvm_export_json_text(export, pvm_export_info(export, PVM_PROF_INFO_PROGRAM));
        pvm_export_put(export, ",\n  \"activeProfileIndex\":0,\"shared\":{\"frames\":[");
        put_frames(export, &stacks);
        pvm_export_put(export, "]},\n  \"profiles\":[");
        for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
            put_profile(export, &stacks, (pvm_prof_value_kind_t)kind);
        }
        pvm_export_put(export, "]}\n");
    }
    pvm_prof_stacks_free(&stacks);
    return status;
}
