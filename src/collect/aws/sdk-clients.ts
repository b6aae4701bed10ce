/**
 * Settings of all AWS SDK clients: account and region, the standard credential chain, adaptive retries and timeouts.
 * The SDK's AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> replace endpoints.
 */
import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';

interface Identity {
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

/** An account and a region. */
export interface AccountPlace {
  /** The account's name in the configuration. */
  account: string;
  roleArn?: string | undefined;
  externalId?: string | undefined;
  /** Profile of the shared AWS configuration; with a role, the profile that assumes it. */
  profile?: string | undefined;
  region: string;
}

/** stderr belongs to alb502, and the SDK's warnings do not answer the question. */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

const CONNECTION_TIMEOUT = 3000;
const REQUEST_TIMEOUT = 30_000;
const ATTEMPTS = 5;
/** Credentials that expire sooner than this are renewed. */
const RENEW_BEFORE = 5 * 60_000;

const requestHandler = {
  connectionTimeout: CONNECTION_TIMEOUT,
  requestTimeout: REQUEST_TIMEOUT,
  throwOnRequestTimeout: true,
} as const;

/** Settings shared by every client of a place. Credentials are resolved on first use, once for all clients. */
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
