/** Access logs compress to a seventh; short identical lines, to a thousandth. */
const MAX_EXPANSION = 64;
const ALWAYS_EXPANDED = 1 << 23;

/** Maximum bytes of content to read from a compressed file of this size. */
export const expansionLimit = (compressedBytes: number): number =>
  Math.max(ALWAYS_EXPANDED, MAX_EXPANSION * compressedBytes);

/** Why a file is not read to its end. */
export const EXPANDS_TOO_FAR = `it expands to more than ${MAX_EXPANSION} times its size, as no access log does: the rest of it was not read`;
