/** A log bucket as a load balancer and its neighbours fill it. */
import { gzipSync } from 'node:zlib';
import { LOAD_BALANCER, line, textOf } from '../access-log/log-file.ts';

export const BUCKET = 'example-logs';
export const ARN = `arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/${LOAD_BALANCER}`;
export const at = (time: string): number => Date.parse(time);

const INTERVAL = 300_000;

export interface Delivery {
  /** ISO times of the first and last interval's end. */
  from: string;
  to: string;
  elb?: string;
  nodes?: string[];
  /** "prefix/" or nothing. */
  prefix?: string;
  /** In front of the file name: conn_log_ and health_check_log_. */
  kind?: string;
  /** Days after the interval that it was delivered. */
  late?: number;
  /** Entries in a file, spread over its interval. */
  entries?: number;
  status?: string;
}

/** The objects of these deliveries by key. */
export function deliverLogs(...deliveries: Delivery[]): Map<string, Uint8Array> {
  return new Map(deliveries.flatMap((one) => [...objectsOf(one)]));
}

function* objectsOf(delivery: Delivery): Generator<[string, Uint8Array]> {
  const { elb = LOAD_BALANCER, nodes = ['203.0.113.17', '203.0.113.18'], prefix = '', kind = '', late = 0 } = delivery;
  for (let end = at(delivery.from); end <= at(delivery.to); end += INTERVAL) {
    const day = new Date(end + late * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '/');
    const stamp = `${new Date(end).toISOString().slice(0, 16).replaceAll(/[-:]/g, '')}Z`;
    for (const node of nodes) {
      const name = `${kind}123456789012_elasticloadbalancing_eu-west-1_${elb.replaceAll('/', '.')}_${stamp}_${node}_${node.length}x${end % 97}.log.gz`;
      const key = `${prefix}AWSLogs/123456789012/elasticloadbalancing/eu-west-1/${day}/${name}`;
      yield [key, gzipSync(textOf(entriesOf(delivery, elb, end, node)))];
    }
  }
}

function entriesOf({ entries = 20, status = '200' }: Delivery, elb: string, end: number, node: string): string[] {
  return Array.from({ length: entries }, (_, index) => {
    const failed = index % 10 === 0;
    return line({
      at: end - INTERVAL + ((index + 0.5) * INTERVAL) / entries,
      elb,
      status: failed ? '502' : status,
      targetStatus: failed ? '-' : status,
      times: failed ? [0, 0.001, -1] : [0, 0.02, 0],
      client: `192.0.2.${(index % 5) + 1}:40000`,
      target: `10.0.0.${(index % 3) + 1}:8080`,
      trace: `Root=1-58337281-${String(end / 1000).padStart(16, '0')}${(index * 2654435761 + node.length).toString(16).slice(-8).padStart(8, '0')}`,
      node,
    });
  });
}
