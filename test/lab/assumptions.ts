/** The assumptions of the lab's proxy about the load balancer, from which docs/assumptions.md is generated. */
import type { CauseId } from '../../src/diagnose/causes/index.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';

export interface Assumption {
  about: string;
  /** What the proxy does. */
  says: string;
  /** AWS says so; entries of real load balancers show it; or neither. */
  standing: 'documented' | 'seen' | 'assumed';
  source: string;
  /** Causes whose verdict would change if it were otherwise. */
  verdicts: CauseId[];
}

const GUIDE = 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application';
const ACCESS_LOGS = `[access logs](${GUIDE}/load-balancer-access-logs.html)`;
const TROUBLESHOOTING = `[troubleshooting](${GUIDE}/load-balancer-troubleshooting.html)`;
const ATTRIBUTES = `[attributes](${GUIDE}/edit-load-balancer-attributes.html)`;
const TARGET_GROUPS = `[target groups](${GUIDE}/load-balancer-target-groups.html)`;
const HOW =
  '[how it works](https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html)';
const REAL = 'entries of real load balancers';
const NONE = 'none found';

export const assumptions: readonly Assumption[] = [
  {
    about: 'Pool order',
    says: 'A node uses the idle connection that it used last. With another order the pause since the last response is only a lower bound of the idle time.',
    standing: 'assumed',
    source: NONE,
    verdicts: ['keep-alive-race'],
  },
  {
    about: 'Pools of nodes',
    says: 'Each node has its own connections to each target, and never uses those of another node.',
    standing: 'assumed',
    source: `${NONE}; each node has its own address and log file (${HOW})`,
    verdicts: ['keep-alive-race'],
  },
  {
    about: 'Closes that have arrived',
    says: 'A node that has received the close of an idle connection does not use it again: only a close still on its way meets a request.',
    standing: 'assumed',
    source: `${NONE}; [HTTP](https://www.rfc-editor.org/rfc/rfc9112#section-9.5) asks clients to watch for closes, and the errors of ${REAL} are as rare as that makes them`,
    verdicts: ['keep-alive-race'],
  },
  {
    about: 'No second attempt',
    says: 'A request that meets a connection being closed fails, GET requests too.',
    standing: 'seen',
    source: `${REAL}: 502 for GET requests, target time near 0. Whether it never tries again is unknown.`,
    verdicts: ['keep-alive-race'],
  },
  {
    about: 'Announced closes',
    says: 'After a response with Connection: close the connection is not used again.',
    standing: 'assumed',
    source: `${NONE}; HTTP requires it`,
    verdicts: ['keep-alive-race'],
  },
  {
    about: 'Keep-alive hints',
    says: 'Keep-Alive: timeout=… of a target changes nothing.',
    standing: 'seen',
    source: `${REAL}: Node.js announces its timeout and races all the same`,
    verdicts: ['keep-alive-race'],
  },
  {
    about: 'FIN and RST',
    says: 'Both leave the same entry: 502, the time until the close as target time, -1 as response time.',
    standing: 'documented',
    source: `${TROUBLESHOOTING} names both as one cause; the times from ${REAL}`,
    verdicts: ['keep-alive-race', 'closed-mid-request', 'worker-timeout'],
  },
  {
    about: 'Target time of a close',
    says: 'It runs from the request sent to the close, though the field is documented as -1 then.',
    standing: 'seen',
    source: REAL,
    verdicts: ['worker-timeout', 'closed-mid-request', 'keep-alive-race'],
  },
  {
    about: '`time`',
    says: 'Taken when the response is generated, not when its last byte is sent.',
    standing: 'documented',
    source: ACCESS_LOGS,
    verdicts: ['slow-target', 'target-unreachable', 'security-group-blocked', 'network-acl-blocked'],
  },
  {
    about: '`request_creation_time`',
    says: 'Taken when the head of the request was read, in milliseconds.',
    standing: 'seen',
    source: `${ACCESS_LOGS}; milliseconds in ${REAL}. A real load balancer may take it at the first byte.`,
    verdicts: [],
  },
  {
    about: '`received_bytes`',
    says: 'Counts what arrived of a body that never came whole.',
    standing: 'assumed',
    source: `${ACCESS_LOGS} says the size of the request, and nothing about a part of one`,
    verdicts: ['slow-upload'],
  },
  {
    about: 'Bodies',
    says: 'The request is sent on with its head; its body follows as it arrives, and counts in the target time.',
    standing: 'documented',
    source: `${ACCESS_LOGS}, for targets other than Lambda and without a web ACL`,
    verdicts: ['slow-target', 'slow-upload'],
  },
  {
    about: 'Connect timeout',
    says: '10 s, then 504 with -1 for all times; the same again for TLS.',
    standing: 'documented',
    source: `${TROUBLESHOOTING}; -1 -1 -1 and 10.00 s in ${REAL}, for TCP only`,
    verdicts: [
      'target-unreachable',
      'security-group-blocked',
      'network-acl-blocked',
      'target-gone',
      'tls-handshake-failure',
    ],
  },
  {
    about: 'Repeated SYNs',
    says: 'A connection that needs a second SYN takes 1, 3 or 7 s more, as Linux does it, and that counts as request time.',
    standing: 'assumed',
    source: `${NONE}; the request time ends when the request is sent (${ACCESS_LOGS})`,
    verdicts: ['target-unreachable'],
  },
  {
    about: 'Rejects',
    says: 'RST and ICMP unreachable on connect are both 502 with -1 for all times.',
    standing: 'documented',
    source: `${TROUBLESHOOTING}; RST in ${REAL}`,
    verdicts: ['connection-refused', 'shutdown-before-drain'],
  },
  {
    about: 'Idle timeout',
    says: 'Runs from the last byte in either direction; then 504 with -1 as target time, or a connection without a request is closed.',
    standing: 'documented',
    source: `${ATTRIBUTES}; 60.004 s in ${REAL}`,
    verdicts: ['slow-target', 'slow-upload', 'keep-alive-race'],
  },
  {
    about: 'Deregistration delay',
    says: 'When it is over, requests in flight end as 502 with -1 as target time, all at once.',
    standing: 'seen',
    source: `${TARGET_GROUPS}; one real entry`,
    verdicts: ['deregistration-delay-elapsed'],
  },
  {
    about: 'Deregistrations',
    says: 'Each node hears of one 1 to 5 s later, and sends to the target until then.',
    standing: 'assumed',
    source: `${NONE}; that it takes some time is why a target must keep serving (${TARGET_GROUPS})`,
    verdicts: [],
  },
  {
    about: 'Response headers',
    says: 'More than 32 KB in all: 502, as if the target had closed.',
    standing: 'assumed',
    source: `the limit is documented (${TROUBLESHOOTING}); the times of the entry are not`,
    verdicts: ['response-header-too-large'],
  },
  {
    about: 'Malformed responses',
    says: 'A space in the name of a header, two lengths that differ, and two transfer codings are refused: 502, as if the target had closed.',
    standing: 'assumed',
    source: `${TROUBLESHOOTING} names malformed responses; garbage in a real entry. Which faults count is not documented.`,
    verdicts: ['malformed-response'],
  },
  {
    about: 'Short bodies',
    says: 'A target that closes before the whole body leaves its own status in the entry.',
    standing: 'seen',
    source: `${REAL}; ${TROUBLESHOOTING} says 504`,
    verdicts: [],
  },
  {
    about: 'Certificates of targets',
    says: 'Not verified.',
    standing: 'documented',
    source: TARGET_GROUPS,
    verdicts: ['tls-handshake-failure'],
  },
  {
    about: 'Turn',
    says: 'Each node goes round the healthy targets by itself; all targets, if none is healthy.',
    standing: 'documented',
    source: `${TARGET_GROUPS}; that each node counts for itself is assumed`,
    verdicts: [],
  },
  {
    about: 'Clients that give up',
    says: '460, with the time until the request was sent and -1 for the rest; the connection to the target is closed.',
    standing: 'documented',
    source: `${TROUBLESHOOTING}; the times and the close are assumed`,
    verdicts: ['client-closed'],
  },
  {
    about: 'Way between node and target',
    says: 'One millisecond each way. A longer way makes the race more frequent, not different.',
    standing: 'assumed',
    source: NONE,
    verdicts: [],
  },
];

