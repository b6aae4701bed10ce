/**
 * The load balancer's data about a finished request; times are epoch milliseconds with a fraction, durations seconds or
 * -1.
 */
export interface Row {
  type: 'http' | 'https' | 'h2';
  /** When the response was generated. */
  time: number;
  /** When the request was received. */
  created: number;
  client: string;
  target: string | null;
  requestProcessing: number;
  targetProcessing: number;
  responseProcessing: number;
  elbStatus: number;
  targetStatus: number | null;
  receivedBytes: number;
  sentBytes: number;
  method: string;
  /** As the client sent it, scheme, host and port included. */
  url: string;
  userAgent: string;
  targetGroupArn: string | null;
  targetGroupName: string | null;
  traceId: string;
  priority: number;
  actions: string;
  errorReason: string | null;
  connectionId: string;
  /** The node's address as logged in field 34 and in the file name. */
  node: string;
  /** METHOD and path template, for the reader of the truth. */
  route: string;
  /** What really happened, for a failure: a cause and the shape of the row that the mechanism leaves. Never printed. */
  truth: Truth | null;
  /** What the connection attempt to the target came to, for the metrics. */
  connection: 'reused' | 'opened' | 'not-connected' | 'no-tls' | 'none';
  /** On a connection that had been idle for this many seconds at the target. */
  idleSeconds: number | null;
}

export interface Truth {
  cause: string;
  signature: string;
}
