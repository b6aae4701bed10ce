/** Users whose permissions moto enforces like IAM. Until then, moto allows everything. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * iam-policy.json for one bucket, as moto understands it. It asks for actions by the name that requests are signed with, which for CloudWatch
 * is another; and but for S3 it asks with the resource "*", which no narrower one covers.
 */
export function policyForMoto(bucket: string): string {
  const file = join(import.meta.dirname, '../../deploy/iam-policy.json');
  return readFileSync(file, 'utf8')
    .replaceAll('LOG-BUCKET', bucket)
    .replaceAll('RESULTS-BUCKET', bucket)
    .replaceAll('LOG-PREFIX', '')
    .replaceAll('RESULTS-PREFIX', '')
    .replaceAll('cloudwatch:', 'monitoring:')
    .replace(/"arn:aws:(athena|glue|lambda):[^"]*"/g, '"*"');
}

/** Credentials of a user with this policy and no other, as environment variables; from now on permissions are enforced. */
export async function userWith(endpoint: string, UserName: string, policy: string): Promise<Record<string, string>> {
  await iam(endpoint, { Action: 'CreateUser', UserName });
  await iam(endpoint, { Action: 'PutUserPolicy', UserName, PolicyName: 'alb502', PolicyDocument: policy });
  const answer = await iam(endpoint, { Action: 'CreateAccessKey', UserName });
  const part = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer)?.[1] ?? '';
  await enforceAfter(endpoint, '0');
  return { AWS_ACCESS_KEY_ID: part('AccessKeyId'), AWS_SECRET_ACCESS_KEY: part('SecretAccessKey') };
}

/** Everybody may do everything again. */
export const forgetPermissions = (endpoint: string): Promise<void> => enforceAfter(endpoint, 'inf');

/** The number of calls that moto lets through unseen. */
async function enforceAfter(endpoint: string, calls: string): Promise<void> {
  await fetch(`${endpoint}/moto-api/reset-auth`, { method: 'POST', body: calls });
}

/** The plain Query API: there is no client for IAM in this project. Without enforcement moto looks at no signature. */
async function iam(endpoint: string, parameters: Record<string, string>): Promise<string> {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=none',
    },
    body: new URLSearchParams({ Version: '2010-05-08', ...parameters }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${parameters.Action}: ${text}`);
  return text;
}
