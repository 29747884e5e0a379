/*
 * Guest: a JAM service that keeps named counters and values. Refine (pc 0) reads commands from the
 * payload and the extrinsics of a work item, merges them and answers with a digest and the batch;
 * accumulate (pc 5) checks each batch and applies it to the storage. README.md has the formats and the
 * order of host calls.
 *
 * Every host call may answer with an error code (a host without JAM answers WHAT to all of them): what
 * is missing counts as absent, and the service ends normally. With no arguments at all, which JAM
 * never does, a built-in batch stands in, so that the bare program is worth profiling.
 */
#include "blake2b.h"
#include "jam_host.h"
#include "service_codec.h"

#define DIGEST_BYTES   32
#define BATCH_BYTES    8192
#define INPUT_BYTES    8192
#define COMMANDS_MAX   128
#define EXTRINSICS_MAX 16
#define TEXT_BYTES     96

/* An accumulate input that is a work result starts with four hashes: package, segments, authorizer,
 * payload. */
#define OPERAND_HASHES_BYTES 128
#define TRANSFER_MEMO_BYTES  128

static uint8_t input_bytes[INPUT_BYTES];
static uint8_t batch_bytes[BATCH_BYTES];
static command_t commands[COMMANDS_MAX];

typedef struct {
    uint64_t batches;
    uint64_t applied;
    uint64_t failed_writes;
    uint64_t transferred;
    uint8_t commitment[DIGEST_BYTES];
} totals_t;

GUEST_STACK_SIZE(16384);

guest_slice_t refine(const uint8_t *arguments, uint64_t length);
guest_slice_t accumulate(const uint8_t *arguments, uint64_t length);
GUEST_EXPORT(refine, "refine", 2, 2)
GUEST_EXPORT(accumulate, "accumulate", 2, 2)

static void write_text(writer_t *out, const char *text)
{
    while (*text != '\0') {
        write_byte(out, (uint8_t)*text++);
    }
}

