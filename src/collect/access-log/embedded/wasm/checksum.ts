/**
 * Reduces bytes to a few with the same CRC-32, in AssemblyScript. Node's crc32 (about 2 GB/s) would take a third of the time
 * of the decompression; this takes 0.4 times as long and leaves only a short rest to it.
 *
 * A CRC is the remainder of the data, read as a polynomial over GF(2), modulo P of degree 32. P divides x^300 + x^155 + x^117 +
 * x^89 + 1. Squaring seven times turns that into the same polynomial in x^128, which P divides too. So a block of 128 bits
 * may be removed after adding it to the blocks 145, 183, 211 and 300 places later. The method is Chorba: S. Russell, "A novel
 * CRC32 implementation" (https://arxiv.org/abs/2412.16398).
 */
import { INFLATE_END } from './inflate';

const BLOCK: usize = 16;
/** Bytes from a block to the last one that it is added to. */
const REACH: usize = 300 * BLOCK;
/** The last removed blocks, REACH bytes, then those of the current round. */
const REMOVED: usize = INFLATE_END;
const AT_ONCE: usize = 16_384;
/** The result. */
export const REST: usize = REMOVED + REACH + AT_ONCE;
export const REST_SIZE: usize = REACH;
/** Where the memory of this file ends. */
export const CHECKSUM_END: usize = 184_320;

/**
 * Writes REST_SIZE bytes to REST: a CRC-32 that starts with 0 there ends like one that starts with `state` over
 * [from, from + size). `size` is a multiple of 16, at least REST_SIZE.
 */
export function shorten(from: usize, size: usize, state: u32): void {
  const restAt = from + size - REACH;
  // A CRC adds its state to the first bytes.
  const start = load<u32>(from);
  store<u32>(from, start ^ state);
  memory.fill(REMOVED, 0, REACH);
  for (let at = from; at < restAt; ) {
    const end = min(at + AT_ONCE, restAt);
    let to = REMOVED + REACH;
    for (; at < end; at += BLOCK, to += BLOCK) v128.store(to, v128.xor(v128.load(at), reaching(to)));
    memory.copy(REMOVED, to - REACH, REACH);
  }
  // The last blocks stay; only removed blocks are added to them.
  memory.fill(REMOVED + REACH, 0, REACH);
  for (let offset: usize = 0; offset < REACH; offset += BLOCK)
    v128.store(REST + offset, v128.xor(v128.load(restAt + offset), reaching(REMOVED + REACH + offset)));
  store<u32>(from, start);
}

/** Returns the sum of the removed blocks that are added to the block at `to`; they lie in front of it. */
function reaching(to: usize): v128 {
  return v128.xor(
    v128.xor(v128.load(to - 145 * BLOCK), v128.load(to - 183 * BLOCK)),
    v128.xor(v128.load(to - 211 * BLOCK), v128.load(to - REACH)),
  );
}
