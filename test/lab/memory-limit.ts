/** A memory limit by a control group, of either version: the kernel kills what needs more. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const V1 = '/sys/fs/cgroup/memory';
const V2 = '/sys/fs/cgroup';

export class MemoryLimit {
  private readonly folder: string;
  private readonly folders: string[] = [];
  private readonly isOld = existsSync(V1);

  constructor(name: string) {
    this.folder = join(this.isOld ? V1 : V2, name);
  }

  /** Puts a process that has not forked yet under the limit, with all that it will start. */
  limit(pid: number, megabytes: number): void {
    const folder = `${this.folder}-${pid}`;
    mkdirSync(folder);
    this.folders.push(folder);
    writeFileSync(join(folder, this.isOld ? 'memory.limit_in_bytes' : 'memory.max'), String(megabytes * 2 ** 20));
    writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  }

  /** Once its processes are gone. */
  remove(): void {
    for (const folder of this.folders.splice(0)) {
      try {
        rmdirSync(folder);
      } catch {
        // A process that has just been killed may still be in it; an empty group costs nothing.
      }
    }
  }
}
