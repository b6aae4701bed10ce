/**
 * Numbers keys from 0 in the order of their first appearance, as a Map of numbers could; but a log asks it several
 * times for each line, and a Map takes several times as long.
 */
export class KeyIndex {
  /** How many keys have a number. */
  size = 0;
  /** A hash table with open addressing: keys, and their numbers in the same slots. */
  #keys = emptySlots(1024);
  #numbers = new Int32Array(1024);

  /** Returns the number of a key; a new key gets the next one. A key is a whole number below 2^53. */
  add(key: number): number {
    const slot = this.#slotOf(key);
    if (this.#keys[slot] === key) return this.#numbers[slot] ?? 0;
    this.#keys[slot] = key;
    this.#numbers[slot] = this.size;
    this.size += 1;
    if (this.size * 2 > this.#keys.length) this.#grow();
    return this.size - 1;
  }

  /** Returns the number of a key, or -1. */
  find(key: number): number {
    const slot = this.#slotOf(key);
    return this.#keys[slot] === key ? (this.#numbers[slot] ?? 0) : -1;
  }

  /** Returns the slot of the key, or the free one where it belongs. */
  #slotOf(key: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    const mixed = Math.imul((key | 0) ^ Math.imul((key / 2 ** 32) | 0, 0x85ebca6b), 0x9e3779b1);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    for (let other = keys[slot]; other !== key && other !== FREE; other = keys[slot]) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [keys, numbers] = [this.#keys, this.#numbers];
    this.#keys = emptySlots(keys.length * 2);
    this.#numbers = new Int32Array(keys.length * 2);
    for (let from = 0; from < keys.length; from += 1) {
      const key = keys[from] ?? FREE;
      if (key === FREE) continue;
      const to = this.#slotOf(key);
      this.#keys[to] = key;
      this.#numbers[to] = numbers[from] ?? 0;
    }
  }
}

const FREE = Number.NEGATIVE_INFINITY;

const emptySlots = (length: number): Float64Array<ArrayBuffer> => new Float64Array(length).fill(FREE);
