/**
 * Lists servers and when they close idle connections by default. A test compares docs/keep-alive.md with this list and
 * with the measurements.
 */

export interface Runtime {
  name: string;
  /** Seconds after which it closes an idle connection by default; null if it keeps them. */
  at: number | null;
  /** Seconds by which it may close late, because it checks its timer rarely. */
  late?: number;
  /** How the default is known: measured by the lab, or the address of a source. */
  source: 'measured' | `https://${string}`;
  /** Set if people configure it so often that it is listed even if no default fits. */
  isCommon?: true;
  /** The settings for a number of seconds; empty if the project knows none. */
  settings: readonly ((seconds: number) => string)[];
}

/** The largest idle timeout that Bun accepts, seconds. */
const BUN_MAXIMUM = 255;

const node = (seconds: number) =>
  `server.keepAliveTimeout = ${seconds}_000; server.headersTimeout = ${seconds + 1}_000   // Node.js; headersTimeout matters before 18.2`;
const puma = (seconds: number) => `persistent_timeout ${seconds}   # Puma`;

/** In the order in which sentences list them. */
export const RUNTIMES: readonly Runtime[] = [
  { at: 5, name: 'Node.js 18', source: 'measured', isCommon: true, settings: [node] },
  {
    at: 6,
    name: 'Node.js 20 or later (keepAliveTimeout 5 s + 1 s buffer)',
    source: 'measured',
    settings: [node],
  },
  {
    at: null,
    name: 'Go net/http',
    source: 'measured',
    isCommon: true,
    settings: [
      (seconds) =>
        `http.Server{IdleTimeout: ${seconds} * time.Second}   // Go; if unset, ReadTimeout applies to idle connections`,
    ],
  },
  {
    at: 2,
    late: 1,
    name: 'gunicorn with threads (--keep-alive 2)',
    source: 'measured',
    isCommon: true,
    settings: [(seconds) => `gunicorn --keep-alive ${seconds}`],
  },
  {
    at: 5,
    name: 'uvicorn or hypercorn',
    source: 'measured',
    settings: [
      (seconds) => `uvicorn --timeout-keep-alive ${seconds}`,
      (seconds) => `hypercorn --keep-alive ${seconds}`,
    ],
  },
  {
    at: 5,
    name: 'Apache httpd 2.4',
    source: 'measured',
    settings: [(seconds) => `KeepAliveTimeout ${seconds}   # Apache httpd`],
  },
  {
    at: 10,
    late: 1.6,
    name: 'uWebSockets',
    source: 'https://github.com/uNetworking/uWebSockets/blob/master/src/HttpContext.h',
    settings: [
      () => '# uWebSockets: its HTTP idle timeout of 10 s is compiled in; lower that of the load balancer instead',
    ],
  },
  {
    // Bun's idleTimeout is 10 s, checked by a coarse timer.
    at: 12,
    name: 'Bun.serve',
    source: 'https://bun.sh/reference/bun/Serve/HostnamePortServeOptions/idleTimeout',
    settings: [
      (seconds) =>
        seconds <= BUN_MAXIMUM
          ? `Bun.serve({ idleTimeout: ${seconds} })`
          : `Bun.serve({ idleTimeout: ${BUN_MAXIMUM} })   // the most it takes: the idle timeout of the load balancer must be lower`,
    ],
  },
  {
    at: 20,
    late: 1.6,
    name: 'Tomcat standalone',
    source: 'measured',
    settings: [(seconds) => `<Connector keepAliveTimeout="${seconds}000" …>   <!-- Tomcat server.xml -->`],
  },
  { at: 20, name: 'Puma before 7', source: 'measured', settings: [puma] },
  { at: 30, name: 'Jetty', source: 'measured', settings: [(seconds) => `jetty.http.idleTimeout=${seconds}000`] },
  {
    at: 60,
    late: 1.6,
    name: 'Tomcat in Spring Boot',
    source: 'measured',
    settings: [(seconds) => `server.tomcat.keep-alive-timeout=${seconds}s`],
  },
  {
    at: 60,
    name: 'Undertow',
    source: 'https://undertow.io/undertow-docs/undertow-docs-2.1.0/listeners.html',
    settings: [(seconds) => `server.undertow.no-request-timeout=${seconds}s`],
  },
  { at: 65, name: 'Puma 7 or later', source: 'https://github.com/puma/puma/pull/3378', settings: [puma] },
  {
    at: 75,
    name: 'nginx',
    source: 'measured',
    isCommon: true,
    settings: [(seconds) => `keepalive_timeout ${seconds}s;   # nginx, http or server block`],
  },
  {
    at: 120,
    name: 'IIS',
    source: 'https://learn.microsoft.com/iis/configuration/system.applicationhost/sites/sitedefaults/limits',
    settings: [],
  },
  {
    at: 120,
    late: 30,
    name: 'waitress',
    source: 'measured',
    settings: [(seconds) => `waitress-serve --channel-timeout=${seconds}`],
  },
  {
    at: 130,
    name: 'Kestrel',
    source:
      'https://learn.microsoft.com/dotnet/api/microsoft.aspnetcore.server.kestrel.core.kestrelserverlimits.keepalivetimeout',
    settings: [(seconds) => `options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(${seconds});   // Kestrel`],
  },
  {
    at: 180,
    name: 'Traefik',
    source: 'https://doc.traefik.io/traefik/v2.7/routing/entrypoints',
    settings: [
      (seconds) =>
        `--entryPoints.web.transport.respondingTimeouts.idleTimeout=${seconds}s   # Traefik, entry point web`,
    ],
  },
  {
    at: 300,
    name: 'Caddy',
    source: 'https://caddyserver.com/docs/caddyfile/options',
    settings: [(seconds) => `servers { timeouts { idle ${seconds}s } }   # Caddyfile, global options`],
  },
];

/** Seconds: first how early rounding in the log may make a timer appear, then how late any server may close. */
const EARLY = 0.02;
const LATE = 0.25;

/** Seconds, ascending: edges to test individually. Go has no default, but 15 s is a common manual setting. */
export const DEFAULT_EDGES: readonly number[] = [...new Set([...RUNTIMES.flatMap(({ at }) => at ?? []), 15])].sort(
  (a, b) => a - b,
);

function closingAt(seconds: number): Runtime[] {
  const fitting = RUNTIMES.filter(
    ({ at, late = LATE }) => at !== null && seconds >= at - EARLY && seconds <= at + Math.max(late, 0.01 * at),
  );
  const nearest = Math.max(...fitting.map(({ at }) => at ?? 0));
  return fitting.filter(({ at }) => at === nearest);
}

/** Runtimes whose default is nearest at or below a measured time in seconds; empty if the setting is manual. */
export const runtimesClosingAt = (seconds: number): string[] => closingAt(seconds).map(({ name }) => name);

/**
 * The settings for `wanted` seconds: for runtimes whose default was measured, and for Go, which has no default. If
 * nothing was measured (null) or no default fits, for common runtimes.
 */
export function keepAliveSettings(measured: number | null, wanted: number): string[] {
  const closing = measured === null ? [] : closingAt(measured);
  return RUNTIMES.filter((runtime) =>
    closing.length === 0 ? runtime.isCommon : closing.includes(runtime) || runtime.at === null,
  ).flatMap(({ settings }) => settings.map((setting) => setting(wanted)));
}
