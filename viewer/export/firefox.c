/* The processed format of the Firefox Profiler, version 55, which newer front ends upgrade when they load it. Each
 * value is a thread, because a profile has one weight: samples are places, their weights what was spent there, and
 * their times are nothing but an order. */
#include "viewer/export/export.h"

#include <inttypes.h>

#define PROCESSED_VERSION 55
#define GECKO_VERSION     31

/** Categories, in the order of the list in put_meta(). */
enum { CATEGORY_GUEST, CATEGORY_INLINED, CATEGORY_BLOCK, CATEGORY_HOST };

static int category_of(const pvm_prof_frame_t *frame)
{
    switch (frame->kind) {
    case PVM_PROF_FRAME_INLINED:
        return CATEGORY_INLINED;
    case PVM_PROF_FRAME_BLOCK:
        return CATEGORY_BLOCK;
    case PVM_PROF_FRAME_HOST:
        return CATEGORY_HOST;
    default:
        return CATEGORY_GUEST;
    }
}

/* The threads that are open at first: values that the recording has. */
static void put_visible(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks)
{
    const char *comma = "";

    pvm_export_put(export, ",\"keepProfileThreadOrder\":true,\"initialSelectedThreads\":[0],"
                           "\"initialVisibleThreads\":[");
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        if (kind == PVM_PROF_VALUE_GAS || stacks->total[kind] != 0) {
            pvm_export_put(export, "%s%d", comma, kind);
            comma = ",";
        }
    }
    pvm_export_put(export, "]");
}

/* No code of ours is JavaScript, or to be found where Firefox has its own. */
static void put_meta(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks)
{
    pvm_export_put(export,
                   "{\"meta\":{\"version\":%d,\"preprocessedProfileVersion\":%d,\"interval\":1,"
                   "\"startTime\":0,\"processType\":0,\"stackwalk\":1,\"symbolicated\":true,"
                   "\"usesOnlyOneStackType\":true,\"sourceCodeIsNotOnSearchfox\":true,"
                   "\"debug\":false,\"markerSchema\":[],\"extensions\":{\"id\":[],\"name\":[],"
                   "\"baseURL\":[],\"length\":0},\"categories\":["
                   "{\"name\":\"Guest\",\"color\":\"grey\",\"subcategories\":[\"Other\"]},"
                   "{\"name\":\"Inlined\",\"color\":\"green\",\"subcategories\":[\"Other\"]},"
                   "{\"name\":\"Block\",\"color\":\"blue\",\"subcategories\":[\"Other\"]},"
                   "{\"name\":\"Host call\",\"color\":\"orange\",\"subcategories\":[\"Other\"]}],"
                   "\"importedFrom\":\"pvmscope\",\"appBuildID\":\"%s\",\"product\":",
                   GECKO_VERSION, PROCESSED_VERSION, pvm_version());
    pvm_export_json_text(export, pvm_export_info(export, PVM_PROF_INFO_PROGRAM));
    put_visible(export, stacks);
    pvm_export_put(export, "},\n\"libs\":[],\"pages\":[],\"threads\":[");
}

/* A column of one integer or null for each frame, node or sample. */
typedef void put_cell_t(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks, uint32_t index,
                        pvm_prof_value_kind_t kind);

static void put_column(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks, const char *name,
                       uint32_t count, pvm_prof_value_kind_t kind, put_cell_t *put_cell)
{
    pvm_export_put(export, "\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            pvm_export_put(export, ",");
        }
        put_cell(export, stacks, i, kind);
    }
    pvm_export_put(export, "],");
}

#define CELL(name)                                                                                 \
    static void name(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks, uint32_t index,   \
                     pvm_prof_value_kind_t kind)
#define IGNORE_UNUSED ((void)stacks, (void)index, (void)kind)

CELL(put_zero)
{
    IGNORE_UNUSED;
    pvm_export_put(export, "0");
}

CELL(put_minus)
{
    IGNORE_UNUSED;
    pvm_export_put(export, "-1");
}

CELL(put_null)
{
    IGNORE_UNUSED;
    pvm_export_put(export, "null");
}

CELL(put_false)
{
    IGNORE_UNUSED;
    pvm_export_put(export, "false");
}

CELL(put_index)
{
    IGNORE_UNUSED;
    pvm_export_put(export, "%" PRIu32, index);
}

CELL(put_category)
{
    IGNORE_UNUSED;
    pvm_export_put(export, "%d", category_of(&stacks->frames[index]));
}

/* Names and files alternate in the strings. */
CELL(put_name)
{
    IGNORE_UNUSED;
    pvm_export_put(export, "%" PRIu32, 2 * index);
}

CELL(put_file)
{
    IGNORE_UNUSED;
    if (stacks->frames[index].file != NULL) {
        pvm_export_put(export, "%" PRIu32, 2 * index + 1);
    } else {
        pvm_export_put(export, "null");
    }
}

