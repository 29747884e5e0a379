/*
 * Guest: BLAKE2b-256 over 8 KiB whose head is the digest of the round before. The 64-bit sibling of
 * the sha256 guest, with a working set that does not fit the registers of the machine.
 */
#include "guest.h"

#include "blake2b.h"

#define MESSAGE_BYTES 8192

PVM_GUEST_MAIN(blake2b)
{
    static uint8_t message[MESSAGE_BYTES];
    uint64_t checksum = 0;

    for (unsigned i = 0; i < MESSAGE_BYTES; i++) {
        message[i] = (uint8_t)(i * 5 + (i >> 8));
    }
    for (uint64_t round = guest_rounds(n); round > 0; round--) {
        uint8_t digest[32];

        blake2b(digest, sizeof(digest), message, MESSAGE_BYTES);
        for (unsigned i = 0; i < sizeof(digest); i++) {
            message[i] = digest[i];
            checksum = guest_mix(checksum, digest[i]);
        }
    }
    return checksum;
}
