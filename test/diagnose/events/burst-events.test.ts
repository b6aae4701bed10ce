import { describe, expect, it } from 'vitest';
import { findEvents } from '../../../src/diagnose/events/find-events.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import { answering, failing, type ServedRequest, servedLog } from '../../support/traffic/served-traffic.ts';
import { question, START } from '../../support/traffic/traffic-builder.ts';

const TARGETS = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080', '10.0.1.8:8080'];
const ROUTES = ['GET /orders', 'GET /cart', 'POST /pay'];
const WINDOW = 900;

/** Three requests a second in all, which four targets go on answering on three routes. */
const sound = TARGETS.flatMap((target) => ROUTES.flatMap((route) => answering(target, 0, WINDOW, 4, route)));

type Failing = Parameters<typeof failing>[0];

/** `count` failures within `span` seconds, on all targets and routes in turn. */
const together = (
  count: number,
  from: number,
  span: number,
  { kind = 'closed-before-response', route }: { kind?: Failing; route?: string } = {},
): ServedRequest[] =>
  Array.from({ length: count }, (_, index) =>
    failing(kind, from + (index * span) / count, TARGETS[index % 4] ?? '', {
      route: route ?? ROUTES[index % 3] ?? '',
      ...(kind === 'closed-before-response' ? { took: 0.1 + (index % 7) * 0.05 } : {}),
    }),
  );

const eventsOf = (requests: readonly ServedRequest[]) =>
  findEvents(readTraffic(servedLog(requests), question), {}, question).map(({ errors, ...event }) => ({
    ...event,
    errors: errors.length,
  }));

describe('many errors within seconds', () => {
  it('are a burst, with its time and place', () => {
    expect(eventsOf([...sound, ...together(40, 310, 4), ...together(2, 700, 90)])).toMatchObject([
      {
        kind: 'burst',
        standing: 'likely',
        causes: [],
        errors: 40,
        targets: TARGETS,
        summary: '40 of 42 errors came within 4.1 s from 02:45:10 UTC, on 4 targets of api.',
      },
    ]);
  });

  it('are one burst if they failed in several ways', () => {
    const found = eventsOf([...sound, ...together(20, 310, 4), ...together(20, 300.1, 4, { kind: 'connect-timeout' })]);
    expect(found).toMatchObject([{ kind: 'burst', errors: 40 }]);
  });

  it('name the route if all are on one, and the targets if these are few', () => {
    const onOne = together(12, 310, 3, { route: 'GET /cart' }).map((request) => ({
      ...request,
      target: '10.0.1.5:8080',
      ...(request.failure ? { failure: { ...request.failure, target: '10.0.1.5:8080' } } : {}),
    }));
    expect(eventsOf([...sound, ...onOne]).map(({ summary }) => summary)).toEqual([
      '12 errors came within 3.0 s from 02:45:10 UTC, on 10.0.1.5:8080, all on GET /cart.',
    ]);
  });

  it('are one event if they recur, with the time between them', () => {
    const bursts = [60, 360, 660].flatMap((at) => together(12, at, 3));
    expect(eventsOf([...sound, ...bursts])).toMatchObject([
      {
        kind: 'burst',
        from: START + 60_100,
        errors: 36,
        summary:
          '36 errors came in 3 bursts of 3.0 s from 02:41:00 UTC to 02:51:03 UTC, 5 min apart, on 4 targets of api.',
      },
    ]);
  });

  it.each<[string, ServedRequest[]]>([
    ['they are only four', together(4, 310, 1)],
    ['they go on for minutes', together(400, 200, 200)],
    ['as many come all the time', [...together(40, 310, 4), ...together(400, 0, WINDOW)]],
    ['what was read is hardly longer than they are', together(40, 310, 4)],
  ])('are no burst if %s', (why, failures) => {
    const around = why.startsWith('what was read') ? sound.filter(({ sent }) => sent > 305 && sent < 318) : sound;
    expect(eventsOf([...around, ...failures]).filter(({ kind }) => kind === 'burst')).toEqual([]);
  });

  it('are no burst if their clients gave up', () => {
    const gaveUp = together(40, 310, 4).map((request) =>
      request.failure ? { ...request, failure: { ...request.failure, elb_status_code: '460' } } : request,
    );
    const asked = { ...question, statuses: ['5xx', '460'] };
    expect(findEvents(readTraffic(servedLog([...sound, ...gaveUp]), asked), {}, asked)).toEqual([]);
  });

  it('belong to the crash of a target if they are part of one', () => {
    const down = '10.0.1.5:8080';
    const others = sound.filter(({ target, sent }) => target !== down || sent < 310 || sent > 320);
    const refused = Array.from({ length: 30 }, (_, index) =>
      failing('connect-failed', 310 + index / 3, down, { route: ROUTES[index % 3] ?? '' }),
    );
    expect(eventsOf([...others, ...refused])).toMatchObject([{ kind: 'crash', errors: 30 }]);
  });
});
