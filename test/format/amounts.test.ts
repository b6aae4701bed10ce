import { describe, expect, it } from 'vitest';
import { formatBytes, formatDollars } from '../../src/format/amounts.ts';

describe('amounts', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [12_400_000, '12.4 MB'],
    [1_500_000_000_000_000, '1500.0 TB'],
  ])('%d bytes are %s', (value, text) => {
    expect(formatBytes(value)).toBe(text);
  });

  it.each([
    [0, '$0'],
    [0.00001, 'under $0.0001'],
    [0.0125, '$0.0125'],
    [3.5, '$3.50'],
  ])('%d dollars are %s', (value, text) => {
    expect(formatDollars(value)).toBe(text);
  });
});
