/** Redacts fields of an access-log entry before they leave the terminal. Each function is idempotent. Pure. */
import { isPlainSegment, isWord, redactPath } from './plain-words.ts';

/** Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html */
const ROOT = /(?:^|;)(Root=1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/;

/** Returns the Root field the load balancer made, or "-" for a client's own value. Clients may add other fields. */
export const traceRoot = (trace_id: string): string => ROOT.exec(trace_id)?.[1] ?? '-';

/** AWS reason codes are joined words, such as TargetConnectionError or AuthInvalidCookie. */
const REASON = /^(?:[A-Z][a-z]+|[A-Z]{2,5}(?=[A-Z][a-z]|$)){1,8}$/;
export const redactReason = (reason: string): string =>
  reason === '-' || isPlainSegment(reason) || (REASON.test(reason) && reason.length <= 64) ? reason : 'Other';

/** Methods of HTTP and WebDAV (IANA, HTTP Method Registry). */
const METHODS = new Set(
  'ACL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PRI PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL'.split(
    ' ',
  ),
);
const redactMethod = (method: string): string => (method === '-' || METHODS.has(method) ? method : 'OTHER');

/** Redacts a route such as "GET /users/:id/orders"; keeps "-". */
export function redactRoute(route: string, common: ReadonlySet<string>): string {
  const space = route.indexOf(' ');
  if (space === -1) return route === '-' ? route : 'OTHER';
  return `${redactMethod(route.slice(0, space))} ${redactPath(route.slice(space + 1), common)}`;
}

/**
 * Redacts "GET http://example.com:80/users/:id HTTP/1.1"; the URL may contain spaces, and the version may be missing.
 */
export function redactRequestLine(request: string, common: ReadonlySet<string>): string {
  const version = / (?:HTTP\/[0-9.]{1,5}|-) ?$/.exec(request)?.[0] ?? '';
  const rest = request.slice(0, request.length - version.length);
  const space = rest.indexOf(' ');
  if (space === -1) return (rest === '' || rest === '-' ? rest : 'OTHER') + version;
  return `${redactMethod(rest.slice(0, space))} ${redactUrl(rest.slice(space + 1), common)}${version}`;
}

/** Redacts a URL or path and drops query and fragment; keeps "-". */
export function redactUrl(url: string, common: ReadonlySet<string>): string {
  const [, origin = '', path = ''] = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)/.exec(url) ?? [];
  // Segment parameters, such as ;jsessionid=…, do not belong to a route.
  const plain = path.replace(/;[^/]*/g, '');
  return (origin === '' ? '' : redactOrigin(origin)) + (plain === '-' ? '-' : redactPath(plain, common));
}

function redactOrigin(origin: string): string {
  const [, scheme = '', host = '', port = ''] = /^([^:]*):\/\/(.*?)(:[0-9]{1,5}-?|-)?$/s.exec(origin) ?? [];
  return `${/^(?:https?|wss?|h2|grpcs?)$/.test(scheme) ? scheme : 'http'}://${redactHost(host)}${port}`;
}

/**
 * Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html (DNS
 * names)
 */
const LOAD_BALANCER = /^[a-z0-9-]{1,50}\.[a-z0-9-]{1,20}\.elb\.amazonaws\.com(?:\.cn)?$/;

/**
 * Keeps a host whose labels are words; any other, which clients choose with the Host header or SNI, becomes
 * "host.invalid" (RFC 2606).
 */
export function redactHost(host: string): string {
  if (host === '-' || host === '') return host;
  const labels = host.split('.');
  const isPlain =
    LOAD_BALANCER.test(host) ||
    (labels.length <= 6 && labels.every((label) => /^[a-z]/i.test(label) && label.split('-').every(isWord)));
  return isPlain ? host : 'host.invalid';
}

const MAX_PRODUCTS = 6;

/** Reduces "Mozilla/5.0 (X11; Linux) Firefox/137.0" to "Mozilla Firefox". */
export function redactUserAgent(agent: string): string {
  if (agent === '-') return agent;
  const products = agent
    .slice(0, 1000)
    .replace(/\([^()]*\)/g, ' ')
    .split(/\s+/)
    .flatMap((token) => token.split('/')[0] ?? [])
    .filter((name) => name !== '' && isPlainSegment(name) && /^[A-Za-z]/.test(name));
  return products.slice(0, MAX_PRODUCTS).join(' ') || '-';
}
