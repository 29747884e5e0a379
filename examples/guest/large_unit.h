/*
 * One unit of the guest `large`, instantiated for UNIT = 0, 1, 2 ... by including this file again and
 * again: a small workshop of sorting, searching, hashing, coding, parsing and modular arithmetic whose
 * element type, order and constants follow from UNIT. Defines unit_run_<UNIT>(seed) and undefines
 * UNIT. It has no include guard, on purpose.
 */
#define UNIT_FUNCTION(name) GUEST_JOIN(GUEST_JOIN(name, _), UNIT)

#if UNIT % 3 == 0
#define UNIT_TYPE uint32_t
#elif UNIT % 3 == 1
#define UNIT_TYPE uint64_t
#else
#define UNIT_TYPE uint16_t
#endif

#if UNIT % 2 == 0
#define UNIT_BEFORE(a, b) ((a) < (b))
#else
#define UNIT_BEFORE(a, b) ((a) > (b))
#endif

#define UNIT_COUNT      (24 + UNIT % 5)
#define UNIT_MULTIPLIER (UINT64_C(0x9e3779b97f4a7c15) + 2 * UNIT)
#define UNIT_PRIME      (UINT64_C(1000003) + UINT64_C(1000) * UNIT)
#define UNIT_POLYNOMIAL (0xedb88320u ^ (UNIT * 0x01010100u))
#define UNIT_SLOTS      64
#define UNIT_TEXT_BYTES 96
#define UNIT_SIZE       5

/* Heap sort. */

static void UNIT_FUNCTION(sift_down)(UNIT_TYPE *values, size_t root, size_t count)
{
    const UNIT_TYPE held = values[root];
    size_t child = 2 * root + 1;

    while (child < count) {
        if (child + 1 < count && UNIT_BEFORE(values[child], values[child + 1])) {
            child++;
        }
        if (!UNIT_BEFORE(held, values[child])) {
            break;
        }
        values[root] = values[child];
        root = child;
        child = 2 * root + 1;
    }
    values[root] = held;
}

GUEST_NOINLINE static void UNIT_FUNCTION(heap_sort)(UNIT_TYPE *values, size_t count)
{
    for (size_t root = count / 2; root > 0; root--) {
        UNIT_FUNCTION(sift_down)(values, root - 1, count);
    }
    for (size_t last = count - 1; last > 0; last--) {
        const UNIT_TYPE held = values[last];

        values[last] = values[0];
        values[0] = held;
        UNIT_FUNCTION(sift_down)(values, 0, last);
    }
}

/* A hash map with open addressing; key 0 marks a free slot. */

GUEST_NOINLINE static uint64_t UNIT_FUNCTION(count_keys)(const UNIT_TYPE *values, size_t count)
{
    uint64_t keys[UNIT_SLOTS] = {0};
    uint64_t totals[UNIT_SLOTS] = {0};
    uint64_t fold = UNIT;

    for (size_t i = 0; i < count; i++) {
        const uint64_t key = (values[i] & 31) + 1;
        size_t slot = (size_t)((key * UNIT_MULTIPLIER) >> 58);

        while (keys[slot] != 0 && keys[slot] != key) {
            slot = (slot + 1) % UNIT_SLOTS;
        }
        keys[slot] = key;
        totals[slot] += values[i] ^ i;
    }
    for (size_t slot = 0; slot < UNIT_SLOTS; slot++) {
        fold = (fold << 3 | fold >> 61) ^ (keys[slot] * totals[slot]);
    }
    return fold;
}

/* A binary search tree in arrays; index 0 is the empty tree. */

typedef struct {
    UNIT_TYPE values[UNIT_COUNT + 1];
    uint8_t left[UNIT_COUNT + 1];
    uint8_t right[UNIT_COUNT + 1];
    uint8_t count;
} UNIT_FUNCTION(tree_t);

static void UNIT_FUNCTION(tree_insert)(UNIT_FUNCTION(tree_t) * tree, UNIT_TYPE value)
{
    const uint8_t node = ++tree->count;
    uint8_t at = 1;

    tree->values[node] = value;
    tree->left[node] = 0;
    tree->right[node] = 0;
    while (at != node) {
        uint8_t *next = UNIT_BEFORE(value, tree->values[at]) ? &tree->left[at] : &tree->right[at];

        if (*next == 0) {
            *next = node;
        }
        at = *next;
    }
}

