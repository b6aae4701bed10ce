/** Requests to the address of SNS: genuine ones are accepted; others are refused and logged, without any call. */
import { sign } from 'node:crypto';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readMessage } from '../../src/alarms/read-message.ts';
import { snsRoute } from '../../src/alarms/sns.ts';
import { type CertificateWithKey, certificate } from '../support/alarms/certificate.ts';
import { snsAlarm, TOPIC } from '../support/alarms/messages.ts';
import { eventually } from '../support/eventually.ts';

const NOW = Date.parse('2026-11-20T02:45:00.000Z');
const DAY = 86_400_000;
const CERTIFICATE =
  'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem';
const CONFIRM = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37fb687f5d51e6e2`;

let genuine: CertificateWithKey;
let expired: CertificateWithKey;
let foreign: CertificateWithKey;
let bucket: CertificateWithKey;
let server: Server;
let port: number;
let taken: string[];
let fetched: string[];
let logged: string[];
let served: () => Promise<string>;
let refusesToTake: boolean;
let overTheNetwork: ReturnType<typeof vi.spyOn>;

beforeAll(async () => {
  genuine = certificate('sns.amazonaws.com', NOW - 30 * DAY, NOW + 300 * DAY);
  expired = certificate('sns.amazonaws.com', NOW - 300 * DAY, NOW - DAY);
  foreign = certificate('sns.example.com', NOW - 30 * DAY, NOW + 300 * DAY);
  bucket = certificate('sns.s3.amazonaws.com', NOW - 30 * DAY, NOW + 300 * DAY);
});

beforeEach(async () => {
  [taken, fetched, logged] = [[], [], []];
  refusesToTake = false;
  served = async () => genuine.pem;
  const log = (fields: unknown, text?: string) => void logged.push(`${text} ${JSON.stringify(fields)}`);
  const route = snsRoute({
    path: '/alarms/sns',
    topics: [TOPIC],
    now: () => NOW,
    log: { info: log, warn: log, error: log },
    async take(body) {
      if (refusesToTake) throw new Error('the store is down');
      taken.push(body);
    },
    fetchText: async (url) => {
      fetched.push(url.href);
      return served();
    },
  });
  server = createServer((incoming, response) => void route.handle(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  overTheNetwork = vi.spyOn(globalThis, 'fetch');
});
afterEach(() => {
  expect(overTheNetwork).not.toHaveBeenCalled();
  overTheNetwork.mockRestore();
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});
afterAll(() => vi.restoreAllMocks());

type Sent = Record<string, string>;

const notification = (more: Sent = {}): Sent => ({
  Type: 'Notification',
  MessageId: '22c22222-eeee-56f5-0541-9827d55d7777',
  TopicArn: TOPIC,
  Subject: 'ALARM: "shop-502" in EU (Ireland)',
  Message: JSON.stringify(snsAlarm({ at: NOW - 60_000 })),
  Timestamp: new Date(NOW - 5000).toISOString(),
  SignatureVersion: '1',
  SigningCertURL: CERTIFICATE,
  UnsubscribeURL: 'https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe',
  ...more,
});

const subscription = (more: Sent = {}): Sent => ({
  Type: 'SubscriptionConfirmation',
  MessageId: '165545c9-2a5c-472c-8df2-7ff2be2b3b1b',
  Token: '2336412f37fb687f5d51e6e2',
  TopicArn: TOPIC,
  Message: 'You have chosen to subscribe to the topic.',
  SubscribeURL: CONFIRM,
  Timestamp: new Date(NOW - 5000).toISOString(),
  SignatureVersion: '1',
  SigningCertURL: CERTIFICATE,
  ...more,
});

/** As the guide has it: names in byte order, each with its value, in lines. */
function signed(sent: Sent, { key } = genuine): Sent {
  const names = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
  const text = names.flatMap((name) => (name in sent ? [`${name}\n${sent[name]}\n`] : [])).join('');
  const algorithm = sent.SignatureVersion === '2' ? 'RSA-SHA256' : 'RSA-SHA1';
  return { ...sent, Signature: sign(algorithm, Buffer.from(text), key).toString('base64') };
}

async function post(body: unknown, headers: Record<string, string> = {}): Promise<number> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        host: '127.0.0.1',
        port,
        path: '/alarms/sns',
        method: 'POST',
        headers: { 'Content-Type': 'text/plain; charset=UTF-8', ...headers },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sending.on('error', reject);
    sending.end(text);
  });
}

describe('a message of SNS', () => {
  it.each(['1', '2'])('with a signature of version %s is taken', async (SignatureVersion) => {
    expect(await post(signed(notification({ SignatureVersion })))).toBe(200);
    expect(taken).toHaveLength(1);
    expect(readMessage(taken[0] ?? '')).toMatchObject({ alarm: { name: 'shop-502' } });
  });

  it('is accepted without a subject', async () => {
    const { Subject: _, ...plain } = notification();
    expect(await post(signed(plain))).toBe(200);
  });

  it('fetches the certificate only once', async () => {
    for (let time = 0; time < 3; time++) await post(signed(notification()));
    expect(fetched).toEqual([CERTIFICATE]);
  });

  it('is redelivered if it could not be recorded', async () => {
    refusesToTake = true;
    expect(await post(signed(notification()))).toBe(500);
    refusesToTake = false;
    expect(await post(signed(notification()))).toBe(200);
  });

  it('is redelivered if the certificate could not be fetched; an error page is not cached', async () => {
    served = async () => '<html>Service Unavailable</html>';
    expect(await post(signed(notification()))).toBe(500);
    served = async () => Promise.reject(new Error('timed out'));
    expect(await post(signed(notification()))).toBe(500);
    served = async () => genuine.pem;
    expect(await post(signed(notification()))).toBe(200);
    expect(taken).toHaveLength(1);
  });

  it('confirms the subscription of a listed topic', async () => {
    expect(await post(signed(subscription()))).toBe(200);
    expect(fetched).toEqual([CERTIFICATE, CONFIRM]);
    expect(taken).toEqual([]);
  });

  it('reports that the topic was unsubscribed', async () => {
    expect(await post(signed(subscription({ Type: 'UnsubscribeConfirmation' })))).toBe(200);
    expect(fetched).toEqual([CERTIFICATE]);
    expect(logged.join()).toContain('unsubscribed');
  });
});

describe('unsigned or badly signed messages are refused without a call', () => {
  const cases: [string, () => unknown, number][] = [
    [
      'a topic that is not listed',
      () => signed(notification({ TopicArn: 'arn:aws:sns:eu-west-1:999999999999:alarms' })),
      403,
    ],
    [
      'a subscription to such a topic',
      () => signed(subscription({ TopicArn: 'arn:aws:sns:eu-west-1:999999999999:alarms' })),
      403,
    ],
    [
      'a certificate on another host',
      () =>
        signed(
          notification({
            SigningCertURL:
              'https://sns.evil.example.com/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem',
          }),
        ),
      403,
    ],
    [
      'a host with the same beginning',
      () =>
        signed(notification({ SigningCertURL: CERTIFICATE.replace('amazonaws.com', 'amazonaws.com.evil.example') })),
      403,
    ],
    [
      'a host that only ends so',
      () => signed(notification({ SigningCertURL: CERTIFICATE.replace('sns.eu-west-1', 'evil.sns.eu-west-1') })),
      403,
    ],
    [
      'a bucket in place of SNS',
      () => signed(notification({ SigningCertURL: CERTIFICATE.replace('sns.eu-west-1', 's3.eu-west-1') })),
      403,
    ],
    ...[
      'sns.s3.amazonaws.com',
      'sns.s3-us-west-2.amazonaws.com',
      'sns.s3.eu-west-1.amazonaws.com',
      'sns.eu-west-1.s3.amazonaws.com',
      'sns.execute-api.amazonaws.com',
      'sns.eu-west-1.amazonaws.com.cn',
      'sns.amazonaws.com',
    ].map((host): [string, () => unknown, number] => [
      `the certificate on ${host}`,
      () => signed(notification({ SigningCertURL: CERTIFICATE.replace('sns.eu-west-1.amazonaws.com', host) })),
      403,
    ]),
    [
      "a certificate from another region than the topic's",
      () => signed(notification({ SigningCertURL: CERTIFICATE.replace('eu-west-1', 'us-east-1') })),
      403,
    ],
    [
      'a user in the address',
      () =>
        signed(
          notification({ SigningCertURL: CERTIFICATE.replace('//', '//sns.eu-west-1.amazonaws.com@evil.example/') }),
        ),
      403,
    ],
    ['another port', () => signed(notification({ SigningCertURL: CERTIFICATE.replace('.com/', '.com:8443/') })), 403],
    [
      'a certificate without TLS',
      () => signed(notification({ SigningCertURL: CERTIFICATE.replace('https', 'http') })),
      403,
    ],
    [
      'an answer of SNS in place of a certificate',
      () => signed(notification({ SigningCertURL: 'https://sns.eu-west-1.amazonaws.com/?Action=ListTopics&x=.pem' })),
      403,
    ],
    ['no address', () => signed(notification({ SigningCertURL: 'certificate' })), 403],
    ['a message of yesterday', () => signed(notification({ Timestamp: new Date(NOW - DAY).toISOString() })), 403],
    ['a message of tomorrow', () => signed(notification({ Timestamp: new Date(NOW + DAY).toISOString() })), 403],
    ['another version of signatures', () => signed(notification({ SignatureVersion: '3' })), 400],
    ['no signature', () => notification(), 400],
    ['another type', () => signed(notification({ Type: 'Greeting' })), 400],
    ['words', () => 'hello', 400],
    ['nothing', () => '', 400],
  ];
  it.each(cases)('%s', async (_, sent, status) => {
    expect(await post(sent())).toBe(status);
    expect([taken, fetched]).toEqual([[], []]);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/^refused a request to the SNS endpoint/);
  });

  it('with raw delivery, which has no signature', async () => {
    expect(await post(snsAlarm({ at: NOW }), { 'x-amz-sns-rawdelivery': 'true' })).toBe(403);
    expect([taken, fetched]).toEqual([[], []]);
  });

  it('cut off in the middle, without an error that would wake somebody', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /alarms HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"Type":');
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await eventually(() => expect(logged).toHaveLength(1));
    expect(logged[0]).toMatch(/^refused a request to the SNS endpoint .*the body was cut off/);
  });

  it('over 256 KiB, with or without a content length', async () => {
    const large = JSON.stringify(notification({ Message: 'x'.repeat(300 * 1024) }));
    expect(await post(large)).toBe(413);
    expect(await post(large, { 'Transfer-Encoding': 'chunked' })).toBe(413);
    expect([taken, fetched]).toEqual([[], []]);
    expect(logged.join()).toContain('larger than 256 KiB');
  });
});

describe('messages signed for others are refused', () => {
  it.each([
    ['another key', () => signed(notification(), foreign)],
    ['a changed message', () => ({ ...signed(notification()), Message: '{}' })],
    ['a changed subject', () => ({ ...signed(notification()), Subject: 'OK' })],
    ['a message signed for another type', () => ({ ...signed(subscription()), Type: 'Notification' })],
    ['an invalid signature', () => ({ ...notification(), Signature: 'EXAMPLE' })],
    [
      'another address to confirm at',
      () => ({ ...signed(subscription()), SubscribeURL: CONFIRM.replace('2336', '1') }),
    ],
  ])('%s', async (_, sent) => {
    expect(await post(sent())).toBe(403);
    expect(taken).toEqual([]);
    expect(fetched).toEqual([CERTIFICATE]);
    expect(logged).toHaveLength(1);
  });

  it.each([
    ['of a certificate that is not valid any more', () => expired],
    ['by the certificate of somebody else', () => foreign],
    ['of a certificate for a bucket called sns', () => bucket],
  ])('%s', async (_, of) => {
    served = async () => of().pem;
    expect(await post(signed(notification(), of()))).toBe(403);
    expect(taken).toEqual([]);
  });

  it.each([
    ['on another host', 'https://evil.example.com/?Action=ConfirmSubscription'],
    ['on a bucket called sns', CONFIRM.replace('sns.eu-west-1', 'sns.s3')],
    ['in another region', CONFIRM.replace('sns.eu-west-1', 'sns.us-east-1')],
    ['that does something else', `https://sns.eu-west-1.amazonaws.com/?Action=DeleteTopic&TopicArn=${TOPIC}`],
    ['of another topic', CONFIRM.replace(TOPIC, 'arn:aws:sns:eu-west-1:999999999999:other')],
  ])('does not confirm %s, even if genuine', async (_, SubscribeURL) => {
    expect(await post(signed(subscription({ SubscribeURL })))).toBe(403);
    expect(fetched).toEqual([CERTIFICATE]);
  });
});
