/** The `error_reason` codes of authenticate and jwt-validation actions: meaning, side at fault, and fix. */
import { ownValue } from '../../format/own-value.ts';

type AuthenticationSide = 'identity provider' | 'configuration' | 'client' | 'load balancer';

interface AuthenticationCode {
  meaning: string;
  side: AuthenticationSide;
  metric: 'ELBAuthFailure' | 'ELBAuthError' | 'ELBAuthUserClaimsSizeExceeded' | 'JWTValidationFailureCount';
  fix: string;
  /** Whether the identity provider did not answer, so that a route to it may be missing. */
  unreached: boolean;
}

const REACH =
  'Let the load balancer reach the endpoint: DNS, an internet path over IPv4, security group egress and network ACLs for HTTPS.';

type Metric = AuthenticationCode['metric'];
const code = (side: AuthenticationSide, metric: Metric, meaning: string, fix: string): AuthenticationCode => ({
  side,
  metric,
  meaning,
  fix,
  unreached: fix.startsWith(REACH),
});

const [FAILURE, ERROR, JWT]: readonly [Metric, Metric, Metric] = [
  'ELBAuthFailure',
  'ELBAuthError',
  'JWTValidationFailureCount',
];
const SLOW = 'The endpoint must answer within 5 s: look at the identity provider, then at the path to it.';
const REDIRECT =
  'Clients must come back with the parameters of the redirect: look at the callback URL and at proxies in between.';
const PROVIDER = 'Compare issuer, client id, client secret and scope of the rule with those of the identity provider.';
const TOKEN = 'Let clients send a token that fits the rule: look at its issuer, expiry and claims.';

/**
 * Every code of
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#error-reason-codes
 */
export const AUTHENTICATION_CODES: Readonly<Record<string, AuthenticationCode>> = {
  AuthInvalidCookie: code(
    'client',
    FAILURE,
    'the authentication cookie is not valid',
    'Let the client log in again; rules that share a cookie name must share their settings.',
  ),
  AuthInvalidGrantError: code('identity provider', FAILURE, 'the authorization code is not valid', PROVIDER),
  AuthInvalidIdToken: code('identity provider', FAILURE, 'the ID token is not valid', PROVIDER),
  AuthInvalidStateParam: code('client', FAILURE, 'the state parameter is not valid', REDIRECT),
  AuthInvalidTokenResponse: code(
    'identity provider',
    FAILURE,
    'the response of the token endpoint is not valid',
    PROVIDER,
  ),
  AuthInvalidUserinfoResponse: code(
    'identity provider',
    FAILURE,
    'the response of the user info endpoint is not valid',
    PROVIDER,
  ),
  AuthMissingCodeParam: code('client', FAILURE, 'the query parameter code is missing', REDIRECT),
  AuthMissingHostHeader: code(
    'client',
    ERROR,
    'the Host header is missing',
    'Let clients send a Host header: the redirect URL is made from it.',
  ),
  AuthMissingStateParam: code('client', FAILURE, 'the query parameter state is missing', REDIRECT),
  AuthTokenEpRequestFailed: code('identity provider', ERROR, 'the token endpoint answered with an error', PROVIDER),
  AuthTokenEpRequestTimeout: code(
    'identity provider',
    ERROR,
    'the token endpoint did not answer within 5 s',
    `${REACH} ${SLOW}`,
  ),
  AuthUnhandledException: code(
    'load balancer',
    ERROR,
    'the load balancer met an exception it did not handle',
    'Retry; if it lasts, open a support case with the trace IDs.',
  ),
  AuthUserinfoEpRequestFailed: code(
    'identity provider',
    ERROR,
    'the user info endpoint answered with an error',
    PROVIDER,
  ),
  AuthUserinfoEpRequestTimeout: code(
    'identity provider',
    ERROR,
    'the user info endpoint did not answer within 5 s',
    `${REACH} ${SLOW}`,
  ),
  AuthUserinfoResponseSizeExceeded: code(
    'configuration',
    'ELBAuthUserClaimsSizeExceeded',
    'the claims of the identity provider are over 11 KB',
    'Ask for a smaller scope, or have the identity provider return fewer claims (groups above all).',
  ),
  JWTHeaderNotPresent: code('client', JWT, 'the request has no Authorization header', TOKEN),
  JWTRequestFormatInvalid: code(
    'client',
    JWT,
    'the token is malformed, or its header or a part of it is missing',
    TOKEN,
  ),
  JWKSRequestTimeout: code('identity provider', JWT, 'the JWKS endpoint did not answer within 5 s', `${REACH} ${SLOW}`),
  JWKSResponseSizeExceeded: code(
    'configuration',
    JWT,
    'the JWKS response is over 150 KB or has more than 10 keys',
    'Remove retired keys from the JWKS document.',
  ),
  JWKSRequestFailed: code(
    'identity provider',
    JWT,
    'the JWKS endpoint could not be reached or answered with an error',
    REACH,
  ),
  JWKSResponseInvalid: code(
    'identity provider',
    JWT,
    'the JWKS response is not valid',
    'Correct the JWKS URL of the rule, or what it serves.',
  ),
  JWTSignatureValidationError: code(
    'client',
    JWT,
    'the signature of the token does not verify',
    'Compare the key id of the token with the JWKS document: the signing key may have been rotated.',
  ),
  JWTClaimNotPresent: code('client', JWT, 'a required claim is missing', TOKEN),
  JWTClaimFormatInvalid: code('client', JWT, 'a claim has another format than the rule expects', TOKEN),
  JWTClaimValueInvalid: code('client', JWT, 'a claim has another value than the rule expects', TOKEN),
  JWTValidationInternalError: code(
    'load balancer',
    JWT,
    'the load balancer had an internal error',
    'Retry; if it lasts, open a support case with the trace IDs.',
  ),
};

/** Statuses that have no code: load-balancer-troubleshooting.html, HTTP 561 and HTTP 562. */
const STATUSES: Readonly<Record<string, AuthenticationCode>> = {
  '561': code('identity provider', ERROR, 'the identity provider returned an error code', PROVIDER),
  '562': code(
    'identity provider',
    JWT,
    'the JWKS endpoint answered with a status other than 2xx, or with invalid data',
    'Correct the JWKS URL of the rule, or what it serves.',
  ),
};

/** The authentication code of an error, else the meaning of its status. */
export const authenticationCode = (error: { error_reason: string; elb_status_code: string }): AuthenticationCode =>
  ownValue(AUTHENTICATION_CODES, error.error_reason) ??
  ownValue(STATUSES, error.elb_status_code) ??
  code('configuration', ERROR, 'it has no meaning known here', 'Look the code up in the reference.');
