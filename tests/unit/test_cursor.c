/* The bounds-checked cursor: numbers, naturals, the first failure sticks. */
#include "support/cursor.h"

#include "support/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static pvm_cursor_t over(const char *digits, uint8_t *room)
{
    pvm_buffer_t buffer = {0};

    blob_hex(&buffer, digits);
    const size_t len = buffer.len;
    if (len > 0) {
        memcpy(room, buffer.data, len);
    }
    pvm_buffer_free(&buffer);
    return pvm_cursor_make(room, len, 0);
}

static void fixed_width_numbers_are_little_endian(void **state)
{
    uint8_t room[32];
    pvm_cursor_t cursor = over("01 0203 040506 0708090a 0b0c0d0e0f101112", room);

    (void)state;
    assert_int_equal(pvm_cursor_u8(&cursor, "f"), 0x01);
    assert_int_equal(pvm_cursor_u16(&cursor, "f"), 0x0302);
    assert_int_equal(pvm_cursor_u24(&cursor, "f"), 0x060504);
    assert_int_equal(pvm_cursor_u32(&cursor, "f"), 0x0a090807);
    assert_true(pvm_cursor_u64(&cursor, "f") == UINT64_C(0x1211100f0e0d0c0b));
    assert_int_equal(pvm_cursor_left(&cursor), 0);
    assert_false(pvm_cursor_failed(&cursor));
}

static void naturals_of_every_length_are_read(void **state)
{
    static const struct {
        const char *octets;
        uint64_t value;
    } cases[] = {
        {"00", 0},
        {"7f", 127},
        {"8080", 128},
        {"8082", 130},
        {"bfff", (1 << 14) - 1},
        {"c00040", 1 << 14},
        {"dfffff", (1 << 21) - 1},
        {"e0000020", 1 << 21},
        {"efffffff", (1 << 28) - 1},
        {"f000000010", 1 << 28},
        {"f0ffffffff", UINT32_MAX},
        {"f100000000", UINT64_C(1) << 32},
        {"f80000000008", UINT64_C(1) << 35},
        {"fc000000000004", UINT64_C(1) << 42},
        {"fe00000000000002", UINT64_C(1) << 49},
        {"ff0000000000000001", UINT64_C(1) << 56},
        {"ffffffffffffffffff", UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t room[16];
        pvm_cursor_t cursor = over(cases[i].octets, room);

        const uint64_t value = pvm_cursor_natural(&cursor, PVM_CURSOR_64_BIT, "f");

        assert_false(pvm_cursor_failed(&cursor));
        assert_true(value == cases[i].value);
        assert_int_equal(pvm_cursor_left(&cursor), 0);
    }
}

static void naturals_come_back_as_an_independent_writer_wrote_them(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int step = -1; step <= 1; step++) {
            const uint64_t value = (UINT64_C(1) << bit) + (uint64_t)step;
            pvm_buffer_t buffer = {0};
            blob_natural(&buffer, value);
            pvm_cursor_t cursor = pvm_cursor_make(buffer.data, buffer.len, 0);

            assert_true(pvm_cursor_natural(&cursor, PVM_CURSOR_64_BIT, "f") == value);

            assert_false(pvm_cursor_failed(&cursor));
            assert_int_equal(pvm_cursor_left(&cursor), 0);
            pvm_buffer_free(&buffer);
        }
    }
}

static void naturals_that_are_not_shortest_are_refused(void **state)
{
    static const char *const cases[] = {
        "8000",
        "807f",
        "c00000",
        "c0ff3f",
        "e00000 1f",
        "f00000 000f",
        "f800000000 07",
        "fc0000000000 03",
        "fe000000000000 01",
        "ff00000000000000 00",
        "ffffffffffffff ff 00",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t room[16];
        pvm_cursor_t cursor = over(cases[i], room);

        assert_true(pvm_cursor_natural(&cursor, PVM_CURSOR_64_BIT, "the count") == 0);

        assert_string_equal(cursor.field, "the count");
        assert_string_equal(cursor.problem, "is a number that is not in its shortest form");
        assert_int_equal(cursor.where, 0);
    }
}

static void naturals_that_are_cut_off_fail_where_they_begin(void **state)
{
    static const char *const cases[] = {"", "80", "c001", "f0010203", "ff01020304050607"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t room[16];
        pvm_cursor_t cursor = over(cases[i], room);
        cursor.base = 100;

        (void)pvm_cursor_natural(&cursor, PVM_CURSOR_64_BIT, "the count");

        assert_string_equal(cursor.problem, "is cut off");
        assert_int_equal(cursor.where, 100);
    }
}

static void a_32_bit_number_may_not_be_wider(void **state)
{
    static const char *const cases[] = {"f100000000", "f7ffffffff", "f80000000008",
                                        "ff0000000000000001"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t room[16];
        pvm_cursor_t cursor = over(cases[i], room);

        (void)pvm_cursor_natural(&cursor, PVM_CURSOR_32_BIT, "the count");

        assert_string_equal(cursor.problem, "is a number of more than 32 bits");
    }
}

static void the_first_failure_sticks(void **state)
{
    uint8_t room[8];
    pvm_cursor_t cursor = over("0102", room);

    (void)state;
    assert_int_equal(pvm_cursor_u8(&cursor, "one"), 1);
    assert_int_equal(pvm_cursor_u32(&cursor, "two"), 0);
    assert_int_equal(pvm_cursor_u8(&cursor, "three"), 0);
    assert_null(pvm_cursor_bytes(&cursor, 0, "four"));
    assert_true(pvm_cursor_natural(&cursor, PVM_CURSOR_64_BIT, "five") == 0);
    pvm_cursor_finish(&cursor, "six");

    assert_string_equal(cursor.field, "two");
    assert_int_equal(cursor.where, 1);
    assert_int_equal(pvm_cursor_offset(&cursor), 1);
}

static void no_octets_can_always_be_read(void **state)
{
    pvm_cursor_t cursor = pvm_cursor_make(NULL, 0, 0);

    (void)state;
    assert_non_null(pvm_cursor_bytes(&cursor, 0, "nothing"));
    assert_false(pvm_cursor_failed(&cursor));
    assert_null(pvm_cursor_bytes(&cursor, 1, "something"));
    assert_null(pvm_cursor_bytes(&cursor, SIZE_MAX, "everything"));
}

static void octets_left_over_are_a_failure_of_finish(void **state)
{
    uint8_t room[8];
    pvm_cursor_t cursor = over("0102", room);

    (void)state;
    cursor.base = 10;
    (void)pvm_cursor_u8(&cursor, "one");
    pvm_cursor_finish(&cursor, "the record");

    assert_string_equal(cursor.problem, "is followed by octets that belong to nothing");
    assert_int_equal(cursor.where, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_width_numbers_are_little_endian),
        cmocka_unit_test(naturals_of_every_length_are_read),
        cmocka_unit_test(naturals_come_back_as_an_independent_writer_wrote_them),
        cmocka_unit_test(naturals_that_are_not_shortest_are_refused),
        cmocka_unit_test(naturals_that_are_cut_off_fail_where_they_begin),
        cmocka_unit_test(a_32_bit_number_may_not_be_wider),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(no_octets_can_always_be_read),
        cmocka_unit_test(octets_left_over_are_a_failure_of_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
