/* Payloads to records, by the event table. */
#include "profiler/import/record.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

typedef enum { TYPE_u8, TYPE_u16, TYPE_u32, TYPE_u64, TYPE_i32, TYPE_i64 } type_t;
typedef enum { FORM_END, FORM_INT, FORM_TEXT, FORM_ARRAY, FORM_SEQUENCE } form_t;

typedef struct {
    form_t form;
    type_t type;
    const char *name;
    size_t offset;
    size_t count; /**< ARRAY: elements; SEQUENCE: offset of the length */
} field_t;

static const size_t type_bytes[] = {
    [TYPE_u8] = 1, [TYPE_u16] = 2, [TYPE_u32] = 4, [TYPE_u64] = 8, [TYPE_i32] = 4, [TYPE_i64] = 8,
};

/* One list of fields for each event. The macros of the fields do not know whose they are: EVENT does. */
#define PVM_EVENT(event, provider, outlets, cost, when, fields)                                    \
    static const field_t *fields_of_##event(void)                                                  \
    {                                                                                              \
        typedef pvm_event_##event##_t event_t;                                                     \
        static const field_t list[] = {fields{.form = FORM_END}};                                  \
        static_assert(sizeof(event_t) <= sizeof(((pvm_import_record_t *)NULL)->record),            \
                      "records fit");                                                              \
        return list;                                                                               \
    }
#define PVM_EVENT_INT(type_, name_, unit, text)                                                    \
    {.form = FORM_INT, .type = TYPE_##type_, .name = #name_, .offset = offsetof(event_t, name_)},
#define PVM_EVENT_TEXT(name_, text)                                                                \
    {.form = FORM_TEXT, .name = #name_, .offset = offsetof(event_t, name_)},
#define PVM_EVENT_ARRAY(type_, name_, length, unit, text)                                          \
    {.form = FORM_ARRAY,                                                                           \
     .type = TYPE_##type_,                                                                         \
     .name = #name_,                                                                               \
     .offset = offsetof(event_t, name_),                                                           \
     .count = (length)},
#define PVM_EVENT_SEQUENCE(type_, name_, unit, text)                                               \
    {.form = FORM_SEQUENCE,                                                                        \
     .type = TYPE_##type_,                                                                         \
     .name = #name_,                                                                               \
     .offset = offsetof(event_t, name_),                                                           \
     .count = offsetof(event_t, name_##_len)},
#include "trace/events.def"

static const field_t *fields_of(pvm_event_kind_t kind)
{
    switch (kind) {
#define PVM_EVENT(name, ...)                                                                       \
    case PVM_EVENT_##name:                                                                         \
        return fields_of_##name();
#include "trace/events.def"
    case PVM_EVENT_COUNT:
        break;
    }
    return NULL;
}

pvm_event_kind_t pvm_import_kind(const char *name)
{
    static const char *const names[] = {
#define PVM_EVENT(name, provider, ...) #provider ":" #name,
#include "trace/events.def"
    };
    int kind = 0;

    while (kind < PVM_EVENT_COUNT && strcmp(names[kind], name) != 0) {
        kind++;
    }
    return (pvm_event_kind_t)kind;
}

/* The integer of a field, signed ones in two's complement. */
static bool read_integer(const bt_field *field, uint64_t *out)
{
    const bt_field_class_type type = bt_field_get_class_type(field);

    if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER)) {
        *out = bt_field_integer_unsigned_get_value(field);
        return true;
    }
    if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER)) {
        *out = (uint64_t)bt_field_integer_signed_get_value(field);
        return true;
    }
    return false;
}

static void store_integer(void *place, type_t type, uint64_t value)
{
    switch (type) {
    case TYPE_u8:
        *(uint8_t *)place = (uint8_t)value;
        break;
    case TYPE_u16:
        *(uint16_t *)place = (uint16_t)value;
        break;
    case TYPE_u32:
    case TYPE_i32:
        *(uint32_t *)place = (uint32_t)value;
        break;
    case TYPE_u64:
    case TYPE_i64:
        *(uint64_t *)place = value;
        break;
    }
}

static const bt_field *element(const bt_field *array, uint64_t at)
{
    return bt_field_array_borrow_element_field_by_index_const(array, at);
}

/* @return elements, or -1: no array of integers, or longer than max */
static int64_t read_array(const bt_field *field, type_t type, uint8_t *place, uint64_t max)
{
    const size_t bytes = type_bytes[type];
    uint64_t first;

    if (!bt_field_class_type_is(bt_field_get_class_type(field), BT_FIELD_CLASS_TYPE_ARRAY)) {
        return -1;
    }
    const uint64_t count = bt_field_array_get_length(field);
    if (count > max || (count > 0 && !read_integer(element(field, 0), &first))) {
        return -1;
    }
    /* All are of one class: most of the time of an import goes by here. */
    if (count > 0 && bt_field_class_type_is(bt_field_get_class_type(element(field, 0)),
                                            BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER)) {
        for (uint64_t i = 0; i < count; i++) {
            store_integer(place + i * bytes, type,
                          bt_field_integer_unsigned_get_value(element(field, i)));
        }
    } else {
        for (uint64_t i = 0; i < count; i++) {
            store_integer(place + i * bytes, type,
                          (uint64_t)bt_field_integer_signed_get_value(element(field, i)));
        }
    }
    return (int64_t)count;
}

