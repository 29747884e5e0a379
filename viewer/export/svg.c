/* Flame graph as a picture: wide boxes cost much, boxes above are inside the ones below (with --inverted: call them).
 * With two runs widths are of the second one, and colours say what grew and what shrank. No scripts; a browser shows
 * names and figures of the box under the pointer. */
#include "viewer/export/export.h"
#include "viewer/export/flame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PICTURE_WIDTH 1200
#define MARGIN        10
#define HEAD_HEIGHT   58
#define FOOT_HEIGHT   14
#define ROW_HEIGHT    18
#define LETTER_WIDTH  7.0
/** Boxes that are narrower are not drawn; what they cost is in the box below them. */
#define WIDTH_MIN 0.4
#define DEPTH_MAX 256

typedef struct {
    pvm_view_export_t *export;
    const pvm_prof_stacks_t *flame;
    const pvm_flame_order_t *order;
    pvm_prof_value_kind_t kind;
    bool is_comparing;
    double scale;    /**< pixels for each unit */
    unsigned depth;  /**< of the deepest box that is drawn */
    bool is_drawing; /**< else only measured */
} drawing_t;

/** Text as XML. */
static void put_xml(pvm_view_export_t *export, const char *text)
{
    for (const char *at = pvm_export_text(export, text); *at != '\0'; at++) {
        switch (*at) {
        case '<':
            (void)fputs("&lt;", export->out);
            break;
        case '>':
            (void)fputs("&gt;", export->out);
            break;
        case '&':
            (void)fputs("&amp;", export->out);
            break;
        case '"':
            (void)fputs("&quot;", export->out);
            break;
        default:
            (void)fputc(*at, export->out);
            break;
        }
    }
}

static bool is_first_octet(char octet)
{
    return ((unsigned char)octet & 0xc0) != 0x80;
}

static size_t count_letters(const char *name)
{
    size_t count = 0;

    for (; *name != '\0'; name++) {
        count += is_first_octet(*name);
    }
    return count;
}

/** Cut a name to what fits, between characters. */
static void put_label(pvm_view_export_t *export, const char *name, size_t letters)
{
    char cut[256];
    size_t len = 0;
    size_t shown = 0;

    if (count_letters(name) > letters) {
        letters -= sizeof("..") - 1;
    }
    while (name[len] != '\0' && len + 8 < sizeof(cut)) {
        const bool is_first = is_first_octet(name[len]);

        if (is_first && shown == letters) {
            break;
        }
        shown += is_first;
        cut[len] = name[len];
        len++;
    }
    (void)snprintf(cut + len, sizeof(cut) - len, "%s", name[len] != '\0' ? ".." : "");
    put_xml(export, cut);
}

static unsigned hash_of(const char *name)
{
    unsigned hash = 2166136261U;

    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    }
    return hash;
}

/** How much of the box is new or gone: -1 to 1. */
static double change_of(const drawing_t *drawing, uint32_t node)
{
    const double now = (double)drawing->order->now[node];
    const double before = (double)drawing->order->other[node];
    const double most = now > before ? now : before;

    return most > 0 ? (now - before) / most : 0;
}

static void put_colour(const drawing_t *drawing, uint32_t node)
{
    const pvm_prof_frame_t *const frame = pvm_export_frame(drawing->flame, node);
    const unsigned shade = hash_of(frame->name) % 16;
    static const unsigned hues[] = {
        [PVM_PROF_FRAME_FUNCTION] = 20,
        [PVM_PROF_FRAME_INLINED] = 90,
        [PVM_PROF_FRAME_BLOCK] = 44,
        [PVM_PROF_FRAME_HOST] = 330,
    };

    if (drawing->is_comparing) {
        const double change = change_of(drawing, node);

        pvm_export_put(drawing->export, "hsl(%d,%d%%,%d%%)", change >= 0 ? 8 : 215,
                       (int)(80 * (change < 0 ? -change : change)),
                       (int)(88 - 26 * (change < 0 ? -change : change)));
        return;
    }
    if (frame->kind == PVM_PROF_FRAME_ROOT || frame->kind == PVM_PROF_FRAME_PROGRAM) {
        pvm_export_put(drawing->export, "#d9dae2");
        return;
    }
    pvm_export_put(drawing->export, "hsl(%u,%u%%,%u%%)", hues[frame->kind] + shade, 62 + shade / 2,
                   64 + shade);
}

