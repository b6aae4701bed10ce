/** Advice of a check gives way to the fix of the cause that explains its fault. */
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import { logAlone } from '../support/traffic/log-alone.ts';
import { question, several } from '../support/traffic/traffic-builder.ts';

const fixOf = (id: string, failures: Parameters<typeof logAlone>[0], part: Parameters<typeof logAlone>[1] = {}) =>
  diagnose(question, logAlone(failures, part))
    .steps.flatMap(({ findings }) => findings)
    .find(({ check, outcome }) => check === id && outcome === 'fail')?.fix;

/** Errors that the application sent itself, nearly all on one route. */
const sent = several(20, 'target-response', (index) => ({ route: index < 18 ? 'POST /checkout' : 'GET /search' }));
const routes = ['POST /checkout', 'GET /search'].map((route) => ({
  ...{ route, requests: 500, failures: 10, succeeded: 490 },
  ...{ succeededMs: 490_000, succeededMaxMs: 1_000 },
}));

describe('a fault that the named cause explains', () => {
  it('has no advice of its own', () => {
    expect(fixOf('error-origin', sent, { routes })).toBeNull();
  });

  it('on one route says what remains to look at there', () => {
    expect(fixOf('concentration', sent, { routes })).toBe(
      'Compare POST /checkout with other routes: dependencies, upstream, last change.',
    );
  });
});
