/**
 * Builds the tables that decode DEFLATE's codes (RFC 1951, section 3.2.2), in AssemblyScript. The method is that of libdeflate
 * (https://github.com/ebiggers/libdeflate).
 */

// biome-ignore-all lint/correctness/noPrecisionLoss: numbers of 64 bits.

/**
 * Tables of 8-byte entries: one entry for each value of the next bits, then second tables for longer codes. An entry is 0
 * if no code starts with these bits. Its lowest 6 bits are the number of bits to drop. Its upper half holds the literals,
 * the base of a length or distance, or the start of a second table.
 */
export const SYMBOLS: usize = 65_536;
export const SYMBOL_BITS: u32 = 10;
/** Maximum entries for 288 symbols with codes of up to 15 bits (zlib's examples/enough.c). */
const SYMBOL_ENTRIES: u32 = 1334;
export const DISTANCES: usize = SYMBOLS + 8 * SYMBOL_ENTRIES;
export const DISTANCE_BITS: u32 = 8;
/** The same for 32 symbols. */
const DISTANCE_ENTRIES: u32 = 402;
/** Decodes the lengths of the codes above. */
export const LENGTH_CODES: usize = DISTANCES + 8 * DISTANCE_ENTRIES;
export const LENGTH_CODE_BITS: u32 = 7;
/** Code length of each symbol; symbols in the order of their codes; by length, the number of codes and the next index. */
export const LENGTHS: usize = LENGTH_CODES + (8 << LENGTH_CODE_BITS);
const SORTED: usize = LENGTHS + 512;
const COUNTS: usize = SORTED + 1024;
const NEXT: usize = COUNTS + 64;
/** Where the memory of this file ends. */
export const CODES_END: usize = 86_016;

const LONGEST_CODE: u32 = 15;

/** Bits of an entry: its number of literals. */
export const LITERALS: u64 = 15 << 8;
const ONE_LITERAL: u64 = 1 << 8;
export const END_OF_BLOCK: u64 = 1 << 12;
export const SECOND_TABLE: u64 = 1 << 13;

/** What a table decodes. */
const OF_LENGTH_CODES: i32 = 0;
const OF_SYMBOLS: i32 = 1;
const OF_DISTANCES: i32 = 2;

/** Builds the tables of a block from LENGTHS, symbols before distances; false if the lengths are invalid. */
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

/** Returns the entry of a symbol; `length` is that of its code, or of the part in a second table. 0 for an invalid symbol. */
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

/** Returns the entry of a length or distance. Bits 16 to 19 hold the length of its code, or of the index of a second table. */
function withBase(base: i32, length: u64, extra: i32): u64 {
  return ((<u64>base) << 32) | (length << 16) | (length + <u64>extra);
}

/**
 * Builds the table of `count` symbols from their code lengths; false if these make no prefix code, or the table would
 * exceed `entries`. DEFLATE orders codes by length, then symbol, and stores their bits in reverse.
 */
function build(kind: i32, table: usize, tableBits: u32, entries: u32, lengths: usize, count: i32): bool {
  const used = sortSymbols(lengths, count);
  const free = freeCodes();
  if (free < 0 || (free > 0 && (kind === OF_LENGTH_CODES || used > 1))) return false;
  if (free > 0) return buildSparse(kind, table, tableBits, lengths, used);
  let symbol = SORTED;
  let code: u32 = 0;
  let length: u32 = 1;
  // For each further bit, the table is doubled by copying.
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

/** Adds the codes longer than `tableBits`, from the one of the symbol at `from` on; that is `first`. */
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

/** Returns the index bits of a second table. Its first code has this length; `left` codes of that length remain. */
function secondTableBits(tableBits: u32, length: u32, left: u32): u32 {
  let size = length - tableBits;
  for (let room = left; room < (<u32>1) << size; ) {
    size += 1;
    room = (room << 1) + load<u32>(COUNTS + 4 * (tableBits + size));
  }
  return size;
}

/** Returns the code after `code`, bits reversed. `size` is 2 to the power of its length; `code` is not the last one. */
function codeAfter(code: u32, size: u32): u32 {
  const bit = <u32>0x8000_0000 >> clz(code ^ (size - 1));
  return (code & (bit - 1)) | bit;
}

/** Builds a table of one code, of one bit, or none. */
function buildSparse(kind: i32, table: usize, tableBits: u32, lengths: usize, used: i32): bool {
  memory.fill(table, 0, (<usize>8) << tableBits);
  if (used === 0) return true;
  const symbol = <i32>load<u16>(SORTED);
  const length = <u32>load<u8>(lengths + symbol);
  if (length !== 1) return false;
  for (let code: u32 = 0; code < (<u32>1) << tableBits; code += 2)
    store<u64>(table + 8 * <usize>code, entryOf(kind, symbol, length));
  return true;
}

/** Sorts symbols by code length and counts them by length; returns how many have a code. */
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

/** Returns the number of unused codes of LONGEST_CODE bits; negative for too many codes. */
function freeCodes(): i32 {
  let free: i32 = 1 << LONGEST_CODE;
  for (let length: u32 = 1; length <= LONGEST_CODE; length += 1)
    free -= (<i32>load<u32>(COUNTS + 4 * length)) << (LONGEST_CODE - length);
  return free;
}

/** Extends the entry of a literal by the next literals, up to three in all, if its bits contain their codes. */
function joinLiterals(): void {
  // Backwards: the next literal's index is smaller, so its entry is still that of one literal.
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
