/** Why AWS refused the access log, as one clause with the remedy. Pure. */
import type { CollectionFailure } from '../../evidence/collected.ts';
import { awsErrorKind, describeAwsError, httpStatusOf } from '../aws/aws-errors.ts';

/** The permission that a call needs, as an IAM policy names it, and its region. */
interface RequiredPermission {
  action: string;
  /** Several if a policy must list several; the last is the one that was requested. */
  resource: string | readonly string[];
  region: string;
}

type Permission = Pick<RequiredPermission, 'action' | 'resource'>;

interface WayOut {
  /** The permission to allow; null unless one would grant access. */
  permission?: Permission | null;
  /** The IAM statement that grants access, as JSON; several are separated by commas. */
  iamStatement?: string | null;
  /** A clause that follows a colon: "alb502 setup athena --create makes one". */
  remedy?: string | null;
}

/** The access log cannot be read. The message is a clause without a full stop. */
export class AccessLogError extends Error {
  readonly kind: AccessLogErrorKind;
  readonly permission: Permission | null;
  readonly iamStatement: string | null;
  readonly remedy: string | null;

  constructor(
    kind: AccessLogErrorKind,
    message: string,
    { permission = null, iamStatement = null, remedy = null }: WayOut = {},
  ) {
    super(message);
    this.name = 'AccessLogError';
    this.kind = kind;
    this.permission = permission;
    this.iamStatement = iamStatement;
    this.remedy = remedy;
  }

  /** The message with the remedy. */
  get reason(): string {
    return this.remedy === null ? this.message : `${this.message}: ${this.remedy}`;
  }

  get failure(): CollectionFailure {
    const kind = this.kind === 'denied' ? 'denied' : 'failed';
    return { kind, reason: this.reason, iamStatement: this.iamStatement };
  }
}

/** `too-much`: over the size or spending limit. `stopped`: by the deadline or an interruption. */
type AccessLogErrorKind = 'denied' | 'not-found' | 'too-much' | 'stopped' | 'failed';

export const accessDenied = ({ action, resource }: Permission, explicitly = false): AccessLogError => {
  const named = typeof resource === 'string' ? resource : (resource.at(-1) ?? '');
  const statement = JSON.stringify({ Effect: 'Allow', Action: action, Resource: resource });
  return new AccessLogError(
    'denied',
    explicitly
      ? `${action} on ${named} was denied explicitly: a bucket policy, an IAM policy, a permissions boundary or a service control policy forbids it`
      : `${action} on ${named} was denied`,
    explicitly ? {} : { permission: { action, resource }, iamStatement: statement },
  );
};

const ELSEWHERE = ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'];

/**
 * Converts any error of a call that the access log needs. Codes of S3:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
 */
export function accessLogErrorFrom(error: unknown, required: RequiredPermission): AccessLogError {
  if (error instanceof AccessLogError) return error;
  if (!(error instanceof Error)) return new AccessLogError('failed', describeAwsError(error, required));
  const { name, message } = error;
  if (name === 'AbortError') return stoppedError(required.action);
  if (name === 'InvalidObjectState')
    return new AccessLogError('not-found', 'it is archived and has to be restored first (aws s3api restore-object)');
  const status = httpStatusOf(error);
  const kind = awsErrorKind(error);
  if (kind === 'denied' || kind === 'denied-explicitly' || (kind === 'other' && status === 403)) {
    const missing = missingPermissionIn(message);
    return accessDenied(
      missing === null || missing.action === required.action ? closestPermission(required, missing) : missing,
      kind === 'denied-explicitly',
    );
  }
  const resource = typeof required.resource === 'string' ? required.resource : (required.resource.at(-1) ?? '');
  const place = resource.replace(/^arn:[^:]+:s3:::/, 's3://').replace(/[*]$/, '');
  if (name === 'NoSuchBucket')
    return new AccessLogError(
      'not-found',
      `the bucket of ${place} does not exist: access_logs.s3.bucket of the load balancer has to name one that does`,
    );
  if (name === 'NoSuchKey') return new AccessLogError('not-found', 'it is gone from the bucket');
  if (ELSEWHERE.includes(name) || status === 301)
    return new AccessLogError(
      'not-found',
      `${place} is not in ${required.region}, where the load balancer is: logs are delivered within one region`,
    );
  return new AccessLogError('failed', describeAwsError(error, required));
}

/** The missing permission that AWS names, unless a policy needs more than that. */
const closestPermission = (required: RequiredPermission, missing: Permission | null): Permission =>
  missing === null || typeof required.resource !== 'string' ? required : missing;

export const stoppedError = (what: string): AccessLogError =>
  new AccessLogError('stopped', `there was no more time for the access log: ${what} was stopped`);

/** The missing permission, if AWS names it: it can be kms:Decrypt behind s3:GetObject. */
export function missingPermissionIn(message: string): Permission | null {
  const [, action, resource] =
    /not authorized to perform: ([a-z0-9-]+:[A-Za-z]+) on (?:the )?resource:? "?([^\s"]+)"?/.exec(message) ?? [];
  return action === undefined || resource === undefined ? null : { action, resource: resource.replace(/[.,;]+$/, '') };
}
