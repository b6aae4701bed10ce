/**
 * Default keep-alive timeouts of servers, measured or documented. https://nodejs.org/api/http.html and the servers'
 * manuals.
 */

interface Runtime {
  /** Seconds after which it closes an idle connection. */
  at: number;
  name: string;
  /** Seconds that it may close late, because it checks its timer rarely. */
  late?: number;
}

const RUNTIMES: readonly Runtime[] = [
  { at: 2, name: 'gunicorn with threads (--keep-alive 2)', late: 1 },
  { at: 5, name: 'Node.js 18' },
  { at: 5, name: 'uvicorn or hypercorn' },
  { at: 5, name: 'Apache httpd 2.4' },
  { at: 6, name: 'Node.js 20 and later (keepAliveTimeout 5 s and 1 s of buffer)' },
  { at: 10, name: 'uWebSockets', late: 1.6 },
  { at: 12, name: 'Bun.serve' },
  { at: 20, name: 'Tomcat standalone', late: 1.6 },
  { at: 20, name: 'Puma before 7' },
  { at: 30, name: 'Jetty' },
  { at: 60, name: 'Tomcat in Spring Boot', late: 1.6 },
  { at: 60, name: 'Undertow' },
  { at: 65, name: 'Puma 7 and later' },
  { at: 75, name: 'nginx' },
  { at: 120, name: 'IIS' },
  { at: 120, name: 'waitress', late: 30 },
  { at: 130, name: 'Kestrel' },
  { at: 180, name: 'Traefik' },
  { at: 300, name: 'Caddy' },
];

/**
 * Seconds. Timers fire on time or late: the first value is the log's rounding, the second the delay possible for any
 * server.
 */
const EARLY = 0.02;
const LATE = 0.25;

/** Seconds, ascending: edges to test individually. Go has no default; 15 s is a common manual setting. */
export const DEFAULT_EDGES: readonly number[] = [...new Set([...RUNTIMES.map(({ at }) => at), 15])].sort(
  (a, b) => a - b,
);

/** Runtimes whose default is nearest at or below a measured time in seconds; empty for a manual setting. */
export function runtimesClosingAt(seconds: number): string[] {
  const fitting = RUNTIMES.filter(
    ({ at, late = LATE }) => seconds >= at - EARLY && seconds <= at + Math.max(late, 0.01 * at),
  );
  const nearest = Math.max(...fitting.map(({ at }) => at));
  return fitting.filter(({ at }) => at === nearest).map(({ name }) => name);
}
