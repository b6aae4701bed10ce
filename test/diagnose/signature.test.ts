import { describe, expect, it } from 'vitest';
import { parseLine, signatureFieldsOf } from '../../src/collect/access-log/entry.ts';
import {
  CONNECT_TIMEOUT_FROM,
  CONNECT_TIMEOUT_TO,
  elapsedClass,
  SIGNATURE_IDS,
  type SignatureId,
  type SignatureSource,
  signature,
  signatureFields,
} from '../../src/diagnose/signature.ts';
import type { FailureShape } from '../../src/evidence/access-log.ts';

/** Lines of a laboratory in which each failure was made on purpose. */
const LABORATORY: [situation: string, expected: SignatureId, line: string][] = [
  [
    'made by the target',
    'target-response',
    'http 2025-12-11T13:28:14.162359Z app/alb-demo/1fa8b17e4c17e7c7 13.211.35.216:46882 172.31.6.52:80 0.001 0.001 0.000 504 504 116 556 "GET http://alb-demo-1974023788.ap-southeast-2.elb.amazonaws.com:80/ HTTP/1.1" "curl/8.11.1" - - arn:aws:elasticloadbalancing:ap-southeast-2:592752082067:targetgroup/alb-demo/e1419229e570d841 "Root=1-693ac6ee-3bda59cb0f9d3c69591e8c87" "-" "-" 0 2025-12-11T13:28:14.159000Z "forward" "-" "-" "172.31.6.52:80" "504" "-" "-" TID_1cda3a622035454996cd2c4a60867901 "-" "-" "-"',
  ],
  [
    'connect timeout, browser',
    'connect-timeout',
    'http 2025-12-11T13:25:29.260298Z app/alb-demo/1fa8b17e4c17e7c7 49.47.11.159:64058 172.31.6.52:80 -1 -1 -1 504 - 493 694 "GET http://alb-demo-1974023788.ap-southeast-2.elb.amazonaws.com:80/ HTTP/1.1" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36" - - arn:aws:elasticloadbalancing:ap-southeast-2:592752082067:targetgroup/alb-demo/e1419229e570d841 "Root=1-693ac63f-3f64318a72204f902374768c" "-" "-" 0 2025-12-11T13:25:19.259000Z "forward" "-" "-" "172.31.6.52:80" "-" "-" "-" TID_6d4d2ee3c4ccf64da4478d7b7ba08093 "-" "-" "-"',
  ],
  [
    'reset on connect',
    'connect-failed',
    'http 2025-12-11T16:42:57.298415Z app/alb-demo/1fa8b17e4c17e7c7 13.211.35.216:45530 172.31.6.52:80 -1 -1 -1 502 - 116 277 "GET http://alb-demo-1974023788.ap-southeast-2.elb.amazonaws.com:80/ HTTP/1.1" "curl/8.11.1" - - arn:aws:elasticloadbalancing:ap-southeast-2:592752082067:targetgroup/alb-demo/e1419229e570d841 "Root=1-693af491-5a6814f5635754d41bcc7a78" "-" "-" 0 2025-12-11T16:42:57.297000Z "forward" "-" "-" "172.31.6.52:80" "-" "-" "-" TID_58ffb8be714132458bbf068001512610 "-" "-" "-"',
  ],
  [
    'garbage for a response',
    'closed-before-response',
    'http 2025-12-12T06:19:41.701455Z app/alb-demo/1fa8b17e4c17e7c7 13.239.55.82:55614 172.31.6.52:80 0.000 11.083 -1 502 - 39 277 "GET http://52.63.142.248:80/ HTTP/1.1" "-" - - arn:aws:elasticloadbalancing:ap-southeast-2:592752082067:targetgroup/alb-demo/e1419229e570d841 "Root=1-693bb3f2-71b560c458bf732c4d88fcf8" "-" "-" 0 2025-12-12T06:19:28.938000Z "forward" "-" "-" "172.31.6.52:80" "-" "-" "-" TID_aedf5f6ebcb04c44bc925caec81449a4 "-" "-" "-"',
  ],
  [
    'TLS handshake error',
    'connect-failed',
    'h2 2025-12-12T07:46:28.345473Z app/alb-demo/1fa8b17e4c17e7c7 13.239.55.82:55608 172.31.6.52:443 -1 -1 -1 502 - 42 192 "GET https://demo.ultimatenetworkwarrior.com:443/ HTTP/2.0" "curl/8.11.1" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:ap-southeast-2:592752082067:targetgroup/alb-demo-https/fbf6f0e501cf0e4e "Root=1-693bc854-5f79074a0775e27e2223ebf3" "demo.ultimatenetworkwarrior.com" "arn:aws:acm:ap-southeast-2:592752082067:certificate/56609dae-79ce-4b2b-b54a-55a73dca1485" 0 2025-12-12T07:46:28.343000Z "forward" "-" "-" "172.31.6.52:443" "-" "-" "-" TID_9b58dfc3ffd1f642b5f5ce813d6f3f12 "-" "-" "-"',
  ],
  [
    'deregistration delay elapsed',
    'no-response-aborted',
    'http 2025-12-12T10:59:55.716475Z app/alb-demo/1fa8b17e4c17e7c7 13.239.55.82:57570 172.31.6.52:80 0.001 -1 -1 502 - 104 277 "GET http://demo.ultimatenetworkwarrior.com:80/delay.php HTTP/1.1" "curl/8.11.1" - - arn:aws:elasticloadbalancing:ap-southeast-2:592752082067:targetgroup/alb-demo/e1419229e570d841 "Root=1-693bf591-7bbe21550445d86979e9a8d2" "-" "-" 0 2025-12-12T10:59:29.358000Z "forward" "-" "-" "172.31.6.52:80" "-" "-" "-" TID_163681a1d7e275408c1e2a4b2f2fe36d "-" "-" "-"',
  ],
  [
    'connect timeout, curl',
    'connect-timeout',
    'http 2025-12-12T11:56:36.046112Z app/alb-demo/1fa8b17e4c17e7c7 13.239.55.82:42974 172.31.6.52:80 -1 -1 -1 504 - 116 292 "GET http://alb-demo-1974023788.ap-southeast-2.elb.amazonaws.com:80/ HTTP/1.1" "curl/8.11.1" - - arn:aws:elasticloadbalancing:ap-southeast-2:592752082067:targetgroup/alb-demo/e1419229e570d841 "Root=1-693c02ea-0255ce967cdbe009768fbc2e" "-" "-" 0 2025-12-12T11:56:26.046000Z "forward" "-" "-" "172.31.6.52:80" "-" "-" "-" TID_1a741ab29cde2146ac30c20a6a9c5bee "-" "-" "-"',
  ],
  [
    'no response within the idle timeout',
    'idle-timeout',
    'http 2025-12-12T12:25:28.147346Z app/alb-demo/1fa8b17e4c17e7c7 13.239.55.82:43630 172.31.6.52:80 0.001 -1 -1 504 - 125 292 "GET http://alb-demo-1974023788.ap-southeast-2.elb.amazonaws.com:80/delay.php HTTP/1.1" "curl/8.11.1" - - arn:aws:elasticloadbalancing:ap-southeast-2:592752082067:targetgroup/alb-demo/e1419229e570d841 "Root=1-693c097c-562c3d024a7d9aee7d99d8aa" "-" "-" 0 2025-12-12T12:24:28.143000Z "forward" "-" "-" "172.31.6.52:80" "-" "-" "-" TID_c1253952281bca4cb882b610f5c2220a "-" "-" "-"',
  ],
];

