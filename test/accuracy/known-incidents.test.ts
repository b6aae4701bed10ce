/**
 * Incidents rebuilt from public reports whose cause became known, and captures of real servers that failed behind a real proxy. One row an
 * incident: what must lead, what must not be claimed, said or advised. The folder of that name holds the evidence.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import type { CauseId } from '../../src/diagnose/causes/index.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { renderTerminal } from '../../src/render/terminal.ts';
import { wouldEndIt } from './outcome.ts';

interface KnownIncident {
  folder: string;
  /** The cause that leads and how sure it is; or the causes that it must be left open between, at least; or that nothing failed. */
  lead: { cause: CauseId; standing?: 'confirmed' | 'likely' } | { between: CauseId[] } | 'nothing failed';
  /** Neither confirmed nor likely, for any share. */
  notClaimed?: CauseId[];
  /** In the terminal, as one line. */
  says?: (string | RegExp)[];
  neverSays?: (string | RegExp)[];
}

const knownIncidents: KnownIncident[] = [
  {
    // Go's IdleTimeout of 300 s behind an idle timeout of 905 s.
    folder: '02-keep-alive-300-s-of-905',
    lead: { cause: 'keep-alive-race', standing: 'likely' },
    says: ['seen in 9 errors', '300.0 s'],
    neverSays: ['A longer window would give more'],
  },
  {
    // An Ingress names a Service that does not exist.
    folder: '03-controller-rule-backend-missing',
    lead: { cause: 'fixed-response', standing: 'confirmed' },
    says: ['"Backend service does not exist"', 'Correct the Service name and port in the Ingress'],
    neverSays: ['not a failure', 'modify-rule'],
  },
  {
    // The load balancer's group lets nothing out to port 443.
    folder: '04-oidc-egress-closed',
    lead: { cause: 'authentication-failure', standing: 'confirmed' },
    says: [
      'because sg-0a1b0000000000001 allows no TCP 443 out',
      '✗ sg-0a1b0000000000001 of the load balancer allows no TCP 443 out',
      /authorize-security-group-egress .{0,3}--group-id sg-0a1b0000000000001/,
    ],
    neverSays: ['<listener-arn>'],
  },
  {
    folder: '05-half-the-targets-fail',
    lead: { between: ['security-group-blocked', 'network-acl-blocked', 'target-unreachable'] },
    says: [
      '3 of 6 targets of svc fail every request: 10.0.2.4:8080, 10.0.2.5:8080 and 10.0.2.6:8080. Undecided',
      'run "curl -v --max-time 15 http://10.0.2.4:8080/" on the host and from another host of the VPC',
      /3 of 6 targets of svc fail every request \(.*10\.0\.2\.4:8080.*\); the others succeed \(.*10\.0\.2\.1:8080/,
    ],
    neverSays: ['none stands out'],
  },
  {
    // A node dies: its target answered until then, its peers go on.
    folder: '06-node-died',
    lead: { cause: 'target-unreachable', standing: 'likely' },
    notClaimed: ['security-group-blocked', 'network-acl-blocked', 'target-gone'],
    says: ['answered 299 requests until 14:09:58 UTC', '2 other targets of svc kept answering'],
  },
  {
    folder: '07-keep-alive-go-15-s',
    lead: { cause: 'keep-alive-race', standing: 'likely' },
    says: ['15.0 s', 'http.Server{IdleTimeout', 'ReadTimeout'],
  },
  {
    // nginx in the target keeps the address of an upstream that is gone, and gives up when the load balancer does.
    folder: '09-two-equal-timers-one-cause',
    lead: { cause: 'slow-target' },
    says: ['A proxy in the target gave up at the same 60 s', 'only changes who answers with 504'],
    neverSays: ['idle_timeout.timeout_seconds'],
  },
  {
    // Clients upload 6 and 19 MB and end at the idle timeout: whose fault it is the log cannot tell.
    folder: '10-two-slow-uploads',
    lead: { between: ['slow-target', 'slow-upload'] },
    says: ['Either way, a longer idle timeout'],
  },
  {
    folder: '11-no-endpoints-all-refused',
    lead: { cause: 'connection-refused', standing: 'confirmed' },
    says: ['explains all 30 errors'],
    neverSays: [/undecided/i],
  },
  {
    // An HTTPS group in front of a plaintext port: the count of failed handshakes is the count of the errors.
    folder: '12-https-group-plaintext-target',
    lead: { between: ['tls-handshake-failure', 'protocol-mismatch'] },
    notClaimed: ['connection-refused'],
    says: ['curl -v http://10.0.2.81:31443/', 'openssl s_client -connect 10.0.2.81:31443', '10.0.2.82:31443'],
    neverSays: ['would tell TLS from TCP'],
  },
  {
    // An HTTP2 group: the second stream of a connection fails.
    folder: '13-http2-group-every-second-stream',
    lead: { between: ['malformed-response'] },
    notClaimed: ['keep-alive-race'],
    says: ['GOAWAY'],
    neverSays: ['A longer window would give more'],
  },
  {
    // Four errors of the race beside six 500s that the application answers all day.
    folder: '15-race-beside-ordinary-500s',
    lead: { cause: 'keep-alive-race', standing: 'likely' },
    notClaimed: ['target-generated'],
    says: ['also returned 6 × 500', /keep-alive race on target group app/i, 'idle_timeout.timeout_seconds,Value=4'],
  },
  {
    // Puma's default of 20 s: four errors are enough.
    folder: '16-race-four-errors-at-20-s',
    lead: { cause: 'keep-alive-race', standing: 'likely' },
    says: ['seen in 4 errors', 'Puma'],
  },
  {
    // A server that closes after each response.
    folder: '17-race-on-immediate-reuse',
    lead: { cause: 'keep-alive-race', standing: 'likely' },
    says: ['right after a response'],
    neverSays: [/idle_timeout[.]timeout_seconds,Value=[01]\b/],
  },
  {
    folder: '18-tls-handshake-times-out-at-10-s',
    lead: { cause: 'tls-handshake-failure', standing: 'confirmed' },
    says: ['38 TLS handshakes', 'did not finish within 10 s'],
    neverSays: ['no known cause', 'contradict the status'],
  },
  {
    folder: '19-only-460s',
    lead: 'nothing failed',
    says: [/534 clients gave up first \(460\), typically after [0-9.]+ s, most on POST/],
  },
  {
    // One route sends a duplicate Transfer-Encoding: 99 % of the errors.
    folder: '20-route-at-fault-beside-app-500s',
    lead: { between: ['malformed-response', 'response-header-too-large'] },
    notClaimed: ['target-generated', 'keep-alive-race'],
    says: ['GET /v1/users/:id', 'also returned 6 × 500'],
  },
  {
    // nginx gives up on bodies that come slowly, 60 s after the last piece.
    folder: '21-upload-cut-by-body-timeout',
    lead: { between: ['slow-upload'] },
    notClaimed: ['worker-timeout'],
    says: ['client_body_timeout'],
  },
  {
    // Only the count of failed connections was recorded, and it follows the errors.
    folder: '24-refused-in-https-group',
    lead: { cause: 'connection-refused', standing: 'confirmed' },
    says: ['TargetConnectionErrorCount of payments is 6,276'],
  },
  {
    // Two of four targets are dead all the time; a person with curl meets each once.
    folder: '01-dead-targets-chosen-once',
    lead: { between: ['security-group-blocked', 'network-acl-blocked', 'target-unreachable'] },
    notClaimed: ['target-gone'],
    neverSays: [/had left|another target of the group took over|rollout/],
  },
  {
    // Pods are deleted and never deregistered.
    folder: '08-pods-gone-still-registered',
    lead: { cause: 'connection-refused' },
    notClaimed: ['shutdown-before-drain'],
    says: [
      '10.0.3.133:8080 and 10.0.3.134:8080 (svc) stopped answering at 10:14:59 UTC',
      'they are still registered',
      'Deregister 10.0.3.133:8080 and 10.0.3.134:8080',
      'aws elbv2 deregister-targets',
    ],
    neverSays: ['Start the process that should listen'],
  },
  {
    // A person stops an ECS task one second before the first error.
    folder: '14-stop-task-before-errors',
    lead: { cause: 'shutdown-before-drain' },
    says: ['StopTask by ops at 10:09:59 UTC, 1 s before the first error, took 10.0.2.113:32771'],
  },
  {
    // A process is killed every 250 s, now on one target, now on the other.
    folder: '22-seven-outages',
    lead: { cause: 'connection-refused' },
    says: ['7 outages of 38 s to 54 s', '4 min 10 s apart', 'Exit code 137', 'explains all 910 errors'],
    neverSays: ['Start the process that should listen'],
  },
  {
    // A spot instance is taken away: connections time out, and requests in flight end at the idle timeout.
    folder: '23-spot-instance-gone',
    lead: { cause: 'target-gone' },
    notClaimed: ['slow-target'],
    says: [
      'i-011c096220eb35bbf (10.0.12.68:8080) in feed stopped answering',
      'BidEvictedEvent (spot interruption) at 04:20:58 UTC',
      '254 errors',
    ],
  },
  {
    // One route ends the process; connections are refused until it is back.
    folder: '28-lab-node-crash-route',
    lead: { cause: 'connection-refused' },
    says: ['20 outages', '20 of 20 cut off a GET /api/crash/:id', 'explains all 280 errors'],
    neverSays: ['Start the process that should listen'],
  },
  {
    // A firewall rejects with ICMP, at a limited rate.
    folder: '33-lab-icmp-reject',
    lead: { cause: 'connection-refused' },
    notClaimed: ['target-unreachable'],
    says: ['10.0.10.133:8080 (api) stopped answering', 'explains all 111 errors', 'Look for a firewall or router'],
    neverSays: ['Start the process that should listen'],
  },
  {
    // Workers run out of memory, one at a time, with the requests that they work on.
    folder: '34-lab-gunicorn-oom-kill',
    lead: { cause: 'closed-mid-request' },
    notClaimed: ['malformed-response', 'keep-alive-race'],
    says: [
      'A process on 10.0.10.54:8080 (api) died 4 times',
      '4 of 4 cut off a GET /reports',
      'explains all 12 errors',
    ],
  },
  {
    // Clients stall between two pieces of a 9 KB body.
    folder: '25-lab-slow-upload',
    lead: { between: ['slow-target', 'slow-upload'] },
    says: ['178 bytes', 'stop halfway through a small body'],
  },
  {
    // gunicorn looks once a second whether a worker took longer than 5 s.
    folder: '26-lab-gunicorn20-timeout-5',
    lead: { cause: 'worker-timeout', standing: 'likely' },
    says: ['5.00 s', 'GET /reports'],
  },
  {
    // A handler panics on one route, always.
    folder: '27-lab-go-panic-route',
    lead: { between: ['closed-mid-request', 'malformed-response'] },
    says: ['GET /api/panic/:id'],
  },
  {
    folder: '29-lab-race-gunicorn-gthread',
    lead: { cause: 'keep-alive-race', standing: 'likely' },
    says: ['seen in 15 errors', 'gunicorn'],
    neverSays: ['Value=1 '],
  },
  {
    // Puma closes 0.2 s late, and what came meanwhile with it.
    folder: '30-lab-race-puma-3s',
    lead: { cause: 'keep-alive-race', standing: 'likely' },
    says: ['3.19 s'],
  },
  {
    folder: '32-lab-race-node18-ka1',
    lead: { cause: 'keep-alive-race', standing: 'likely' },
    neverSays: [/idle_timeout[.]timeout_seconds,Value=1\b/],
  },
  {
    // The listen backlog overflows: SYNs are repeated.
    folder: '31-lab-backlog-overflow',
    lead: { cause: 'target-unreachable', standing: 'likely' },
    says: [
      'waited 1, 3 or 7 s for the connection',
      'TcpExtListenOverflows',
      'did not answer 13 connections within 10 s, and others only after repeated SYNs',
    ],
    neverSays: ['it was changed since', 'stopped answering'],
  },
];

it('has a row for each folder', () => {
  const folders = readdirSync(join(import.meta.dirname, 'known-incidents')).sort();
  expect(knownIncidents.map(({ folder }) => folder).sort()).toEqual(folders);
});

/** What was diagnosed, by folder. */
const diagnosed = new Map<string, Diagnosis>();

describe.each(knownIncidents)('$folder', ({ folder, lead, notClaimed = [], says = [], neverSays = [] }) => {
  // Read when first asked for: all folders at once are more than a machine can do in time.
  let reading: Promise<Diagnosis> | null = null;
  const diagnose = (): Promise<Diagnosis> => {
    reading ??= readIncident(join(import.meta.dirname, 'known-incidents', folder)).then(async (incident) => {
      const { diagnosis } = await diagnoseRecording(incident, '');
      diagnosed.set(folder, diagnosis);
      return diagnosis;
    });
    return reading;
  };

  it('leads with what happened', async () => {
    const { verdict } = await diagnose();
    if (lead === 'nothing failed') return expect(verdict.standing).toBe('none');
    if ('between' in lead) {
      expect({ cause: verdict.cause, standing: verdict.standing }).toEqual({ cause: null, standing: 'undecided' });
      return expect(verdict.between).toEqual(expect.arrayContaining(lead.between));
    }
    expect(verdict.cause).toBe(lead.cause);
    return expect([lead.standing ?? ['confirmed', 'likely']].flat()).toContain(verdict.standing);
  });

  it('gives every error to one part', async () => {
    const { parts, verdict, triage } = await diagnose();
    if (lead === 'nothing failed') return expect(parts).toEqual([]);
    expect(parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(parts.filter(({ standing }) => standing !== 'unread').reduce((sum, { errors }) => sum + errors, 0)).toBe(
      triage.errors,
    );
    return expect(verdict.explains).toBe(parts[0]?.share);
  });

  it('claims, says and suggests nothing false', async () => {
    const diagnosis = await diagnose();
    const claimed = diagnosis.causes.filter(({ standing }) => standing === 'confirmed' || standing === 'likely');
    expect(claimed.filter(({ id }) => notClaimed.includes(id)).map(({ id }) => id)).toEqual([]);
    const text = renderTerminal(diagnosis, { columns: 100, colour: false }).replace(/\s+(?:\\\s+)?/g, ' ');
    for (const part of says) expect(text).toMatch(part);
    for (const part of neverSays) expect(text).not.toMatch(part);
  });
});

const ORIGINS = ['public reports', 'captures of real servers', 'simulated'] as const;
const SIMULATED = ['23-spot-instance-gone', '24-refused-in-https-group'];

const originOf = (folder: string): (typeof ORIGINS)[number] =>
  SIMULATED.includes(folder) ? 'simulated' : folder.includes('-lab-') ? 'captures of real servers' : 'public reports';

/** Null where the evidence cannot tell, or nothing failed. */
function ended({ folder, lead }: KnownIncident): boolean | null {
  const diagnosis = diagnosed.get(folder);
  if (diagnosis === undefined || lead === 'nothing failed' || 'between' in lead) return null;
  return wouldEndIt(diagnosis, lead.cause);
}

function leadText({ folder, lead }: KnownIncident): string {
  if (lead === 'nothing failed') return 'nothing failed';
  const { cause, standing, between } = diagnosed.get(folder)?.verdict ?? { cause: null, standing: '', between: [] };
  return cause === null ? `undecided between ${between.join(', ')}` : `${cause}, ${standing}`;
}

it('gives the results in docs/known-incidents.md', async () => {
  const totals = ORIGINS.map((origin) => {
    const own = knownIncidents.filter(({ folder }) => originOf(folder) === origin);
    const decided = own.filter(({ lead }) => lead !== 'nothing failed' && 'cause' in lead);
    const yes = decided.filter((one) => ended(one) === true).length;
    return `| ${origin} | ${own.length} | ${decided.length} | ${own.length - decided.length} | ${yes} of ${decided.length} |`;
  });
  const rows = knownIncidents.map((one) => {
    const answer = ended(one);
    return `| ${one.folder} | ${originOf(one.folder)} | ${leadText(one)} | ${answer === null ? '–' : answer ? 'yes' : 'no'} |`;
  });
  const page = `# Known incidents

Incidents whose cause is known, each diagnosed as the command does it: rebuilt from public reports, captured from real servers that
failed behind a real proxy, or simulated. The suite of made incidents is in [accuracy.md](accuracy.md).
\`npx vitest run test/accuracy/known-incidents.test.ts --update=all\` writes this page.

**First lines would end it**: the verdict is the true cause or leads with its event, its sentence names the target, target group, route,
function, rule or security group, and the cause has a fix. Where the evidence cannot tell, nothing is counted.

| Origin | Incidents | decided | undecided where it should be, or healthy | first lines would end it |
| - | - | - | - | - |
${totals.join('\n')}

| Incident | Origin | Verdict | First lines would end it |
| - | - | - | - |
${rows.join('\n')}
`;
  await expect(page).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/known-incidents.md'));
});
