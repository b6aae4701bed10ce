/** What the lab lacks on this machine, as one sentence; null when it can run. Installs what npm and pip give. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { installed, type LabServer } from './servers.ts';

const NODE_MAJORS = [18, 20, 22, 24];
const TOOLS: Record<string, string> = {
  ip: 'iproute2',
  nft: 'nftables',
  bash: 'bash',
  python3: 'python3-venv',
  openssl: 'openssl',
};

export function missingFor(servers: readonly LabServer[]): string | null {
  if (process.platform !== 'linux') return 'The lab needs Linux: it builds network namespaces.';
  if (process.getuid?.() !== 0) return 'The lab needs root, for network namespaces: run sudo npm run lab.';
  const packages = [
    ...Object.entries(TOOLS).flatMap(([command, name]) => (isInstalled(command) ? [] : [name])),
    ...servers.flatMap(({ debian }) => (debian === null || isInstalled(debian.command) ? [] : [debian.package])),
  ];
  if (packages.length === 0) return null;
  return `The lab lacks Debian packages: run apt-get install --no-install-recommends ${[...new Set(packages)].join(' ')}.`;
}

/** A command of the path, or a file. */
export const isInstalled = (command: string) =>
  command.startsWith('/')
    ? existsSync(command)
    : (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, command)));

/** Once: Node.js of each major version, Express, and two Python environments. */
export function installServers(): void {
  const run = (command: string, args: string[], cwd = installed) =>
    execFileSync(command, args, { cwd, stdio: 'inherit' });
  const once = (name: string, install: (folder: string) => void) => {
    const folder = join(installed, name);
    const mark = join(folder, '.installed');
    if (existsSync(mark)) return;
    mkdirSync(folder, { recursive: true });
    install(folder);
    run('touch', [mark]);
  };
  // From inside the folder: npm takes a name that is also a folder beside it for that folder.
  const npm = (folder: string, what: string) =>
    run(
      'npm',
      ['install', '--silent', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', folder, what],
      folder,
    );
  for (const major of NODE_MAJORS)
    once(`node-${major}`, (folder) => npm(folder, `node-linux-${process.arch}@${major}`));
  once('express', (folder) => npm(folder, 'express'));
  const venv = (folder: string, packages: string[]) => {
    run('python3', ['-m', 'venv', folder]);
    run(join(folder, 'bin/pip'), ['--quiet', 'install', ...packages]);
  };
  once('python', (folder) => venv(folder, ['gunicorn', 'uvicorn', 'hypercorn', 'waitress']));
  // The last one before its arbiter changed, with the package resources it imports.
  once('python-2021', (folder) => venv(folder, ['gunicorn==20.1.0', 'setuptools<81']));
}