static double share_of(const drawing_t *drawing, int64_t value)
{
    const int64_t all = drawing->order->now[PVM_PROF_STACK_ROOT];

    return all != 0 ? 100.0 * (double)value / (double)all : 0;
}

static void put_box(const drawing_t *drawing, uint32_t node, double x, double width, unsigned depth)
{
    pvm_view_export_t *const export = drawing->export;
    const pvm_prof_frame_t *const frame = pvm_export_frame(drawing->flame, node);
    const unsigned y = HEAD_HEIGHT + (drawing->depth - depth) * ROW_HEIGHT;
    const int64_t now = drawing->order->now[node];

    pvm_export_put(export, "<g><title>");
    put_xml(export, frame->name);
    pvm_export_put(export, ": %" PRId64 " %s (%.2f %%)", now, pvm_prof_value_unit(drawing->kind),
                   share_of(drawing, now));
    if (drawing->is_comparing) {
        pvm_export_put(export, ", before %" PRId64, drawing->order->other[node]);
    }
    if (frame->file != NULL) {
        pvm_export_put(export, "\n");
        put_xml(export, frame->file);
        if (frame->line > 0) {
            pvm_export_put(export, ":%" PRIu32, frame->line);
        }
    }
    pvm_export_put(export, "</title><rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%d\" fill=\"",
                   x, y, width > 1 ? width - 0.5 : width, ROW_HEIGHT - 1);
    put_colour(drawing, node);
    pvm_export_put(export, "\"/>");
    if (width > 4 * LETTER_WIDTH) {
        pvm_export_put(export, "<text x=\"%.2f\" y=\"%u\">", x + 3, y + ROW_HEIGHT - 5);
        put_label(export, frame->name, (size_t)((width - 6) / LETTER_WIDTH));
        pvm_export_put(export, "</text>");
    }
    pvm_export_put(export, "</g>\n");
}

/* Depth first, with a stack of our own: how far to the right each open level has come. */
static void walk(drawing_t *drawing)
{
    double right[DEPTH_MAX];
    uint32_t node = PVM_PROF_STACK_ROOT;
    unsigned depth = 0;

    right[0] = MARGIN;
    for (;;) {
        const double width = (double)drawing->order->now[node] * drawing->scale;
        const bool is_shown = width >= WIDTH_MIN;

        if (is_shown && drawing->is_drawing) {
            put_box(drawing, node, right[depth], width, depth);
        } else if (is_shown && depth > drawing->depth) {
            drawing->depth = depth;
        }
        if (is_shown && drawing->order->first[node] != 0 && depth + 1 < DEPTH_MAX) {
            right[depth + 1] = right[depth];
            right[depth] += width;
            depth++;
            node = drawing->order->first[node];
            continue;
        }
        right[depth] += width;
        while (node != PVM_PROF_STACK_ROOT && drawing->order->next[node] == 0) {
            node = drawing->flame->nodes[node].parent;
            depth--;
        }
        if (node == PVM_PROF_STACK_ROOT) {
            return;
        }
        node = drawing->order->next[node];
    }
}

