/**
 * Shortens bytes without changing their CRC-32, in AssemblyScript. Node's crc32 needs a third of the time of the
 * decompression (2 GB/s); this takes a quarter of that, so that only the short rest is left to Node.
 *
 * A CRC is the remainder of the bits, as a polynomial over GF(2), by P of degree 32. P divides x^300 + x^155 + x^117 +
 * x^89 + 1, and so it divides that polynomial in x^128, because squaring seven times keeps remainders. Hence a block of 128
 * bits may be removed if it is added to those 145, 183, 211 and 300 blocks later. The idea is that of Chorba: S. Russell, "A
 * novel CRC32 implementation" (https://arxiv.org/abs/2412.16398).
 */
import { INFLATE_END } from './inflate';

const BLOCK: usize = 16;
/** How far a removed block reaches, in bytes. */
const REACH: usize = 300 * BLOCK;
/** Removed blocks: the last REACH bytes, and those that are being removed. */
const REMOVED: usize = INFLATE_END;
const AT_ONCE: usize = 16_384;
/** What is left in place of the bytes. */
export const REST: usize = REMOVED + REACH + AT_ONCE;
export const REST_SIZE: usize = REACH;
/** Where the memory of this file ends. */
export const CHECKSUM_END: usize = 184_320;

/**
 * Writes to REST the bytes whose CRC-32, from the state 0 on, is that of [from, from + size) from `state` on. `size`: a
 * multiple of 16, at least REST_SIZE.
 */
export function shorten(from: usize, size: usize, state: u32): void {
  const restAt = from + size - REACH;
  // A state is added to the first bytes.
  const start = load<u32>(from);
  store<u32>(from, start ^ state);
  memory.fill(REMOVED, 0, REACH);
  for (let at = from; at < restAt; ) {
    const end = min(at + AT_ONCE, restAt);
    let to = REMOVED + REACH;
    for (; at < end; at += BLOCK, to += BLOCK) v128.store(to, v128.xor(v128.load(at), reaching(to)));
    memory.copy(REMOVED, to - REACH, REACH);
  }
  // No block of the rest is removed, so each gets only what the removed ones add.
  memory.fill(REMOVED + REACH, 0, REACH);
  for (let offset: usize = 0; offset < REACH; offset += BLOCK)
    v128.store(REST + offset, v128.xor(v128.load(restAt + offset), reaching(REMOVED + REACH + offset)));
  store<u32>(from, start);
}

/** The sum of the removed blocks that reach the block at `to`, if the removed ones are in the places before it. */
function reaching(to: usize): v128 {
  return v128.xor(
    v128.xor(v128.load(to - 145 * BLOCK), v128.load(to - 183 * BLOCK)),
    v128.xor(v128.load(to - 211 * BLOCK), v128.load(to - REACH)),
  );
}
