/* Events that have several sequences of one length, told piece by piece.
 *
 *     #define COLUMNS(X, ...) X(uint32_t, blocks, __VA_ARGS__) X(uint64_t, hits, __VA_ARGS__)
 *     PVM_EVENTS_PIECE(block_counts, 512, COLUMNS, )
 *
 * makes block_counts_piece_t, with an array for each column and `count`, the rows that are filled; block_counts_next(vm, piece)
 * for behind each row, which tells the piece when it is full; and block_counts_tell(vm, piece) for the end. Behind the columns
 * stand further fields of the record, each with a comma behind it; they may use `vm`. */
#ifndef PVM_EVENTS_PIECES_H
#define PVM_EVENTS_PIECES_H

#include "events/events.h"

#define PVM_EVENTS_PIECE_ARRAY(type, name, rows)  type name[rows];
#define PVM_EVENTS_PIECE_FIELD(type, name, count) .name = piece->name, .name##_len = (count),

#define PVM_EVENTS_PIECE(event, rows, columns, ...)                                                \
    typedef struct {                                                                               \
        uint32_t count;                                                                            \
        columns(PVM_EVENTS_PIECE_ARRAY, rows)                                                      \
    } event##_piece_t;                                                                             \
    static void event##_tell(const pvm_vm_t *vm, event##_piece_t *piece)                           \
    {                                                                                              \
        const pvm_event_##event##_t record = {                                                     \
            .vm = pvm_events_name(vm->id),                                                         \
            .service = vm->service,                                                                \
            __VA_ARGS__ columns(PVM_EVENTS_PIECE_FIELD, piece->count)};                            \
        pvm_events_tell_##event(&record);                                                          \
        piece->count = 0;                                                                          \
    }                                                                                              \
    static void event##_next(const pvm_vm_t *vm, event##_piece_t *piece)                           \
    {                                                                                              \
        if (++piece->count == (rows)) {                                                            \
            event##_tell(vm, piece);                                                               \
        }                                                                                          \
    }

#endif
