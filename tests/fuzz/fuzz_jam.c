/* JAM programs: AUTO and the explicit format agree, regions stay inside the file, metadata is read
 * by anybody. */
#include "fuzz/fuzz.h"
#include "program/readers.h"

#include <string.h>

static void check_region(const pvm_program_t *program, const pvm_region_t *region)
{
    FUZZ_CHECK(region->address % PVM_PAGE_SIZE == 0);
    FUZZ_CHECK(region->mapped_len % PVM_PAGE_SIZE == 0);
    FUZZ_CHECK(region->data_len <= region->mapped_len);
    FUZZ_CHECK(region->address + region->mapped_len <= UINT64_C(0xfefe0000));
    if (region->data_len > 0) {
        FUZZ_CHECK(region->data >= program->blob);
        FUZZ_CHECK(region->data + region->data_len <= program->blob + program->blob_len);
    }
}

static void check_metadata(const uint8_t *data, size_t size)
{
    pvm_metadata_t metadata;

    pvm_program_decode_metadata(data, size, &metadata);
    FUZZ_CHECK(metadata.text.len == size);
    if (metadata.kind == PVM_METADATA_CONVENTIONAL) {
        const size_t kept = metadata.author_count < PVM_MAX_METADATA_AUTHORS
                                ? metadata.author_count
                                : PVM_MAX_METADATA_AUTHORS;
        size_t total = metadata.name.len + metadata.version.len + metadata.license.len;
        for (size_t i = 0; i < kept; i++) {
            total += metadata.authors[i].len;
        }
        FUZZ_CHECK(total < size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const pvm_file_kind_t kind = pvm_program_detect(data, size);
    pvm_program_t *const program = pvm_program_load(data, size, PVM_FORMAT_JAM, PVM_SPEC_0_7_2);

    check_metadata(data, size);
    FUZZ_CHECK(kind != PVM_FILE_JAM || program != NULL ||
               strstr(pvm_last_error(), "too large") != NULL);
    if (program == NULL) {
        FUZZ_CHECK(pvm_last_error()[0] != '\0');
        return 0;
    }
    for (int i = 0; i < PVM_REGION_COUNT; i++) {
        check_region(program, &program->layout.regions[i]);
    }
    FUZZ_CHECK(program->layout.heap_start <= program->layout.heap_end_max);
    check_metadata(program->metadata, program->metadata_len);
    pvm_program_release(program);
    return 0;
}
