/**
 * The description of an incident: what exists, who asks for what, and what breaks. Times of day are ISO 8601 UTC; every `at`,
 * `from` and `to` of a fault or a target is in seconds after `window.from` (negative: before it).
 */

export interface Scenario {
  seed: number;
  loadBalancer: LoadBalancerSpec;
  /** The window that is asked about, and the moment of asking. */
  window: { from: string; to: string; now: string };
  /** The time for which traffic flows and logs exist; by default the window. */
  recorded?: { from: string; to: string };
  targetGroups: TargetGroupSpec[];
  routes: RouteSpec[];
  clients: ClientsSpec[];
  faults?: Fault[];
  network?: NetworkSpec;
  /** What CloudTrail would show beside the registrations that follow from the faults. */
  changes?: { at: number; event: string; resource: string; by?: string; parameters?: unknown }[];
  /** Who registers targets, as CloudTrail names it; the ECS scheduler by default. */
  registeredBy?: string;
}

export interface LoadBalancerSpec {
  name: string;
  /** The sixteen hexadecimal digits after the name. */
  id: string;
  scheme: 'internet-facing' | 'internal';
  listener: { protocol: 'HTTPS' | 'HTTP'; port: number; sslPolicy?: string };
  /** Clients are edge locations in these networks: the first three numbers of an address. */
  edgeNetworks?: string[];
  /** The host that clients ask for. */
  host: string;
  idleTimeoutSeconds: number;
  /** One entry for each node. An internet-facing node is logged by its public address, an internal one by its private address. */
  nodes: NodeSpec[];
  /** Registrations and deregistrations reach each node after some time in this range; by default 1.5 to 6 s. */
  propagationSeconds?: [number, number];
  /** A web ACL is associated, so `waf` is among the executed actions. */
  waf?: boolean;
  dualstack?: boolean;
  attributes?: Record<string, string>;
  state?: { Code: string; Reason?: string };
  /** Free addresses in each of its subnets; plenty if not given. */
  freeAddresses?: number;
}

export interface NodeSpec {
  zone: Zone;
  address: string;
  publicAddress?: string;
}

export type Zone = 'a' | 'b' | 'c';

export interface TargetGroupSpec {
  name: string;
  /** The sixteen hexadecimal digits after the name. */
  id: string;
  targetType: 'ip' | 'instance' | 'lambda';
  protocol: 'HTTP' | 'HTTPS';
  port: number;
  healthCheck?: {
    port?: number;
    path?: string;
    protocol?: 'HTTP' | 'HTTPS';
    intervalSeconds?: number;
    timeoutSeconds?: number;
    healthyThreshold?: number;
    unhealthyThreshold?: number;
  };
  deregistrationDelaySeconds?: number;
  attributes?: Record<string, string>;
  server?: ServerSpec;
  targets: TargetSpec[];
  lambda?: LambdaSpec;
  /** An agent on each target announces on this port how many requests it takes at a time; where none takes one more, the request is refused. */
  optimizer?: { controlPort: number; concurrency: number };
}

export interface TargetSpec {
  address: string;
  zone: Zone;
  /** The instance that has this primary private address; for groups of type instance. */
  instanceId?: string;
  /** When it is registered; by default long before the recording. */
  registeredAt?: number;
  port?: number;
  /** Where it differs from the server of its group. */
  server?: ServerSpec;
}

