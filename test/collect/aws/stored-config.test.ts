/** A configuration in Systems Manager or Secrets Manager: the real clients against a local server that answers as AWS does. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readConfig } from '../../../src/commands/read-config.ts';

const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:alb502-AbCdEf';
/** Of each call: the operation, the region it was signed for, and the body. */
let calls: { operation: string; region: string; body: unknown }[];
let answer: { status: number; body: unknown };
let close: () => void;

beforeEach(async () => {
  calls = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '');
    const region = /Credential=[^/]+\/\d+\/([^/]+)/.exec(String(request.headers.authorization))?.[1] ?? '';
    calls.push({ operation, region, body: JSON.parse(Buffer.concat(chunks).toString()) });
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'r-1' });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  const environment = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'testing',
    AWS_SECRET_ACCESS_KEY: 'testing',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterEach(() => {
  close();
  vi.unstubAllEnvs();
});

it('reads a parameter, decrypted, in the region of the environment', async () => {
  answer = { status: 200, body: { Parameter: { Name: '/alb502', Value: '{"maxUsd":7}' } } };
  expect((await readConfig(undefined, { ALB502_CONFIG: 'ssm:/alb502' })).maxUsd).toBe(7);
  expect(calls).toEqual([
    { operation: 'GetParameter', region: 'eu-west-1', body: { Name: '/alb502', WithDecryption: true } },
  ]);
});

it('reads a secret in the region of its ARN', async () => {
  answer = { status: 200, body: { ARN: SECRET_ARN, SecretString: '{"maxUsd":8}' } };
  expect((await readConfig(`secretsmanager:${SECRET_ARN}`, {})).maxUsd).toBe(8);
  expect(calls).toEqual([{ operation: 'GetSecretValue', region: 'eu-central-1', body: { SecretId: SECRET_ARN } }]);
});

it.each([
  {
    name: 'is missing',
    config: 'ssm:/alb502',
    status: 400,
    body: { __type: 'ParameterNotFound' },
    says: 'The configuration cannot be read: there is no /alb502 in eu-west-1.',
  },
  {
    name: 'is refused',
    config: 'secretsmanager:alb502',
    status: 400,
    body: { __type: 'AccessDeniedException', Message: 'no' },
    says: 'The configuration cannot be read: secretsmanager:GetSecretValue was denied.',
  },
  {
    name: 'is binary',
    config: 'secretsmanager:alb502',
    status: 200,
    body: { SecretBinary: 'AA==' },
    says: 'The configuration secretsmanager:alb502 holds no text.',
  },
  {
    name: 'is not JSON',
    config: 'ssm:/alb502',
    status: 200,
    body: { Parameter: { Value: 'maxUsd: 1' } },
    says: /^The configuration ssm:\/alb502 is not JSON: line 1, column 1/,
  },
])('says in one sentence that it $name', async ({ config, status, body, says }) => {
  answer = { status, body };
  await expect(readConfig(undefined, { ALB502_CONFIG: config })).rejects.toThrow(says);
});

it('needs a name', async () => {
  await expect(readConfig('ssm:', {})).rejects.toThrow('write ssm:/name or secretsmanager:name.');
});
