import type { AccessLog, FailedRequest } from './evidence.ts';
import type { SignatureId } from './signature.ts';

/** An asked error of the window, with what the load balancer experienced. */
export interface Failure extends FailedRequest {
  /** Position in `Traffic.errors`. */
  index: number;
  signature: SignatureId;
  /** How many errors it stands for: 1, more when the rows were capped. */
  weight: number;
}

/** The access log as checks and causes read it. */
export interface Traffic {
  log: AccessLog;
  errors: Failure[];
  total: number;
}