const unproven = new Set<string>(
  assumptions.filter(({ standing }) => standing === 'assumed').flatMap(({ verdicts }) => verdicts),
);

/** Causes that a diagnosis confirms although they rest on an assumption. */
export const tooSure = ({ causes }: Diagnosis): string[] =>
  causes.filter(({ id, standing }) => standing === 'confirmed' && unproven.has(id)).map(({ id }) => id);

export function assumptionsPage(): string {
  const words = { documented: 'documented', seen: 'seen', assumed: '**assumed**' };
  const rows = assumptions.map(
    ({ about, says, standing, source, verdicts }) =>
      `| ${about} | ${says} | ${words[standing]} | ${source} | ${verdicts.map((id) => `\`${id}\``).join(' ') || '–'} |`,
  );
  return `# What we take for granted about the load balancer

The lab (\`npm run lab\`) runs real servers behind a proxy of its own. That proxy is not AWS's code: it does what the documentation says,
what entries of real load balancers show, and, where neither tells, what seems likely. A verdict that depends on an assumption is
*likely* at most, never *confirmed*: tests hold that for all recorded incidents and for the accuracy suite with its captures.
\`test/lab/assumptions.test.ts\` writes this page with \`--update=all\`.

| About | The proxy | Standing | Source | Verdicts that depend on it |
| - | - | - | - | - |
${rows.join('\n')}
`;
}
