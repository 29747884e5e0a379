/* Packets of metadata: see metadata.h. CTF 1.8, section 7.1: each begins with its magic number, and tells its lengths. */
#include "profiler/import/metadata.h"

#include "support/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC UINT32_C(0x75d11d57)

typedef struct {
    uint32_t magic;
    uint8_t uuid[16];
    uint32_t checksum;
    uint32_t content_bits;
    uint32_t packet_bits;
    uint8_t formats_and_version[5];
} __attribute__((packed)) header_t;

/* In the byte order of the machine that wrote it. */
static uint32_t read_u32(uint32_t value, bool is_swapped)
{
    return is_swapped ? __builtin_bswap32(value) : value;
}

/* @return false: a packet is not whole */
static bool are_packets_whole(FILE *file, uint64_t size)
{
    uint64_t at = 0;
    header_t header;

    while (at < size) {
        if (fseeko(file, (off_t)at, SEEK_SET) != 0 ||
            fread(&header, sizeof(header), 1, file) != 1) {
            return false;
        }
        const bool is_swapped = header.magic == __builtin_bswap32(MAGIC);
        const uint64_t content = read_u32(header.content_bits, is_swapped) / 8;
        const uint64_t packet = read_u32(header.packet_bits, is_swapped) / 8;
        if (at == 0 && header.magic != MAGIC && !is_swapped) {
            /* Plain text, or no metadata at all: the reader finds out. */
            return true;
        }
        if ((header.magic != MAGIC && !is_swapped) || content < sizeof(header) ||
            packet < content || content > size - at) {
            return false;
        }
        at += packet;
    }
    return true;
}

pvm_prof_status_t pvm_import_check_metadata(const char *folder)
{
    char path[4096];
    struct stat about;

    (void)snprintf(path, sizeof(path), "%smetadata", folder);
    FILE *const file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &about) != 0) {
        pvm_error_set("%.300s: cannot be read (%s)", path, strerror(errno));
        if (file != NULL) {
            (void)fclose(file);
        }
        return PVM_PROF_E_FORMAT;
    }
    const bool is_whole = about.st_size > 0 && are_packets_whole(file, (uint64_t)about.st_size);
    (void)fclose(file);
    if (!is_whole) {
        pvm_error_set("%.300s: is cut off or damaged, and without it the trace says nothing; copy "
                      "the trace again",
                      path);
        return PVM_PROF_E_FORMAT;
    }
    return PVM_PROF_OK;
}
