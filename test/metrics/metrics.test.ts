/** The bot's own metrics: lines of the embedded metric format, and metrics and traces for OpenTelemetry. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BOT_METRICS, type BotMetrics, openBotMetrics } from '../../src/metrics/bot-metrics.ts';
import {
  type MeasuredCalls,
  type MeasuredThreads,
  measuredPoster,
  measuredThreads,
} from '../../src/metrics/measured.ts';
import { openMeter } from '../../src/metrics/meter.ts';
import { otlpEndpoint } from '../../src/metrics/otlp-endpoint.ts';
import { Problem } from '../../src/problem.ts';
import { newRun } from '../../src/runs/run.ts';
import type { PostResult } from '../../src/slack/delivery/slack-poster.ts';
import type { OpenResult, ThreadRequest } from '../../src/slack/thread/open.ts';
import { event } from '../support/alarms/messages.ts';
import { rootsOf, SHOP, startAlarmBot } from '../support/alarms/whole-bot-with-queue.ts';
import { eventually } from '../support/eventually.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const NOON = Date.parse('2026-11-18T12:00:00Z');

describe('a line of metrics', () => {
  it('declares each of its values with a unit, and starts from zero', () => {
    const metrics = openBotMetrics();
    metrics.count('DiagnosesLikely');
    metrics.count('DiagnosesLikely');
    metrics.count('SpendUsd', 0.25);
    metrics.observe('SecondsToFinal', 4);
    metrics.observe('SecondsToFinal', 9);
    expect(JSON.parse(metrics.flush(NOON))).toEqual({
      _aws: {
        Timestamp: NOON,
        CloudWatchMetrics: [
          {
            Namespace: 'alb502',
            Dimensions: [[]],
            Metrics: [
              { Name: 'DiagnosesLikely', Unit: 'Count' },
              { Name: 'SecondsToFinal', Unit: 'Seconds' },
              { Name: 'SpendUsd', Unit: 'None' },
            ],
          },
        ],
      },
      DiagnosesLikely: 2,
      SecondsToFinal: [4, 9],
      SpendUsd: 0.25,
    });
    expect(JSON.parse(metrics.flush(NOON))._aws.CloudWatchMetrics[0].Metrics).toEqual([]);
  });

  it('has at most as many values of a metric as the format allows', () => {
    const metrics = openBotMetrics();
    for (let value = 0; value < 250; value++) metrics.observe('QueueAge', value);
    expect(JSON.parse(metrics.flush(NOON)).QueueAge).toHaveLength(100);
  });
});

it('deploy/dashboard.json shows every metric, and no others', () => {
  const dashboard = JSON.parse(readFileSync(join(import.meta.dirname, '../../deploy/dashboard.json'), 'utf8')) as {
    widgets: { properties: { metrics: [string, string][] } }[];
  };
  const shown = dashboard.widgets.flatMap(({ properties }) => properties.metrics.map(([, name]) => name));
  expect([...new Set(shown)].sort()).toEqual(Object.keys(BOT_METRICS).sort());
});

/** What the metrics have counted, by name. */
function counts(metrics: BotMetrics): Record<string, unknown> {
  const { _aws: _, ...values } = JSON.parse(metrics.flush(NOON));
  return values;
}

it('counts edits that were given up, and posts and files that Slack refused', async () => {
  const metrics = openBotMetrics();
  const refusal = (code: string): PostResult => ({ refused: 'refused', code });
  const edits = [refusal('message_not_found'), refusal('not_sent'), { ts: '1' }];
  const target = { channel: 'C1', thread: null };
  const poster = measuredPoster<MeasuredCalls>(
    {
      post: async () => refusal('msg_blocks_too_long'),
      upload: async () => refusal('no_upload_url'),
      edit: async () => edits.shift() ?? { ts: '1' },
    },
    metrics,
  );
  for (let edit = 0; edit < 3; edit++) await poster.edit('C1', '1', { text: '', blocks: [] });
  expect(counts(metrics)).toEqual({ EditsDropped: 1 });
  await poster.post(target, { text: '', blocks: [] });
  await poster.upload(target, { filename: 'a.csv', title: '', content: '', comment: '' });
  expect(counts(metrics)).toEqual({ PostsRefused: 2 });
});

it('counts the thread of an episode once when opening it is retried', async () => {
  const metrics = openBotMetrics();
  const loadBalancer = { name: 'shop-prod', arn: null, account: 'prod', region: 'eu-west-1' };
  const request: ThreadRequest = {
    askedBy: { kind: 'alarm', alarmName: 'shop-prod-5xx', episode: 'e1' },
    question: { loadBalancer, from: NOON - 900_000, to: NOON, now: NOON, statuses: ['gateway'] },
    channel: 'C1',
    parentTs: null,
  };
  const run = newRun({ ...request, now: NOON });
  const thread = { opened: run, ended: Promise.resolve(run) };
  const results: OpenResult[] = [{ refused: 'later', reason: 'slack' }, thread];
  const threads = measuredThreads<MeasuredThreads>({ open: async () => results.shift() ?? thread }, metrics);
  for (let attempt = 0; attempt < 3; attempt++) await threads.open(request);
  expect(counts(metrics)).toEqual({ Episodes: 1, EpisodeThreads: 1 });
});

