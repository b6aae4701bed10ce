/**
 * Namespaces of one capture: a bridge in one, the load balancer, the clients and each target in others. Nothing leads outside: there is
 * no route but the one to the bridge.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

export class LabNetwork {
  private readonly tag: string;
  private readonly hosts = new Map<string, string>();
  private readonly children: ChildProcess[] = [];

  /** The tag keeps captures apart that run at once; letters and digits, at most 6. */
  constructor(tag: string) {
    this.tag = tag;
    this.remove();
    ip('netns', 'add', this.nameOf('wire'));
    ip('-n', this.nameOf('wire'), 'link', 'add', 'bridge', 'type', 'bridge', 'forward_delay', '0');
    ip('-n', this.nameOf('wire'), 'link', 'set', 'bridge', 'up');
  }

  /** A host with these addresses, reached by any of them. */
  addHost(name: string, addresses: readonly string[]): void {
    const space = this.nameOf(name);
    const port = `p${this.hosts.size}`;
    ip('netns', 'add', space);
    ip('-n', this.nameOf('wire'), 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    ip('-n', this.nameOf('wire'), 'link', 'set', port, 'master', 'bridge', 'up');
    ip('-n', space, 'link', 'set', 'lo', 'up');
    ip('-n', space, 'link', 'set', 'eth0', 'up');
    for (const address of addresses) ip('-n', space, 'addr', 'add', `${address}/32`, 'dev', 'eth0');
    ip('-n', space, 'route', 'add', 'default', 'dev', 'eth0');
    this.hosts.set(name, space);
  }

  /** Starts a program on a host, as the leader of a process group. */
  start(host: string, command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.nameOf(host), ...command], { detached: true, ...options });
    this.children.push(child);
    return child;
  }

  /** Runs a command on a host to its end. */
  run(host: string, command: readonly string[]): void {
    ip('netns', 'exec', this.nameOf(host), ...command);
  }

  /** nftables rules for what comes in on a host, such as `tcp dport 8080 drop`; none removes them. */
  filterInput(host: string, rules: readonly string[]): void {
    this.run(host, ['nft', 'flush', 'ruleset']);
    if (rules.length === 0) return;
    this.run(host, ['nft', 'add', 'table', 'inet', 'lab']);
    this.run(host, ['nft', 'add chain inet lab input { type filter hook input priority 0 ; }']);
    for (const rule of rules) this.run(host, ['nft', `add rule inet lab input ${rule}`]);
  }

  /** The host is cut off, as a machine that lost power: no packet comes or goes. */
  cutOff(host: string): void {
    ip('-n', this.nameOf(host), 'link', 'set', 'eth0', 'down');
  }

  /** Ends what runs in the namespaces and removes them. */
  close(): void {
    for (const child of this.children) killGroup(child, 'SIGKILL');
    this.remove();
  }

  private remove(): void {
    const existing = ip('netns', 'list')
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '')
      .filter((name) => name.startsWith(this.nameOf('')));
    for (const name of existing) {
      // Another run may have removed it meanwhile.
      if (!existsSync(`/run/netns/${name}`)) continue;
      for (const pid of ip('netns', 'pids', name).split('\n').filter(Boolean)) kill(Number(pid), 'SIGKILL');
      ip('netns', 'del', name);
    }
  }

  private nameOf(host: string): string {
    return `lab-${this.tag}-${host}`;
  }
}

/** Signals a program and what it started; a program that is gone is fine. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) kill(-child.pid, signal);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const ip = (...args: string[]): string =>
  execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
