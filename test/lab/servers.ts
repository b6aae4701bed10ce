/**
 * The servers of the lab, as apt, pip and npm give them, with their own defaults. What npm and pip give is installed once into .lab/ of the
 * checkout; Debian packages must be there.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface ServerOptions {
  port: number;
  /** Where it may write. */
  folder: string;
  /** Settings of the program, such as IDLE_TIMEOUT. */
  env?: Record<string, string>;
  /** More arguments for the server, such as --timeout 5. */
  args?: readonly string[];
}

export interface LabServer {
  id: string;
  /** As its users call it. */
  name: string;
  /** The Debian package whose command it needs; null when npm or pip gives it. */
  debian: { package: string; command: string } | null;
  version: () => string;
  /** False: it answers at once, whatever work a request asks for. */
  works?: false;
  /** The setting that determines the measured time, or why there is none. */
  setting: string;
  command: (options: ServerOptions) => { command: string[]; env: Record<string, string> };
}

const root = join(import.meta.dirname, '../..');
export const installed = join(root, '.lab');
const programs = join(import.meta.dirname, 'programs');
const python = (venv: string, command: string) => join(installed, venv, 'bin', command);
const node = (major: number) => join(installed, `node-${major}/node_modules/node-linux-${process.arch}/bin/node`);

function firstMatch(pattern: RegExp, command: string, ...args: string[]): string {
  const text = execFileSync('sh', ['-c', '"$0" "$@" 2>&1', command, ...args], { encoding: 'utf8' });
  return pattern.exec(text)?.[1] ?? '?';
}
const NUMBERS = /(\d+(?:\.\d+)+)/;

function nodeServer(
  major: number,
  more: { id: string; name: string; env: Record<string, string> } | null = null,
): LabServer {
  return {
    id: more?.id ?? `node-${major}`,
    name: more?.name ?? 'Node.js',
    debian: null,
    version: () => firstMatch(NUMBERS, node(major), '--version'),
    setting: 'server.keepAliveTimeout',
    command: ({ port, env = {} }) => ({
      command: [node(major), join(programs, 'app.mjs')],
      env: { PORT: String(port), ...more?.env, ...env },
    }),
  };
}

function pythonServer(
  id: string,
  name: string,
  venv: string,
  setting: string,
  args: (port: number) => string[],
): LabServer {
  return {
    id,
    name,
    debian: null,
    version: () => firstMatch(NUMBERS, python(venv, 'pip'), 'show', (args(0)[0] ?? '').replace('-serve', '')),
    setting,
    command: ({ port, env = {}, args: more = [] }) => {
      const [command = '', ...rest] = args(port);
      return {
        command: [python(venv, command), ...rest, ...more],
        env: { PYTHONPATH: programs, PYTHONDONTWRITEBYTECODE: '1', ...env },
      };
    },
  };
}

const gunicorn = (port: number) => ['gunicorn', '--bind', `0.0.0.0:${port}`, 'app:application'];

