/**
 * The proxy as a process of its own, inside the namespace of the load balancer. Its first argument is a file with its configuration, its
 * second the file that gets all entries; orders come one JSON object a line on stdin, and the end of stdin ends it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { type Entry, type HealthChange, LoadBalancer, type LoadBalancerConfig } from './load-balancer.ts';

export type Order = { register: string } | { deregister: string };

export interface ProxyResult {
  entries: Entry[];
  healthChanges: HealthChange[];
  /** How late the proxy's own timers were, milliseconds: 99th percentile and most. */
  lateMs: { p99: number; max: number };
}

const [configFile = '', resultFile = ''] = process.argv.slice(2);
const balancer = new LoadBalancer(JSON.parse(readFileSync(configFile, 'utf8')) as LoadBalancerConfig);
const delay = monitorEventLoopDelay({ resolution: 10 });
await balancer.listen();
delay.enable();
process.stdout.write('ready\n');

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  if ('deregister' in order) balancer.deregister(order.deregister);
  else {
    const [address = '', port = ''] = order.register.split(':');
    balancer.register(address, Number(port));
  }
}
const late = (nanoseconds: number) => Math.round(Math.max(0, nanoseconds / 1e6 - 10) * 10) / 10;
const result: ProxyResult = {
  entries: balancer.entries,
  healthChanges: balancer.healthChanges,
  lateMs: { p99: late(delay.percentile(99)), max: late(delay.max) },
};
writeFileSync(resultFile, JSON.stringify(result));
balancer.close();
process.exit(0);
