import { expect, it } from 'vitest';
import { targetKey } from '../../../src/diagnose/targets/target-key.ts';
import { API } from '../../support/traffic/traffic-builder.ts';

const target = '10.0.1.5:8080';
const key = (part: Partial<Parameters<typeof targetKey>[0]> = {}) =>
  targetKey({ target_group_arn: API, target, ...part });

it('tells targets and target groups apart', () => {
  const keys = [key(), key({ target: '10.0.1.5:8081' }), key({ target_group_arn: `${API}0` })];
  expect(new Set(keys).size).toBe(3);
  expect(key()).toBe(keys[0]);
});

it('stays the same after more targets than are remembered', () => {
  const before = key();
  for (let port = 0; port < 60_000; port += 1) key({ target: `10.0.2.1:${port}` });
  expect(key()).toBe(before);
});
