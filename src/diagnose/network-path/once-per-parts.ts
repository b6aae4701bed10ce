/** Maximum sets of parts of one diagnosis: checks see different parts. */
const KEPT = 4;

/**
 * Keeps one value for the same parts of the evidence, compared by identity: several checks ask the same of thousands of
 * targets.
 */
export function oncePerParts<T>(): (parts: readonly (object | null | undefined)[], create: () => T) => T {
  const known = new WeakMap<object, { parts: readonly unknown[]; value: T }[]>();
  return (parts, create) => {
    const anchor = parts.find((part) => part !== null && part !== undefined);
    if (!anchor) return create();
    const kept = known.get(anchor) ?? [];
    const same = kept.find((one) => one.parts.every((part, index) => part === parts[index]));
    if (same) return same.value;
    const value = create();
    known.set(anchor, [{ parts, value }, ...kept.slice(0, KEPT - 1)]);
    return value;
  };
}
