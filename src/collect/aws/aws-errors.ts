/** Describes why AWS did not answer, in one sentence with the remedy. Pure. */

import * as z from 'zod';
import type { CollectionFailure } from '../../evidence/collected.ts';
import { command } from '../../format/command.ts';
import { errorCode, Problem } from '../../problem.ts';
import type { AccountPlace } from './sdk-clients.ts';

/** The action requested from AWS. */
interface AwsAction {
  /** The IAM name: "ec2:DescribeSubnets". */
  action: string;
  region: string;
}

export type AwsErrorKind =
  | 'denied'
  | 'denied-explicitly'
  | 'expired'
  | 'no-credentials'
  | 'mfa'
  | 'bad-credentials'
  | 'clock'
  | 'throttled'
  | 'timeout'
  | 'unreachable'
  | 'unknown-host'
  | 'shape'
  | 'not-aws'
  | 'other';

/** Error codes by kind: the common errors of the AWS API references, and EC2's own names for them. */
const CODES: Record<string, AwsErrorKind> = {
  AccessDenied: 'denied',
  AccessDeniedException: 'denied',
  UnauthorizedOperation: 'denied',
  AuthorizationError: 'denied',
  NotAuthorized: 'denied',
  ExpiredToken: 'expired',
  ExpiredTokenException: 'expired',
  TokenRefreshRequired: 'expired',
  InvalidClientTokenId: 'bad-credentials',
  UnrecognizedClientException: 'bad-credentials',
  InvalidAccessKeyId: 'bad-credentials',
  SignatureDoesNotMatch: 'bad-credentials',
  InvalidSignatureException: 'bad-credentials',
  AuthFailure: 'bad-credentials',
  IncompleteSignature: 'bad-credentials',
  MissingAuthenticationToken: 'bad-credentials',
  OptInRequired: 'bad-credentials',
  RequestExpired: 'clock',
  RequestTimeTooSkewed: 'clock',
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  ThrottledException: 'throttled',
  RequestThrottled: 'throttled',
  RequestThrottledException: 'throttled',
  RequestLimitExceeded: 'throttled',
  TooManyRequestsException: 'throttled',
  SlowDown: 'throttled',
  TimeoutError: 'timeout',
  AbortError: 'timeout',
  ETIMEDOUT: 'timeout',
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'unreachable',
  EPIPE: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
};

/** Who answered a call, as far as the headers reveal. */
interface HttpAnswer {
  status: number;
  /** "text/html"; empty if the response names none. */
  contentType: string;
  /** Whether it is a web page not sent by an AWS service: AWS responses always have a request id. */
  isPage: boolean;
}

const REQUEST_IDS = ['x-amzn-requestid', 'x-amz-request-id', 'x-amzn-request-id'];

/** Reads an HTTP response of the SDK; null for anything else. */
export function readHttpAnswer(response: unknown): HttpAnswer | null {
  const read = HttpResponse.safeParse(response);
  if (!read.success) return null;
  const { statusCode: status, headers } = read.data;
  const [contentType = ''] = (headers['content-type'] ?? '').split(';');
  const isPage = /^text[/]html$/i.test(contentType) && REQUEST_IDS.every((name) => headers[name] === undefined);
  return { status, contentType, isPage };
}

const HttpResponse = z.object({ statusCode: z.number(), headers: z.record(z.string(), z.string()) });

/** A web page arrived instead of an AWS response. */
export class WebPageError extends Error {
  readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    super('got a web page instead of an answer');
    this.name = 'WebPageError';
    this.answer = answer;
  }
}

/** The response of a server that is not AWS; null if AWS answered, or nothing did. */
function nonAwsAnswer(error: unknown): HttpAnswer | null {
  if (error instanceof WebPageError) return error.answer;
  if (!(error instanceof Error)) return null;
  const answer = '$response' in error ? readHttpAnswer(error.$response) : null;
  if (answer?.isPage) return answer;
  // The SDK could not parse the body.
  return /Deserialization error/.test(error.message) ? (answer ?? { status: 0, contentType: '', isPage: false }) : null;
}

export function awsErrorKind(error: unknown): AwsErrorKind {
  if (error instanceof z.ZodError) return 'shape';
  if (!(error instanceof Error)) return 'other';
  if (nonAwsAnswer(error) !== null) return 'not-aws';
  const { message, name } = error;
  if (/multi-factor|\bMFA\b/i.test(message) && /Credentials|TokenProvider/.test(name)) return 'mfa';
  if (/Credentials|TokenProvider/.test(name) && !(name in CODES))
    return /expired|SSO session .*invalid/i.test(message) ? 'expired' : 'no-credentials';
  if (/signature (expired|not yet current)/i.test(message)) return 'clock';
  // The SDK reports a dropped connection as TimeoutError; its code tells the real cause.
  const kind = CODES[errorCode(error)] ?? CODES[name] ?? 'other';
  if (kind === 'denied' && /explicit deny/i.test(message)) return 'denied-explicitly';
  return kind;
}

/**
 * The statement that allows an action. Most Describe* actions accept no narrower resource (Service Authorization
 * Reference).
 */
const allowStatement = (action: string, resource = '*'): string =>
  JSON.stringify({ Effect: 'Allow', Action: action, Resource: resource });

/** Why a piece of evidence could not be collected; for a missing permission, with the statement that grants it. */
export const collectionFailure = (error: unknown, action: AwsAction): CollectionFailure => {
  const kind = awsErrorKind(error);
  const isDenied = kind === 'denied' || kind === 'denied-explicitly';
  return {
    kind: isDenied ? 'denied' : 'failed',
    reason: describeAwsError(error, action),
    iamStatement: kind === 'denied' ? allowStatement(action.action) : null,
  };
};

