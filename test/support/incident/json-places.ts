/** Places in JSON: to put something else there, one at a time. */

/** Members and numbers in lists, from the outside in; the last of it may be the key itself, as `{ key }`. */
export type JsonPlace = readonly (string | number | { key: string })[];

/** Every value that holds no others, and every key. */
export function placesIn(value: unknown, around: JsonPlace = []): JsonPlace[] {
  if (value === null || typeof value !== 'object') return [around];
  if (Array.isArray(value)) return value.flatMap((item, at) => placesIn(item, [...around, at]));
  return Object.entries(value).flatMap(([key, inner]) => [[...around, { key }], ...placesIn(inner, [...around, key])]);
}

/** The same with another text at the place. */
export function withValue(value: unknown, [next, ...rest]: JsonPlace, text: string): unknown {
  if (next === undefined) return text;
  if (Array.isArray(value)) return value.map((item, at) => (at === next ? withValue(item, rest, text) : item));
  const entries = Object.entries(value as object);
  if (typeof next === 'object')
    return Object.fromEntries(entries.map(([key, inner]) => [key === next.key ? text : key, inner]));
  return Object.fromEntries(entries.map(([key, inner]) => [key, key === next ? withValue(inner, rest, text) : inner]));
}
