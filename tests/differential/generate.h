/* Random programs that run for a while: loops with counters, calls and returns, switches through the jump table,
 * memory walked over page edges, host calls; and now and then octets without any sense. */
#ifndef PVM_TESTS_DIFFERENTIAL_GENERATE_H
#define PVM_TESTS_DIFFERENTIAL_GENERATE_H

#include "program.h"
#include "source.h"

/** Room to work in, for any number of programs one after the other. */
typedef struct diff_generator_t diff_generator_t;

/** NULL without memory. Owns: the caller, diff_generator_destroy(). */
diff_generator_t *diff_generator_create(void);
void diff_generator_destroy(diff_generator_t *generator);

/** Make the program that follows from the source. */
void diff_generate(diff_generator_t *generator, diff_source_t *source, diff_program_t *out);

#endif
