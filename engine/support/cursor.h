/* Reading of untrusted octets: every access is checked, and the first failure sticks.
 *
 * After a failure all reads give 0 or NULL and nothing moves, so a reader may read a whole header
 * and ask once. The cursor knows which field failed, why and where; the reader that owns it makes
 * the message. Natural numbers are those of GP C.6 (general natural code) in their shortest form
 * only. */
#ifndef PVM_SUPPORT_CURSOR_H
#define PVM_SUPPORT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How wide a natural number may be. PolkaVM's "varint" is the same code, limited to 32 bits. */
typedef enum { PVM_CURSOR_64_BIT, PVM_CURSOR_32_BIT } pvm_cursor_width_t;

typedef struct {
    const uint8_t *data; /**< borrowed */
    size_t len;
    size_t pos;
    size_t base;         /**< offset of data[0] in the file, for messages */
    const char *field;   /**< what could not be read, static text; NULL as long as all is well */
    const char *problem; /**< what is wrong with it, static text */
    size_t where;        /**< offset in the file at which that field begins */
} pvm_cursor_t;

/** A cursor over `len` octets that stand at offset `base` of the file. */
static inline pvm_cursor_t pvm_cursor_make(const uint8_t *data, size_t len, size_t base)
{
    return (pvm_cursor_t){.data = data, .len = len, .base = base};
}

static inline bool pvm_cursor_failed(const pvm_cursor_t *cursor)
{
    return cursor->field != NULL;
}

static inline size_t pvm_cursor_left(const pvm_cursor_t *cursor)
{
    return cursor->len - cursor->pos;
}

/** Offset in the file of what is read next. */
static inline size_t pvm_cursor_offset(const pvm_cursor_t *cursor)
{
    return cursor->base + cursor->pos;
}

/** Note a failure of `field` at an offset of the file; only the first one counts. */
static inline void pvm_cursor_fail_at(pvm_cursor_t *cursor, const char *field, const char *problem,
                                      size_t where)
{
    if (cursor->field == NULL) {
        cursor->field = field;
        cursor->problem = problem;
        cursor->where = where;
    }
}

/** Note a failure of `field` at the present offset. */
static inline void pvm_cursor_fail(pvm_cursor_t *cursor, const char *field, const char *problem)
{
    pvm_cursor_fail_at(cursor, field, problem, pvm_cursor_offset(cursor));
}

/** The next `count` octets, or NULL. Never NULL on success, not even for no octets. */
static inline const uint8_t *pvm_cursor_bytes(pvm_cursor_t *cursor, size_t count, const char *field)
{
    static const uint8_t nothing[1];

    if (pvm_cursor_failed(cursor)) {
        return NULL;
    }
    if (count > pvm_cursor_left(cursor)) {
        pvm_cursor_fail(cursor, field, "is cut off");
        return NULL;
    }
    const uint8_t *const at = cursor->data != NULL ? cursor->data + cursor->pos : nothing;
    cursor->pos += count;
    return at;
}

/** A little-endian number of 0 to 8 octets. */
static inline uint64_t pvm_cursor_le(pvm_cursor_t *cursor, unsigned octets, const char *field)
{
    const uint8_t *const at = pvm_cursor_bytes(cursor, octets, field);
    uint64_t value = 0;

    for (unsigned i = 0; at != NULL && i < octets; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static inline uint8_t pvm_cursor_u8(pvm_cursor_t *cursor, const char *field)
{
    return (uint8_t)pvm_cursor_le(cursor, 1, field);
}

static inline uint16_t pvm_cursor_u16(pvm_cursor_t *cursor, const char *field)
{
    return (uint16_t)pvm_cursor_le(cursor, 2, field);
}

static inline uint32_t pvm_cursor_u24(pvm_cursor_t *cursor, const char *field)
{
    return (uint32_t)pvm_cursor_le(cursor, 3, field);
}

static inline uint32_t pvm_cursor_u32(pvm_cursor_t *cursor, const char *field)
{
    return (uint32_t)pvm_cursor_le(cursor, 4, field);
}

static inline uint64_t pvm_cursor_u64(pvm_cursor_t *cursor, const char *field)
{
    return pvm_cursor_le(cursor, 8, field);
}

/** A natural number: the leading one bits of its first octet count the octets that follow. */
static inline uint64_t pvm_cursor_natural(pvm_cursor_t *cursor, pvm_cursor_width_t width,
                                          const char *field)
{
    const size_t where = pvm_cursor_offset(cursor);
    const uint8_t first = pvm_cursor_u8(cursor, field);
    unsigned extra = 0;

    while (extra < 8 && ((first << extra) & 0x80) != 0) {
        extra++;
    }
    if (!pvm_cursor_failed(cursor) && extra > pvm_cursor_left(cursor)) {
        pvm_cursor_fail_at(cursor, field, "is cut off", where);
    }
    const uint8_t *const at = pvm_cursor_bytes(cursor, extra, field);
    if (at == NULL) {
        return 0;
    }
    uint64_t value = extra < 8 ? (uint64_t)(first & (0x7fU >> extra)) << (8 * extra) : 0;
    for (unsigned i = 0; i < extra; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    /* With e octets behind the first there is room for 7(e + 1) bits, so a value below 2^(7e) was
     * not shortest. */
    if (extra > 0 && value < UINT64_C(1) << (7 * extra)) {
        pvm_cursor_fail_at(cursor, field, "is a number that is not in its shortest form", where);
        return 0;
    }
    if (width == PVM_CURSOR_32_BIT && value > UINT32_MAX) {
        pvm_cursor_fail_at(cursor, field, "is a number of more than 32 bits", where);
        return 0;
    }
    return value;
}

/** Fail unless everything has been read; `field` names what surplus octets would follow. */
static inline void pvm_cursor_finish(pvm_cursor_t *cursor, const char *field)
{
    if (!pvm_cursor_failed(cursor) && pvm_cursor_left(cursor) != 0) {
        pvm_cursor_fail(cursor, field, "is followed by octets that belong to nothing");
    }
}

#endif
