/**
 * Generates lines that are harder to read than those of generate.ts, in the same files of five minutes for each of four
 * nodes.
 *
 *  - about 1,000 bytes a line: URLs with long queries, some thousand user agents of 60 to 260 characters, three TLS
 *    protocols
 *  - 300,000 clients, one in six of them IPv6: nearly every error has another client
 *  - 8 target groups with 240 targets, most of them cold: a quarter of the targets answer nearly everything
 *  - 60 routes with ids, matrix parameters and paths that scanners try; one in 500 requests is malformed, and one in 300
 *    has an odd user agent
 *  - files of two other load balancers in the folder, with a quarter as many lines
 *  - 1 % errors on every target: refused, closed, timed out, sent by the target, and clients that give up
 */
import { randomFrom } from './random.ts';

const ACCOUNT = '123456789012';
const REGION = 'eu-west-1';
const WORDS =
  'account basket catalog checkout customer delivery discount export filter gallery history invoice item label list media notice offer order page payment picture price product profile rating refund region report result review search session settings shipment shop status stock summary ticket upload user variant voucher warehouse wishlist'.split(
    ' ',
  );
const word = (n: number): string => WORDS[n % WORDS.length] ?? 'item';

const GROUPS = Array.from({ length: 8 }, (_, n) => ({
  arn: `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:targetgroup/${word(n * 5)}-production-blue/${(0x50dc6c495c0c9188n + BigInt(n)).toString(16)}`,
  targets: Array.from({ length: 30 }, (_, host) => `10.${20 + n}.${host % 3}.${10 + host * 5}:${8080 + n}`),
}));

/** # is a number, @ a UUID, ~ 32 hexadecimal characters. */
const ROUTES = Array.from({ length: 60 }, (_, n) => ({
  method: n % 5 === 1 ? 'POST' : n % 11 === 3 ? 'PUT' : 'GET',
  path: `/api/v${1 + (n % 3)}/${word(n)}s/${['#', '@', '~', 'latest', '#/history'][n % 5]}/${word(n * 7 + 3)}${n % 9 === 4 ? ';view=full;page=#' : ''}${n % 4 === 2 ? '/@' : ''}`,
  group: n % GROUPS.length,
  ms: 3 + ((n * 37) % 400),
}));
const PROBED = ['/wp-login.php', '/.env', '/phpmyadmin/index.php', '/cgi-bin/luci', '/vendor/phpunit/eval-stdin.php'];

const AGENTS = Array.from({ length: 3000 }, (_, n) => {
  const version = `${100 + (n % 43)}.0.${6000 + ((n * 131) % 1500)}.${n % 220}`;
  const app = `ShopApp/${8 + (n % 3)}.${n % 40}.${n % 7} (com.example.shop; build:${41_000 + n}; ${n % 2 === 0 ? 'iOS 18' : 'Android 15'}.${n % 6}) Alamofire/5.10.${n % 4}`;
  const browser = `Mozilla/5.0 (Linux; Android ${10 + (n % 6)}; SM-${'AGSX'[n % 4]}${500 + (n % 480)}B Build/TP1A.${220_000 + n}.0${n % 10}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/${version} Mobile Safari/537.36`;
  const inApp = ` [FBAN/EMA;FBLC/en_US;FBAV/${300 + (n % 150)}.0.0.${n % 90};FBCX/modulariab;]`;
  return n % 4 === 0 ? app : n % 3 === 0 ? browser + inApp : browser;
});
const ODD_AGENTS = ['-', 'curl \\x22quoted\\x22', 'Caf\u00e9/1.0 (\u65e5\u672c)', 'a'.repeat(900)];

/** The first is the one in question; `share` of its lines. */
export const HEAVY_LOAD_BALANCERS = [
  { name: 'storefront-production', id: '50dc6c495c0c9188', share: 1 },
  { name: 'storefront-staging', id: '9aa3f1b27c44d0e1', share: 0.15 },
  { name: 'k8s-intranet-tools-5f1f0d62aa', id: '1b9e2f4c8d7a6b50', share: 0.1 },
] as const;

export interface HeavyFile {
  node: string;
  /** Epoch milliseconds. */
  from: number;
  /** Milliseconds. */
  interval: number;
  count: number;
  seed: number;
  loadBalancer: { name: string; id: string };
}

/** A failed request: request, target and response time, status, and the target's own status; wall time in seconds. */
type Outcome = { times: [number, number, number]; elb: string; own: string; wall: number };

/** `chance`: 0 to 1. One request in a hundred fails. */
function outcomeOf(chance: number, ms: number, isCold: boolean, random: () => number): Outcome {
  const took = (ms * (0.4 + random() * random() * 3)) / 1000;
  const made = (status: string): Outcome => ({ times: [0.001, took, 0], elb: status, own: status, wall: took });
  if (chance >= 0.01) return made(chance < 0.03 ? '404' : chance < 0.06 ? '304' : chance < 0.1 ? '201' : '200');
  if (chance < 0.002) return made(isCold ? '503' : '500');
  const none: [number, number, number] = [-1, -1, -1];
  if (chance < 0.0035) return { times: none, elb: '502', own: '-', wall: 0.002 + random() * 0.002 };
  if (chance < 0.007) return { times: [0, random() * 0.4, -1], elb: '502', own: '-', wall: 0.4 };
  if (chance < 0.008) return { times: none, elb: '504', own: '-', wall: 10.001 };
  if (chance < 0.009) return { times: [0.001, -1, -1], elb: '504', own: '-', wall: 60.001 };
  return { times: [0.001, -1, -1], elb: '460', own: '-', wall: 5 + random() * 20 };
}

