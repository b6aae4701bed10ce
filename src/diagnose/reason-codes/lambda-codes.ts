/** The `error_reason` codes of Lambda targets: meaning, metric that counts them, and fix. */

import { ownValue } from '../../format/own-value.ts';
import { requestsOf } from '../../format/wording.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors, withSignature } from '../traffic.ts';

/** What went wrong; each is a cause of its own. */
type LambdaFailure = 'error' | 'invalid-response' | 'response-too-large' | 'throttled';

interface LambdaCode {
  failure: LambdaFailure;
  /** Completes "the load balancer says that". */
  meaning: string;
  /** LambdaInternalError counts failures of the Lambda service or the load balancer, not of the function. */
  metric: 'LambdaUserError' | 'LambdaInternalError';
  fix: string;
}

const user = (failure: LambdaFailure, meaning: string, fix: string): LambdaCode => ({
  failure,
  meaning,
  metric: 'LambdaUserError',
  fix,
});
const internal = (meaning: string, fix: string): LambdaCode => ({
  failure: 'error',
  meaning,
  metric: 'LambdaInternalError',
  fix,
});

const KEY = 'Correct the KMS key that encrypts the environment variables of the function';
const NETWORK = 'Correct the VPC configuration of the function';
const SERVICE = 'Retry; if it lasts, look at the AWS Health Dashboard and open a support case with the trace IDs.';

/**
 * Every Lambda code of the access log
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#error-reason-codes).
 */
export const LAMBDA_CODES: Readonly<Record<string, LambdaCode>> = {
  LambdaAccessDenied: user(
    'error',
    'the load balancer may not invoke the function',
    'Allow elasticloadbalancing.amazonaws.com to invoke the function (lambda add-permission with the ARN of the target group).',
  ),
  LambdaBadRequest: user(
    'error',
    'Lambda refused the request because its headers or body are not all UTF-8',
    'Let clients send UTF-8 in headers, or encode what they send.',
  ),
  LambdaConnectionError: internal('the load balancer cannot connect to Lambda', SERVICE),
  LambdaConnectionTimeout: internal('connecting to Lambda timed out', SERVICE),
  LambdaEC2AccessDeniedException: user(
    'error',
    'Amazon EC2 refused Lambda access while the function was initialised',
    `${NETWORK}: its role needs ec2:CreateNetworkInterface, DescribeNetworkInterfaces and DeleteNetworkInterface.`,
  ),
  LambdaEC2ThrottledException: user(
    'error',
    'Amazon EC2 throttled Lambda while the function was initialised',
    'Start fewer new instances at once (provisioned concurrency), or ask for a higher Amazon EC2 request rate.',
  ),
  LambdaEC2UnexpectedException: user(
    'error',
    'Amazon EC2 gave Lambda an unexpected error while the function was initialised',
    `${NETWORK}, then retry; if it lasts, open a support case.`,
  ),
  LambdaENILimitReachedException: user(
    'error',
    'the account has no network interface left for the function in its VPC',
    'Raise the quota of network interfaces per VPC, or share security groups and subnets between functions.',
  ),
  LambdaInvalidResponse: user(
    'invalid-response',
    'the response of the function is malformed or lacks required fields',
    'Return statusCode as an integer, isBase64Encoded as a boolean, headers with string values and a string body.',
  ),
  LambdaInvalidRuntimeException: user(
    'error',
    'the runtime version of the function is not supported',
    'Move the function to a supported runtime.',
  ),
  LambdaInvalidSecurityGroupIDException: user(
    'error',
    'a security group in the VPC configuration of the function is not valid',
    `${NETWORK}: name security groups that exist.`,
  ),
  LambdaInvalidSubnetIDException: user(
    'error',
    'a subnet in the VPC configuration of the function is not valid',
    `${NETWORK}: name subnets that exist.`,
  ),
  LambdaInvalidZipFileException: user(
    'error',
    'Lambda could not unzip the deployment package of the function',
    'Build and upload the deployment package again.',
  ),
  LambdaKMSAccessDeniedException: user(
    'error',
    'Lambda may not use the KMS key of the environment variables',
    `${KEY}: allow the role of the function kms:Decrypt.`,
  ),
  LambdaKMSDisabledException: user(
    'error',
    'the KMS key of the environment variables is disabled',
    `${KEY}: enable it.`,
  ),
  LambdaKMSInvalidStateException: user(
    'error',
    'the state of the KMS key of the environment variables does not allow its use',
    `${KEY}: bring it back to the state Enabled.`,
  ),
  LambdaKMSNotFoundException: user(
    'error',
    'the KMS key of the environment variables was not found',
    `${KEY}: name a key that exists.`,
  ),
  LambdaRequestTooLarge: user(
    'error',
    'the request body is over the 1 MB that a Lambda target accepts (413)',
    'Upload large bodies to S3 with a presigned URL and send the key.',
  ),
  LambdaResourceNotFound: user(
    'error',
    'the function was not found',
    'Register the ARN of a function, version or alias that exists.',
  ),
  LambdaResponseTooLarge: user(
    'response-too-large',
    'the response of the function is over 1 MB',
    'Return less than 1 MB (base64 adds a third): page or compress it, or answer with a presigned S3 URL.',
  ),
  LambdaServiceException: internal('Lambda had an internal error', SERVICE),
  LambdaSubnetIPAddressLimitReachedException: user(
    'error',
    'a subnet of the function has no address left',
    'Give the function larger subnets, or more of them.',
  ),
  LambdaThrottling: user(
    'throttled',
    'Lambda throttled the function because there were too many requests',
    'Raise the reserved concurrency of the function or the concurrency quota of the account.',
  ),
  LambdaUnhandled: user(
    'error',
    'the function raised an error that nothing handled, or ran into its timeout',
    'Find the error in the log group of the function; catch it and answer with a status of its own.',
  ),
  LambdaUnhandledException: internal('the load balancer met an exception it did not handle', SERVICE),
  LambdaWebsocketNotSupported: user(
    'error',
    'a WebSocket upgrade was sent to a Lambda target (400)',
    'Send WebSockets to instance or ip targets, or to API Gateway.',
  ),
};

/** Codes that AWS adds later also count as errors of a Lambda target. */
export const lambdaCode = (code: string): LambdaCode =>
  ownValue(LAMBDA_CODES, code) ??
  user('error', `it has no meaning known here (${code})`, 'Look the code up in the reference.');

export const lambdaErrors = (traffic: Traffic, failure: LambdaFailure): SampledError[] =>
  withSignature(traffic, 'lambda-failure').filter((error) => lambdaCode(error.error_reason).failure === failure);

/** One sentence per code: "12 of 14 errors are LambdaThrottling: Lambda throttled the function … (LambdaUserError)." */
export function codeSentences(traffic: Traffic, errors: readonly SampledError[]): string[] {
  const codes = [...new Set(errors.map((error) => error.error_reason))].sort();
  return codes.map((code) => {
    const count = countErrors(errors.filter((error) => error.error_reason === code));
    const { meaning, metric } = lambdaCode(code);
    const whose = metric === 'LambdaInternalError' ? '; a failure of the service, not of the function' : '';
    return `${requestsOf(count, traffic.errorCount)} failed with ${code}: ${meaning} (counted in ${metric}${whose}).`;
  });
}

/** The advice for the codes of these errors, without duplicates, in code order. */
export const codeFixes = (errors: readonly SampledError[]): string[] => [
  ...new Set([...new Set(errors.map((error) => error.error_reason))].sort().map((code) => lambdaCode(code).fix)),
];