static bool read_field(const field_t *field, const bt_field *member, pvm_import_record_t *out,
                       size_t *sequence)
{
    uint8_t *const place = out->record + field->offset;
    uint64_t value;
    int64_t count;

    switch (field->form) {
    case FORM_INT:
        if (!read_integer(member, &value)) {
            return false;
        }
        store_integer(place, field->type, value);
        return true;
    case FORM_TEXT:
        if (!bt_field_class_type_is(bt_field_get_class_type(member), BT_FIELD_CLASS_TYPE_STRING)) {
            return false;
        }
        *(const char **)(void *)place = bt_field_string_get_value(member);
        return true;
    case FORM_ARRAY:
        return read_array(member, field->type, place, field->count) >= 0;
    case FORM_SEQUENCE:
        count = read_array(member, field->type, (uint8_t *)out->sequences[*sequence],
                           PVM_EVENT_SEQUENCE_MAX);
        if (count < 0) {
            return false;
        }
        *(const void **)(void *)place = out->sequences[(*sequence)++];
        *(uint32_t *)(void *)(out->record + field->count) = (uint32_t)count;
        return true;
    case FORM_END:
        break;
    }
    return false;
}

/* The member of this name. @param place  where it stands in traces of this version: looking there first saves the search */
static const bt_field *find_member(const bt_field *payload, const char *name, uint64_t place)
{
    const bt_field_class *const class = bt_field_borrow_class_const(payload);

    if (place < bt_field_class_structure_get_member_count(class) &&
        strcmp(bt_field_class_structure_member_get_name(
                   bt_field_class_structure_borrow_member_by_index_const(class, place)),
               name) == 0) {
        return bt_field_structure_borrow_member_field_by_index_const(payload, place);
    }
    return bt_field_structure_borrow_member_field_by_name_const(payload, name);
}

bool pvm_import_record(pvm_event_kind_t kind, const bt_field *payload, pvm_import_record_t *out,
                       const char **out_field)
{
    size_t sequence = 0;
    uint64_t place = 0;

    memset(out->record, 0, sizeof(out->record));
    for (const field_t *field = fields_of(kind); field->form != FORM_END; field++, place++) {
        /* The length of a sequence is a member before it. */
        place += field->form == FORM_SEQUENCE;
        const bt_field *const member =
            payload == NULL ? NULL : find_member(payload, field->name, place);

        if (member != NULL && !read_field(field, member, out, &sequence)) {
            *out_field = field->name;
            return false;
        }
        if (member == NULL && field->form == FORM_TEXT) {
            *(const char **)(void *)(out->record + field->offset) = "";
        }
    }
    return true;
}

/* -- In one piece -------------------------------------------------------------------------- */

static size_t record_bytes(pvm_event_kind_t kind)
{
    static const size_t bytes[] = {
#define PVM_EVENT(name, ...) sizeof(pvm_event_##name##_t),
#include "trace/events.def"
    };

    return bytes[kind];
}

static size_t round_up(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* What a field points to, and how much of it; NULL: it points to nothing. */
static const void *pointed_by(const field_t *field, const uint8_t *record, size_t *out_bytes)
{
    const void *const *const pointer = (const void *)(record + field->offset);

    if (field->form == FORM_TEXT) {
        *out_bytes = strlen(*pointer) + 1;
        return *pointer;
    }
    if (field->form == FORM_SEQUENCE) {
        *out_bytes =
            *(const uint32_t *)(const void *)(record + field->count) * type_bytes[field->type];
        return *pointer;
    }
    return NULL;
}

size_t pvm_import_packed_bytes(pvm_event_kind_t kind, const void *record)
{
    size_t total = round_up(record_bytes(kind));

    for (const field_t *field = fields_of(kind); field->form != FORM_END; field++) {
        size_t bytes = 0;

        if (pointed_by(field, record, &bytes) != NULL) {
            total += round_up(bytes);
        }
    }
    return total;
}

void pvm_import_pack(pvm_event_kind_t kind, const void *record, void *out)
{
    uint8_t *const packed = out;
    size_t at = round_up(record_bytes(kind));

    memcpy(packed, record, record_bytes(kind));
    for (const field_t *field = fields_of(kind); field->form != FORM_END; field++) {
        size_t bytes = 0;
        const void *const from = pointed_by(field, record, &bytes);

        if (from != NULL) {
            memcpy(packed + at, from, bytes);
            *(uintptr_t *)(void *)(packed + field->offset) = at;
            at += round_up(bytes);
        }
    }
}

void pvm_import_unpack(pvm_event_kind_t kind, void *packed)
{
    for (const field_t *field = fields_of(kind); field->form != FORM_END; field++) {
        uintptr_t *const place = (void *)((uint8_t *)packed + field->offset);

        if ((field->form == FORM_TEXT || field->form == FORM_SEQUENCE) && *place != 0) {
            *place += (uintptr_t)packed;
        }
    }
}
