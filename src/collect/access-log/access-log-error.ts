/** Why AWS did not hand out the access log, as one clause with the way out. Pure. */
import { kindOf, refusalOf } from '../aws/aws-errors.ts';

/** What was asked for, as an IAM policy names it, and where. */
export interface Wanted {
  action: string;
  /** Several where a policy has to name several: the last is the one that was asked for. */
  resource: string | readonly string[];
  region: string;
}

/** Why the access log cannot be read. The message is a clause without a full stop, fit for a gap. */
export class LogRefusal extends Error {
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string) {
    super(message);
    this.name = 'LogRefusal';
    this.kind = kind;
  }
}

/** `too-much`: more than may be read or spent. `stopped`: by the deadline or an interruption. */
export type RefusalKind = 'denied' | 'not-found' | 'too-much' | 'stopped' | 'failed';

export const deniedTo = ({ action, resource }: Pick<Wanted, 'action' | 'resource'>, explicitly = false): LogRefusal => {
  const named = typeof resource === 'string' ? resource : (resource.at(-1) ?? '');
  const statement = JSON.stringify({ Effect: 'Allow', Action: action, Resource: resource });
  return new LogRefusal(
    'denied',
    explicitly
      ? `${action} on ${named} was denied explicitly: a bucket policy, an IAM policy, a permissions boundary or a service control policy forbids it`
      : `${action} on ${named} was denied; the IAM statement ${statement} allows it`,
  );
};

const ELSEWHERE = ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'];

/**
 * Any error of a call that the access log needs. Codes of S3:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
 */
export function logRefusal(error: unknown, wanted: Wanted): LogRefusal {
  if (error instanceof LogRefusal) return error;
  if (!(error instanceof Error)) return new LogRefusal('failed', refusalOf(error, wanted));
  const { name, message } = error;
  if (name === 'AbortError') return stoppedDuring(wanted.action);
  if (name === 'InvalidObjectState')
    return new LogRefusal('not-found', 'it is archived and has to be restored first (aws s3api restore-object)');
  const status = statusOf(error);
  const kind = kindOf(error);
  if (kind === 'denied' || kind === 'denied-explicitly' || (kind === 'other' && status === 403)) {
    const missing = missingIn(message);
    return deniedTo(
      missing === null || missing.action === wanted.action ? nearest(wanted, missing) : missing,
      kind === 'denied-explicitly',
    );
  }
  const resource = typeof wanted.resource === 'string' ? wanted.resource : (wanted.resource.at(-1) ?? '');
  const place = resource.replace(/^arn:[^:]+:s3:::/, 's3://').replace(/[*]$/, '');
  if (name === 'NoSuchBucket')
    return new LogRefusal(
      'not-found',
      `the bucket of ${place} does not exist: access_logs.s3.bucket of the load balancer has to name one that does`,
    );
  if (name === 'NoSuchKey') return new LogRefusal('not-found', 'it is gone from the bucket');
  if (ELSEWHERE.includes(name) || status === 301)
    return new LogRefusal(
      'not-found',
      `${place} is not in ${wanted.region}, where the load balancer is: logs are delivered within one region`,
    );
  return new LogRefusal('failed', refusalOf(error, wanted));
}

/** What AWS says was missing, unless a policy needs more than that. */
const nearest = (
  wanted: Wanted,
  missing: Pick<Wanted, 'action' | 'resource'> | null,
): Pick<Wanted, 'action' | 'resource'> => (missing === null || typeof wanted.resource !== 'string' ? wanted : missing);

export const stoppedDuring = (what: string): LogRefusal =>
  new LogRefusal('stopped', `there was no more time for the access log: ${what} was stopped`);

/** What exactly was missing, where AWS says so: kms:Decrypt behind s3:GetObject, for one. */
export function missingIn(message: string): Pick<Wanted, 'action' | 'resource'> | null {
  const [, action, resource] =
    /not authorized to perform: ([a-z0-9-]+:[A-Za-z]+) on (?:the )?resource:? "?([^\s"]+)"?/.exec(message) ?? [];
  return action === undefined || resource === undefined ? null : { action, resource: resource.replace(/[.,;]+$/, '') };
}

function statusOf(error: Error): number | null {
  const metadata = '$metadata' in error ? error.$metadata : null;
  return metadata !== null && typeof metadata === 'object' && 'httpStatusCode' in metadata
    ? Number(metadata.httpStatusCode)
    : null;
}