const GROUP = 'arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/web/73e2d6bc24d8a067';

/** A request that the load balancer forwarded to an instance and answered itself with a 502, but for what is said. */
function failed(but: Partial<SignatureSource>): SignatureSource {
  return {
    elb_status_code: '502',
    target_status_code: '-',
    request_processing_time: -1,
    target_processing_time: -1,
    response_processing_time: -1,
    elapsed: 0.002,
    error_reason: '-',
    actions_executed: 'forward',
    target: '10.0.0.1:80',
    target_group_arn: GROUP,
    ...but,
  };
}

/** The three processing times, in their order. */
const times = (request: number, target: number, response: number) => ({
  request_processing_time: request,
  target_processing_time: target,
  response_processing_time: response,
});
const NEVER_SENT = times(-1, -1, -1);
const NO_ANSWER = times(0.001, -1, -1);
const CLOSED = times(0.001, 4.205, -1);
const ANSWERED = times(0.001, 0.02, 0);

const SITUATIONS: [situation: string, expected: SignatureId, but: Partial<SignatureSource>][] = [
  ['the client gave up', 'client-closed', { elb_status_code: '460', ...NO_ANSWER }],
  [
    'the client gave up although the target had answered',
    'client-closed',
    { elb_status_code: '460', target_status_code: '200' },
  ],
  ['the target itself sent 502', 'target-response', { target_status_code: '502', ...ANSWERED }],
  ['the target itself sent 500', 'target-response', { elb_status_code: '500', target_status_code: '500', ...ANSWERED }],
  [
    'a function returned nonsense',
    'lambda-failure',
    { error_reason: 'LambdaInvalidResponse', target: '-', ...ANSWERED },
  ],
  [
    'a function could not be reached',
    'lambda-failure',
    { elb_status_code: '504', error_reason: 'LambdaConnectionTimeout', target: '-' },
  ],
  [
    'the identity provider was silent',
    'authentication-failure',
    { elb_status_code: '500', error_reason: 'AuthTokenEpRequestTimeout', target: '-' },
  ],
  [
    'a token was not signed',
    'authentication-failure',
    { elb_status_code: '401', error_reason: 'JWTSignatureValidationError', target: '-' },
  ],
  [
    'the keys could not be read',
    'authentication-failure',
    { elb_status_code: '500', error_reason: 'JWKSRequestTimeout', target: '-' },
  ],
  ['the identity provider refused', 'authentication-failure', { elb_status_code: '561', target: '-' }],
  ['the keys were not valid', 'authentication-failure', { elb_status_code: '562', target: '-' }],
  [
    'the firewall service failed',
    'waf-failure',
    { elb_status_code: '500', error_reason: 'WAFConnectionTimeout', actions_executed: 'waf-failed', target: '-' },
  ],
  [
    'a rule returned 503',
    'fixed-response',
    { elb_status_code: '503', actions_executed: 'fixed-response', target: '-', target_group_arn: '-' },
  ],
  [
    'a rule returned 503 behind the firewall',
    'fixed-response',
    { elb_status_code: '503', actions_executed: 'waf,fixed-response', target: '-', target_group_arn: '-' },
  ],
  ['the group was empty', 'no-target', { elb_status_code: '503', target: '-' }],
  ['the target refused the connection', 'connect-failed', {}],
  ['the target was reported unreachable after 3 s', 'connect-failed', { elapsed: 3.1 }],
  ['the target did not answer the connection', 'connect-timeout', { elb_status_code: '504', elapsed: 10.001 }],
  ['the target did not answer the request', 'idle-timeout', { elb_status_code: '504', elapsed: 60.004, ...NO_ANSWER }],
  ['the target left before it answered', 'no-response-aborted', { elapsed: 26.358, ...NO_ANSWER }],
  ['the target closed instead of answering', 'closed-before-response', { elapsed: 4.206, ...CLOSED }],
  ['the target closed at once', 'closed-before-response', { elapsed: 0.001, ...times(0, 0, -1) }],
  ['the load balancer does not know the transfer encoding', 'other', { elb_status_code: '501', target: '-' }],
  ['the client got a GOAWAY', 'other', { elb_status_code: '000', target: '-' }],
  ['no response was sent', 'other', { elb_status_code: '-' }],
  ['the page was there', 'target-response', { elb_status_code: '200', target_status_code: '200', ...ANSWERED }],
  ['the page was not there and no target was asked', 'other', { elb_status_code: '404', target: '-' }],
];