GUEST_NOINLINE static uint64_t UNIT_FUNCTION(tree_fold)(const UNIT_FUNCTION(tree_t) * tree,
                                                        uint8_t node, uint64_t fold)
{
    if (node == 0) {
        return fold;
    }
    fold = UNIT_FUNCTION(tree_fold)(tree, tree->left[node], fold);
    fold = (fold ^ tree->values[node]) * UNIT_MULTIPLIER;
    return UNIT_FUNCTION(tree_fold)(tree, tree->right[node], fold + 1);
}

/* Checksums and variable-length numbers. */

static uint32_t UNIT_FUNCTION(crc)(const uint8_t *bytes, size_t length)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? UNIT_POLYNOMIAL : 0);
        }
    }
    return ~crc;
}

/** Writes each value as 7 bits an octet, first the difference to its neighbour; returns octets. */
static size_t UNIT_FUNCTION(encode)(uint8_t *out, const UNIT_TYPE *values, size_t count)
{
    uint64_t previous = UNIT;
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        const int64_t difference = (int64_t)(values[i] - previous);
        uint64_t rest = ((uint64_t)difference << 1) ^ (uint64_t)(difference >> 63);

        previous = values[i];
        do {
            out[length++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80u : 0));
            rest >>= 7;
        } while (rest != 0);
    }
    return length;
}

/** The inverse of encode; returns how many values differ from what went in. */
static size_t UNIT_FUNCTION(decode_differences)(const uint8_t *in, const UNIT_TYPE *values,
                                                size_t count)
{
    uint64_t previous = UNIT;
    size_t differences = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t rest = 0;

        for (unsigned shift = 0;; shift += 7) {
            const uint8_t octet = *in++;

            rest |= (uint64_t)(octet & 0x7f) << shift;
            if (octet < 0x80) {
                break;
            }
        }
        previous += (rest >> 1) ^ (0 - (rest & 1));
        differences += (UNIT_TYPE)previous != values[i];
    }
    return differences;
}

GUEST_NOINLINE static uint64_t UNIT_FUNCTION(code)(const UNIT_TYPE *values, size_t count)
{
    uint8_t bytes[10 * UNIT_COUNT];
    const size_t length = UNIT_FUNCTION(encode)(bytes, values, count);
    const uint64_t differences = UNIT_FUNCTION(decode_differences)(bytes, values, count);

    return (differences << 32) ^ UNIT_FUNCTION(crc)(bytes, length) ^ length;
}

/* Arithmetic expressions: a generator of text, and an evaluator by recursive descent. */

typedef struct {
    char text[UNIT_TEXT_BYTES];
    size_t length;
    size_t at;
} UNIT_FUNCTION(expression_t);

static void UNIT_FUNCTION(generate)(UNIT_FUNCTION(expression_t) * out, uint64_t *state)
{
    static const char operators[] = "+-*/%&|^";
    unsigned open = 0;

    out->length = 0;
    out->at = 0;
    while (out->length + open + 8 < UNIT_TEXT_BYTES) {
        const uint64_t choice = guest_random(state);

        if (choice % 5 == 0) {
            out->text[out->length++] = '(';
            open++;
            continue;
        }
        out->text[out->length++] = (char)('1' + choice / 8 % 9);
        if (choice % 7 < 3) {
            out->text[out->length++] = (char)('0' + choice / 64 % 10);
        }
        if (open > 0 && choice % 3 == 0) {
            out->text[out->length++] = ')';
            open--;
        }
        out->text[out->length++] = operators[(choice >> 20) % (4 + UNIT % 5)];
    }
    out->text[out->length++] = '7';
    for (; open > 0; open--) {
        out->text[out->length++] = ')';
    }
    out->text[out->length] = '\0';
}

static uint64_t UNIT_FUNCTION(combine)(char operation, uint64_t left, uint64_t right)
{
    switch (operation) {
    case '+':
        return left + right;
    case '-':
        return left - right;
    case '*':
        return left * right;
    case '/':
        return right == 0 ? UNIT : left / right;
    case '%':
        return right == 0 ? left : left % right;
    case '&':
        return left & (right | UNIT);
    case '|':
        return left | right;
    default:
        return left ^ (right * (UNIT + 1));
    }
}

static unsigned UNIT_FUNCTION(precedence)(char operation)
{
    switch (operation) {
    case '*':
    case '/':
    case '%':
        return 3;
    case '+':
    case '-':
        return 2;
    case '&':
    case '|':
    case '^':
        return 1;
    default:
        return 0;
    }
}

