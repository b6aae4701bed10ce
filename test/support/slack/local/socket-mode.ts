/** Slack's end of Socket Mode: tickets, connections, envelopes and their acknowledgements. */
import type { Server } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';

export type EnvelopeType = 'slash_commands' | 'interactive' | 'events_api';

/** What the bot answered, after so many milliseconds. */
export interface Acknowledgement {
  payload: Record<string, unknown>;
  milliseconds: number;
}

export interface Retry {
  attempt: number;
  reason: string;
}

export interface SocketMode {
  /** A URL that may be connected to once. */
  ticket(): string;
  connections(): number;
  /** Number of connections so far, including ended ones. */
  connected(): number;
  /** Sends to one of the connections; null if there is none, or without an acknowledgement in time. */
  send(type: EnvelopeType, payload: object, within: number, retry?: Retry): Promise<Acknowledgement | null>;
  /** Says so on every connection, as Slack does every few hours; the bot closes them. */
  disconnect(reason: 'warning' | 'refresh_requested' | 'link_disabled'): void;
  /** Ends every connection without a word. */
  drop(): void;
  close(): void;
}

interface Waiting {
  connection: WebSocket;
  since: number;
  /** Null where nothing can come any more. */
  ended(answer: Acknowledgement | null): void;
}

const LINK = '/link/';

export function socketMode(server: Server, origin: () => string, changed: () => void): SocketMode {
  const sockets = new WebSocketServer({ noServer: true });
  const tickets = new Set<string>();
  const open: WebSocket[] = [];
  const waiting = new Map<string, Waiting>();
  let [issued, sent, connected] = [0, 0, 0];

  server.on('upgrade', (request, socket, head) => {
    const ticket = request.url?.startsWith(LINK) ? request.url.slice(LINK.length) : '';
    if (!tickets.delete(ticket)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (connection) => {
      open.push(connection);
      connected += 1;
      connection.on('close', () => {
        open.splice(open.indexOf(connection), 1);
        for (const one of [...waiting.values()]) if (one.connection === connection) one.ended(null);
        changed();
      });
      connection.on('message', (data) => received(JSON.parse(String(data))));
      connection.on('error', () => connection.terminate());
      connection.send(
        JSON.stringify({
          type: 'hello',
          num_connections: open.length,
          debug_info: { host: 'local', build_number: 1, approximate_connection_time: 18_060 },
          connection_info: { app_id: 'A0ALB502' },
        }),
      );
      changed();
    });
  });

  function received({ envelope_id, payload }: { envelope_id?: string; payload?: Record<string, unknown> }): void {
    const one = waiting.get(envelope_id ?? '');
    one?.ended({ payload: payload ?? {}, milliseconds: performance.now() - one.since });
  }

  return {
    ticket: () => {
      issued += 1;
      tickets.add(`ticket-${issued}`);
      return `${origin().replace(/^http/, 'ws')}${LINK}ticket-${issued}`;
    },
    connections: () => open.length,
    connected: () => connected,
    send: (type, payload, within, retry) => {
      sent += 1;
      const id = `envelope-${sent}`;
      const connection = open[sent % open.length];
      if (connection === undefined) return Promise.resolve(null);
      return new Promise((resolve) => {
        const timer = setTimeout(() => ended(null), within);
        const ended = (answer: Acknowledgement | null): void => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(answer);
        };
        waiting.set(id, { connection, since: performance.now(), ended });
        connection.send(
          JSON.stringify({
            envelope_id: id,
            type,
            payload,
            accepts_response_payload: type !== 'events_api',
            ...(type === 'events_api' ? { retry_attempt: retry?.attempt ?? 0, retry_reason: retry?.reason ?? '' } : {}),
          }),
        );
      });
    },
    disconnect: (reason) => {
      const debug_info = { host: 'local' };
      for (const connection of open) connection.send(JSON.stringify({ type: 'disconnect', reason, debug_info }));
    },
    drop: () => {
      for (const connection of [...open]) connection.terminate();
    },
    close: () => {
      for (const connection of [...open]) {
        connection.close(1001);
        setTimeout(() => connection.terminate(), 200).unref();
      }
      sockets.close();
    },
  };
}