/** How the processes behind a target group treat connections and time. */
export interface ServerSpec {
  /** Idle connections are closed after this; null: never. */
  keepAliveSeconds: number | null;
  /**
   * The event loop is late by this much on average (exponential) when the idle timer falls due. Timers run before reads, so a request
   * that arrived meanwhile is thrown away with its connection: this is the width of the race.
   */
  loopLagMs?: number;
  /** A request that takes longer gets its connection closed without an answer (worker killed, socket destroyed by a timer). */
  requestTimeoutSeconds?: number;
  requestTimeoutSpreadSeconds?: number;
  /** A body that takes longer to arrive gets its connection closed without an answer. */
  bodyTimeoutSeconds?: number;
  /**
   * Workers leave after so many requests (gunicorn max_requests): a leaving worker reads no more from its connections, and closes
   * them when it is gone, `recycleSeconds` later. Requests sent in between are lost.
   */
  recycleAfterRequests?: number;
  recycleSeconds?: number;
  /** Processes or threads; requests wait for a free one. Not given: as many as needed at once. */
  workers?: number;
  /** For HTTPS groups: what the handshake comes to. Default ok. */
  tls?: 'ok' | 'handshake-error' | 'handshake-timeout' | 'plaintext';
  /** For HTTP groups whose port speaks TLS: what a plaintext request comes to. */
  onPlaintext?: 'closes' | 'answers-400';
}

interface LambdaSpec {
  functionName: string;
  timeoutSeconds: number;
  memoryMb?: number;
}

export interface RouteSpec {
  method: string;
  /** A path with `{n}`, `{uuid}` and `{hex}` where ids stand. */
  path: string;
  /** Names of query parameters; the values are made up, tokens among them. */
  query?: string[];
  weight: number;
  group: string;
  /** Median and spread of the work at the target. */
  medianMs: number;
  sigma?: number;
  responseBytes: number;
  requestBytes?: number;
  /** Shares answered 404 and 304 by the target. */
  notFound?: number;
  notModified?: number;
  /** Priority of the listener rule that sends the route to its group; the default rule without it. */
  priority?: number;
  /** An authenticate action comes before the forward action. */
  authenticate?: boolean;
}

export type ClientsSpec = SessionsSpec | PollersSpec | AudienceSpec;

interface ClientBehavior {
  /** Share of failed requests (5xx) that the client tries once more, and after how long. */
  retry?: number;
  retryAfterSeconds?: [number, number];
  /** The client closes the connection when it has waited this long. */
  patienceSeconds?: number;
  /** Only these routes ("GET /path"), with the weights they have. */
  routes?: string[];
  agents?: 'browsers' | 'programs';
  /** Bytes a second that the client's line carries upwards; matters to requests with a body. */
  uplink?: number;
}

/** People: sessions begin at random, ask, think, ask again. */
export interface SessionsSpec extends ClientBehavior {
  kind: 'sessions';
  perMinute: number;
  requests: number;
  thinkSeconds: number;
  /** The rate swings by this share over this period. */
  wave?: { share: number; periodSeconds: number };
  from?: number;
  to?: number;
}

/** Programs that ask on a fixed beat: each sends `together` requests every `everySeconds`, give or take `jitterSeconds`. */
export interface PollersSpec extends ClientBehavior {
  kind: 'pollers';
  count: number;
  everySeconds: number;
  jitterSeconds?: number;
  together?: number;
}

/**
 * Open pages that all refresh when something is published: about every `everySeconds` (normal, spread `spreadSeconds`) each of the
 * `count` pages sends one request within `withinSeconds`.
 */
export interface AudienceSpec extends ClientBehavior {
  kind: 'audience';
  count: number;
  everySeconds: number;
  spreadSeconds: number;
  withinSeconds: number;
  /** The beat slows down and speeds up by this share over this period. */
  wave?: { share: number; periodSeconds: number };
}

interface During {
  from?: number;
  to?: number;
}

