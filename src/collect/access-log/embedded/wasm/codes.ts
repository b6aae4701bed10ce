/**
 * Builds the tables that decode DEFLATE's codes (RFC 1951, section 3.2.2), in AssemblyScript, in the way of libdeflate
 * (https://github.com/ebiggers/libdeflate).
 */

// biome-ignore-all lint/correctness/noPrecisionLoss: numbers of 64 bits.

/**
 * Tables of entries of 8 bytes: first one for each value of the next bits, then second tables for longer codes. An entry
 * is 0 if no code starts with these bits. Otherwise its lowest 6 bits say how many bits to drop, and the upper half has
 * the literals, the base of a length or distance, or the start of a second table. See the constants below for the rest.
 */
export const SYMBOLS: usize = 65_536;
export const SYMBOL_BITS: u32 = 10;
/** The most entries that 288 symbols and codes of 15 bits need, as computed by zlib's examples/enough.c. */
const SYMBOL_ENTRIES: u32 = 1334;
export const DISTANCES: usize = SYMBOLS + 8 * SYMBOL_ENTRIES;
export const DISTANCE_BITS: u32 = 8;
/** The same for 32 symbols. */
const DISTANCE_ENTRIES: u32 = 402;
/** Codes for the lengths of the codes above. */
export const LENGTH_CODES: usize = DISTANCES + 8 * DISTANCE_ENTRIES;
export const LENGTH_CODE_BITS: u32 = 7;
/** The length of the code of each symbol; the symbols in the order of their codes; by length, how many, and the next. */
export const LENGTHS: usize = LENGTH_CODES + (8 << LENGTH_CODE_BITS);
const SORTED: usize = LENGTHS + 512;
const COUNTS: usize = SORTED + 1024;
const NEXT: usize = COUNTS + 64;
/** Where the memory of this file ends. */
export const CODES_END: usize = 86_016;

const LONGEST_CODE: u32 = 15;

/** How many literals the entry holds. */
export const LITERALS: u64 = 15 << 8;
const ONE_LITERAL: u64 = 1 << 8;
export const END_OF_BLOCK: u64 = 1 << 12;
export const SECOND_TABLE: u64 = 1 << 13;

/** What a table decodes. */
const OF_LENGTH_CODES: i32 = 0;
const OF_SYMBOLS: i32 = 1;
const OF_DISTANCES: i32 = 2;

/** Builds the tables of a block from LENGTHS: first those of the symbols, then those of the distances; false if they are damaged. */
export function buildTables(symbols: i32, distances: i32): bool {
  if (!build(OF_SYMBOLS, SYMBOLS, SYMBOL_BITS, SYMBOL_ENTRIES, LENGTHS, symbols)) return false;
  if (!build(OF_DISTANCES, DISTANCES, DISTANCE_BITS, DISTANCE_ENTRIES, LENGTHS + symbols, distances)) return false;
  joinLiterals();
  return true;
}

/** Builds the table that decodes the lengths of a block's codes, from the 19 in LENGTHS. */
export function buildLengthCodes(): bool {
  return build(OF_LENGTH_CODES, LENGTH_CODES, LENGTH_CODE_BITS, 1 << LENGTH_CODE_BITS, LENGTHS, 19);
}

/** The entry of a symbol with a code, or rest of a code, of `length` bits; 0 if there is no such symbol. */
function entryOf(kind: i32, symbol: i32, length: u64): u64 {
  if (kind === OF_LENGTH_CODES) return ((<u64>symbol) << 32) | length;
  if (kind === OF_DISTANCES) {
    if (symbol > 29) return 0;
    if (symbol < 4) return withBase(symbol + 1, length, 0);
    const extra = (symbol >> 1) - 1;
    return withBase(1 + ((2 + (symbol & 1)) << extra), length, extra);
  }
  if (symbol < 256) return ((<u64>symbol) << 32) | ONE_LITERAL | length;
  if (symbol === 256) return END_OF_BLOCK | length;
  const step = symbol - 257;
  if (step > 28) return 0;
  if (step === 28) return withBase(258, length, 0);
  if (step < 8) return withBase(3 + step, length, 0);
  const extra = (step >> 2) - 1;
  return withBase(3 + ((4 + (step & 3)) << extra), length, extra);
}

/** An entry of a length or distance: its base, the length of its code from bit 16 on, and how many extra bits follow. */
function withBase(base: i32, length: u64, extra: i32): u64 {
  return ((<u64>base) << 32) | (length << 16) | (length + <u64>extra);
}

/**
 * Builds the table of `count` symbols, whose codes have the lengths at `lengths`; false if the codes are no prefix code
 * or the table would get more than `entries`. Codes are taken in their order, which DEFLATE defines by length and symbol.
 * Their bits come in reversed.
 */
function build(kind: i32, table: usize, tableBits: u32, entries: u32, lengths: usize, count: i32): bool {
  const used = sortSymbols(lengths, count);
  const free = freeCodes();
  if (free < 0 || (free > 0 && (kind === OF_LENGTH_CODES || used > 1))) return false;
  if (free > 0) return buildSparse(kind, table, tableBits, lengths, used);
  let symbol = SORTED;
  let code: u32 = 0;
  let length: u32 = 1;
  // The table for codes up to one length is copied for the next bit.
  for (let size: u32 = 2; length <= tableBits; size <<= 1) {
    for (let left = load<u32>(COUNTS + 4 * length); left > 0; left -= 1) {
      store<u64>(table + 8 * <usize>code, entryOf(kind, load<u16>(symbol), length));
      symbol += 2;
      if (code === size - 1) {
        for (; size < (<u32>1) << tableBits; size <<= 1) memory.copy(table + 8 * <usize>size, table, 8 * <usize>size);
        return true;
      }
      code = codeAfter(code, size);
    }
    length += 1;
    if (length <= tableBits) memory.copy(table + 8 * <usize>size, table, 8 * <usize>size);
  }
  return buildSecondTables(kind, table, tableBits, entries, symbol, code);
}

