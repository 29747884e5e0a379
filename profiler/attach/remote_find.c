/* Where libpvm is in a process: each mapped file whose ELF notes name it. The headers are read from memory, because the file
 * may be gone or another one by now. */
#include "profiler/attach/remote.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

/** Bounds what is read of a foreign process. */
#define PROGRAM_HEADERS_MAX 64
#define NOTES_BYTES_MAX     65536

pid_t pvm_remote_own_pid(pid_t pid)
{
    char path[64];
    char *line = NULL;
    size_t room = 0;
    long own = (long)pid;

    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    FILE *const status = fopen(path, "re");
    while (status != NULL && getline(&line, &room, status) > 0) {
        /* One for each namespace, the innermost last. */
        if (strncmp(line, "NSpid:", 6) == 0) {
            const char *const last = strrchr(line, '\t');
            own = last != NULL ? atol(last + 1) : own;
        }
    }
    free(line);
    if (status != NULL) {
        (void)fclose(status);
    }
    return (pid_t)own;
}

int pvm_remote_read(pid_t pid, uint64_t address, void *out, size_t len)
{
    const struct iovec here = {.iov_base = out, .iov_len = len};
    const struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = len};

    return len == 0 || process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -1;
}

/* The note of libpvm among notes at `address`. @return the address that it leads to, or 0 */
static uint64_t find_note(pid_t pid, uint64_t address, uint64_t len)
{
    uint8_t notes[4096];
    Elf64_Nhdr note;
    uint64_t at = 0;

    if (len > NOTES_BYTES_MAX) {
        return 0;
    }
    while (at + sizeof(note) <= len) {
        const uint64_t rest = len - at;
        const size_t piece = rest < sizeof(notes) ? (size_t)rest : sizeof(notes);
        if (pvm_remote_read(pid, address + at, notes, piece) != 0) {
            return 0;
        }
        memcpy(&note, notes, sizeof(note));
        const uint64_t name_bytes = ((uint64_t)note.n_namesz + 3) / 4 * 4;
        const uint64_t contents = sizeof(note) + name_bytes;
        if (note.n_type == PVM_PUBLISHED_NOTE_TYPE &&
            note.n_namesz == sizeof(PVM_PUBLISHED_NOTE_NAME) && note.n_descsz == 8 &&
            contents + 8 <= piece &&
            memcmp(notes + sizeof(note), PVM_PUBLISHED_NOTE_NAME, note.n_namesz) == 0) {
            int64_t distance;
            memcpy(&distance, notes + contents, sizeof(distance));
            return address + at + contents + (uint64_t)distance;
        }
        at += contents + ((uint64_t)note.n_descsz + 3) / 4 * 4;
    }
    return 0;
}

/* Whether the object that begins at `start` has libpvm in it. */
static bool look_at_object(pid_t pid, uint64_t start, pvm_remote_copy_t *out)
{
    Elf64_Ehdr header;
    Elf64_Phdr program[PROGRAM_HEADERS_MAX];
    bool has_base = false;

    if (pvm_remote_read(pid, start, &header, sizeof(header)) != 0 ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > PROGRAM_HEADERS_MAX ||
        pvm_remote_read(pid, start + header.e_phoff, program,
                        header.e_phnum * sizeof(Elf64_Phdr)) != 0) {
        return false;
    }
    for (size_t i = 0; i < header.e_phnum && !has_base; i++) {
        if (program[i].p_type == PT_LOAD && program[i].p_offset == 0) {
            out->base = start - program[i].p_vaddr;
            has_base = true;
        }
    }
    for (size_t i = 0; i < header.e_phnum && has_base; i++) {
        if (program[i].p_type == PT_NOTE) {
            out->published = find_note(pid, out->base + program[i].p_vaddr, program[i].p_memsz);
            if (out->published != 0) {
                return true;
            }
        }
    }
    return false;
}

uint64_t pvm_remote_identity(pid_t pid)
{
    char path[64];
    uint8_t octets[1024];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    (void)snprintf(path, sizeof(path), "/proc/%ld/auxv", (long)pid);
    FILE *const file = fopen(path, "re");
    const size_t len = file != NULL ? fread(octets, 1, sizeof(octets), file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ octets[i]) * UINT64_C(0x100000001b3);
    }
    /* Nothing but the mark of the end: exec() has not come so far. */
    return len > 0 && octets[0] != AT_NULL ? hash | 1 : 0;
}

int pvm_remote_find(pid_t pid, pvm_remote_copy_t *out, int max)
{
    char path[64];
    char *line = NULL;
    size_t room = 0;
    int count = 0;

    (void)snprintf(path, sizeof(path), "/proc/%ld/maps", (long)pid);
    FILE *const maps = fopen(path, "re");
    if (maps == NULL) {
        return -1;
    }
    while (count < max && getline(&line, &room, maps) > 0) {
        uint64_t start;
        uint64_t end;
        uint64_t offset;
        uint64_t inode;
        unsigned major;
        unsigned minor;
        char rights[5];
        int name_at = 0;

        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &start,
                   &end, rights, &offset, &major, &minor, &inode, &name_at) < 7 ||
            offset != 0 || inode == 0 || rights[0] != 'r') {
            continue;
        }
        pvm_remote_copy_t copy = {.device = (uint64_t)major << 32 | minor, .inode = inode};
        if (!look_at_object(pid, start, &copy)) {
            continue;
        }
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(copy.name, sizeof(copy.name), "%s", line + name_at);
        (void)snprintf(copy.file, sizeof(copy.file), "/proc/%ld/map_files/%" PRIx64 "-%" PRIx64,
                       (long)pid, start, end);
        out[count++] = copy;
    }
    const bool failed = ferror(maps) != 0;
    free(line);
    (void)fclose(maps);
    return failed ? -1 : count;
}
