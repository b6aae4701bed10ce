/** Sizes and prices in words. Pure. */

/** 12400000 → "12.4 MB"; powers of ten, as S3 and Athena bill. */
export const formatBytes = (value: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
};

/** Dollars; below one dollar, rounded to a hundredth of a cent. */
export const formatDollars = (value: number): string => {
  if (value === 0) return '$0';
  if (value < 0.0001) return 'under $0.0001';
  return `$${value.toFixed(value < 1 ? 4 : 2)}`;
};

/** "at most 2.1 GB and $0.0105". */
export const upperBoundWords = (atMost: { bytes: number; usd: number } | null): string =>
  atMost === null
    ? 'at most an unknown amount'
    : `at most ${formatBytes(atMost.bytes)} and ${formatDollars(atMost.usd)}`;
