import { describe, expect, it } from 'vitest';
import { fixedDurations, ownMoments } from '../../../src/diagnose/patterns/durations.ts';
import { failed, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const after = (durations: number[], every = 10) =>
  trafficOf(
    several(durations.length, 'closed-before-response', (i) => ({ target_processing_time: durations[i] ?? 0 }), every),
  ).errors;
const clusters = (durations: number[], every?: number) =>
  fixedDurations(after(durations, every)).map(({ seconds, errors }) => [seconds, errors.length]);

describe('one timer', () => {
  it.each([
    { name: 'a worker timeout of 30 s', durations: [30.01, 30.2, 30.5, 30.9], found: [[30.2, 4]] },
    { name: 'among others', durations: [30.0, 2.1, 30.1, 7.7, 30.2, 30.3], found: [[30.1, 4]] },
    {
      name: 'next to as many that closed much earlier',
      durations: [30.0, 1.1, 30.1, 1.7, 2.6, 30.2, 3.4, 4.9, 30.3, 6.3],
      found: [[30.1, 4]],
    },
    { name: 'spread work', durations: [2, 5, 9, 14, 21, 30], found: [] },
    {
      name: 'five of many early closes that happen to lie close together',
      durations: [0.72, 0.75, 0.79, 0.88, 0.95, 1.0, 1.076, 1.077, 1.084, 1.128, 1.143, 1.25, 1.34, 1.5, 1.58],
      found: [],
    },
    { name: 'two alike are no clock', durations: [30, 30.1], found: [] },
    { name: 'ordinary response times', durations: [0.2, 0.21, 0.2, 0.22], found: [] },
  ])('$name', ({ durations, found }) => expect(clusters(durations)).toEqual(found));

  it('is not shown by five errors that each ended with another request: those are five events', () => {
    const alike = [0, 1, 2, 3, 4].flatMap((i) => [
      failed('closed-before-response', 60 * i, { target_processing_time: 1.75 }),
      failed('closed-before-response', 60 * i + 0.01, { target_processing_time: 0.1 + 0.15 * i }),
    ]);
    const { errors } = trafficOf(alike);
    const [clock] = fixedDurations(errors);
    expect(clock && [clock.errors.length, ownMoments(clock, errors), ownMoments(clock, clock.errors)]).toEqual([
      5, 0, 5,
    ]);
  });

  it('is not shown by requests cut off together: that is one event, whatever their durations', () => {
    expect(clusters([30, 30.01, 30.02, 30.03], 0.02)).toEqual([]);
  });
});
