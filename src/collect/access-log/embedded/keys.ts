/**
 * Keys of texts: whole numbers below 2^53, equal for equal texts; about one pair in 10^16 collides. Same as
 * wasm/scan-lines.ts.
 */

const FACTOR = 0x9e3779b97f4a7c15n;

function mix(state: bigint, word: bigint): bigint {
  const product = BigInt.asUintN(64, (state ^ word) * FACTOR);
  return product ^ (product >> 32n);
}

/** Hashes eight bytes at a time, little-endian; the length is included because the last word is padded with zeros. */
function hashBytes(bytes: Buffer): bigint {
  let state = mix(0n, BigInt(bytes.length));
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) state = mix(state, bytes.readBigUInt64LE(at));
  if (at === bytes.length) return state;
  let rest = 0n;
  for (let last = bytes.length - 1; last >= at; last -= 1) rest = (rest << 8n) | BigInt(bytes[last] ?? 0);
  return mix(state, rest);
}

const key = (state: bigint): number => Number(mix(state, FACTOR) >> 11n);

/** Returns the key of a text, computed from its UTF-8 bytes. */
export const hashText = (text: string): number => key(hashBytes(Buffer.from(text)));

export const hashPlace = (target_group_arn: string, target: string, node: string): number => {
  const [first, ...others] = [target, target_group_arn, node].map((text) => hashBytes(Buffer.from(text)));
  return key(others.reduce(mix, first ?? 0n));
};
