import { expect, it } from 'vitest';
import { KeyIndex } from '../../../../src/collect/access-log/embedded/key-index.ts';
import { fc } from '../../../support/property.ts';

const key = fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));

it('numbers keys as a Map does', () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 4000 }), fc.array(key), (keys, others) => {
      const index = new KeyIndex();
      const map = new Map<number, number>();
      for (const one of keys) {
        if (!map.has(one)) map.set(one, map.size);
        expect(index.add(one)).toBe(map.get(one));
      }
      expect(index.size).toBe(map.size);
      for (const one of [...keys, ...others]) expect(index.find(one)).toBe(map.get(one) ?? -1);
    }),
    { numRuns: 50 },
  );
});
