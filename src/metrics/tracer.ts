/**
 * Sends traces of diagnoses by OTLP (JSON over HTTP): https://opentelemetry.io/docs/specs/otlp/#otlphttp
 * A trace that cannot be sent is lost, and the log says so once.
 */
import type { Environment } from '../environment-names.ts';
import { otlpEndpoint, serviceName } from './otlp-endpoint.ts';

export interface Tracer {
  start(name: string, attributes: Record<string, string>): Trace;
}

/** The trace of one diagnosis: a span for the diagnosis, with a child span for each collector. */
interface Trace {
  begin(name: string): void;
  end(name: string, hasFailed: boolean): void;
  /** Ends the diagnosis's span and sends the trace in the background. */
  finish(attributes: Record<string, string>): void;
}

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** INTERNAL. */
  kind: 1;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue: string } }[];
  /** 2 for an error. */
  status: { code: 0 | 2 };
}

/** Milliseconds; an endpoint that does not answer must not delay the bot. */
const TIMEOUT = 10_000;

/** Null if the environment names no endpoint for traces. */
export function openTracer(
  environment: Environment,
  { now, log }: { now: () => number; log: { warn(fields: object, text: string): void } },
): Tracer | null {
  const endpoint = otlpEndpoint(environment, 'traces');
  if (endpoint === null) return null;
  const { url } = endpoint;
  const headers = { 'Content-Type': 'application/json', ...endpoint.headers };
  let hasFailed = false;

  async function send(spans: readonly Span[]): Promise<void> {
    const body = JSON.stringify({
      resourceSpans: [
        {
          resource: { attributes: attributesOf({ 'service.name': serviceName(environment) }) },
          scopeSpans: [{ scope: { name: 'alb502' }, spans }],
        },
      ],
    });
    try {
      const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT) });
      if (!answer.ok) throw new Error(`it answers ${answer.status}`);
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) log.warn({ err: error }, 'traces cannot be sent');
      hasFailed = true;
    }
  }

  return {
    start(name, attributes) {
      const traceId = randomHex(16);
      const rootId = randomHex(8);
      const begun = now();
      const open = new Map<string, number>();
      const ended: Span[] = [];
      const spanOf = (span: Pick<Span, 'name' | 'spanId' | 'attributes' | 'status'>, from: number): Span => ({
        ...span,
        traceId,
        kind: 1,
        startTimeUnixNano: nanoseconds(from),
        endTimeUnixNano: nanoseconds(now()),
      });
      return {
        begin: (part) => void open.set(part, now()),
        end(part, isError) {
          const from = open.get(part);
          if (from === undefined) return;
          open.delete(part);
          const span = { name: `collect ${part}`, spanId: randomHex(8), attributes: [], status: statusOf(isError) };
          ended.push({ ...spanOf(span, from), parentSpanId: rootId });
        },
        finish(more) {
          const status = statusOf(more.standing === 'failed');
          const root = { name, spanId: rootId, attributes: attributesOf({ ...attributes, ...more }), status };
          void send([spanOf(root, begun), ...ended]);
        },
      };
    },
  };
}

const statusOf = (isError: boolean): Span['status'] => ({ code: isError ? 2 : 0 });
const nanoseconds = (milliseconds: number): string => `${Math.round(milliseconds)}000000`;
const randomHex = (bytes: number): string => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
const attributesOf = (values: Record<string, string>): Span['attributes'] =>
  Object.entries(values)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => ({ key, value: { stringValue: value } }));