/** Logs `text` followed by a decimal number, for example "gas left 1000". */
GUEST_NOINLINE static void log_number(uint64_t level, const char *text, uint64_t number)
{
    uint8_t line[TEXT_BYTES];
    uint8_t digits[20];
    writer_t out = {line, sizeof(line), 0, 0};
    unsigned first = sizeof(digits);

    write_text(&out, text);
    do {
        digits[--first] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    write_bytes(&out, digits + first, sizeof(digits) - first);
    jam_log(level, "counter", 7, line, out.length);
}

static int same_key(const command_t *a, const command_t *b)
{
    int same = a->key_length == b->key_length;

    for (uint64_t i = 0; same && i < a->key_length; i++) {
        same = a->key[i] == b->key[i];
    }
    return same;
}

/**
 * Adds a command to the batch of `count` and returns the new count. A sum joins the sum that stands
 * for its key, unless a value or a deletion came between; a value or a deletion takes the place of
 * the last command for its key. A full batch drops the command.
 */
GUEST_NOINLINE static unsigned merge_command(unsigned count, const command_t *command)
{
    for (unsigned i = count; i > 0; i--) {
        command_t *earlier = &commands[i - 1];

        if (!same_key(earlier, command)) {
            continue;
        }
        if (command->kind != COMMAND_ADD) {
            *earlier = *command;
            return count;
        }
        if (earlier->kind == COMMAND_ADD) {
            earlier->amount += command->amount;
            return count;
        }
        break;
    }
    if (count == COMMANDS_MAX) {
        return count;
    }
    commands[count] = *command;
    return count + 1;
}

GUEST_NOINLINE static unsigned merge_all(unsigned count, reader_t in)
{
    command_t command;

    while (read_command(&in, &command)) {
        count = merge_command(count, &command);
    }
    if (in.failed) {
        log_number(JAM_LOG_WARNING, "malformed commands, octets ignored: ", in.left);
    }
    return count;
}

/** Merges the extrinsics of the work item; they stay in input_bytes, which the commands borrow. */
static unsigned merge_extrinsics(unsigned count)
{
    uint64_t used = 0;

    for (uint64_t index = 0; index < EXTRINSICS_MAX; index++) {
        const uint64_t room = INPUT_BYTES - used;
        const uint64_t length =
            jam_fetch(input_bytes + used, 0, room, JAM_FETCH_ITEM_EXTRINSIC, index, 0);

        if (jam_failed(length)) {
            break;
        }
        if (length > room) {
            log_number(JAM_LOG_WARNING, "extrinsic too long: ", length);
            break;
        }
        count = merge_all(count, (reader_t){input_bytes + used, length, 0});
        used += length;
    }
    return count;
}

/** A batch is the digest of its commands, then the commands. */
static guest_slice_t write_batch(unsigned count)
{
    writer_t out = {batch_bytes, BATCH_BYTES, DIGEST_BYTES, 0};

    for (unsigned i = 0; i < count && !out.failed; i++) {
        write_command(&out, &commands[i]);
    }
    blake2b(batch_bytes, DIGEST_BYTES, batch_bytes + DIGEST_BYTES, out.length - DIGEST_BYTES);
    return (guest_slice_t){batch_bytes, out.length};
}

static void write_sample_key(command_t *command, const char *prefix, unsigned number)
{
    writer_t out = {command->key, KEY_BYTES_MAX, 0, 0};

    write_text(&out, prefix);
    write_byte(&out, (uint8_t)('a' + number % 26));
    command->key_length = out.length;
}

/** The payload that stands in when there are no arguments: visits of pages, titles, a deletion. */
static reader_t sample_payload(void)
{
    static const uint8_t title[] = "an example page";
    writer_t out = {input_bytes, INPUT_BYTES, 0, 0};

    for (unsigned i = 0; i < 64; i++) {
        command_t command = {.kind = COMMAND_ADD, .amount = 1 + i * i};

        write_sample_key(&command, "visits/", i * 7 % 13);
        write_command(&out, &command);
        if (i % 16 == 5) {
            command.kind = COMMAND_SET;
            command.value = title;
            command.value_length = sizeof(title) - 1;
            write_sample_key(&command, "title/", i);
            write_command(&out, &command);
        }
    }
    return (reader_t){input_bytes, out.length, 0};
}

/** The payload of a work item: core, item, service, then the payload with its length. */
static reader_t refine_payload(const uint8_t *arguments, uint64_t length)
{
    reader_t in = {arguments, length, 0};
    reader_t payload = {NULL, 0, 0};

    (void)read_natural(&in);
    (void)read_natural(&in);
    (void)read_natural(&in);
    payload.left = read_natural(&in);
    payload.at = read_bytes(&in, payload.left);
    if (in.failed) {
        log_number(JAM_LOG_WARNING, "malformed arguments, octets: ", length);
        payload.left = 0;
    }
    return payload;
}

guest_slice_t refine(const uint8_t *arguments, uint64_t length)
{
    guest_slice_t batch;
    unsigned count;

    log_number(JAM_LOG_INFO, "refine with gas ", jam_gas());
    if (length == 0) {
        count = merge_all(0, sample_payload());
    } else {
        count = merge_extrinsics(merge_all(0, refine_payload(arguments, length)));
    }
    batch = write_batch(count);
    log_number(JAM_LOG_DEBUG, "commands after merging: ", count);
    log_number(JAM_LOG_INFO, "refine ends with gas ", jam_gas());
    return batch;
}

static uint64_t read_counter(const uint8_t *key, uint64_t key_length)
{
    uint8_t bytes[8];
    const uint64_t length = jam_read(JAM_SELF, key, key_length, bytes, 0, sizeof(bytes));

    return jam_failed(length) ? 0 : guest_number(bytes, length);
}

/* NONE says that the key was new; every other error code, that nothing was written. */
static void write_value(totals_t *totals, const uint8_t *key, uint64_t key_length,
                        const uint8_t *value, uint64_t length)
{
    const uint64_t answer = jam_write(key, key_length, value, length);

    if (jam_failed(answer) && answer != JAM_NONE) {
        totals->failed_writes++;
    } else {
        totals->applied++;
    }
}

static void add_to_counter(totals_t *totals, const uint8_t *key, uint64_t key_length,
                           uint64_t amount)
{
    const uint64_t value = read_counter(key, key_length) + amount;
    uint8_t bytes[8];

    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    write_value(totals, key, key_length, bytes, sizeof(bytes));
}

GUEST_NOINLINE static void apply_command(totals_t *totals, const command_t *command)
{
    switch (command->kind) {
    case COMMAND_ADD:
        add_to_counter(totals, command->key, command->key_length, command->amount);
        break;
    case COMMAND_SET:
        write_value(totals, command->key, command->key_length, command->value,
                    command->value_length);
        break;
    case COMMAND_DELETE:
        write_value(totals, command->key, command->key_length, NULL, 0);
        break;
    }
}

/** Checks the digest of a batch, applies it, and chains the digest into the commitment. */
GUEST_NOINLINE static void apply_batch(totals_t *totals, const uint8_t *batch, uint64_t length)
{
    uint8_t digests[2 * DIGEST_BYTES];
    reader_t in = {batch, length, 0};
    const uint8_t *claimed = read_bytes(&in, DIGEST_BYTES);
    command_t command;
    int same = claimed != NULL;

    blake2b(digests + DIGEST_BYTES, DIGEST_BYTES, in.at, in.left);
    for (unsigned i = 0; same && i < DIGEST_BYTES; i++) {
        same = claimed[i] == digests[DIGEST_BYTES + i];
    }
    if (!same) {
        log_number(JAM_LOG_WARNING, "batch with a wrong digest, octets: ", length);
        return;
    }
    while (read_command(&in, &command)) {
        apply_command(totals, &command);
    }
    for (unsigned i = 0; i < DIGEST_BYTES; i++) {
        digests[i] = totals->commitment[i];
    }
    blake2b(totals->commitment, DIGEST_BYTES, digests, sizeof(digests));
    totals->batches++;
}

/** A work result: four hashes, gas, then the result, which is a batch unless refine failed. */
static void apply_operand(totals_t *totals, reader_t *in)
{
    const uint8_t *batch;
    uint64_t length;

    (void)read_bytes(in, OPERAND_HASHES_BYTES);
    (void)read_natural(in);
    if (read_byte(in) != 0) {
        log_number(JAM_LOG_WARNING, "refine had failed, batches so far: ", totals->batches);
        return;
    }
    length = read_natural(in);
    batch = read_bytes(in, length);
    if (batch == NULL) {
        log_number(JAM_LOG_WARNING, "operand cut short, octets: ", length);
        return;
    }
    apply_batch(totals, batch, length);
}

/** A transfer: sender, receiver, amount, memo, gas. The amount goes into a counter. */
static void apply_transfer(totals_t *totals, reader_t *in)
{
    static const uint8_t key[] = {'r', 'e', 'c', 'e', 'i', 'v', 'e', 'd'};
    uint64_t amount;

    (void)read_fixed(in, 4);
    (void)read_fixed(in, 4);
    amount = read_fixed(in, 8);
    (void)read_bytes(in, TRANSFER_MEMO_BYTES);
    if (!in->failed) {
        add_to_counter(totals, key, sizeof(key), amount);
        totals->transferred += amount;
    }
}

/** Fetches one accumulate input and applies it; says why when there is nothing to apply. */
static void accumulate_input(totals_t *totals, uint64_t index)
{
    const uint64_t length =
        jam_fetch(input_bytes, 0, INPUT_BYTES, JAM_FETCH_ACCUMULATE_INPUT, index, 0);
    reader_t in = {input_bytes, length, 0};

    if (jam_failed(length)) {
        log_number(JAM_LOG_WARNING, "no accumulate input ", index);
    } else if (length > INPUT_BYTES) {
        log_number(JAM_LOG_WARNING, "accumulate input too long: ", length);
    } else if (read_natural(&in) == 0) {
        apply_operand(totals, &in);
    } else {
        apply_transfer(totals, &in);
    }
}

guest_slice_t accumulate(const uint8_t *arguments, uint64_t length)
{
    static const uint8_t runs_key[] = {'r', 'u', 'n', 's'};
    static totals_t totals;
    reader_t in = {arguments, length, 0};

    totals = (totals_t){0};
    log_number(JAM_LOG_INFO, "accumulate with gas ", jam_gas());
    if (length == 0) {
        const guest_slice_t batch = write_batch(merge_all(0, sample_payload()));

        apply_batch(&totals, batch.data, batch.length);
    } else {
        const uint64_t slot = read_natural(&in);
        uint64_t count;

        (void)read_natural(&in);
        count = read_natural(&in);
        log_number(JAM_LOG_DEBUG, "time slot ", slot);
        for (uint64_t index = 0; !in.failed && index < count; index++) {
            accumulate_input(&totals, index);
        }
    }
    add_to_counter(&totals, runs_key, sizeof(runs_key), 1);
    log_number(JAM_LOG_INFO, "keys written: ", totals.applied);
    if (totals.failed_writes > 0) {
        log_number(JAM_LOG_WARNING, "keys not written: ", totals.failed_writes);
    }
    log_number(JAM_LOG_INFO, "accumulate ends with gas ", jam_gas());
    return (guest_slice_t){totals.commitment, totals.batches > 0 ? DIGEST_BYTES : 0};
}
