/** Sends the bot's metrics with OpenTelemetry's SDK over OTLP (JSON over HTTP). Loaded only if an endpoint is set. */
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BOT_METRICS, type BotMetric, type BotMetrics } from './bot-metrics.ts';
import type { OtlpEndpoint } from './otlp-endpoint.ts';

export interface OtlpMetrics extends Pick<BotMetrics, 'count' | 'observe'> {
  /** Sends the rest, in two seconds at most. Does not reject. */
  stop(): Promise<void>;
}

/** Units as UCUM writes them: https://opentelemetry.io/docs/specs/semconv/general/metrics/ */
const UNITS: Record<(typeof BOT_METRICS)[BotMetric], string> = { Count: '1', Seconds: 's', Bytes: 'By', None: '{USD}' };

/** Metrics that describe a state; only their last value counts. */
const GAUGES: ReadonlySet<BotMetric> = new Set(['SocketUp']);

const [INTERVAL_MS, STOP_WITHIN_MS] = [60_000, 2000];

/** `onResult`: called after each attempt to send, with the error if it failed. */
export function openOtlpMetrics(
  endpoint: OtlpEndpoint,
  service: string,
  onResult: (error: Error | null) => void,
): OtlpMetrics {
  const exporter = new OTLPMetricExporter({ ...endpoint, timeoutMillis: 10_000 });
  const send = exporter.export.bind(exporter);
  exporter.export = (metrics, done) =>
    send(metrics, (result) => {
      onResult(result.code === 0 ? null : (result.error ?? new Error('it gives no reason')));
      done(result);
    });
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: INTERVAL_MS,
    exportTimeoutMillis: 10_000,
  });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    readers: [reader],
  });
  const meter = provider.getMeter('alb502');
  const unitOf = (metric: BotMetric) => ({ unit: UNITS[BOT_METRICS[metric]] });
  // Creating an instrument again returns the same one.
  return {
    count: (metric, by = 1) => meter.createCounter(metric, unitOf(metric)).add(by),
    observe(metric, value) {
      if (GAUGES.has(metric)) meter.createGauge(metric, unitOf(metric)).record(value);
      else meter.createHistogram(metric, unitOf(metric)).record(value);
    },
    stop: () => provider.shutdown({ timeoutMillis: STOP_WITHIN_MS }).catch(() => {}),
  };
}
