#!/usr/bin/env python3
"""Independent models of the compute guests, for checking their checksums.

Prints "NAME N CHECKSUM" for each guest (all but `large`) and each N given. Where Python has the thing
itself (hashes, sorting, string formatting, closed forms of the Ackermann function) that is what is used.
"""
import hashlib
import math
import sys

MASK = (1 << 64) - 1


def mix(checksum, value):
    checksum = ((checksum ^ (value & MASK)) * 0x9E3779B97F4A7C15) & MASK
    return checksum ^ (checksum >> 29)


def xorshift(state):
    while True:
        state ^= (state << 13) & MASK
        state ^= state >> 7
        state ^= (state << 17) & MASK
        yield state


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (value >> (bits - 1) << bits)


def chained_hash(rounds, factor, digest_of):
    message = bytearray((i * factor + (i >> 8)) & 255 for i in range(8192))
    checksum = 0
    for _ in range(rounds):
        message[:32] = digest_of(message)
        for octet in message[:32]:
            checksum = mix(checksum, octet)
    return checksum


def sha256(rounds):
    return chained_hash(rounds, 7, lambda message: hashlib.sha256(message).digest())


def blake2b(rounds):
    return chained_hash(rounds, 5, lambda message: hashlib.blake2b(message, digest_size=32).digest())


def quicksort(rounds):
    numbers = xorshift(88172645463325252)
    checksum = 0
    for _ in range(rounds):
        for value in sorted(next(numbers) for _ in range(4096)):
            checksum = mix(checksum, value)
    return checksum


def sieve(rounds):
    limit = 131072
    primes = [2] + [p for p in range(3, limit, 2) if all(p % q for q in range(3, math.isqrt(p) + 1, 2))]
    checksum = 0
    for _ in range(rounds):
        below = [p for p in primes if p < limit - (checksum & 63)]
        for prime in below:
            checksum = mix(checksum, prime)
        checksum = mix(checksum, len(below))
    return checksum


def matmul(rounds):
    size = 48
    numbers = xorshift(0x243F6A8885A308D3)
    left = [[next(numbers) for _ in range(size)] for _ in range(size)]
    columns = list(zip(*[[next(numbers) for _ in range(size)] for _ in range(size)]))
    checksum = 0
    for _ in range(rounds):
        product = [[sum(a * b for a, b in zip(row, column)) & MASK for column in columns] for row in left]
        for row in product:
            for value in row:
                checksum = mix(checksum, value)
        left = [[value >> 7 | 1 for value in row] for row in product]
    return checksum


def interp(rounds):
    counts = [0] * 256
    checksum = 0
    for _ in range(rounds):
        start = 1 + (checksum & 1023)
        result = previous = 0
        for number in range(start, start + 48):
            steps, value = 0, number
            while value != 1:
                value = 3 * value + 1 if value % 2 else value // 2
                steps += 1
            counts[steps & 255] += 1
            result = (result << 7 | result >> 57) & MASK ^ counts[steps & 255]
            result = (result + math.gcd(number, 6 * previous) + steps * steps) & MASK
            previous = number
        checksum = mix(checksum, result)
    return checksum


def takeuchi(x, y, z):
    if y >= x:
        return z
    return takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y))


def chain(above, depth):
    frame = [(above[(i + 1) % 16] * 3 + depth) & MASK for i in range(16)]
    total = depth
    if depth > 0:
        total = (total + chain(frame, depth - 1)) & MASK
    for value in frame:
        total = (total << 1 | total >> 63) & MASK ^ value
    return total


def recursive(rounds):
    sys.setrecursionlimit(5000)
    seed = list(range(16))
    checksum = 0
    for _ in range(rounds):
        checksum = mix(checksum, 2 * (30 + (checksum & 7)) + 3)  # Ackermann(2, k)
        checksum = mix(checksum, 2**6 - 3)  # Ackermann(3, 3)
        checksum = mix(checksum, takeuchi(10, 6, checksum & 3))
        checksum = mix(checksum, 40)  # solutions of the seven queens puzzle
        seed[checksum % 16] ^= checksum
        checksum = mix(checksum, chain(seed, 400))
    return checksum


def format_text(rounds):
    names = ["gas", "fetch", "read", "write", "a rather long name", "", "log", "refine"]
    numbers = xorshift(0x13198A2E03707344)
    checksum = 0xCBF29CE484222325
    for left in range(rounds, 0, -1):
        for line in range(40):
            a = next(numbers)
            b = next(numbers) >> (a & 63)
            text = "%4d|%-10s|%d|%d|%016x|%08X|%-7d|%06d|%c%c|%3d%%\n" % (
                line,
                names[a & 7],
                signed(b, 64),
                a,
                b,
                a & 0xFFFFFFFF,
                math.fmod(signed(a >> 32, 32), 1000),
                (b & 0xFFFF) - 32768,
                97 + a % 26,
                65 + b % 26,
                a % 101,
            )
            for octet in text.encode():
                checksum = (checksum ^ octet) * 0x100000001B3 & MASK
        checksum = mix(checksum, left)
    return checksum


GUESTS = {
    "sha256": sha256,
    "blake2b": blake2b,
    "quicksort": quicksort,
    "sieve": sieve,
    "matmul": matmul,
    "interp": interp,
    "recursive": recursive,
    "format": format_text,
}


def main():
    for word in sys.argv[1:] or ["1"]:
        for name, model in GUESTS.items():
            print(name, word, f"{model(max(int(word), 1)):016x}")


if __name__ == "__main__":
    main()