/** The text of one file. The same numbers give the same text. */
export function heavyFileText({ node, from, interval, count, seed, loadBalancer }: HeavyFile): string {
  const random = randomFrom(seed * 7919 + 3);
  const int = (below: number) => Math.floor(random() * below);
  const hex = (length: number) => {
    let text = '';
    while (text.length < length) text += (0x1_0000_0000 + int(0x1_0000_0000)).toString(16).slice(1);
    return text.slice(0, length);
  };
  const filled = (path: string) =>
    path.replace(/[#@~]/g, (kind) =>
      kind === '#'
        ? String(1000 + int(9_000_000))
        : kind === '~'
          ? hex(32)
          : `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    );
  const clientOf = (who: number) =>
    who % 6 === 0
      ? `[2001:db8:${(who >> 8).toString(16)}::${(who & 255).toString(16)}:${(who % 251).toString(16)}]`
      : `${20 + (who % 180)}.${(who >> 4) % 256}.${(who * 7) % 256}.${(who * 131) % 256}`;

  const lines: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const arrival = from + ((n + random()) * interval) / count;
    const route = ROUTES[Math.floor(random() ** 2 * ROUTES.length)];
    const group = GROUPS[route?.group ?? 0];
    // The cube gives the first quarter of the targets 63 % of the requests, and the last quarter 9 %.
    const host = Math.floor(random() ** 3 * 30);
    const target = group?.targets[host];
    if (route === undefined || group === undefined || target === undefined) throw new Error('nothing to choose from');
    const { times, elb, own, wall } = outcomeOf(random(), route.ms, host > 20, random);
    const created = Math.floor(arrival);
    const ended = arrival + wall * 1000;
    const kind = random();
    const isMalformed = kind < 0.002;
    const isProbe = kind > 0.99;
    const path = isProbe ? (PROBED[int(PROBED.length)] ?? '/') : filled(route.path);
    const query =
      random() < 0.8
        ? `?utm_source=${word(int(48))}&utm_campaign=${word(int(48))}-${int(90)}&session=${hex(32)}&filter%5Bprice%5D=${int(900)}&sort=${word(int(48))}&t=${created}${int(1000)}`
        : '';
    const http2 = random() < 0.6;
    const agent =
      random() < 1 / 300
        ? (ODD_AGENTS[int(ODD_AGENTS.length)] ?? '-')
        : (AGENTS[Math.floor(random() ** 2 * AGENTS.length)] ?? '-');
    const [rpt, tpt, rspt] = times.map((value) => (value < 0 ? '-1' : value.toFixed(3)));
    const iso = new Date(ended).toISOString();
    const micros = String(Math.floor((ended % 1) * 1000)).padStart(3, '0');
    const client = `${clientOf(Math.floor(random() ** 2 * 300_000))}:${1024 + int(64_000)}`;
    const tls = random() < 0.7 ? 'TLS_AES_128_GCM_SHA256 TLSv1.3' : 'ECDHE-RSA-AES256-GCM-SHA384 TLSv1.2';
    const root = `Root=1-${Math.floor(created / 1000).toString(16)}-${hex(24)}`;
    const start = `${http2 ? 'h2' : 'https'} ${iso.slice(0, 23)}${micros}Z app/${loadBalancer.name}/${loadBalancer.id} ${client}`;
    const host443 = 'https://www.storefront.example.com:443';
    const end = `TID_${hex(32)} "-" "-" "-" ${node}\n`;
    if (isMalformed) {
      lines.push(
        `${start} - -1 -1 -1 400 - 0 ${200 + int(400)} "- ${host443}- -" "-" - - - "-" "-" "-" - ${new Date(created).toISOString().slice(0, 23)}000Z "-" "-" "-" "-" "-" "-" "-" ${end}`,
      );
      continue;
    }
    lines.push(
      `${start} ${target} ${rpt} ${tpt} ${rspt} ${elb} ${own} ${80 + int(6000)} ${200 + int(400_000)} ` +
        `"${isProbe ? 'GET' : route.method} ${host443}${path}${query} HTTP/${http2 ? '2.0' : '1.1'}" "${agent}" ${tls} ${group.arn} "${root}" "www.storefront.example.com" ` +
        `"arn:aws:acm:${REGION}:${ACCOUNT}:certificate/7f3b1c52-6a1e-4f0d-9b57-2d1c3e4f5a6b" ${route.group * 10} ` +
        `${new Date(created).toISOString().slice(0, 23)}000Z "waf,forward" "-" "-" "${target}" "${own}" "-" "-" ${end}`,
    );
  }
  return lines.join('');
}