interface Received {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A collector on 127.0.0.1 that answers everything so; the environment names it. */
async function serveCollector(status = 200): Promise<Received[]> {
  const received: Received[] = [];
  const collector = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      received.push({ url: request.url ?? '', headers: request.headers, body });
      response.writeHead(status).end('{}');
    });
  });
  await new Promise<void>((listening) => collector.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void collector.close());
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`);
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-team=on%20call');
  return received;
}

it('the bot counts the effects of an alarm, and traces the diagnosis with a span for each collector', async () => {
  const received = await serveCollector();
  const whole = await startAlarmBot({ more: { metrics: 'emf' } });
  const body = JSON.stringify(event({ at: Date.parse('2026-11-18T02:45:00Z'), loadBalancer: SHOP }));
  whole.aws.sendMessage('alarms', body, { region: 'eu-west-1' });
  await whole.slack.until(
    () => rootsOf(whole.slack, 'shop').some(({ text }) => text.includes('keep-alive race')),
    'an answer',
  );
  await eventually(() => expect(received.length).toBeGreaterThan(0));
  await whole.bot.stop();

  const trace = received.find(({ url }) => url === '/v1/traces');
  expect(trace).toMatchObject({
    url: '/v1/traces',
    headers: { 'content-type': 'application/json', 'x-team': 'on call' },
  });
  const { resourceSpans } = JSON.parse(trace?.body ?? '');
  const [root, ...parts] = resourceSpans[0].scopeSpans[0].spans;
  expect(root.name).toBe('diagnosis');
  expect(root.attributes).toContainEqual({ key: 'cause', value: { stringValue: 'keep-alive-race' } });
  expect(parts.map(({ name }: { name: string }) => name)).toContain('collect accessLog');
  for (const { traceId, parentSpanId, startTimeUnixNano, endTimeUnixNano } of parts) {
    expect({ traceId, parentSpanId }).toEqual({ traceId: root.traceId, parentSpanId: root.spanId });
    expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);
  }

  const lines = whole.log.filter((line) => '_aws' in line);
  const sum = (name: string) => lines.reduce((total, line) => total + Number(line[name] ?? 0), 0);
  expect({ episodes: sum('Episodes'), threads: sum('EpisodeThreads') }).toEqual({ episodes: 1, threads: 1 });
  expect(sum('DiagnosesLikely')).toBeGreaterThan(0);
  expect(lines.flatMap(({ SecondsToFinal = [] }) => SecondsToFinal).length).toBeGreaterThan(0);
  expect(lines.flatMap(({ QueueAge = [] }) => QueueAge).length).toBe(1);
});

interface SentMetric {
  name: string;
  unit: string;
  sum?: { dataPoints: { asDouble: number }[] };
  gauge?: { dataPoints: { asDouble: number }[] };
  histogram?: { dataPoints: { count: number; sum: number }[] };
}

describe('with an OTLP endpoint', () => {
  const sentIn = (received: readonly Received[]): SentMetric[] => {
    const sent = received.filter(({ url }) => url === '/v1/metrics');
    expect(sent).toHaveLength(1);
    expect(sent[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'x-team': 'on call' });
    const { resourceMetrics } = JSON.parse(sent[0]?.body ?? '');
    expect(resourceMetrics[0].resource.attributes).toContainEqual({
      key: 'service.name',
      value: { stringValue: 'shop-bot' },
    });
    return resourceMetrics[0].scopeMetrics[0].metrics;
  };

  it('sends the metrics of the bot at its end, and writes no line of them', async () => {
    const received = await serveCollector();
    vi.stubEnv('OTEL_SERVICE_NAME', 'shop-bot');
    const [lines, warnings]: [string[], string[]] = [[], []];
    const meter = openMeter(
      { metrics: 'none' },
      {
        stream: { write: (line) => lines.push(line) },
        log: { warn: (_, text) => void warnings.push(text) },
      },
    );
    meter.onReceived(1500);
    meter.onReceived(2500);
    meter.start({ isReady: () => true, messagesLost: () => 0 });
    await meter.stop();
    const sent = sentIn(received);
    expect(sent.find(({ name }) => name === 'QueueAge')).toMatchObject({
      unit: 's',
      histogram: { dataPoints: [{ count: 2, sum: 4 }] },
    });
    expect(sent.find(({ name }) => name === 'SocketUp')).toMatchObject({ gauge: { dataPoints: [{ asDouble: 1 }] } });
    expect(sent.find(({ name }) => name === 'MessagesLost')).toMatchObject({ sum: { dataPoints: [{ asDouble: 0 }] } });
    expect({ lines, warnings }).toEqual({ lines: [], warnings: [] });
  });

  it('names the variable and header whose value is not percent-encoded', () => {
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=on%20call,x-key=50%',
    };
    const problem = new Problem(
      'OTEL_EXPORTER_OTLP_HEADERS: the value of x-key is not percent-encoded. Write %25 for a %.',
      1,
    );
    expect(() => otlpEndpoint(environment, 'metrics')).toThrow(problem);
  });

  it('says once that the collector refuses them, and goes on', async () => {
    const received = await serveCollector(403);
    const warnings: string[] = [];
    const meter = openMeter(
      { metrics: 'none' },
      { stream: { write: () => {} }, log: { warn: (_, text) => void warnings.push(text) } },
    );
    meter.onReceived(1500);
    await meter.stop();
    expect(received).toHaveLength(1);
    expect(warnings).toEqual(['metrics cannot be sent']);
  });
});