CELL(put_line)
{
    IGNORE_UNUSED;
    if (stacks->frames[index].line > 0) {
        pvm_export_put(export, "%" PRIu32, stacks->frames[index].line);
    } else {
        pvm_export_put(export, "null");
    }
}

CELL(put_prefix)
{
    IGNORE_UNUSED;
    if (index == PVM_PROF_STACK_ROOT) {
        pvm_export_put(export, "null");
    } else {
        pvm_export_put(export, "%" PRIu32, stacks->nodes[index].parent);
    }
}

CELL(put_frame)
{
    IGNORE_UNUSED;
    pvm_export_put(export, "%" PRIu32, stacks->nodes[index].frame);
}

CELL(put_weight)
{
    pvm_export_put(export, "%" PRId64, stacks->nodes[index].self[kind]);
}

CELL(put_string)
{
    const pvm_prof_frame_t *const frame = &stacks->frames[index / 2];
    const char *const text = index % 2 == 0 ? frame->name : frame->file;

    IGNORE_UNUSED;
    pvm_export_json_text(export, text != NULL ? text : "");
}

static void put_tables(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks)
{
    const pvm_prof_value_kind_t any = PVM_PROF_VALUE_GAS;
    const uint32_t frames = stacks->frame_count;

#define COLUMN(name, cell) put_column(export, stacks, name, frames, any, cell)
    pvm_export_put(export, "\"frameTable\":{");
    COLUMN("address", put_minus);
    COLUMN("inlineDepth", put_zero);
    COLUMN("category", put_category);
    COLUMN("subcategory", put_zero);
    COLUMN("func", put_index);
    COLUMN("nativeSymbol", put_null);
    COLUMN("innerWindowID", put_null);
    COLUMN("line", put_line);
    COLUMN("column", put_null);
    pvm_export_put(export, "\"length\":%" PRIu32 "},\"funcTable\":{", frames);
    COLUMN("name", put_name);
    COLUMN("isJS", put_false);
    COLUMN("relevantForJS", put_false);
    COLUMN("resource", put_minus);
    COLUMN("fileName", put_file);
    COLUMN("lineNumber", put_line);
    COLUMN("columnNumber", put_null);
    pvm_export_put(export, "\"length\":%" PRIu32 "},", frames);
#undef COLUMN
    pvm_export_put(export, "\"stackTable\":{");
    put_column(export, stacks, "prefix", stacks->node_count, any, put_prefix);
    put_column(export, stacks, "frame", stacks->node_count, any, put_frame);
    pvm_export_put(export, "\"length\":%" PRIu32 "},", stacks->node_count);
    put_column(export, stacks, "stringArray", 2 * frames, any, put_string);
}

static void put_thread(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks,
                       pvm_prof_value_kind_t kind)
{
    const uint32_t nodes = stacks->node_count;

    pvm_export_put(
        export,
        "%s\n{\"name\":\"%s\",\"processName\":\"pvmscope\",\"processType\":\"default\","
        "\"isMainThread\":true,\"pid\":\"%d\",\"tid\":%d,\"processStartupTime\":0,"
        "\"processShutdownTime\":null,\"registerTime\":0,\"unregisterTime\":null,"
        "\"pausedRanges\":[],\"markers\":{\"data\":[],\"name\":[],\"startTime\":[],"
        "\"endTime\":[],\"phase\":[],\"category\":[],\"length\":0},"
        "\"resourceTable\":{\"lib\":[],\"name\":[],\"host\":[],\"type\":[],\"length\":0},"
        "\"nativeSymbols\":{\"libIndex\":[],\"address\":[],\"name\":[],\"functionSize\":[],"
        "\"length\":0},",
        kind > 0 ? "," : "", pvm_prof_stacks_title(stacks, kind), (int)kind + 1, (int)kind + 1);
    put_tables(export, stacks);
    pvm_export_put(export, "\"samples\":{");
    put_column(export, stacks, "stack", nodes, kind, put_index);
    put_column(export, stacks, "time", nodes, kind, put_index);
    put_column(export, stacks, "weight", nodes, kind, put_weight);
    pvm_export_put(export, "\"weightType\":\"samples\",\"length\":%" PRIu32 "}}", nodes);
}

pvm_view_status_t pvm_export_firefox(pvm_view_export_t *export)
{
    pvm_prof_stacks_t stacks;
    const pvm_view_status_t status = pvm_export_stacks(export, export->file, &stacks);

    if (status == PVM_VIEW_FINE) {
        put_meta(export, &stacks);
        for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
            put_thread(export, &stacks, (pvm_prof_value_kind_t)kind);
        }
        pvm_export_put(export, "]}\n");
    }
    pvm_prof_stacks_free(&stacks);
    return status;
}