export type Fault =
  /** The process of a target dies: the kernel closes its connections and answers new ones with RST; back after `seconds`, or never. */
  | { kind: 'crash'; target: string; at: number; seconds?: number }
  /** Packets to new connections vanish inside or before the host, although security groups and network ACLs let them through. */
  | ({ kind: 'silent-drop'; target: string; zone?: Zone } & During)
  /** A share of a route's requests takes this long at the target. */
  | ({ kind: 'slow'; route?: string; target?: string; share: number; seconds: [number, number] } & During)
  /** The application itself answers with this status; `because`: it is another service's. */
  | ({
      kind: 'application-error';
      route?: string;
      target?: string;
      share: number;
      status: number;
      because?: 'address-reused';
    } & During)
  /** The response cannot be passed on: malformed, or its header section is larger than 32 K. The rows look the same. */
  | ({
      kind: 'unusable-response';
      route: string;
      share: number;
      because: 'malformed-response' | 'response-header-too-large';
      /** Not a share of the requests: all requests of this share of the clients (large cookies, long tokens). */
      ofClients?: true;
    } & During)
  /** The application closes the connection after some work, without an answer. */
  | ({ kind: 'early-close'; route?: string; target?: string; share: number; afterSeconds: [number, number] } & During)
  /** New TLS sessions with the target cannot be made; connections that are open stay so. */
  | ({ kind: 'tls-failure'; target?: string; outcome: 'handshake-error' | 'handshake-timeout' } & During)
  /** The target leaves the group by DeregisterTargets; its process keeps running. */
  | { kind: 'deregister'; target: string; at: number }
  /** The host is gone: new connections and packets get no answer at all. */
  | { kind: 'host-gone'; target: string; at: number }
  /**
   * The old targets are replaced one after the other. Each is deregistered; `stopAfterSeconds` later its process exits at once
   * (SIGTERM without draining), and `hostGoneAfterSeconds` after that its address is gone.
   */
  | {
      kind: 'deployment';
      group: string;
      at: number;
      everySeconds: number;
      /** Without a new one it is a scale-in. */
      replace: { old: string; new?: TargetSpec }[];
      stopAfterSeconds: number;
      hostGoneAfterSeconds?: number;
    }
  /** The listener sends this share of the requests for a group to another one. */
  | ({ kind: 'traffic-shift'; group: string; onto: string; share: number } & During)
  /** A listener rule answers by itself. */
  | ({ kind: 'fixed-response'; status: number; priority: number; routes?: string[]; body: string } & During)
  /** The identity provider's token endpoint does not answer: 500 after 5 s. */
  | ({ kind: 'identity-provider-silent'; share: number } & During)
  /** The client's line stops in the middle of the body, for good. */
  | ({ kind: 'stalled-upload'; route: string; share: number; afterSeconds: [number, number] } & During)
  /** The load balancer refuses the request itself: 501, 505 or 507. */
  | ({ kind: 'unsupported-request'; route: string; share: number; status: 501 | 505 | 507 } & During)
  /** The load balancer cannot serve a request for want of itself: 500 before a target is chosen. */
  | ({ kind: 'load-balancer-failing'; share: number } & During)
  /** The web ACL cannot be evaluated: 500. */
  | ({ kind: 'waf-unreachable'; share: number } & During)
  /** A Lambda invocation fails. */
  | ({ kind: 'lambda-error'; route?: string; share: number; code: string } & During);

/** What differs from an open network; see network.ts for what is there by default. */
interface NetworkSpec {
  securityGroups?: SecurityGroupSpec[];
  loadBalancerSecurityGroups?: string[];
  /** By target address; others have the default application group. */
  targetSecurityGroups?: Record<string, string[]>;
  networkAcls?: NetworkAclSpec[];
}

export interface SecurityGroupSpec {
  id: string;
  name: string;
  ingress: SecurityGroupRule[];
  egress: SecurityGroupRule[];
}

export interface SecurityGroupRule {
  protocol: 'tcp' | '-1';
  ports?: [number, number];
  cidr?: string;
  group?: string;
  description?: string;
}

export interface NetworkAclSpec {
  id: string;
  /** Subnet ids, see network.ts. */
  subnets: string[];
  ingress: AclRule[];
  egress: AclRule[];
}

export interface AclRule {
  number: number;
  action: 'allow' | 'deny';
  protocol: 'tcp' | '-1';
  ports?: [number, number];
  cidr: string;
}
