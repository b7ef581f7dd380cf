/* SHA-256 (FIPS 180-4), for programs in C: put this file beside yours, and write
 *
 *     char name[SHA256_HEX];
 *     sha256_hex(bytes, length, name);
 *
 * then `name` has 64 hexadecimal digits in small letters, and a NUL.
 */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SHA256_HEX 65

static uint32_t sha256_rotated(uint32_t word, int bits)
{
    return word >> bits | word << (32 - bits);
}

/* Mix one block of 64 bytes into the state (FIPS 180-4, section 6.2.2). */
static void sha256_block(uint32_t state[8], const unsigned char block[64])
{
    static const uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    };
    uint32_t schedule[64], mixed[8];

    for (int i = 0; i < 16; i++)
        schedule[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                      (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t early = schedule[i - 15], late = schedule[i - 2];
        schedule[i] = schedule[i - 16] + schedule[i - 7] +
                      (sha256_rotated(early, 7) ^ sha256_rotated(early, 18) ^ early >> 3) +
                      (sha256_rotated(late, 17) ^ sha256_rotated(late, 19) ^ late >> 10);
    }
    memcpy(mixed, state, sizeof mixed);
    for (int i = 0; i < 64; i++) {
        uint32_t a = mixed[0], b = mixed[1], c = mixed[2], e = mixed[4], f = mixed[5], g = mixed[6];
        uint32_t first = mixed[7] + (sha256_rotated(e, 6) ^ sha256_rotated(e, 11) ^ sha256_rotated(e, 25)) +
                         ((e & f) ^ (~e & g)) + constants[i] + schedule[i];
        uint32_t second = (sha256_rotated(a, 2) ^ sha256_rotated(a, 13) ^ sha256_rotated(a, 22)) +
                          ((a & b) ^ (a & c) ^ (b & c));
        memmove(mixed + 1, mixed, 7 * sizeof *mixed);
        mixed[4] += first;
        mixed[0] = first + second;
    }
    for (int i = 0; i < 8; i++)
        state[i] += mixed[i];
}

/* The SHA-256 of `length` bytes, as text. */
static void sha256_hex(const void *bytes, size_t length, char hex[SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *data = bytes;
    uint32_t state[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    unsigned char last[128] = {0};
    size_t rest = length % 64, padded = rest < 56 ? 64 : 128;

    for (size_t at = 0; at + 64 <= length; at += 64)
        sha256_block(state, data + at);
    if (rest > 0)
        memcpy(last, data + length - rest, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        last[padded - 1 - i] = (unsigned char)((uint64_t)length * 8 >> 8 * i);
    for (size_t at = 0; at < padded; at += 64)
        sha256_block(state, last + at);
    for (int i = 0; i < 64; i++)
        hex[i] = digits[state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = '\0';
}

#endif
