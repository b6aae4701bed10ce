/** Redacted output keeps words of routes and nothing about a person. */
import { describe, expect, it } from 'vitest';
import { parseLine } from '../../src/collect/access-log/entry.ts';
import { pseudonyms, redactEntry } from '../../src/collect/incident/redact.ts';
import { redactHost, redactReason, redactRoute, redactUserAgent, traceRoot } from '../../src/redact/log-fields.ts';
import { redactWords } from '../../src/redact/plain-words.ts';
import { commonSegments, MANY_CLIENTS } from '../../src/redact/redact-evidence.ts';
import { SECRETS } from '../support/incident/secrets.ts';

const NONE: ReadonlySet<string> = new Set();
const ROOT = 'Root=1-693ac6ee-3bda59cb0f9d3c69591e8c87';

/** A line in which a client has put `text` everywhere a client can. */
const lineWith = (text: string): string =>
  `https 2026-11-20T02:47:11.162359Z app/shop/50dc6c495c0c9188 203.0.113.7:46882 172.31.6.52:80 0.001 0.001 0.000 502 - 116 556 "GET https://${text}.example.com:443/users/${text}/orders/x${text} HTTP/1.1" "${text} Mozilla/5.0 (${text}) x/${text}" - - arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Self=1-693ac6ee-3bda59cb0f9d3c69591e8c87;${ROOT};CalledFrom=${text}" "${text}.example.com" "-" 0 2026-11-20T02:47:11.159000Z "forward" "https://${text}:443/${text}?${text}" "${text}" "172.31.6.52:80" "-" "-" "${text}" TID_1cda3a622035454996cd2c4a60867901 "${text}" "/${text}?${text}" "-" 172.31.0.9 "${text}"`;

describe('a secret', () => {
  it.each(Object.entries(SECRETS))('is in no field of a saved line: %s', (_, secret) => {
    const line = lineWith(secret);
    expect(parseLine(line)).toHaveProperty('entry');
    const redacted = redactEntry(line, pseudonyms(), NONE);
    expect(redacted).not.toBeNull();
    expect(redacted).not.toContain(secret);
    for (const part of secret.split(/[/.]/).filter((one) => one.length > 4)) expect(redacted).not.toContain(part);
    expect(redacted).toContain(ROOT);
    expect(redactEntry(redacted ?? '', pseudonyms(), NONE)).toBe(redacted?.replace('203.0.113.7', '198.18.0.1'));
  });

  it.each(Object.entries(SECRETS))('is in no excerpt of an invalid line: %s', (_, secret) => {
    expect(redactWords(`GET /users/${secret} of ${secret}`)).not.toContain(secret);
  });
});

describe('a route', () => {
  it.each([
    'GET /',
    'POST /cart/items',
    'GET /orders/:id/lines/:id',
    'GET /api/v2/users',
    'GET /api/v2.1/users',
    'GET /.well-known/openid-configuration',
    'GET /assets/app.min.js',
    'GET /static/js/main.js',
    'GET /favicon.ico',
    'GET /wp-login.php',
    'POST /oauth2/token',
    'GET /getUserById',
    'POST /reset-password',
    'POST /shop.cart.v1.CartService/AddItem',
    'POST /transactions:search',
    'GET /html/css/rss.xml',
    'PROPFIND /dav/',
    'GET /healthz',
    'GET /graphql',
    'GET /account/export.csv',
    'GET /apis/apps/v1beta1/deployments',
    'GET /jquery/3.6.0/jquery.min.js',
    '-',
  ])('of plain words is kept: %s', (route) => expect(redactRoute(route, NONE)).toBe(route));

  it.each([
    ['GET /token/abcdef', 'GET /token/:id'],
    ['GET /api-key/abcdef/use', 'GET /api-key/:id/use'],
    ['GET /access_token/abcdef', 'GET /access_token/:id'],
    ['GET /reset-password/abcdef', 'GET /reset-password/:id'],
    ['GET /clientSecret/abcdef', 'GET /clientSecret/:id'],
    ['GET /passcode/hunter', 'GET /passcode/:id'],
    ['GET /born/29.2.84', 'GET /born/:id'],
    ['GET /born/2.29.84', 'GET /born/:id'],
    ['GET /users/ab12cd/orders', 'GET /users/:id/orders'],
    ['SECRET /a', 'OTHER /a'],
    ['whatever', 'OTHER'],
  ])('%s is shown as %s', (route, shown) => expect(redactRoute(route, NONE)).toBe(shown));

  it('keeps a plain segment that many clients requested, and no others', () => {
    const asked = (segment: string, clients: number) =>
      Array.from({ length: clients * 2 }, (_, at) => ({ route: `GET /p/${segment}`, client: at % clients }));
    const failures = [...asked('b2c3d4', MANY_CLIENTS), ...asked('e5f6g7', MANY_CLIENTS - 1), ...asked('a@b.c', 99)];
    const common = commonSegments({ failures });
    expect([...common]).toEqual(['b2c3d4']);
    expect(redactRoute('GET /p/b2c3d4', common)).toBe('GET /p/b2c3d4');
    expect(redactRoute('GET /api-key/b2c3d4', common)).toBe('GET /api-key/:id');
  });
});

describe('other fields', () => {
  it.each([
    [traceRoot, ROOT, ROOT],
    [traceRoot, `Self=1-1-2;${ROOT};CalledFrom='`, ROOT],
    [traceRoot, 'Root=1-zzz', '-'],
    [traceRoot, `X${ROOT}`, '-'],
    [redactUserAgent, 'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0', 'Mozilla AppleWebKit Chrome'],
    [redactUserAgent, 'curl/8.11.1', 'curl'],
    [redactUserAgent, '-', '-'],
    [redactUserAgent, 'k3Xq9', '-'],
    [redactHost, 'shop.example.com', 'shop.example.com'],
    [
      redactHost,
      'shop-prod-1234567890.eu-west-1.elb.amazonaws.com',
      'shop-prod-1234567890.eu-west-1.elb.amazonaws.com',
    ],
    [redactHost, 'k3Xq9.example.com', 'host.invalid'],
    [redactHost, '203.0.113.7', 'host.invalid'],
    [redactReason, 'TargetConnectionError', 'TargetConnectionError'],
    [redactReason, 'AuthInvalidCookie', 'AuthInvalidCookie'],
    [redactReason, 'JWKSRequestTimeout', 'JWKSRequestTimeout'],
    [redactReason, 'token=k3Xq9', 'Other'],
  ])('%o of %s is %s', (redact, text, shown) => expect(redact(text)).toBe(shown));
});
