import { list, number, plural } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { noErrorsVerdict } from '../no-errors.ts';
import type { SignatureId } from '../signature.ts';
import { isHandshakeTimeout } from '../targets/tls.ts';
import { countErrors, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

/** What the requests did, and what the signature's three processing times look like in the log (-1: not reached). */
const SIGNATURE_WORDS: Readonly<Record<SignatureId, string>> = {
  'client-closed': 'ended because the client closed the connection (460)',
  'target-response': 'got an error status from the target itself (all three processing times are set)',
  'lambda-failure': 'failed in Lambda',
  'authentication-failure': 'failed in authentication',
  'waf-failure': 'failed in AWS WAF',
  'fixed-response': 'got a fixed response',
  'no-target': 'found no target in the group (503, all processing times -1)',
  'connect-failed': 'failed immediately while connecting (502, all processing times -1)',
  'connect-timeout': 'failed to connect within 10 s (504, all processing times -1)',
  'idle-timeout': 'got no response within the idle timeout (504, target processing time -1)',
  'no-response-aborted': 'got no response before the load balancer gave up (502, target processing time -1)',
  'closed-before-response':
    'ended because the target closed the connection or sent an invalid response (502, response processing time -1)',
  inconsistent: 'showed times that contradict the status',
  other: 'failed in another way',
};

export const errorSignatures = defineCheck({
  id: 'error-signatures',
  step: 1,
  subject: 'the processing times of the errors',
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
    const counted = bySignature.flatMap(({ id, count }): [number, string][] =>
      id === 'inconsistent' && unfinished > 0
        ? [
            [
              unfinished,
              'ended after 10 s before a request was sent, as TLS handshakes do (502, all processing times -1)',
            ],
            ...(count > unfinished ? [[count - unfinished, SIGNATURE_WORDS[id]] satisfies [number, string]] : []),
          ]
        : [[count, SIGNATURE_WORDS[id]]],
    );
    const words = counted.map(
      ([count, what], index) => `${index === 0 ? plural(count, 'request') : number(count)} ${what}`,
    );
    return {
      outcome: odd ? 'fail' : 'pass',
      summary: `${list(words, 5)}.`,
      facts: bySignature.map(({ id, count }) => ({ label: id, value: count, unit: 'requests' })),
    };
  },
});