static void put_head(const drawing_t *drawing)
{
    pvm_view_export_t *const export = drawing->export;
    const unsigned height = HEAD_HEIGHT + (drawing->depth + 1) * ROW_HEIGHT + FOOT_HEIGHT;

    pvm_export_put(export,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 %d %u\" "
                   "width=\"%d\" height=\"%u\">\n<title>Flame graph of ",
                   PICTURE_WIDTH, height, PICTURE_WIDTH, height);
    put_xml(export, pvm_export_info(export, PVM_PROF_INFO_PROGRAM));
    pvm_export_put(export,
                   "</title>\n<style>text{font:12px ui-monospace,Menlo,Consolas,monospace;"
                   "fill:#1b1b1f;pointer-events:none}.head{font-size:15px;font-weight:600}"
                   ".back{fill:#fff}.sub,.head{fill:#1b1b1f}g:hover rect{stroke:#1b1b1f}"
                   "@media(prefers-color-scheme:dark){.back{fill:#16171d}.sub,.head{fill:#e6e6ea}"
                   "g:hover rect{stroke:#fff}}</style>\n<rect class=\"back\" width=\"100%%\" "
                   "height=\"100%%\"/>\n<text class=\"head\" x=\"%d\" y=\"24\">",
                   MARGIN);
    put_xml(export, pvm_export_info(export, PVM_PROF_INFO_PROGRAM));
    pvm_export_put(export, "</text>\n<text class=\"sub\" x=\"%d\" y=\"44\">%s: %" PRId64, MARGIN,
                   pvm_prof_stacks_title(drawing->flame, drawing->kind),
                   drawing->order->now[PVM_PROF_STACK_ROOT]);
    if (drawing->is_comparing) {
        pvm_export_put(export, ", before %" PRId64 "; red grew, blue shrank",
                       drawing->order->other[PVM_PROF_STACK_ROOT]);
    }
    pvm_export_put(export, "</text>\n");
}

static pvm_view_status_t draw(pvm_view_export_t *export, const pvm_prof_stacks_t *flame)
{
    pvm_flame_order_t order;
    drawing_t drawing = {.export = export,
                         .flame = flame,
                         .order = &order,
                         .kind = pvm_export_value(export),
                         .is_comparing = export->other != NULL};

    if (flame->failed || pvm_flame_order(flame, &order) != 0) {
        if (!flame->failed) {
            pvm_flame_order_free(&order);
        }
        return pvm_export_fail_memory(export);
    }
    const int64_t all = order.now[PVM_PROF_STACK_ROOT];
    drawing.scale = all > 0 ? (PICTURE_WIDTH - 2.0 * MARGIN) / (double)all : 0;
    walk(&drawing);
    drawing.is_drawing = true;
    put_head(&drawing);
    walk(&drawing);
    pvm_export_put(export, "</svg>\n");
    pvm_flame_order_free(&order);
    return PVM_VIEW_FINE;
}

/* The first file is the run before, the second the run now. */
static pvm_view_status_t add_run(pvm_view_export_t *export, pvm_prof_run_file_t *file,
                                 pvm_prof_value_kind_t slot, pvm_prof_stacks_t *flame)
{
    pvm_prof_stacks_t stacks;
    const pvm_view_status_t status = pvm_export_stacks(export, file, &stacks);

    if (status == PVM_VIEW_FINE) {
        pvm_flame_add(&stacks, pvm_export_value(export),
                      pvm_view_has(export->view, PVM_OPTION_INVERTED), export->other == NULL, slot,
                      flame);
        flame->has_samples |= stacks.has_samples;
    }
    pvm_prof_stacks_free(&stacks);
    return status;
}

pvm_view_status_t pvm_export_svg(pvm_view_export_t *export)
{
    pvm_prof_run_file_t *const now = export->other != NULL ? export->other : export->file;
    pvm_prof_stacks_t flame;
    pvm_view_status_t status =
        pvm_prof_stacks_begin(&flame) == 0 ? PVM_VIEW_FINE : pvm_export_fail_memory(export);

    if (status == PVM_VIEW_FINE) {
        status = add_run(export, now, PVM_FLAME_NOW, &flame);
    }
    if (status == PVM_VIEW_FINE && export->other != NULL) {
        status = add_run(export, export->file, PVM_FLAME_OTHER, &flame);
    }
    if (status == PVM_VIEW_FINE) {
        status = draw(export, &flame);
    }
    pvm_prof_stacks_free(&flame);
    return status;
}
