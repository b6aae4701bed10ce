/** Keys of texts: whole numbers below 2^53, equal exactly for equal texts but for one pair in about 10^16. wasm/scan-lines.ts has the same. */

const FACTOR = 0x9e3779b97f4a7c15n;

function mix(state: bigint, word: bigint): bigint {
  const product = BigInt.asUintN(64, (state ^ word) * FACTOR);
  return product ^ (product >> 32n);
}

/** Eight bytes at a time, the lowest first; the last word has zeros where bytes are missing, so the length goes in too. */
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

/** The key of a text: that of its bytes in UTF-8. */
export const hashText = (text: string): number => key(hashBytes(Buffer.from(text)));

export const hashPlace = (target_group_arn: string, target: string, node: string): number => {
  const [first, ...others] = [target, target_group_arn, node].map((text) => hashBytes(Buffer.from(text)));
  return key(others.reduce(mix, first ?? 0n));
};
