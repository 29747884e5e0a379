/* Line programs: a small state machine that gives regions of code, each with a stack of frames.
 *
 * Runs one program under limits; which one, and what its frames mean, is up to debug_info.c. */
#include "program/debug_info.h"

#include "support/cursor.h"

enum {
    OP_END,
    OP_SET_MUTATED,
    OP_ENTER,
    OP_CALL,
    OP_LINE,
    OP_SET_NAMESPACE,
    OP_SET_FUNCTION,
    OP_SET_PATH,
    OP_SET_LINE,
    OP_SET_COLUMN,
    OP_SET_DEPTH,
    OP_NEXT_LINE,
    OP_ADD_LINE,
    OP_SUB_LINE,
    OP_EMIT_ONE,
    OP_EMIT,
    OP_EMIT_ONE_DEEPER,
    OP_EMIT_DEEPER,
    OP_EMIT_ONE_SHALLOWER,
    OP_EMIT_SHALLOWER,
    OP_COUNT
};

static bool has_operand(uint8_t op)
{
    switch (op) {
    case OP_SET_MUTATED:
    case OP_SET_NAMESPACE:
    case OP_SET_FUNCTION:
    case OP_SET_PATH:
    case OP_SET_LINE:
    case OP_SET_COLUMN:
    case OP_SET_DEPTH:
    case OP_ADD_LINE:
    case OP_SUB_LINE:
    case OP_EMIT:
    case OP_EMIT_DEEPER:
    case OP_EMIT_SHALLOWER:
        return true;
    default:
        return false;
    }
}

/* Frames above the limit are swallowed by `spare`: their owner is too deep to be shown. */
static void change_frame(pvm_debug_walk_t *walk, uint8_t op, uint32_t operand)
{
    pvm_debug_raw_frame_t spare = {0};
    pvm_debug_raw_frame_t *const frame =
        walk->mutated < PVM_MAX_DEBUG_FRAMES ? &walk->frames[walk->mutated] : &spare;

    switch (op) {
    case OP_ENTER:
        frame->kind = PVM_DEBUG_FRAME_ENTER;
        break;
    case OP_CALL:
        frame->kind = PVM_DEBUG_FRAME_CALL;
        break;
    case OP_LINE:
        frame->kind = PVM_DEBUG_FRAME_LINE;
        break;
    case OP_SET_NAMESPACE:
        frame->name_space = operand;
        break;
    case OP_SET_FUNCTION:
        frame->function = operand;
        break;
    case OP_SET_PATH:
        frame->path = operand;
        break;
    case OP_SET_LINE:
        frame->line = operand;
        break;
    case OP_SET_COLUMN:
        frame->column = operand;
        break;
    case OP_NEXT_LINE:
        frame->line += 1;
        break;
    case OP_ADD_LINE:
        frame->line += operand;
        break;
    default:
        frame->line -= operand;
        break;
    }
}

/* Regions of no octets are passed over. @return true if there is a region to show. */
static bool emit(pvm_debug_walk_t *walk, uint8_t op, uint32_t operand)
{
    const uint32_t octets = has_operand(op) ? operand : 1;

    walk->depth = walk->next_depth < PVM_MAX_DEBUG_FRAMES ? walk->next_depth : PVM_MAX_DEBUG_FRAMES;
    if ((op == OP_EMIT_ONE_DEEPER || op == OP_EMIT_DEEPER) && walk->next_depth < UINT32_MAX) {
        walk->next_depth++;
    } else if ((op == OP_EMIT_ONE_SHALLOWER || op == OP_EMIT_SHALLOWER) && walk->next_depth > 0) {
        walk->next_depth--;
    }
    if (octets > walk->range_end - walk->begin) {
        walk->problem = "a region reaches beyond its range";
        return false;
    }
    walk->end = walk->begin + octets;
    return octets > 0;
}

bool pvm_debug_walk_next(pvm_debug_walk_t *walk)
{
    /* From here on the frames are no longer those of the last region, even if no other one follows.
     */
    walk->begin = walk->end;
    for (unsigned count = 0; walk->problem == NULL; count++) {
        pvm_cursor_t cursor = pvm_cursor_make(walk->lines + walk->position,
                                              walk->lines_len - walk->position, walk->position);
        const uint8_t op = pvm_cursor_u8(&cursor, "an operation");
        const uint32_t operand =
            has_operand(op) ? (uint32_t)pvm_cursor_natural(&cursor, PVM_CURSOR_32_BIT, "an operand")
                            : 0;
        if (pvm_cursor_failed(&cursor)) {
            walk->problem = "an operation is cut off or has a malformed number";
        } else if (op >= OP_COUNT) {
            walk->problem = "an operation is unknown";
        } else if (count >= PVM_MAX_DEBUG_REGION_OPS || walk->ops >= PVM_MAX_DEBUG_RANGE_OPS) {
            walk->problem = "there are too many operations";
        } else if (op == OP_END) {
            return false;
        } else {
            walk->ops++;
            walk->position += cursor.pos;
            if (op == OP_SET_MUTATED) {
                walk->mutated = operand;
            } else if (op == OP_SET_DEPTH) {
                walk->next_depth = operand;
            } else if (op < OP_EMIT_ONE) {
                change_frame(walk, op, operand);
            } else if (emit(walk, op, operand)) {
                return true;
            }
        }
    }
    return false;
}
