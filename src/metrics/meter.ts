/** Measures a running bot, and once a minute writes a line of metrics to the log or sends them over OTLP. */
import type { Config } from '../config.ts';
import type { Environment } from '../environment-names.ts';
import type { Investigator } from '../investigate/investigator.ts';
import type { SlackThreads } from '../slack/thread/slack-threads.ts';
import { type BotMetrics, openBotMetrics } from './bot-metrics.ts';
import { type MeasuredCalls, measuredInvestigator, measuredPoster, measuredThreads } from './measured.ts';
import { otlpEndpoint, serviceName } from './otlp-endpoint.ts';
import type { OtlpMetrics } from './otlp-metrics.ts';
import { openTracer } from './tracer.ts';

interface Meter {
  investigator<T extends Investigator>(investigator: T): T;
  poster<T extends MeasuredCalls>(poster: T): T;
  threads(threads: SlackThreads): SlackThreads;
  /** Records how long a message waited in the queue, in milliseconds. */
  onReceived(age: number): void;
  /** Starts writing a line each minute. */
  start(state: { isReady(): boolean; messagesLost(): number }): void;
  /** Writes the last line, and sends the last metrics. */
  stop(): Promise<void>;
}

const INTERVAL_MS = 60_000;

/** Measures nothing if the configuration disables metrics and the environment names no OTLP endpoint. */
export function openMeter(
  { metrics: mode }: Pick<Config, 'metrics'>,
  {
    stream,
    log,
    environment = process.env,
  }: {
    stream: { write(line: string): unknown };
    log: { warn(fields: object, text: string): void };
    environment?: Environment;
  },
): Meter {
  const lines = openBotMetrics();
  const otlp = openOtlp(environment, log);
  const metrics: BotMetrics = {
    ...lines,
    count(metric, by) {
      lines.count(metric, by);
      void otlp?.then((one) => one?.count(metric, by));
    },
    observe(metric, value) {
      lines.observe(metric, value);
      void otlp?.then((one) => one?.observe(metric, value));
    },
  };
  const now = Date.now;
  const tracer = openTracer(environment, { now, log });
  const isOff = mode === 'none' && tracer === null && otlp === null;
  let timer: NodeJS.Timeout | undefined;
  let write = (): void => {};
  return {
    investigator: (one) => (isOff ? one : measuredInvestigator(one, metrics, { now, tracer })),
    poster: (one) => (isOff ? one : measuredPoster(one, metrics)),
    threads: (one) => (isOff ? one : measuredThreads(one, metrics)),
    onReceived: (age) => metrics.observe('QueueAge', Math.max(0, age) / 1000),
    start({ isReady, messagesLost }) {
      if (mode === 'none' && otlp === null) return;
      let lost = messagesLost();
      write = () => {
        const lostNow = messagesLost();
        metrics.count('MessagesLost', lostNow - lost);
        lost = lostNow;
        metrics.observe('SocketUp', isReady() ? 1 : 0);
        const line = metrics.flush(now());
        if (mode === 'emf') stream.write(`${line}\n`);
      };
      timer = setInterval(write, INTERVAL_MS).unref();
    },
    async stop() {
      clearInterval(timer);
      write();
      await otlp?.then((one) => one?.stop());
    },
  };
}

/** Null if the environment names no endpoint for metrics. */
function openOtlp(
  environment: Environment,
  log: { warn(fields: object, text: string): void },
): Promise<OtlpMetrics | null> | null {
  const endpoint = otlpEndpoint(environment, 'metrics');
  if (endpoint === null) return null;
  let hasFailed = false;
  const onResult = (error: Error | null): void => {
    if (error !== null && !hasFailed) log.warn({ err: error }, 'metrics cannot be sent');
    hasFailed = error !== null;
  };
  return import('./otlp-metrics.ts')
    .then(({ openOtlpMetrics }) => openOtlpMetrics(endpoint, serviceName(environment), onResult))
    .catch((error: unknown) => {
      log.warn({ err: error }, 'metrics cannot be sent');
      return null;
    });
}
