/*
 * Guest: a large program, for measuring what depends on the size of code: loading, validation, block
 * tables, compilation. Each unit is a variant of large_unit.h with another type and other constants,
 * and all units run once per round.
 */
#include "guest.h"

GUEST_STACK_SIZE(32768);

#define UNIT 0
#include "large_unit.h"
#define UNIT 1
#include "large_unit.h"
#define UNIT 2
#include "large_unit.h"
#define UNIT 3
#include "large_unit.h"
#define UNIT 4
#include "large_unit.h"
#define UNIT 5
#include "large_unit.h"
#define UNIT 6
#include "large_unit.h"
#define UNIT 7
#include "large_unit.h"
#define UNIT 8
#include "large_unit.h"
#define UNIT 9
#include "large_unit.h"
#define UNIT 10
#include "large_unit.h"
#define UNIT 11
#include "large_unit.h"
#define UNIT 12
#include "large_unit.h"
#define UNIT 13
#include "large_unit.h"
#define UNIT 14
#include "large_unit.h"
#define UNIT 15
#include "large_unit.h"
#define UNIT 16
#include "large_unit.h"
#define UNIT 17
#include "large_unit.h"
#define UNIT 18
#include "large_unit.h"
#define UNIT 19
#include "large_unit.h"
#define UNIT 20
#include "large_unit.h"
#define UNIT 21
#include "large_unit.h"
#define UNIT 22
#include "large_unit.h"
#define UNIT 23
#include "large_unit.h"
#define UNIT 24
#include "large_unit.h"
#define UNIT 25
#include "large_unit.h"
#define UNIT 26
#include "large_unit.h"
#define UNIT 27
#include "large_unit.h"
#define UNIT 28
#include "large_unit.h"
#define UNIT 29
#include "large_unit.h"
#define UNIT 30
#include "large_unit.h"
#define UNIT 31
#include "large_unit.h"
#define UNIT 32
#include "large_unit.h"
#define UNIT 33
#include "large_unit.h"
#define UNIT 34
#include "large_unit.h"
#define UNIT 35
#include "large_unit.h"
#define UNIT 36
#include "large_unit.h"
#define UNIT 37
#include "large_unit.h"
#define UNIT 38
#include "large_unit.h"
#define UNIT 39
#include "large_unit.h"

PVM_GUEST_MAIN(large)
{
    static uint64_t (*const units[])(uint64_t seed) = {
        unit_run_0,  unit_run_1,  unit_run_2,  unit_run_3,  unit_run_4,  unit_run_5,  unit_run_6,
        unit_run_7,  unit_run_8,  unit_run_9,  unit_run_10, unit_run_11, unit_run_12, unit_run_13,
        unit_run_14, unit_run_15, unit_run_16, unit_run_17, unit_run_18, unit_run_19, unit_run_20,
        unit_run_21, unit_run_22, unit_run_23, unit_run_24, unit_run_25, unit_run_26, unit_run_27,
        unit_run_28, unit_run_29, unit_run_30, unit_run_31, unit_run_32, unit_run_33, unit_run_34,
        unit_run_35, unit_run_36, unit_run_37, unit_run_38, unit_run_39,
    };
    uint64_t checksum = 0x452821e638d01377;

    for (uint64_t round = guest_rounds(n); round > 0; round--) {
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
            checksum = guest_mix(checksum, units[i](checksum));
        }
    }
    return checksum;
}