/** Writes a file of configuration into the folder of the server. */
function written(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const nginxConfiguration = (port: number, folder: string, extra: string) => `daemon off;
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  log_format trace 'end $http_x_amzn_trace_id';
  access_log /dev/stdout trace;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${extra}
  server {
    listen ${port};
    location / { default_type application/json; return 200 '{"items":"${'x'.repeat(200)}"}'; }
  }
}
`;

const PHP_FPM = 'php-fpm8.2';

const phpNginxConfiguration = (port: number, folder: string) =>
  nginxConfiguration(port, folder, '').replace(
    /location \/ \{.*\}\n/,
    `location / { include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME ${join(programs, 'index.php')}; fastcgi_pass 127.0.0.1:9000; }\n`,
  );

const phpConfiguration = (settings: string) => `[global]
error_log = /dev/stderr
daemonize = no
[lab]
listen = 127.0.0.1:9000
user = root
group = root
pm = static
pm.max_children = 6
catch_workers_output = yes
decorate_workers_output = no
${settings}
`;

const apacheConfiguration = (port: number, folder: string) => `ServerRoot /etc/apache2
PidFile ${folder}/apache.pid
Mutex file:${folder} default
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/error.log
ServerName lab
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LogFormat "end %{X-Amzn-Trace-Id}i" trace
CustomLog /dev/stdout trace
Listen ${port}
DocumentRoot ${folder}/www
AliasMatch ^/.* ${folder}/www/index.html
<Directory ${folder}/www>
  Require all granted
</Directory>
`;

const tomcatClassPath = [
  '/usr/share/tomcat10/lib/*',
  '/usr/share/tomcat10/bin/*',
  '/usr/share/java/tomcat10-embed-core.jar',
];
const jettyClassPath = [
  ...['server', 'servlet', 'http', 'io', 'util'].map((part) => `/usr/share/java/jetty9-${part}.jar`),
  '/usr/share/java/servlet-api.jar',
];

function javaServer(
  id: string,
  name: string,
  debianPackage: string,
  jar: string,
  setting: string,
  program: string,
  classPath: string[],
  settings: string[] = [],
): LabServer {
  return {
    id,
    name,
    debian: { package: debianPackage, command: jar },
    version: () => firstMatch(/Version: (\d[\d.]*)/, 'dpkg', '-s', debianPackage),
    setting,
    command: ({ port, env = {}, args = [] }) => ({
      command: [
        'java',
        '-Xmx128m',
        '-cp',
        javaClasses(program, classPath),
        program,
        String(port),
        ...settings,
        ...args,
      ],
      env,
    }),
  };
}

export const servers: readonly LabServer[] = [
  nodeServer(18),
  nodeServer(20),
  nodeServer(22),
  nodeServer(24),
  nodeServer(24, { id: 'express', name: 'Express on Node.js', env: { EXPRESS: join(installed, 'express') } }),
  pythonServer('gunicorn-sync', 'gunicorn, sync workers', 'python', 'none: it closes after each response', (port) => [
    ...gunicorn(port),
    '--workers',
    '2',
  ]),
  pythonServer('gunicorn-gthread', 'gunicorn, threads', 'python', '--keep-alive', (port) => [
    ...gunicorn(port),
    '--threads',
    '8',
  ]),
  pythonServer(
    'gunicorn-20.1-sync',
    'gunicorn 20.1, sync workers',
    'python-2021',
    'none: it closes after each response',
    (port) => [...gunicorn(port), '--workers', '2'],
  ),
  pythonServer('gunicorn-20.1-gthread', 'gunicorn 20.1, threads', 'python-2021', '--keep-alive', (port) => [
    ...gunicorn(port),
    '--threads',
    '8',
  ]),
  pythonServer('uvicorn', 'uvicorn', 'python', '--timeout-keep-alive', (port) => [
    'uvicorn',
    '--host',
    '0.0.0.0',
    '--port',
    String(port),
    '--no-access-log',
    'app:asgi',
  ]),
  pythonServer('hypercorn', 'hypercorn', 'python', 'keep_alive_timeout', (port) => [
    'hypercorn',
    '--bind',
    `0.0.0.0:${port}`,
    'app:asgi',
  ]),
  pythonServer('waitress', 'waitress', 'python', 'channel_timeout', (port) => [
    'waitress-serve',
    `--port=${port}`,
    'app:application',
  ]),
  {
    id: 'puma',
    name: 'Puma',
    debian: { package: 'puma', command: '/usr/bin/puma' },
    version: () => firstMatch(NUMBERS, 'puma', '--version'),
    setting: 'persistent_timeout',
    command: ({ port, folder, env = {}, args = [] }) => ({
      command: [
        'puma',
        '--bind',
        `tcp://0.0.0.0:${port}`,
        '--environment',
        'production',
        ...args,
        join(programs, 'config.ru'),
      ],
      env: { HOME: folder, ...env },
    }),
  },
  {
    id: 'go',
    name: 'Go net/http',
    debian: { package: 'golang-go', command: 'go' },
    version: () => firstMatch(NUMBERS, 'go', 'version'),
    setting: 'http.Server.IdleTimeout',
    command: ({ port, env = {} }) => ({ command: [goProgram()], env: { PORT: String(port), ...env } }),
  },
  {
    id: 'nginx',
    works: false,
    name: 'nginx',
    debian: { package: 'nginx-light', command: 'nginx' },
    version: () => firstMatch(NUMBERS, 'nginx', '-v'),
    setting: 'keepalive_timeout',
    command: ({ port, folder, args = [], env = {} }) => ({
      command: ['nginx', '-c', written(folder, 'nginx.conf', nginxConfiguration(port, folder, args.join('\n  ')))],
      env,
    }),
  },
  {
    id: 'php-fpm',
    name: 'nginx with PHP-FPM',
    debian: { package: 'php-fpm', command: PHP_FPM },
    version: () => firstMatch(NUMBERS, PHP_FPM, '-v'),
    setting: 'keepalive_timeout of nginx',
    command: ({ port, folder, args = [], env = {} }) => {
      const nginx = written(folder, 'nginx.conf', phpNginxConfiguration(port, folder));
      const php = written(folder, 'php-fpm.conf', phpConfiguration(args.join('\n')));
      return { command: ['bash', '-c', `${PHP_FPM} -F -R -y ${php} & exec nginx -c ${nginx}`], env };
    },
  },
  {
    id: 'apache',
    works: false,
    name: 'Apache httpd',
    debian: { package: 'apache2', command: 'apache2' },
    version: () => firstMatch(NUMBERS, 'apache2', '-v'),
    setting: 'KeepAliveTimeout',
    command: ({ port, folder, env = {}, args = [] }) => {
      written(join(folder, 'www'), 'index.html', `{"items":"${'x'.repeat(200)}"}`);
      const file = written(folder, 'apache.conf', `${apacheConfiguration(port, folder)}${args.join('\n')}\n`);
      return { command: ['apache2', '-D', 'FOREGROUND', '-f', file], env };
    },
  },
  javaServer(
    'tomcat',
    'Tomcat as Debian configures it',
    'tomcat10',
    '/usr/share/tomcat10/lib/catalina.jar',
    'connectionTimeout of server.xml',
    'TomcatLab',
    tomcatClassPath,
    // As its server.xml has it.
    ['20000'],
  ),
  javaServer(
    'tomcat-embedded',
    'Tomcat, embedded as in Spring Boot',
    'libtomcat10-embed-java',
    '/usr/share/java/tomcat10-embed-core.jar',
    'server.tomcat.keep-alive-timeout',
    'TomcatLab',
    tomcatClassPath,
  ),
  javaServer(
    'jetty',
    'Jetty',
    'libjetty9-java',
    '/usr/share/java/jetty9-server.jar',
    'idleTimeout',
    'JettyLab',
    jettyClassPath,
  ),
];

export function serverOf(id: string): LabServer {
  const found = servers.find((server) => server.id === id);
  if (found === undefined)
    throw new RangeError(`No server is named ${id}. There are: ${servers.map(({ id: other }) => other).join(', ')}`);
  return found;
}

function goProgram(): string {
  const file = join(installed, 'go-app');
  if (!existsSync(file)) execFileSync('go', ['build', '-o', file, join(programs, 'main.go')], { stdio: 'inherit' });
  return file;
}

/** Compiled once; returns the class path. */
function javaClasses(program: string, classPath: readonly string[]): string {
  const folder = join(installed, 'java');
  const path = classPath.join(':');
  if (!existsSync(join(folder, `${program}.class`)))
    execFileSync('javac', ['-nowarn', '-d', folder, '-cp', path, join(programs, `${program}.java`)], {
      stdio: 'inherit',
    });
  return `${folder}:${path}`;
}
