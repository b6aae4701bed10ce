/**
 * Decompresses DEFLATE data (RFC 1951) into the memory of the scanner, in AssemblyScript; docs/scale.md compares it
 * with Node's zlib. Most symbols of a log are literals of about five bits, so one lookup in the tables of codes.ts
 * decodes up to three of them.
 * Some damage is found only by the caller, who compares length and checksum with the file's trailer. Damaged data is never
 * written outside of the given range.
 */

import {
  buildLengthCodes,
  buildTables,
  CODES_END,
  DISTANCE_BITS,
  DISTANCES,
  END_OF_BLOCK,
  LENGTH_CODE_BITS,
  LENGTH_CODES,
  LENGTHS,
  LITERALS,
  SECOND_TABLE,
  SYMBOL_BITS,
  SYMBOLS,
} from './codes';

/** Compressed bytes. At the end of the file, 64 zeros follow. */
export const PACKED: usize = CODES_END;
const PACKED_SIZE: usize = 69_632;
/** Where the memory of this file ends. */
export const INFLATE_END: usize = PACKED + PACKED_SIZE;

/** What `inflate` returns. */
const DONE: i32 = 0;
const NEEDS_INPUT: i32 = 1;
const NEEDS_ROOM: i32 = 2;
const DAMAGED: i32 = 3;

/** Maximum compressed bytes read by the header of a block, and by one round of `decode`. */
const HEADER: usize = 1024;
const ROUND: usize = 40;
/** Maximum bytes written by one round of `decode`: literals, a match of 258, and up to 31 that `copyMatch` adds. */
const ROUND_ROOM: usize = 320;

/** The next `bitCount` bits of the data. Higher bits are 0, or already those that follow. */
let bits: u64 = 0;
let bitCount: u64 = 0;
/** Compressed bytes not yet loaded: [next, packedEnd). */
let next: usize = PACKED;
let packedEnd: usize = PACKED;
/** Whether packedEnd is the end of the file. */
let isAllHere: bool = false;
/** Whether a block is unfinished, and whether it is the last one. */
let inBlock: bool = false;
let isLastBlock: bool = false;
/** Whether the block is stored uncompressed, and how many of its bytes are left. */
let isStored: bool = false;
let storedBytes: usize = 0;
/** End of the decompressed bytes. */
export let inflated: usize = 0;

/** Starts a file. */
export function startInflate(): void {
  bits = 0;
  bitCount = 0;
  next = PACKED;
  packedEnd = PACKED;
  isAllHere = false;
  inBlock = false;
  isLastBlock = false;
}

/** Moves the compressed bytes that are left to the start of PACKED; returns their number. */
export function keepPacked(): usize {
  giveBack();
  const count = packedEnd - next;
  memory.copy(PACKED, next, count);
  next = PACKED;
  packedEnd = PACKED + count;
  return count;
}

/** Adds bytes that were written behind those kept; 0 marks the end of the file. */
export function addPacked(count: usize): void {
  packedEnd += count;
  isAllHere = count === 0;
  if (isAllHere) memory.fill(packedEnd, 0, 64);
}

export function skipPacked(count: usize): void {
  next += count;
}

/** Decompresses to [from, to), at least ROUND_ROOM bytes. The `history` bytes in front of `from` belong to the same file. */
export function inflate(from: usize, to: usize, history: usize): i32 {
  inflated = from;
  while (true) {
    if (!inBlock) {
      if (isLastBlock) {
        take(bitCount & 7);
        giveBack();
        return next > packedEnd ? DAMAGED : DONE;
      }
      if (!isAllHere && packedEnd - next < HEADER) return NEEDS_INPUT;
      if (next > packedEnd || !readHeader()) return DAMAGED;
      inBlock = true;
    }
    const state = isStored ? copyStored(to) : decode(to, from - history);
    if (state !== DONE) return state;
    inBlock = false;
  }
}

/** Returns loaded but unused bytes to the input; up to 7 bits stay loaded. */
function giveBack(): void {
  next -= <usize>(bitCount >> 3);
  bitCount &= 7;
  bits &= ((<u64>1) << bitCount) - 1;
}

/** Loads bits: at least 56 are available afterwards. */
function refill(): void {
  bits |= load<u64>(next) << bitCount;
  next += <usize>((63 - bitCount) >> 3);
  bitCount |= 56;
}

