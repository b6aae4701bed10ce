/** Reads one response of a target from the bytes of its connection: head, framing of the body, and what a load balancer does not accept. */

export interface ResponseHead {
  status: number;
  headers: [name: string, value: string][];
  bytes: Buffer;
  /** The connection can carry another request afterwards. */
  isReusable: boolean;
}

export type ResponseFault = 'malformed-response' | 'response-header-too-large';

/** Largest header section of a response, bytes. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html */
const MOST_HEADER_BYTES = 32 * 1024;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/;

type Framing = { kind: 'none' } | { kind: 'length'; left: number } | { kind: 'chunked' } | { kind: 'until-close' };

export class ResponseReader {
  head: ResponseHead | null = null;
  fault: ResponseFault | null = null;
  /** The whole response was read. */
  isComplete = false;
  private readonly isHead: boolean;
  private pending = Buffer.alloc(0);
  private framing: Framing = { kind: 'none' };
  private chunkLeft: number | null = null;

  constructor(method: string) {
    this.isHead = method === 'HEAD';
  }

  /** Bytes of the body among `chunk`, as they are on the wire. */
  push(chunk: Buffer): Buffer {
    if (this.fault !== null || this.isComplete) return Buffer.alloc(0);
    if (this.head !== null) return this.body(chunk);
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      const end = this.pending.indexOf('\r\n\r\n');
      if (end > MOST_HEADER_BYTES || (end < 0 && this.pending.length > MOST_HEADER_BYTES))
        this.fault = 'response-header-too-large';
      else if (end < 0 && this.pending.length > 0 && !couldBegin(this.pending)) this.fault = 'malformed-response';
      if (end < 0 || this.fault !== null) return Buffer.alloc(0);
      const rest = this.pending.subarray(end + 4);
      this.readHead(this.pending.subarray(0, end));
      this.pending = Buffer.alloc(0);
      if (this.head !== null) return this.body(rest);
      if (this.fault !== null) return Buffer.alloc(0);
      // 100 Continue and its like come before the response.
      this.pending = rest;
    }
  }

  /** The target closed. Whether the response is whole by that. */
  finish(): boolean {
    if (this.head !== null && this.framing.kind === 'until-close') this.isComplete = true;
    return this.isComplete;
  }

  private readHead(bytes: Buffer): void {
    const [first = '', ...lines] = bytes.toString('latin1').split('\r\n');
    const status = STATUS_LINE.exec(first);
    const headers = lines.map((line) => HEADER_LINE.exec(line));
    if (status === null || headers.includes(null)) {
      this.fault = 'malformed-response';
      return;
    }
    const code = Number(status[2]);
    if (code < 200) return;
    const pairs = headers.map((match): [string, string] => [match?.[1] ?? '', match?.[2] ?? '']);
    const valuesOf = (name: string) => pairs.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
    const framing = framingOf(this.isHead || code === 204 || code === 304, valuesOf);
    if (framing === null) {
      this.fault = 'malformed-response';
      return;
    }
    this.framing = framing;
    const connection = valuesOf('connection').join(',').toLowerCase();
    const isReusable =
      framing.kind !== 'until-close' &&
      !connection.includes('close') &&
      (status[1] === '1' || connection.includes('keep-alive'));
    this.head = { status: code, headers: pairs, bytes, isReusable };
    if (framing.kind === 'none' || (framing.kind === 'length' && framing.left === 0)) this.isComplete = true;
  }

  private body(chunk: Buffer): Buffer {
    const { framing } = this;
    if (this.isComplete || framing.kind === 'none') return Buffer.alloc(0);
    if (framing.kind === 'until-close') return chunk;
    if (framing.kind === 'length') {
      const own = chunk.subarray(0, framing.left);
      framing.left -= own.length;
      this.isComplete = framing.left === 0;
      return own;
    }
    this.chunks(chunk);
    return chunk;
  }

  private chunks(chunk: Buffer): void {
    let data = Buffer.concat([this.pending, chunk]);
    if (this.chunkLeft === null) this.chunkLeft = 0;
    for (;;) {
      if (this.chunkLeft > 0) {
        const used = Math.min(this.chunkLeft, data.length);
        this.chunkLeft -= used;
        data = data.subarray(used);
        if (this.chunkLeft > 0) break;
      }
      const end = data.indexOf('\r\n');
      if (end < 0) break;
      const size = Number.parseInt(data.subarray(0, end).toString('latin1'), 16);
      if (!(size >= 0)) {
        this.isComplete = true;
        break;
      }
      if (size === 0) {
        this.isComplete = data.includes('\r\n\r\n');
        if (this.isComplete) data = Buffer.alloc(0);
        break;
      }
      data = data.subarray(end + 2);
      // The line end after the data belongs to the chunk.
      this.chunkLeft = size + 2;
    }
    this.pending = Buffer.from(data);
  }
}

const couldBegin = (bytes: Buffer) => {
  const start = bytes.subarray(0, 7).toString('latin1');
  return 'HTTP/1.'.startsWith(start) || start.startsWith('HTTP/1.');
};

/** Null: two lengths that differ, or a transfer coding that is not chunked once. */
function framingOf(isBodiless: boolean, valuesOf: (name: string) => string[]): Framing | null {
  const lengths = valuesOf('content-length');
  const codings = valuesOf('transfer-encoding');
  if (new Set(lengths).size > 1 || codings.length > 1) return null;
  if (lengths.some((length) => !/^\d+$/.test(length))) return null;
  if (codings.length === 1 && codings[0]?.toLowerCase() !== 'chunked') return null;
  if (isBodiless) return { kind: 'none' };
  if (codings.length === 1) return { kind: 'chunked' };
  return lengths.length > 0 ? { kind: 'length', left: Number(lengths[0]) } : { kind: 'until-close' };
}
