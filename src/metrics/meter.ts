/** Measures a running bot and writes a line of metrics to the log once a minute. */
import type { Config } from '../config.ts';
import type { Environment } from '../environment-names.ts';
import type { Investigator } from '../investigate/investigator.ts';
import type { Poster } from '../slack/delivery/slack-poster.ts';
import type { SlackThreads } from '../slack/thread/slack-threads.ts';
import { openBotMetrics } from './bot-metrics.ts';
import { measuredInvestigator, measuredPoster, measuredThreads } from './measured.ts';
import { openTracer } from './tracer.ts';

export interface Meter {
  investigator<T extends Investigator>(investigator: T): T;
  poster<T extends Pick<Poster, 'post' | 'edit'>>(poster: T): T;
  threads(threads: SlackThreads): SlackThreads;
  /** Records how long a message waited in the queue, in milliseconds. */
  onReceived(age: number): void;
  /** Starts writing a line each minute. */
  start(state: { isReady(): boolean; messagesLost(): number }): void;
  /** Writes the last line. */
  stop(): void;
}

const INTERVAL_MS = 60_000;

/** Measures nothing if the configuration disables metrics and the environment names no endpoint for traces. */
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
  const metrics = openBotMetrics();
  const now = Date.now;
  const tracer = openTracer(environment, { now, log });
  const isOff = mode === 'none' && tracer === null;
  let timer: NodeJS.Timeout | undefined;
  let write = (): void => {};
  return {
    investigator: (one) => (isOff ? one : measuredInvestigator(one, metrics, { now, tracer })),
    poster: (one) => (isOff ? one : measuredPoster(one, metrics)),
    threads: (one) => (isOff ? one : measuredThreads(one, metrics)),
    onReceived: (age) => metrics.observe('QueueAge', Math.max(0, age) / 1000),
    start({ isReady, messagesLost }) {
      if (mode === 'none') return;
      let lost = messagesLost();
      write = () => {
        const lostNow = messagesLost();
        metrics.count('MessagesLost', lostNow - lost);
        lost = lostNow;
        metrics.observe('SocketUp', isReady() ? 1 : 0);
        stream.write(`${metrics.flush(now())}\n`);
      };
      timer = setInterval(write, INTERVAL_MS).unref();
    },
    stop() {
      clearInterval(timer);
      write();
    },
  };
}