/** Lines that contradict what is known: no class is forced on them. */
const CONTRADICTIONS: [situation: string, but: Partial<SignatureSource>][] = [
  ['a refused connection that took 12 s', { elapsed: 12 }],
  ['a refused connection that took the time of a connect timeout', { elapsed: 10.001 }],
  ['a connection without a target', { target: '-' }],
  ['a connect timeout after 2 ms', { elb_status_code: '504', elapsed: 0.002 }],
  ['a connect timeout after 60 s', { elb_status_code: '504', elapsed: 60 }],
  ['a connect timeout without a target', { elb_status_code: '504', elapsed: 10.001, target: '-' }],
  ['a refused connection of unknown length', { elapsed: null }],
  ['a connect timeout of unknown length', { elb_status_code: '504', elapsed: null }],
  ['a timeout of a target that answered 200', { elb_status_code: '504', target_status_code: '200', ...ANSWERED }],
  [
    'a timeout of a target that answered 200 in no time',
    { elb_status_code: '504', target_status_code: '200', ...NO_ANSWER },
  ],
  ['a connection closed by a target that answered 200', { target_status_code: '200', ...CLOSED }],
  ['another 5xx than the one of the target', { elb_status_code: '503', target_status_code: '502', ...ANSWERED }],
  ['a closed connection that timed out', { elb_status_code: '504', ...CLOSED }],
  ['all times but no status of the target', { ...ANSWERED }],
  ['a response to an unsent request', { ...times(-1, 0.02, -1) }],
  ['an empty group with a target', { elb_status_code: '503' }],
  ['no group at all', { elb_status_code: '503', target: '-', target_group_arn: '-' }],
];

