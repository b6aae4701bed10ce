/**
 * Reads where to send signals from OpenTelemetry's environment variables. Pure.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
import type { Environment } from '../environment-names.ts';
import { Problem } from '../problem.ts';

export interface OtlpEndpoint {
  url: string;
  headers: Record<string, string>;
}

/**
 * The endpoint of the signal unchanged, else the general endpoint with the path of the signal; null for none. Throws
 * Problem (exit 1) if the headers cannot be decoded.
 */
export function otlpEndpoint(environment: Environment, signal: 'traces' | 'metrics'): OtlpEndpoint | null {
  const own = environment[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`];
  const general = environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  const url = own || (general ? `${general.replace(/\/+$/, '')}/v1/${signal}` : null);
  return url === null ? null : { url, headers: headersIn(environment.OTEL_EXPORTER_OTLP_HEADERS ?? '') };
}

export const serviceName = ({ OTEL_SERVICE_NAME: name }: Environment): string => name || 'alb502';

/** "key=value,key=value" with percent-encoded values. */
function headersIn(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair) => {
    const [key = '', ...value] = pair.split('=');
    return key.trim() === '' ? [] : [[key.trim(), decoded(key.trim(), value.join('=').trim())] as const];
  });
  return Object.fromEntries(pairs);
}

/** Never shows the value, which may be a secret. */
function decoded(header: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new Problem(
      `OTEL_EXPORTER_OTLP_HEADERS: the value of ${header} is not percent-encoded. Write %25 for a %.`,
      1,
    );
  }
}
