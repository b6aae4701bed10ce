/** docs/keep-alive.md from what was measured, and from what a diagnosis makes of it. */
import { RUNTIMES, type Runtime } from '../../src/diagnose/patterns/runtimes.ts';

export interface MeasuredServer {
  id: string;
  name: string;
  version: string;
  setting: string;
  /** Idle connections that it closed, each after so many seconds; none when it closes after each response, or never in time. */
  closes: { seconds: number; how: 'FIN' | 'RST' }[];
  /** After how many requests it closed a connection, and whether it said so before; null: not within as many as were tried. */
  requests: { count: number; isAnnounced: boolean } | null;
  sigterm: {
    /** When the idle connection was closed after the signal; null: not within 40 s. */
    idle: { seconds: number; how: 'FIN' | 'RST' } | null;
    /** A request that was being worked on got its response; null: the server works on nothing. */
    isAnswered: boolean | null;
    /** Null: still there after 40 s. */
    exitSeconds: number | null;
  };
}

export interface KeepAliveMeasurement {
  date: string;
  mostIdleSeconds: number;
  mostRequests: number;
  servers: MeasuredServer[];
}

/** One request and then a close: nothing is kept alive. */
const keepsNothing = ({ requests }: MeasuredServer) => requests?.count === 1;

/** Seconds of the first and the last close. */
function closingTimes({ closes }: MeasuredServer): [first: number, last: number] | null {
  const seconds = closes.map((close) => close.seconds).sort((a, b) => a - b);
  const [first] = seconds;
  const last = seconds.at(-1);
  return first === undefined || last === undefined ? null : [first, last];
}

function idleText(server: MeasuredServer, mostIdleSeconds: number): string {
  if (keepsNothing(server)) return 'right after the response';
  const times = closingTimes(server);
  if (times === null) return `not within ${mostIdleSeconds} s`;
  const [first, last] = times.map((time) => time.toFixed(2));
  return first === last ? `${first} s` : `${first}–${last} s`;
}

function requestsText(server: MeasuredServer, mostRequests: number): string {
  if (server.requests === null) return `not within ${mostRequests.toLocaleString('en-US')}`;
  if (keepsNothing(server)) return '1';
  return `${server.requests.count.toLocaleString('en-US')}, ${server.requests.isAnnounced ? 'announced' : 'not announced'}`;
}

function sigtermText(server: MeasuredServer): string {
  const { idle, isAnswered, exitSeconds } = server.sigterm;
  const kept =
    idle === null ? 'keeps idle connections' : `${idle.how} to idle connections after ${idle.seconds.toFixed(1)} s`;
  const parts = [
    ...(keepsNothing(server) ? [] : [kept]),
    ...(isAnswered === null ? [] : [`${isAnswered ? 'answers' : 'drops'} the request in flight`]),
    exitSeconds === null ? 'still running after 40 s' : `exits after ${exitSeconds.toFixed(1)} s`,
  ];
  return parts.join('; ');
}

/** Above the idle timeout of 60 s that load balancers have by default. */
const WANTED_SECONDS = 65;

function runtimeRow({ name, at, late, source, settings }: Runtime): string {
  const closes = at === null ? 'keeps them' : `${at} s${late === undefined ? '' : `, up to ${late} s late`}`;
  const set = settings.map((setting) => `\`${setting(WANTED_SECONDS)}\``).join('<br>');
  return `| ${name} | ${closes} | ${source === 'measured' ? 'measured above' : `[documented](${source})`} | ${set || '–'} |`;
}

export function keepAlivePage({ date, mostIdleSeconds, mostRequests, servers }: KeepAliveMeasurement): string {
  const rows = servers.map((server) => {
    const how = [...new Set(server.closes.map((close) => close.how))].sort().join(', ');
    return `| ${server.name} | ${server.version} | ${idleText(server, mostIdleSeconds)} | ${how || '–'} | ${requestsText(server, mostRequests)} | ${sigtermText(server)} | ${server.setting} |`;
  });
  return `# When servers close connections

Measured with each server's own defaults on ${date} by \`node test/lab/measure-keep-alive.ts\`; \`test/lab/keep-alive.test.ts\` writes this
page with \`--update=all\` and holds the runtimes that a diagnosis names against it. The load balancer must close first: a server that
closes an idle connection at or before the load balancer's idle timeout (60 s by default) races with it.

Five idle connections were opened 0.37 s apart; a range of more than 0.1 s shows a server that looks at its timers only now and then
(less is the measuring client). A limit on requests is harmless where it is announced (\`Connection: close\`). A deployment sends SIGTERM:
what closes idle connections at once must be deregistered first. The programs have no handler of their own for it.

| Server | Version | Closes an idle connection after | By | After requests | On SIGTERM | Setting |
| - | - | - | - | - | - | - |
${rows.join('\n')}

## What a diagnosis makes of it

When targets close after one of these times, the diagnosis names the runtime and its setting; Go's is added always, for Go has no default.
The settings below are for ${WANTED_SECONDS} s; a diagnosis fills in 5 s more than the idle timeout of the load balancer. \`src/diagnose/patterns/runtimes.ts\`
holds them.

| Runtime | Closes idle connections after | Known from | Setting |
| - | - | - | - |
${RUNTIMES.map(runtimeRow).join('\n')}
`;
}