/** The codes longer than `tableBits`: the next is `code`, that of the symbol at `from`. */
function buildSecondTables(kind: i32, table: usize, tableBits: u32, entries: u32, from: usize, first: u32): bool {
  let symbol = from;
  let code = first;
  let start: u32 = 0;
  let end: u32 = 1 << tableBits;
  let prefix: u32 = end;
  for (let length = tableBits + 1; length <= LONGEST_CODE; length += 1) {
    for (let left = load<u32>(COUNTS + 4 * length); left > 0; left -= 1) {
      const own = code & ((1 << tableBits) - 1);
      if (own !== prefix) {
        prefix = own;
        const size = secondTableBits(tableBits, length, left);
        start = end;
        end += 1 << size;
        if (end > entries) return false;
        store<u64>(table + 8 * <usize>own, SECOND_TABLE | ((<u64>start) << 32) | ((<u64>size) << 16) | tableBits);
      }
      const entry = entryOf(kind, load<u16>(symbol), length - tableBits);
      symbol += 2;
      for (let at = start + (code >> tableBits); at < end; at += 1 << (length - tableBits))
        store<u64>(table + 8 * <usize>at, entry);
      if (code === ((<u32>1) << length) - 1) return true;
      code = codeAfter(code, 1 << length);
    }
  }
  return true;
}

/** How many bits tell the codes of a second table apart, of which the first has `length` and is one of `left`. */
function secondTableBits(tableBits: u32, length: u32, left: u32): u32 {
  let size = length - tableBits;
  for (let room = left; room < (<u32>1) << size; ) {
    size += 1;
    room = (room << 1) + load<u32>(COUNTS + 4 * (tableBits + size));
  }
  return size;
}

/** Adds one to a code with reversed bits, below `size`, a power of 2; it must not be the last. */
function codeAfter(code: u32, size: u32): u32 {
  const bit = <u32>0x8000_0000 >> clz(code ^ (size - 1));
  return (code & (bit - 1)) | bit;
}

/** A table with one code or none. */
function buildSparse(kind: i32, table: usize, tableBits: u32, lengths: usize, used: i32): bool {
  memory.fill(table, 0, (<usize>8) << tableBits);
  if (used === 0) return true;
  const symbol = <i32>load<u16>(SORTED);
  const length = <u32>load<u8>(lengths + symbol);
  if (length > tableBits) return false;
  for (let code: u32 = 0; code < (<u32>1) << tableBits; code += 1 << length)
    store<u64>(table + 8 * <usize>code, entryOf(kind, symbol, length));
  return true;
}

/** Sorts the symbols that have a code by its length, and counts them by length; returns how many they are. */
function sortSymbols(lengths: usize, count: i32): i32 {
  memory.fill(COUNTS, 0, 64);
  for (let symbol = 0; symbol < count; symbol += 1) increase(COUNTS + 4 * <usize>load<u8>(lengths + symbol));
  store<u32>(COUNTS, 0);
  let used: u32 = 0;
  for (let length: u32 = 1; length <= LONGEST_CODE; length += 1) {
    store<u32>(NEXT + 4 * length, used);
    used += load<u32>(COUNTS + 4 * length);
  }
  for (let symbol = 0; symbol < count; symbol += 1) {
    const length = <usize>load<u8>(lengths + symbol);
    if (length > 0) store<u16>(SORTED + 2 * <usize>increase(NEXT + 4 * length), <u16>symbol);
  }
  return used;
}

/** Adds one to a count; returns what it was. */
function increase(at: usize): u32 {
  const count = load<u32>(at);
  store<u32>(at, count + 1);
  return count;
}

/** How many codes of LONGEST_CODE bits are left; negative if there are too many codes. */
function freeCodes(): i32 {
  let free: i32 = 1 << LONGEST_CODE;
  for (let length: u32 = 1; length <= LONGEST_CODE; length += 1)
    free -= (<i32>load<u32>(COUNTS + 4 * length)) << (LONGEST_CODE - length);
  return free;
}

/** Lets an entry of a literal also hold those that follow, as far as its bits tell: three at most. */
function joinLiterals(): void {
  // From the end: what follows has a smaller index, so its entry still holds one literal.
  for (let index: u64 = (1 << SYMBOL_BITS) - 1; index > 0; index -= 1) {
    const at = SYMBOLS + 8 * <usize>index;
    const first = load<u64>(at);
    if ((first & LITERALS) === 0) continue;
    let texts = first >> 32;
    let length = first & 63;
    let count: u64 = 1;
    for (; count < 3; count += 1) {
      const following = load<u64>(SYMBOLS + 8 * <usize>(index >> length));
      if ((following & LITERALS) === 0 || length + (following & 63) > SYMBOL_BITS) break;
      texts |= (following >> 32) << (8 * count);
      length += following & 63;
    }
    if (count > 1) store<u64>(at, (texts << 32) | (count << 8) | length);
  }
}
