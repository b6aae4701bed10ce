import { describe, expect, it } from 'vitest';
import { targetPresences } from '../../../src/diagnose/patterns/churn.ts';
import { MINUTE, START, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const END = START + 15 * MINUTE;

describe('whether the target left', () => {
  it.each([
    { name: 'silent for five minutes while another continues', lastSeen: END - 5 * MINUTE, left: true },
    { name: 'seen a second before the end', lastSeen: END - 1_000, left: false },
    { name: 'silent for 20 s: the log ends too soon', lastSeen: END - 20_000, left: null },
  ])('$name: $left', ({ lastSeen, left }) => {
    const lives = targetPresences(
      trafficOf([], { targets: [target('10.0.1.5:80', { lastSeen }), target('10.0.1.6:80')] }),
    );
    expect(lives[0]?.left).toBe(left);
  });

  it('stays open for a rare target, which may be silent for long', () => {
    const rare = target('10.0.1.5:80', { requests: 5, lastSeen: END - 5 * MINUTE });
    expect(targetPresences(trafficOf([], { targets: [rare, target('10.0.1.6:80')] }))[0]?.left).toBe(false);
  });

  it('stays open for the last target of a group', () => {
    const lives = targetPresences(trafficOf([], { targets: [target('10.0.1.5:80', { lastSeen: START + MINUTE })] }));
    expect(lives[0]?.left).toBe(false);
  });

  it('is decided over all nodes', () => {
    const nodes = ['10.0.0.10', '10.0.0.11'].map((node, i) =>
      target('10.0.1.5:80', { node, firstSeen: START + i * 1000, lastSeen: END - i * 5 * MINUTE, requests: 10 }),
    );
    expect(targetPresences(trafficOf([], { targets: nodes }))).toMatchObject([
      { target: '10.0.1.5:80', firstSeen: START, lastSeen: END, requests: 20, left: false },
    ]);
  });
});
