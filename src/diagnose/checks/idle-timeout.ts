import { plural, wholeSeconds } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { unseenRequests } from '../no-errors.ts';
import { configuredIdleTimeout, idleTimeouts } from '../patterns/idle-timeouts.ts';
import { countErrors } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const idleTimeout = defineCheck({
  id: 'idle-timeout',
  step: 3,
  subject: 'the idle timeout',
  question: 'Do the errors agree with the configured idle timeout?',
  why: 'The idle timeout ends requests without a response (504), and the keep-alive timeout of every target must be longer.',
  fix: 'Find out when the idle timeout changed, or which other timer in the path is shorter.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html#connection-idle-timeout',
  headline: 2,
  needs: ['attributes'],
  wants: ['traffic'],

  evaluate({ attributes, traffic }): CheckVerdict {
    const configured = configuredIdleTimeout(attributes);
    if (configured === null) return { outcome: 'unknown', summary: 'The attributes do not hold the idle timeout.' };
    const facts = [{ label: 'idle timeout', value: configured, unit: 'seconds' as const }];
    const unseen = unseenRequests(traffic);
    if (unseen !== null || traffic === undefined)
      return {
        outcome: 'unknown',
        summary: `The idle timeout is set to ${wholeSeconds(configured)}; could not check whether it ended any request: ${unseen?.words}.`,
        facts,
        ...(unseen?.missing ? { missing: true } : {}),
      };
    const parts = idleTimeouts(traffic, attributes);
    if (parts.all.length === 0) {
      return {
        outcome: 'pass',
        summary: `The load balancer's idle timeout is ${wholeSeconds(configured)}; no error suggests otherwise.`,
        brief: `load balancer keeps idle connections for ${wholeSeconds(configured)}`,
        facts,
      };
    }
    const { effective } = parts;
    const count = plural(countErrors(parts.all), 'request');
    if (effective !== null && effective !== configured) {
      return {
        outcome: 'fail',
        summary: `${count} ended after ${wholeSeconds(effective)}, but the idle timeout is ${wholeSeconds(configured)} now.`,
        facts: [...facts, { label: 'shown by the errors', value: effective, unit: 'seconds' }],
      };
    }
    const summary =
      effective === configured
        ? `The idle timeout is ${wholeSeconds(configured)}, as the errors show: ${count} got no response within it.`
        : `The idle timeout is ${wholeSeconds(configured)}; ${count} ended without a response, at no common time.`;
    return { outcome: 'pass', summary, facts };
  },
});
