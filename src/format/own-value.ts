/** Looks words from outside up in tables of our own. Pure. */

/** Returns the table's own value of a word; a plain lookup of "constructor" would return a function of every object. */
export const ownValue = <T>(table: Readonly<Record<string, T>>, word: string): T | undefined =>
  Object.hasOwn(table, word) ? table[word] : undefined;