function take(count: u64): i32 {
  const value = <i32>(bits & (((<u64>1) << count) - 1));
  bits >>= count;
  bitCount -= count;
  return value;
}

/** Reads the header of a block, with its tables; false if it is damaged. */
function readHeader(): bool {
  refill();
  isLastBlock = take(1) === 1;
  const type = take(2);
  isStored = type === 0;
  if (isStored) return readStoredHeader();
  if (type === 1) return buildFixedTables();
  return type === 2 && readTables();
}

function readStoredHeader(): bool {
  take(bitCount & 7);
  refill();
  storedBytes = take(16);
  const isSound = (storedBytes ^ take(16)) === 0xffff;
  giveBack();
  return isSound;
}

/** Copies the rest of a stored block. */
function copyStored(to: usize): i32 {
  if (next > packedEnd) return DAMAGED;
  const count = min(min(storedBytes, to - inflated), packedEnd - next);
  memory.copy(inflated, next, count);
  inflated += count;
  next += count;
  storedBytes -= count;
  if (storedBytes === 0) return DONE;
  if (inflated === to) return NEEDS_ROOM;
  return isAllHere ? DAMAGED : NEEDS_INPUT;
}

function buildFixedTables(): bool {
  memory.fill(LENGTHS, 8, 144);
  memory.fill(LENGTHS + 144, 9, 112);
  memory.fill(LENGTHS + 256, 7, 24);
  memory.fill(LENGTHS + 280, 8, 8);
  memory.fill(LENGTHS + 288, 5, 32);
  return buildTables(288, 32);
}

function readTables(): bool {
  const symbols = take(5) + 257;
  const distances = take(5) + 1;
  const lengthCodes = take(4) + 4;
  if (symbols > 286 || distances > 30) return false;
  memory.fill(LENGTHS, 0, 19);
  for (let index = 0; index < lengthCodes; index += 1) {
    refill();
    store<u8>(LENGTHS + lengthCodeAt(index), <u8>take(3));
  }
  if (!buildLengthCodes()) return false;
  const count = symbols + distances;
  for (let index = 0; index < count; ) {
    refill();
    const entry = load<u64>(LENGTH_CODES + 8 * <usize>(bits & ((1 << LENGTH_CODE_BITS) - 1)));
    take(entry & 63);
    const code = <i32>(entry >> 32);
    if (code < 16) {
      store<u8>(LENGTHS + index, <u8>code);
      index += 1;
      continue;
    }
    if (code === 16 && index === 0) return false;
    const length: u8 = code === 16 ? load<u8>(LENGTHS + index - 1) : 0;
    const times = code === 16 ? 3 + take(2) : code === 17 ? 3 + take(3) : 11 + take(7);
    if (index + times > count) return false;
    memory.fill(LENGTHS + index, length, times);
    index += times;
  }
  return load<u8>(LENGTHS + 256) !== 0 && buildTables(symbols, distances);
}

/** The code whose length comes at this position of a header: 16, 17, 18, 0, 8, 7, 9, 6, 10 and so on. */
function lengthCodeAt(index: i32): i32 {
  if (index < 3) return 16 + index;
  if (index === 3) return 0;
  return (index & 1) === 0 ? 6 + (index >> 1) : 9 - (index >> 1);
}

function entryFor(ahead: u64): u64 {
  return load<u64>(SYMBOLS + ((<usize>(<u32>ahead & ((1 << SYMBOL_BITS) - 1))) << 3));
}

/** Looks up the second table that `entry` refers to. */
function secondEntry(table: usize, entry: u64, ahead: u64): u64 {
  return load<u64>(table + ((<usize>(entry >> 32) + <usize>(ahead & (((<u64>1) << ((entry >> 16) & 15)) - 1))) << 3));
}

/** Returns a length or distance: its base plus its extra bits. */
function valueAt(entry: u64, ahead: u64): usize {
  return <usize>(entry >> 32) + <usize>((ahead & (((<u64>1) << (entry & 63)) - 1)) >> ((entry >> 16) & 15));
}

/** Writes the literals of an entry; returns their end. */
function putLiterals(to: usize, entry: u64): usize {
  store<u32>(to, <u32>(entry >> 32));
  return to + <usize>((entry >> 8) & 15);
}

