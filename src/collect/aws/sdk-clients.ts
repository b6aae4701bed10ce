/**
 * The one place that makes AWS SDK clients: for an account and a region, with the standard credential chain, adaptive retries and
 * timeouts. Endpoints can be replaced with the SDK's own AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>.
 */
import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';

export interface Identity {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

/** Times in milliseconds. */
export interface ClientSettings {
  region: string;
  credentials: () => Promise<Identity>;
  retryMode: 'adaptive';
  maxAttempts: number;
  requestHandler: { connectionTimeout: number; requestTimeout: number; throwOnRequestTimeout: true };
  logger: typeof SILENT;
}

/** Whose account, and where. */
export interface AccountPlace {
  /** As the configuration calls the account. */
  account: string;
  roleArn?: string | undefined;
  externalId?: string | undefined;
  /** Of the shared AWS configuration; for the role, the one it is assumed with. */
  profile?: string | undefined;
  region: string;
}

/** stderr belongs to alb502: what the SDK would warn about there is no answer to the question. */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

const CONNECTION_TIMEOUT = 3000;
const REQUEST_TIMEOUT = 30_000;
const ATTEMPTS = 5;
/** Credentials that end sooner than this are asked for again. */
const RENEW_BEFORE = 5 * 60_000;

const requestHandler = {
  connectionTimeout: CONNECTION_TIMEOUT,
  requestTimeout: REQUEST_TIMEOUT,
  throwOnRequestTimeout: true,
} as const;

/** What every client of a place is made with. Credentials are resolved when first used, once for all clients. */
export function settingsFor({ roleArn, externalId, profile, region }: AccountPlace): ClientSettings {
  const standard = fromNodeProviderChain({
    ...(profile === undefined ? {} : { profile }),
    clientConfig: { region },
    logger: SILENT,
  });
  const credentials =
    roleArn === undefined
      ? standard
      : fromTemporaryCredentials({
          masterCredentials: standard,
          params: {
            RoleArn: roleArn,
            RoleSessionName: 'alb502',
            ...(externalId === undefined ? {} : { ExternalId: externalId }),
          },
          clientConfig: { region, requestHandler },
          logger: SILENT,
        });
  return {
    region,
    credentials: cacheCredentials(credentials),
    retryMode: 'adaptive',
    maxAttempts: ATTEMPTS,
    requestHandler,
    logger: SILENT,
  };
}

function cacheCredentials(provide: () => Promise<Identity>): () => Promise<Identity> {
  let cached: Promise<Identity> | null = null;
  return async () => {
    cached ??= provide();
    const identity = await cached;
    if (identity.expiration && identity.expiration.getTime() - Date.now() < RENEW_BEFORE) cached = null;
    return identity;
  };
}
