/* What is known of each libpvm that is watched: its programs and their emitted code, read from the process when a record names
 * something new. Programs that are gone stay known, because records of them may still come. */
#ifndef PVM_PROFILER_ATTACH_IMAGES_H
#define PVM_PROFILER_ATTACH_IMAGES_H

#include "profiler/attach/attach.h"

typedef struct {
    uint32_t id; /**< as in the headers of records */
    pid_t pid;
    pid_t own_pid; /**< as its events have it */
    int index;     /**< among the copies of its process */
    pvm_remote_copy_t copy;
    uint64_t attached_ns; /**< before that, host calls may be missing that nobody lost */
    pvm_published_t published;
    unsigned gone;       /**< looks in a row at which its process was gone */
    bool is_begun;       /**< a record of it has come */
    bool is_replaced;    /**< its process runs another program, of which records have come */
    bool is_seen;        /**< its programs were looked for */
    uint64_t generation; /**< as of which programs are known; 0: never read */
    uint64_t last_serial;
    uint64_t sought_ns; /**< when a program was looked for that no record has told */
    pvm_remote_program_t *programs;
    size_t program_count;
    pvm_remote_vm_t *vms; /**< as they were last read */
    size_t vm_count;
} pvm_image_t;

typedef struct {
    pvm_image_t *list; /**< by id: that of id n is at n - 1; pid 0: not known yet */
    size_t count;
} pvm_images_t;

/** Where a piece of host code belongs. */
typedef enum {
    PVM_IMAGE_UNKNOWN, /**< in no code that is known */
    PVM_IMAGE_GUEST,   /**< in the translation of guest code */
    PVM_IMAGE_ENGINE   /**< in emitted code around it: entries, exits, stubs */
} pvm_image_place_t;

/** Take up what has been attached to. @return 0, or -1 without memory */
int pvm_images_update(pvm_images_t *images, const pvm_attach_t *attach);
/** The copy that a record is of: a file that is mapped twice has one id. NULL: not known. */
pvm_image_t *pvm_images_find(pvm_images_t *images, uint32_t id, uint64_t ip);
/** The copy of this index in a process. */
pvm_image_t *pvm_images_find_index(pvm_images_t *images, pid_t pid, int index);
/** Read what is new in the process, if anything is. @return first of the new programs, `program_count` if there are none */
size_t pvm_image_refresh(pvm_image_t *image);
/** A program by its serial, read from the process if it is new. NULL: it was gone already. */
pvm_remote_program_t *pvm_image_program(pvm_image_t *image, uint64_t serial);
/** Guest instruction of a host address. Emitted code is read again if it is in none that is known. */
pvm_image_place_t pvm_image_place(pvm_image_t *image, pvm_remote_program_t *program,
                                  uint64_t address, uint32_t *out_pc);
/** Its process is gone, and so are its records: free what was read of it. */
void pvm_image_forget(pvm_image_t *image);
void pvm_images_free(pvm_images_t *images);

#endif