/** Whole bytes that a refill adds to `count` bits. */
function loadedBytes(count: u64): usize {
  return <usize>(((63 - count) >> 3) & 7);
}

/**
 * Decodes a compressed block until it ends, or input or room runs out. No distance may reach back beyond `first`. The
 * entry after a match is looked up before the copy, so that both overlap.
 */
function decode(to: usize, first: usize): i32 {
  const lastRoom = to - ROUND_ROOM;
  const lastInput = isAllHere ? packedEnd + 8 : packedEnd - ROUND;
  // Locals stay in registers, globals do not: so a refill is written out each time. Only the lowest 6 bits of `count`,
  // and of an entry in a shift, matter.
  let ahead = bits | (load<u64>(next) << bitCount);
  let from = next + loadedBytes(bitCount);
  let count = bitCount | 56;
  let entry = entryFor(ahead);
  let out = inflated;
  let state = DONE;
  while (true) {
    if (from > lastInput) {
      state = isAllHere ? DAMAGED : NEEDS_INPUT;
      break;
    }
    if (out > lastRoom) {
      state = NEEDS_ROOM;
      break;
    }
    // Two in a row before more bits are loaded: more bring little, and one takes a tenth longer.
    if ((entry & LITERALS) !== 0) {
      out = putLiterals(out, entry);
      ahead >>= entry;
      count -= entry;
      entry = entryFor(ahead);
      if ((entry & LITERALS) !== 0) {
        out = putLiterals(out, entry);
        ahead >>= entry;
        count -= entry;
        ahead |= load<u64>(from) << count;
        from += loadedBytes(count);
        count |= 56;
        entry = entryFor(ahead);
        continue;
      }
    }
    let before = ahead;
    ahead >>= entry;
    count -= entry;
    if ((entry & (END_OF_BLOCK | SECOND_TABLE)) !== 0) {
      if ((entry & END_OF_BLOCK) !== 0) break;
      ahead |= load<u64>(from) << count;
      from += loadedBytes(count);
      count |= 56;
      entry = secondEntry(SYMBOLS, entry, ahead);
      before = ahead;
      ahead >>= entry;
      count -= entry;
      if ((entry & LITERALS) !== 0) {
        out = putLiterals(out, entry);
        ahead |= load<u64>(from) << count;
        from += loadedBytes(count);
        count |= 56;
        entry = entryFor(ahead);
        continue;
      }
      if ((entry & END_OF_BLOCK) !== 0) break;
    }
    const length = valueAt(entry, before);
    ahead |= load<u64>(from) << count;
    from += loadedBytes(count);
    count |= 56;
    let distanceEntry = load<u64>(DISTANCES + ((<usize>(<u32>ahead & ((1 << DISTANCE_BITS) - 1))) << 3));
    if ((distanceEntry & SECOND_TABLE) !== 0) {
      ahead >>= <u64>DISTANCE_BITS;
      count -= DISTANCE_BITS;
      distanceEntry = secondEntry(DISTANCES, distanceEntry, ahead);
    }
    const distance = valueAt(distanceEntry, ahead);
    if (entry === 0 || distanceEntry === 0 || distance > out - first) {
      state = DAMAGED;
      break;
    }
    ahead >>= distanceEntry;
    count -= distanceEntry;
    ahead |= load<u64>(from) << count;
    from += loadedBytes(count);
    count |= 56;
    entry = entryFor(ahead);
    copyMatch(out, distance, length);
    out += length;
  }
  bits = ahead;
  bitCount = count & 63;
  next = from;
  inflated = out;
  return state;
}

/** Repeats earlier bytes; overwrites up to 31 bytes after them. */
function copyMatch(to: usize, distance: usize, length: usize): void {
  const stop = to + length;
  let from = to - distance;
  let out = to;
  if (distance < 16) {
    // Source and target overlap within 16 bytes.
    do {
      store<u8>(out++, load<u8>(from++));
    } while (out < stop);
    return;
  }
  v128.store(out, v128.load(from));
  v128.store(out + 16, v128.load(from + 16));
  for (out += 32, from += 32; out < stop; out += 16, from += 16) v128.store(out, v128.load(from));
}