/** Lines of documentation and of public issues. */
const ELSEWHERE: [situation: string, expected: SignatureId, line: string][] = [
  [
    'a function that returned nonsense',
    'lambda-failure',
    'http 2018-11-30T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - 0.000 0.001 0.000 502 - 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337364-23a8c76965a2ef7629b185e3" "-" "-" 0 2018-11-30T22:22:48.364000Z "forward" "-" "LambdaInvalidResponse" "-" "-" "-" "-" TID_1234abcd5678ef90 "-" "-" "-"',
  ],
  [
    'a maintenance page',
    'fixed-response',
    'https 2022-11-02T16:16:31.662027Z app/myalb/0123456789012 123.123.123.123:54321 - -1 -1 -1 503 - 199 184 "GET https://10.100.10.100:443/ HTTP/1.1" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0.3538.77 Safari/537.36" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - "Root=1-abcdefgh-abcd-efgh-ijkl-0123456789" "*" "arn:aws:acm:ap-northeast-2:1234567890:certificate/abcdefgh-abcd-efgh-ijkl-0123456789" 0 2022-11-02T16:16:31.661000Z "waf,fixed-response" "-" "-" "-" "-" "-" "-"',
  ],
  [
    'an empty group',
    'no-target',
    'https 2023-05-02T22:52:38.170624Z app/myalb/0123456789abcdef 123.123.123.123:12345 - -1 -1 -1 503 - 241 739 "GET https://12.123.123.12:443/ HTTP/1.1" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.113 Safari/537.36" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:ap-northeast-2:012345678901:targetgroup/mytg/0123456789abcdef "Root=1-abcd0123-0123456789abcdef01234567" "12.123.123.12:443" "arn:aws:acm:ap-northeast-2:012345678901:certificate/abcdefgh-abcd-efgh-ijkl-0123456789" 0 2023-05-02T22:52:38.170000Z "forward" "-" "-" "-" "-" "-" "-"',
  ],
];