/** Describes an error: a phrase without a full stop that names the action. */
export function describeAwsError(error: unknown, { action, region }: AwsAction): string {
  switch (awsErrorKind(error)) {
    case 'denied':
      return `${action} was denied`;
    case 'denied-explicitly':
      return `${action} was denied explicitly: an IAM policy, a permissions boundary or a service control policy forbids it, so an Allow statement alone does not help`;
    case 'expired':
      return `${action} failed: the credentials have expired`;
    case 'no-credentials':
    case 'mfa':
      return `${action} was not called: there are no credentials`;
    case 'bad-credentials':
      return `${action} failed: AWS does not accept the credentials in ${region} (${errorText(error)})`;
    case 'clock':
      return `${action} failed: the clock of this machine differs from AWS's`;
    case 'throttled':
      return `${action} was throttled (Rate exceeded) and retrying did not help; ask again in a minute`;
    case 'timeout':
      return `${action} got no answer in time`;
    case 'unreachable':
    case 'unknown-host':
      return `${action} failed: its endpoint in ${region} cannot be reached (${errorText(error)})`;
    case 'shape':
      return `${action} answered in an unknown format (${errorText(error)})`;
    case 'not-aws':
      return `${action} failed: what answered in place of AWS ${describeNonAwsAnswer(nonAwsAnswer(error))}; a proxy or the login page of a network is in between, or the endpoint is wrong (AWS_ENDPOINT_URL, HTTPS_PROXY)`;
    case 'other':
      return `${action} failed: ${errorText(error)}`;
  }
}

function describeNonAwsAnswer(answered: HttpAnswer | null): string {
  const { status = 0, contentType = '', isPage = false } = answered ?? {};
  const sent = isPage ? 'sent a web page' : 'sent what no service of AWS sends';
  const details = [...(status > 0 ? [`HTTP ${status}`] : []), ...(contentType === '' ? [] : [contentType])];
  return details.length === 0 ? sent : `${sent} (${details.join(', ')})`;
}

/** Why no AWS call can work at all, with the remedy: exit 2. */
export function awsProblem(
  error: unknown,
  action: AwsAction & { account: string; profile?: string | undefined },
): Problem {
  if (error instanceof Problem) return error;
  const { region, account, profile } = action;
  const login = command`aws sso login ${profile === undefined ? [] : ['--profile', profile]}`;
  const whose = account === 'default' ? '' : ` for the account ${account}`;
  switch (awsErrorKind(error)) {
    case 'no-credentials':
      return new Problem(
        profile === undefined
          ? `There are no AWS credentials${whose} (${errorText(error)}): run ${login}, set AWS_PROFILE, or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`
          : `There are no AWS credentials${whose} in the profile ${profile} (${errorText(error)}): run ${login}, or look for its name in aws configure list-profiles.`,
        2,
      );
    case 'mfa':
      return new Problem(
        `The AWS profile${profile === undefined ? '' : ` ${profile}`} needs a code of an MFA device, which alb502 does not ask for: get a session with aws sts get-session-token --serial-number <device> --token-code <code>, and export its three values.`,
        2,
      );
    case 'expired':
      return new Problem(`The AWS credentials${whose} have expired: run ${login}, or export new ones.`, 2);
    case 'bad-credentials':
      return new Problem(
        `AWS does not accept the credentials${whose} in ${region} (${errorText(error)}): look at them with aws sts get-caller-identity, and whether the region ${region} is enabled in the account.`,
        2,
      );
    case 'unreachable':
    case 'timeout':
      return new Problem(
        `${describeAwsError(error, action)}: look at the network, at what stands between it and AWS, and at AWS_ENDPOINT_URL.`,
        2,
      );
    case 'unknown-host':
      return new Problem(
        `There is no AWS endpoint for ${region}, or no network (${errorText(error)}): check how the region is written, such as eu-west-1.`,
        2,
      );
    case 'denied':
      return new Problem(
        `${describeAwsError(error, action)}. Allow it with the IAM statement ${allowStatement(action.action)}`,
        2,
      );
    default:
      return new Problem(`${capitalize(describeAwsError(error, action))}.`, 2);
  }
}

/** Why the role of an account cannot be assumed: exit 2. */
export function assumeRoleProblem(error: unknown, { roleArn = '', ...place }: AccountPlace): Problem {
  const action = 'sts:AssumeRole';
  if (!awsErrorKind(error).startsWith('denied')) return awsProblem(error, { action, ...place });
  return new Problem(
    `Could not assume the role ${roleArn}: ${action} was denied. Its trust policy must name who assumes it, and they need the IAM statement ${allowStatement(action, roleArn)}.`,
    2,
  );
}

const capitalize = (text: string): string =>
  /^[a-z0-9]+:/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);

const ERROR_TEXT_LIMIT = 200;

/** The first line of an error's message, without its full stop. */
function errorText(error: unknown): string {
  if (error instanceof z.ZodError) {
    const [first] = error.issues;
    return `${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`;
  }
  const text = error instanceof Error ? error.message || errorCode(error) || error.name : String(error);
  const [line = ''] = text.trim().split('\n');
  return (line.length > ERROR_TEXT_LIMIT ? `${line.slice(0, ERROR_TEXT_LIMIT)}…` : line).replace(/\.$/, '');
}

/** What the SDK says about the response of a failed call; empty without a response. */
export function responseMetadata(error: unknown): { httpStatusCode?: unknown; attempts?: unknown } {
  const hasMetadata = error instanceof Error && '$metadata' in error;
  return hasMetadata && typeof error.$metadata === 'object' && error.$metadata !== null ? error.$metadata : {};
}

/** HTTP status of AWS's response; 0 without one. */
export const httpStatusOf = (error: unknown): number => Number(responseMetadata(error).httpStatusCode ?? 0);
