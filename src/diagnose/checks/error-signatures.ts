import { list, number } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { noErrorsVerdict } from '../no-errors.ts';
import type { SignatureId } from '../signature.ts';
import { isHandshakeTimeout } from '../targets/tls.ts';
import { countErrors, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

/** What the load balancer observed, and what the signature's three processing times look like in the log (-1: not reached). */
const SIGNATURE_WORDS: Readonly<Record<SignatureId, string>> = {
  'client-closed': 'closed by the client (460)',
  'target-response': 'got this status from the target itself (all three processing times are set)',
  'lambda-failure': 'failed in Lambda',
  'authentication-failure': 'failed in authentication',
  'waf-failure': 'failed in AWS WAF',
  'fixed-response': 'answered by a fixed response',
  'no-target': 'without a target in the group (503, processing times -1 -1 -1)',
  'connect-failed': 'failed immediately while connecting (502, processing times -1 -1 -1)',
  'connect-timeout': 'failed to connect within 10 s (504, processing times -1 -1 -1)',
  'idle-timeout': 'got no response within the idle timeout (504, target processing time -1)',
  'no-response-aborted': 'ended by the load balancer before any response (502, target processing time -1)',
  'closed-before-response':
    'closed by the target or answered with an invalid response (502, response processing time -1)',
  inconsistent: 'with times that contradict the status',
  other: 'of another kind',
};

export const errorSignatures = defineCheck({
  id: 'error-signatures',
  step: 1,
  question: 'Do the three processing times of every error fit a known pattern?',
  why: 'The processing times and the total duration show what the load balancer experienced, for every target type.',
  fix: 'Look at the log lines that fit no pattern one by one: their status and their times contradict each other.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-entry-syntax',
  symptom: true,
  needs: ['traffic'],
  wants: [],

  evaluate({ traffic }): CheckVerdict {
    const noErrors = noErrorsVerdict(traffic);
    if (noErrors) return noErrors;
    const { bySignature } = traffic;
    const unfinished = countErrors(withSignature(traffic, 'inconsistent').filter(isHandshakeTimeout));
    const odd = bySignature.some(({ id, count }) => id === 'inconsistent' && count > unfinished);
    const words = bySignature.flatMap(({ id, count }) =>
      id === 'inconsistent' && unfinished > 0
        ? [
            `${number(unfinished)} ended after 10 s before a request was sent, as TLS handshakes do (502, processing times -1 -1 -1)`,
            ...(count > unfinished ? [`${number(count - unfinished)} ${SIGNATURE_WORDS[id]}`] : []),
          ]
        : [`${number(count)} ${SIGNATURE_WORDS[id]}`],
    );
    return {
      outcome: odd ? 'fail' : 'pass',
      summary: `${list(words, 5)}.`,
      facts: bySignature.map(({ id, count }) => ({ label: id, value: count, unit: 'requests' })),
    };
  },
});