describe('a line about', () => {
  it.each([...LABORATORY, ...ELSEWHERE])('%s: %s', (_, expected, line) => {
    const result = parseLine(line);
    expect(result).toHaveProperty('entry');
    if ('entry' in result) expect(signature(signatureFieldsOf(result.entry))).toBe(expected);
  });

  it('eight deliberate failures', () => {
    expect(LABORATORY).toHaveLength(8);
  });
});

describe('the load balancer experienced', () => {
  it.each(SITUATIONS)('%s: %s', (_, expected, but) => {
    expect(signature(failed(but))).toBe(expected);
  });

  it.each(CONTRADICTIONS)('%s: inconsistent', (_, but) => {
    expect(signature(failed(but))).toBe('inconsistent');
  });

  it('covers every signature above', () => {
    const told = new Set([...SITUATIONS.map(([, id]) => id), 'inconsistent']);
    expect([...told].sort()).toEqual([...SIGNATURE_IDS].sort());
  });

  it('uses the first that matches', () => {
    const everything = { error_reason: 'LambdaUnhandled', actions_executed: 'fixed-response', ...CLOSED };
    expect(signature(failed({ ...everything, elb_status_code: '460', target_status_code: '460' }))).toBe(
      'client-closed',
    );
    expect(signature(failed({ ...everything, target_status_code: '502' }))).toBe('target-response');
    expect(signature(failed(everything))).toBe('lambda-failure');
    expect(signature(failed({ ...everything, error_reason: '-', elb_status_code: '561' }))).toBe(
      'authentication-failure',
    );
    expect(signature(failed({ ...everything, error_reason: '-' }))).toBe('fixed-response');
  });

  it('recognises a connect timeout between 9.5 s and 11 s', () => {
    expect([CONNECT_TIMEOUT_FROM, CONNECT_TIMEOUT_TO]).toEqual([9.5, 11]);
  });

  it.each([
    [9.499, 'connect-failed', 'inconsistent'],
    [CONNECT_TIMEOUT_FROM, 'inconsistent', 'connect-timeout'],
    [10.999, 'inconsistent', 'connect-timeout'],
    [CONNECT_TIMEOUT_TO, 'inconsistent', 'inconsistent'],
  ])('after %d s without a connection: a 502 is %s, a 504 is %s', (elapsed, of502, of504) => {
    expect(signature(failed({ elapsed, ...NEVER_SENT }))).toBe(of502);
    expect(signature(failed({ elapsed, ...NEVER_SENT, elb_status_code: '504' }))).toBe(of504);
  });

  it('is the same for a row and for the group it is counted in', () => {
    for (const but of [...SITUATIONS.map(([, , but]) => but), ...CONTRADICTIONS.map(([, but]) => but)]) {
      const row = failed(but);
      const sign = (seconds: number): -1 | 0 => (seconds === -1 ? -1 : 0);
      const shape: FailureShape = {
        minute: 0,
        elb_status_code: row.elb_status_code,
        target_status_code: row.target_status_code,
        request_processing_time: sign(row.request_processing_time),
        target_processing_time: sign(row.target_processing_time),
        response_processing_time: sign(row.response_processing_time),
        elapsed: elapsedClass(row.elapsed),
        error_reason: row.error_reason,
        fixedResponse: row.actions_executed.includes('fixed-response'),
        hasTarget: row.target !== '-',
        hasTargetGroup: row.target_group_arn !== '-',
        count: 1,
        retriedOk: 0,
      };
      expect(signature(shape)).toBe(signature(row));
      expect(signature(signatureFields(row))).toBe(signature(row));
    }
  });

  it('is not guessed for a line that ends before its creation time', () => {
    const cut = 'http 2018-03-15T03:50:00.337397Z app/a/0123 10.248.9.92:54000 10.248.9.77:80 -1 -1 -1 502 - 686 6476';
    const result = parseLine(cut);
    expect('entry' in result && signature(signatureFieldsOf(result.entry))).toBe('inconsistent');
  });
});
