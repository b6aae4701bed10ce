/** What is asked: a load balancer, a window and the errors in it. */

/** A time range in epoch milliseconds; `from` is inclusive, `to` exclusive. */
export interface Window {
  from: number;
  to: number;
}

/** The load balancer of a question. `resource`: app/name/id, if it is known and the ARN is not. */
interface NamedLoadBalancer {
  name: string;
  arn: string | null;
  resource?: string;
}

/** A question about a window. `now`: time of asking in epoch milliseconds. */
export interface Question<Named extends NamedLoadBalancer = NamedLoadBalancer> extends Window {
  loadBalancer: Named;
  now: number;
  /** The requested errors, in the words of statuses.ts: "gateway", "5xx", "elb-502". Never empty. */
  statuses: string[];
  /** Limits the errors to a target group: ARN, or "targetgroup/name/id" if the ARN is unknown. */
  targetGroup?: string | undefined;
  /** Limits the errors to load balancer nodes in this availability zone. */
  zone?: string | undefined;
  /** Whether an alarm asks: what ran before as during it did not raise it. */
  isFromAlarm?: boolean | undefined;
  /** Milliseconds before `from` that the access log is also read for, only for the keep-alive measurement. */
  lookBack?: number;
}
