/**
 * `npm run lab -- --cross-check`: the same faults behind our proxy and behind HAProxy. Statuses must be alike: a proxy of our own could
 * be wrong about HTTP where nobody looks. HAProxy has its own status for a refused connection (503) and its own limit for headers.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import { type Behavior, behaviors, targetThat } from './behaviors.ts';
import { isInstalled } from './missing.ts';
import { LoadBalancer } from './proxy/load-balancer.ts';

export interface Comparison {
  behavior: Behavior | 'refuses';
  ours: number;
  haproxy: number;
}

/** A refused connection is 503 there and 502 here, as AWS documents it. */
export const isAlike = ({ behavior, ours, haproxy }: Comparison): boolean =>
  behavior === 'refuses' ? ours === 502 && haproxy === 503 : ours === haproxy;

/** What to install first, as a sentence; null when HAProxy is there. */
export const missingForCrossCheck = (): string | null =>
  isInstalled('haproxy') ? null : 'The cross-check lacks HAProxy: run apt-get install haproxy.';

export async function crossCheck(): Promise<Comparison[]> {
  const compared: Comparison[] = [];
  for (const behavior of Object.keys(behaviors) as Behavior[]) {
    const { server, port } = await targetThat(behaviors[behavior]);
    compared.push({ behavior, ours: await throughOurs(port), haproxy: await throughHaproxy(port) });
    server.close();
  }
  const nobody = await freePort();
  compared.push({ behavior: 'refuses', ours: await throughOurs(nobody), haproxy: await throughHaproxy(nobody) });
  return compared;
}

const statusOf = async (port: number): Promise<number> => {
  const response = await fetch(`http://127.0.0.1:${port}/api/cart`, { headers: { Connection: 'close' } });
  await response.arrayBuffer().catch(() => undefined);
  return response.status;
};

async function throughOurs(target: number): Promise<number> {
  const port = await freePort();
  const proxy = new LoadBalancer(configurationFor(port, target));
  await proxy.listen();
  const status = await statusOf(port);
  proxy.close();
  return status;
}

/** One node and one target on 127.0.0.1, with an idle timeout of a second. */
export function configurationFor(port: number, target: number | null): LoadBalancer['config'] {
  return {
    delayMs: 1,
    loadBalancer: {
      name: 'lab',
      id: '0a1b2c3d4e5f6071',
      scheme: 'internal',
      listener: { protocol: 'HTTP', port },
      host: 'shop.example.com',
      idleTimeoutSeconds: 1,
      nodes: [{ zone: 'a', address: '127.0.0.1' }],
    },
    group: {
      name: 'api',
      id: '5566778899aabbcc',
      targetType: 'ip',
      protocol: 'HTTP',
      port: 8080,
      targets: target === null ? [] : [{ zone: 'a', address: '127.0.0.1', port: target }],
    },
  };
}

async function throughHaproxy(target: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'alb502-haproxy-'));
  const port = await freePort();
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(
    file,
    `defaults
  mode http
  timeout connect 10s
  timeout client 30s
  timeout server 1s
  retries 0
frontend lab
  bind 127.0.0.1:${port}
  default_backend targets
backend targets
  server target 127.0.0.1:${target}
`,
  );
  const haproxy: ChildProcess = spawn('haproxy', ['-f', file, '-db'], { stdio: 'ignore' });
  try {
    for (;;) {
      if (haproxy.exitCode !== null) throw new Error(`haproxy ended with ${haproxy.exitCode}`);
      try {
        return await statusOf(port);
      } catch {
        await sleep(50);
      }
    }
  } finally {
    haproxy.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