GUEST_NOINLINE static uint64_t UNIT_FUNCTION(evaluate)(UNIT_FUNCTION(expression_t) * in,
                                                       unsigned lowest)
{
    uint64_t value = 0;

    if (in->text[in->at] == '(') {
        in->at++;
        value = UNIT_FUNCTION(evaluate)(in, 1);
        in->at++;
    }
    for (; in->text[in->at] >= '0' && in->text[in->at] <= '9'; in->at++) {
        value = value * 10 + (uint64_t)(in->text[in->at] - '0');
    }
    for (;;) {
        const char operation = in->text[in->at];
        const unsigned precedence = UNIT_FUNCTION(precedence)(operation);
        uint64_t right;

        if (precedence == 0 || precedence < lowest) {
            return value;
        }
        in->at++;
        right = UNIT_FUNCTION(evaluate)(in, precedence + 1);
        value = UNIT_FUNCTION(combine)(operation, value, right);
    }
}

/* A determinant modulo a number; row operations by Euclid, so that the modulus need not be prime. */

static void UNIT_FUNCTION(subtract_multiple)(uint64_t *row, const uint64_t *other, uint64_t factor)
{
    for (size_t i = 0; i < UNIT_SIZE; i++) {
        row[i] = (row[i] + UNIT_PRIME - factor * other[i] % UNIT_PRIME) % UNIT_PRIME;
    }
}

GUEST_NOINLINE static uint64_t UNIT_FUNCTION(determinant)(uint64_t m[UNIT_SIZE][UNIT_SIZE])
{
    uint64_t result = 1;

    for (size_t column = 0; column < UNIT_SIZE; column++) {
        for (size_t row = column + 1; row < UNIT_SIZE; row++) {
            while (m[row][column] != 0) {
                const uint64_t factor = m[column][column] / m[row][column];

                UNIT_FUNCTION(subtract_multiple)(m[column], m[row], factor);
                for (size_t i = 0; i < UNIT_SIZE; i++) {
                    const uint64_t held = m[column][i];

                    m[column][i] = m[row][i];
                    m[row][i] = held;
                }
                result = (UNIT_PRIME - result) % UNIT_PRIME;
            }
        }
        result = result * m[column][column] % UNIT_PRIME;
    }
    return result;
}

/* The whole unit. */

GUEST_NOINLINE static uint64_t UNIT_FUNCTION(unit_run)(uint64_t seed)
{
    UNIT_TYPE values[UNIT_COUNT];
    uint64_t matrix[UNIT_SIZE][UNIT_SIZE];
    UNIT_FUNCTION(tree_t) tree = {.count = 0};
    UNIT_FUNCTION(expression_t) expression;
    uint64_t state = seed | 1;
    uint64_t checksum = UNIT;

    for (size_t i = 0; i < UNIT_COUNT; i++) {
        values[i] = (UNIT_TYPE)(guest_random(&state) >> (i % 16));
        UNIT_FUNCTION(tree_insert)(&tree, values[i]);
    }
    for (size_t i = 0; i < UNIT_SIZE * UNIT_SIZE; i++) {
        matrix[i / UNIT_SIZE][i % UNIT_SIZE] = guest_random(&state) % UNIT_PRIME;
    }
    UNIT_FUNCTION(generate)(&expression, &state);
    checksum = guest_mix(checksum, UNIT_FUNCTION(tree_fold)(&tree, 1, seed));
    checksum = guest_mix(checksum, UNIT_FUNCTION(count_keys)(values, UNIT_COUNT));
    UNIT_FUNCTION(heap_sort)(values, UNIT_COUNT);
    checksum = guest_mix(checksum, values[0] ^ ((uint64_t)values[UNIT_COUNT - 1] << 1));
    checksum = guest_mix(checksum, UNIT_FUNCTION(code)(values, UNIT_COUNT));
    checksum = guest_mix(checksum, UNIT_FUNCTION(evaluate)(&expression, 1));
    return guest_mix(checksum, UNIT_FUNCTION(determinant)(matrix));
}

#undef UNIT_FUNCTION
#undef UNIT_TYPE
#undef UNIT_BEFORE
#undef UNIT_COUNT
#undef UNIT_MULTIPLIER
#undef UNIT_PRIME
#undef UNIT_POLYNOMIAL
#undef UNIT_SLOTS
#undef UNIT_TEXT_BYTES
#undef UNIT_SIZE
#undef UNIT
